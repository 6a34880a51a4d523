"""The audio tower of CLAP (HTSAT): a transformer that merges its tokens four to one from stage to stage."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk, Position
from otoscope.models.encoder import Encoder, Places, points_at
from otoscope.models.family import ModelRow, Request
from otoscope.models.hf.source import Kind, Source
from otoscope.models.hooks import HookPoint

__all__ = ["CLAP", "KINDS", "CLAPFrontEnd", "Folding", "build_clap"]

PLACES: Places = {
    "mlp": ["audio_encoder.layers.*.blocks.*.intermediate.intermediate_act_fn"],
    "residual": ["audio_encoder.layers.*.blocks.*"],
}
"""No "attention": its output is in windows, (clips * windows, positions, width)."""


@dataclass(frozen=True)
class Folding:
    """How a chunk's spectrogram becomes a square image, and the image the tokens of every stage.

    Time is stretched a little, from `frames` to `stretched` frames (1001 to 1024), so that the first and the
    last stay what they are. It is then cut into `segments` (4), which are stacked, each with its lowest band
    on top:

        segment 0, bands 0 to 63, frames 0 to 255
        segment 1, bands 0 to 63, frames 256 to 511
        ...

    and the image's patches are the tokens of stage 0, row by row. From stage to stage 2 x 2 tokens become
    one. A segment has a whole number of rows in every stage, so that no token mixes two.

    Attributes:
        bands: of the spectrogram.
        frames: of a chunk, before it is stretched.
        segments: pieces of time that lie one under the other.
        patch: bands and stretched frames of a token in stage 0.
        stages: how many there are.
    """

    bands: int
    frames: int
    segments: int
    patch: int
    stages: int

    @property
    def stretched(self) -> int:
        """Frames after stretching; the image is a square."""
        return self.bands * self.segments**2

    def side(self, stage: int) -> int:
        """Bands, and stretched frames, of a token."""
        return self.patch << stage

    def places(self, stage: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row (frequency) and column (time) of every token of a chunk, in the order of their positions."""
        side = self.side(stage)
        wide = self.stretched // self.segments // side
        segment, row, column = np.indices((self.segments, self.bands // side, wide))
        return row.ravel(), (segment * wide + column).ravel()

    def starts(self, stage: int) -> NDArray[np.float64]:
        """Where every column of tokens begins, and where the last one ends, in frames before stretching."""
        column = np.arange(0, self.stretched + 1, self.side(stage))
        return column * (self.frames - 1) / (self.stretched - 1)


class CLAPFrontEnd:
    """The library's `ClapFeatureExtractor`, without its random choices: one chunk of one clip at a time.

    Centred frames of 1024 samples every 480; mel bands in dB, without normalisation. A chunk that is not full
    is repeated as often as it fits, and filled up with silence (or otherwise, if the extractor says so).

    Args:
        extractor: the library's extractor. With its truncation "fusion" bands are on the HTK scale, else on
            Slaney's.
    """

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor
        self.sample_rate: int = extractor.sampling_rate
        self.window: int = extractor.fft_window_size
        self.hop: int = extractor.hop_length
        self.chunk: int = extractor.nb_max_samples
        self.settings: dict[str, Any] = {
            "front_end": "ClapFeatureExtractor",
            "sample_rate": self.sample_rate,
            "window": self.window,
            "hop": self.hop,
            "chunk": self.chunk,
            "bands": extractor.feature_size,
            "hz": [extractor.frequency_min, extractor.frequency_max],
            "scale": self._scale,
            "padding": extractor.padding,
        }

    @property
    def frames(self) -> int:
        """Frames of a chunk."""
        return self.chunk // self.hop + 1

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the bands lie: band b reaches from edge b to edge b + 2. Shape (bands + 2,)."""
        from transformers.audio_utils import hertz_to_mel, mel_to_hertz

        low, high = (hertz_to_mel(hz, self._scale) for hz in self.settings["hz"])
        mels = np.linspace(low, high, self.settings["bands"] + 2)
        return np.asarray(mel_to_hertz(mels, self._scale))

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-mel of up to a chunk of sound, in dB: (frames, bands)."""
        extractor = self._extractor
        # Not the whole extractor: of clips that all fit it draws one to be marked as longer, at random.
        # In fusion mode this gives four equal spectrograms, of which the model looks at the first.
        made, _ = extractor._get_input_mel(samples, self.chunk, extractor.truncation, extractor.padding)
        return np.asarray(made[0], dtype=np.float32)

    @property
    def _scale(self) -> str:
        return "htk" if self._extractor.truncation == "fusion" else "slaney"


class CLAP(Encoder):
    """CLAP's audio tower, without its projection; an `AudioModel` with a grid of tokens for every stage.

    It takes chunks of one length (10 s) only. The library crops longer clips at random; here they are cut
    into consecutive chunks, each heard as a clip of its own, and never marked as `is_longer`. What is left
    over at the end is heard from the length of one window of the front end (1024 samples) on.

    A chunk that is not full is repeated until it nearly is. Zeros with which a clip was padded are part of
    what is heard and repeated. A token counts if it begins before the sound ends: the tokens of repeats, of
    silence and of the clip's own padding do not.

    Args:
        module: a ClapAudioModel.
        points: where it is listened to.
        front: makes the spectrograms.
        folding: makes the tokens.
        name: the spec that makes the model again, or a label.
        embedding_size: width of the last stage.
        settings: what else its numbers depend on, besides front end and folding.
    """

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[HookPoint],
        *,
        front: CLAPFrontEnd,
        folding: Folding,
        name: str,
        embedding_size: int,
        settings: dict[str, Any],
    ) -> None:
        super().__init__(
            module,
            points,
            name=name,
            sample_rate=front.sample_rate,
            embedding_size=embedding_size,
            settings={"front_end": front.settings, "folding": asdict(folding), **settings},
        )
        self.front = front
        self.folding = folding

    @property
    def min_samples(self) -> int:
        """A window of the front end; of less than that every frame would hear several copies."""
        return self.front.window

    def length(self, samples: int) -> int:
        """Samples of the chunks that a clip takes up, filled up: each clip is filled up by itself."""
        self.check(samples)
        return len(self._chunks(samples)) * self.front.chunk

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        self.check(samples)
        sound = samples if real is None else real
        return sum(int(self._valid(sound, start, grid).sum()) for start in self._chunks(samples))

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks: inputs (clips, 1, frames, bands), on the device."""
        chunks = []
        for start in range(0, self.alike(waveforms), self.front.chunk):
            parts = [each.samples[start : start + self.front.chunk] for each in waveforms]
            inputs = torch.from_numpy(np.stack([self.front(part) for part in parts])[:, None])
            kinds = [
                torch.from_numpy(np.stack([self._kind(each.real, start, stage) for each in waveforms]))
                for stage in range(self.folding.stages)
            ]
            kind, *coarser = (kind.to(self.device) for kind in kinds)
            chunks.append(Chunk(inputs.to(self.device, self.dtype), kind, tuple(coarser)))
        return chunks

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the tower: the last stage's tokens after the norm, unfolded in time, (clips, tokens, width)."""
        longer = torch.zeros(chunk.clips, 1, dtype=torch.bool, device=self.device)
        last = torch.as_tensor(
            self.module(chunk.inputs, is_longer=longer)[0]
        )  # (clips, width, rows, columns)
        return last.flatten(2).transpose(1, 2)

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the pooled output, before its projection, over the chunks: (clips, width).

        For a clip of one chunk it is the library's `pooler_output`, the mean of all tokens, repeats and
        silence too. Of several chunks each has a say by how many of its tokens count.
        """
        pooled = torch.stack([feature.float().mean(1) for feature in features])
        say = torch.stack([(chunk.kind == Position.TOKEN).sum(1, keepdim=True) for chunk in chunks])
        return (pooled * say).sum(0) / say.sum(0)

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`.

        Frame f stands for the hop that begins at f * hop / sample_rate; tokens reach from the first of their
        frames to that of the next token, in time as it was before stretching. Tokens of repeats and silence
        lie where these lie: after the clip.
        """
        self.check(samples)
        row, column = self.folding.places(grid)
        # The last frame is centred on the end of the chunk, beyond which nothing is heard.
        times = np.minimum(self.folding.starts(grid) * self.front.hop, self.front.chunk)
        side, edges = self.folding.side(grid), self.front.band_edges()
        low, high = edges[row * side], edges[(row + 1) * side + 1]
        parts = [
            pd.DataFrame(
                {
                    "start_s": (start + times[column]) / self.sample_rate,
                    "stop_s": (start + times[column + 1]) / self.sample_rate,
                    "low_hz": low,
                    "high_hz": high,
                    "row": row,
                    "column": column + number * (len(times) - 1),
                }
            )
            for number, start in enumerate(self._chunks(samples))
        ]
        return pd.concat(parts, ignore_index=True).rename_axis("token").reset_index()

    def _chunks(self, samples: int) -> range:
        """The first sample of every chunk of a clip."""
        return range(0, samples - self.min_samples + 1, self.front.chunk)

    def _valid(self, real: int, start: int, stage: int) -> NDArray[np.bool_]:
        """Which tokens of the chunk that begins at a sample hold sound, of a clip with so much of it."""
        _, column = self.folding.places(stage)
        begins = self.folding.starts(stage)[column] * self.front.hop
        return begins < max(1, real) - start  # at least one, however little of a clip is sound

    def _kind(self, real: int, start: int, stage: int) -> NDArray[np.uint8]:
        """The `Position` of every token of a chunk."""
        valid = self._valid(real, start, stage)
        return np.where(valid, Position.TOKEN, Position.PADDING).astype(np.uint8)


def build_clap(source: Source, request: Request) -> CLAP:
    """Make the audio tower of a ClapModel, a ClapAudioModel or a ClapAudioModelWithProjection."""
    from transformers import ClapAudioModel

    bare = source.config.architectures == ["ClapAudioModel"]
    inner = getattr(source.config, "audio_config", None)
    source = source if inner is None else replace(source, config=inner)
    config: Any = source.config
    front = CLAPFrontEnd(_extractor(source))
    folding = _folding(source, front)
    prefixes = () if bare else ("audio_model.",)
    module = source.encoder(ClapAudioModel, pick=_itself, request=request, prefixes=prefixes)
    return CLAP(
        module,
        points_at(module, PLACES, request.hook, request.name),
        front=front,
        folding=folding,
        name=request.name,
        embedding_size=config.patch_embeds_hidden_size << (folding.stages - 1),
        settings={
            "heads": list(config.num_attention_heads),
            "window": config.window_size,
            "activation": config.hidden_act,
            "norm_eps": config.layer_norm_eps,
        },
    )


def _extractor(source: Source) -> Any:
    """The folder's extractor, with the number of bands that the model takes."""
    from transformers import ClapFeatureExtractor

    config: Any = source.config
    said = source.extractor(ClapFeatureExtractor)
    make: Any = ClapFeatureExtractor
    kept = ["sampling_rate", "hop_length", "max_length_s", "fft_window_size", "padding"]
    kept += ["frequency_min", "frequency_max"]
    return make(
        feature_size=config.num_mel_bins,
        # The default is for models with fusion; those without are not trained, nor run, on its spectrograms.
        truncation=said.truncation if config.enable_fusion else "rand_trunc",
        **{key: getattr(said, key) for key in kept},
    )


def _folding(source: Source, front: CLAPFrontEnd) -> Folding:
    """How the model folds its spectrograms.

    Raises:
        OtoscopeError: in a way that no token's place could be told of.
    """
    config: Any = source.config
    bands, size, stages = config.num_mel_bins, config.spec_size, len(config.depths)
    sides = {*np.atleast_1d(config.patch_size).tolist(), *np.atleast_1d(config.patch_stride).tolist()}
    patch = max(sides)
    folding = Folding(bands, front.frames, size // bands, patch, stages)
    whole = size % bands == 0 == bands % folding.side(stages - 1)
    if len(sides) > 1 or not whole or front.frames > folding.stretched:
        raise OtoscopeError(
            f"{source.place}: spec_size {size}, num_mel_bins {bands}, patch_size {config.patch_size}, "
            f"patch_stride {config.patch_stride} and {stages} stages on {front.frames} frames do not make "
            "tokens of one segment of time each; expected square patches without overlap, a spec_size that "
            f"is a multiple of num_mel_bins, that a multiple of patch_size * {1 << (stages - 1)}, and at "
            f"most {folding.stretched} frames; try `oto.wrap` on a module that you load yourself"
        )
    return folding


def _itself(module: nn.Module) -> nn.Module:
    return module


KINDS: tuple[Kind, ...] = (
    Kind(
        ("clap", "clap_audio_model"),
        ModelRow(
            "hf:PATH (CLAP)",
            "CLAP's audio tower (HTSAT), with or without projection and text tower, which is not read",
            example="hf:laion/clap-htsat-unfused",
            needs="otoscope[hf]; a folder or a name on the hub",
            layers="2 x 384, 2 x 768, 6 x 1536, 2 x 3072",
            hook="audio_encoder.layers.*.blocks.*.intermediate.intermediate_act_fn",
            tokens="a grid for each stage: 4096, 1024, 256 and 64 a chunk of 10 s; four segments of 2.5 s, "
            "each row by row from the lowest",
            shortest="21 ms",
            padding="always a full chunk, filled up with repeats and silence, not masked; only tokens of the "
            "first copy count",
            tested="transformers 5.23, 5.8 and 4.57 (there whole CLAPs only), random weights",
        ),
        build_clap,
    ),
)
