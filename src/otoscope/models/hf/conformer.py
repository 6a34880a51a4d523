"""Conformers of transformers: two MLPs in every block, before attention and after convolution."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk
from otoscope.models.encoder import Encoder, Places, points_at
from otoscope.models.family import ModelRow, Request
from otoscope.models.hf.source import Kind, Source
from otoscope.models.hf.wave import WaveEncoder, without_mask_vector
from otoscope.models.hf.wave import build as build_wave

__all__ = ["KINDS", "W2VBert"]

PLACES: Places = {
    "mlp": ["encoder.layers.*.ffn1.intermediate_act_fn", "encoder.layers.*.ffn2.intermediate_act_fn"],
    "residual": ["encoder.layers.*"],
    "attention": ["encoder.layers.*.self_attn"],
}
"""Where a conformer is listened to; `find` brings the MLPs into the order of the forward pass."""

WINDOW, HOP = 400, 160  # samples of a frame and from frame to frame; the extractor has no others


class Rotary(nn.Module):
    """Rotary positions, in float32 whatever the model computes in.

    That of transformers counts positions in the weights' type, in which bfloat16 knows no 257, and keeps what
    it made for one length even when the model moves to another device or type.

    Args:
        frequencies: in radians per position, shape (half a head's width,).
    """

    def __init__(self, frequencies: Tensor) -> None:
        super().__init__()
        self.frequencies = frequencies.float()  # no buffer: those are cast with the model

    def forward(self, hidden: Tensor) -> Tensor:
        """Cosines and sines for the positions of (clips, positions, width): (2, positions, 1, 1, head)."""
        positions = torch.arange(hidden.shape[1], dtype=torch.float32)
        angles = (positions[:, None] * self.frequencies).repeat(1, 2)[:, None, None]
        return torch.stack([angles.cos(), angles.sin()]).to(hidden)


class W2VBert(Encoder):
    """Wav2Vec2-BERT, which hears pairs of log-mel frames; an `AudioModel`.

    A clip's sound is turned into normalised log-mel by transformers' own extractor, clip by clip. Clips are
    filled up to whole seconds, and what is not sound is masked: a token is valid if all its frames are.

    Args:
        module: a Wav2Vec2BertModel.
        points: where it is listened to.
        extractor: a SeamlessM4TFeatureExtractor.
        name: the spec that makes the model again, or a label.
        embedding_size: width of the features.
        settings: what else its numbers depend on.
        units: see `Encoder`.
    """

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[Any],
        *,
        extractor: Any,
        name: str,
        embedding_size: int,
        settings: Mapping[str, Any],
        units: Sequence[int] | None = None,
    ) -> None:
        said = {
            key: getattr(extractor, key)
            for key in ("num_mel_bins", "stride", "sampling_rate", "padding_value")
        }
        super().__init__(
            module,
            points,
            name=name,
            sample_rate=extractor.sampling_rate,
            embedding_size=embedding_size,
            settings={**settings, **said},
            units=units,
        )
        self.extractor = extractor

    @property
    def pair(self) -> int:
        """Frames of log-mel that make a token."""
        return int(self.extractor.stride)

    @property
    def min_samples(self) -> int:
        """As many samples as make the frames of a token, and two for their variance."""
        return WINDOW + (max(2, self.pair) - 1) * HOP

    def length(self, samples: int) -> int:
        """Samples that a clip takes up: those of the seconds that it begins."""
        self.check(samples)
        return -(-samples // self.sample_rate) * self.sample_rate

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        del grid  # there is one
        self.check(samples)
        return self._positions(max(samples if real is None else real, self.min_samples))

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into one chunk: pairs of frames and which of them are sound."""
        positions = self._positions(self.alike(waveforms))
        pairs = torch.stack([self._pairs(waveform, positions) for waveform in waveforms])
        valid = torch.tensor([self.tokens(len(waveform.samples), waveform.real) for waveform in waveforms])
        sound = (torch.arange(positions) < valid[:, None]).to(self.device)
        inputs = (pairs.to(self.device, self.dtype), sound.to(torch.int64))
        return [Chunk(inputs, (~sound).to(torch.uint8))]  # True is PADDING

    def forward(self, chunk: Chunk) -> Tensor:
        """Run a chunk: features of shape (clips, positions, width)."""
        pairs, sound = chunk.inputs
        features: Tensor = self.module(pairs, attention_mask=sound)[0]
        return features

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`.

        A token reaches over the windows of its frames, so that neighbours overlap, and over all frequencies.
        """
        del grid  # there is one
        token = np.arange(self._positions(self.length(samples)))
        start = token * self.pair * HOP
        return pd.DataFrame(
            {
                "token": token,
                "start_s": start / self.sample_rate,
                "stop_s": (start + (self.pair - 1) * HOP + WINDOW) / self.sample_rate,
                "low_hz": 0.0,
                "high_hz": self.sample_rate / 2,
                "row": 0,
                "column": token,
            }
        )

    def _positions(self, samples: int) -> int:
        return int((samples - WINDOW) // HOP + 1) // self.pair

    def _pairs(self, waveform: Waveform, positions: int) -> Tensor:
        """A clip's own frames, those of a token side by side, zero behind them: (positions, bands * pair)."""
        heard = max(waveform.real, self.min_samples)  # however little is sound, a token is left
        out = self.extractor(
            waveform.samples[:heard],
            sampling_rate=self.sample_rate,
            padding=False,
            pad_to_multiple_of=None,
            return_tensors="np",
        )
        pairs = torch.from_numpy(np.asarray(out["input_features"][0], dtype=np.float32))
        return F.pad(pairs, (0, 0, 0, positions - len(pairs)))


def build_conformer(source: Source, request: Request) -> WaveEncoder:
    """Make a Wav2Vec2-Conformer."""
    model = build_wave(source, request, places=PLACES, ffns=2)
    _steady(model.module)
    return model


def build_bert(source: Source, request: Request) -> W2VBert:
    """Make a Wav2Vec2-BERT.

    Raises:
        OtoscopeError: it cannot be loaded.
    """
    import transformers

    config = copy.deepcopy(source.config)
    config.add_adapter = False  # adapters thin out the features behind the encoder
    config.use_intermediate_ffn_before_adapter = False
    source = replace(source, config=config)
    extractor = source.extractor(transformers.SeamlessM4TFeatureExtractor)
    module = source.encoder(transformers.Wav2Vec2BertModel, without_mask_vector, request)
    _steady(module)
    bands = extractor.num_mel_bins * extractor.stride
    if bands != config.feature_projection_input_dim:
        raise OtoscopeError(
            f"{source.place}: its extractor gives {bands} values a token; expected "
            f"{config.feature_projection_input_dim}, as config.json says; try the model's own "
            "preprocessor_config.json"
        )
    return W2VBert(
        module,
        points_at(module, PLACES, request.hook, request.name),
        extractor=extractor,
        name=request.name,
        embedding_size=config.hidden_size,
        settings=source.settings(),
        units=[config.intermediate_size] * config.num_hidden_layers * 2 if request.hook == "mlp" else None,
    )


def _steady(module: nn.Module) -> None:
    """Give a conformer that has rotary positions our own ones."""
    holder = module.get_submodule("encoder")
    frequencies = getattr(getattr(holder, "embed_positions", None), "inv_freq", None)
    if isinstance(frequencies, Tensor):
        holder.embed_positions = Rotary(frequencies.detach()).eval()


KINDS = (
    Kind(
        ("wav2vec2-conformer",),
        ModelRow(
            "hf:PATH (Wav2Vec2-Conformer)",
            "wav2vec 2.0 with conformer blocks of two MLPs, with or without heads",
            example="hf:facebook/wav2vec2-conformer-rope-large-960h-ft",
            needs="otoscope[hf]; a folder or a name on the hub",
            layers="2 x 24 x 4096 (large)",
            hook="encoder.layers.*.ffn1.intermediate_act_fn, ...ffn2...",
            tokens="frames, one every 20 ms of 25 ms",
            shortest="400 samples (25 ms)",
            padding="clips of equal length only: padding leaks",
            tested="transformers 5.23, random weights",
        ),
        build_conformer,
    ),
    Kind(
        ("wav2vec2-bert",),
        ModelRow(
            "hf:PATH (Wav2Vec2-BERT)",
            "w2v-BERT 2.0: conformer blocks of two MLPs over log-mel, with or without heads",
            example="hf:facebook/w2v-bert-2.0",
            needs="otoscope[hf]; a folder or a name on the hub",
            layers="2 x 24 x 4096",
            hook="encoder.layers.*.ffn1.intermediate_act_fn, ...ffn2...",
            tokens="pairs of frames, one every 20 ms of 35 ms",
            shortest="560 samples (35 ms)",
            padding="whole seconds, masked",
            tested="transformers 5.23, random weights",
        ),
        build_bert,
    ),
)
