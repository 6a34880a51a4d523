"""Whisper's encoder, and the audio towers that were made of it: Qwen2-Audio, Audio Flamingo 3 and Voxtral."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk, Position
from otoscope.models.encoder import Places, points_at
from otoscope.models.family import ModelRow, Request
from otoscope.models.hf.source import Kind, Source
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder

__all__ = ["KINDS", "Masked", "Pooled", "Whisper", "WhisperFrontEnd", "build_encoder", "build_tower"]

FRAMES_PER_TOKEN = 2  # the second convolution's stride
HIGH_HZ = 8000.0  # of the extractor's bands, whatever its settings

PLACES: Places = {
    "mlp": ["layers.*.activation_fn"],
    "residual": ["layers.*"],
    "attention": ["layers.*.self_attn"],
}

# Where the encoder is in the weight files of larger models. Of Whisper: with and without a head for
# generating; its classifiers have no "model.". Of the others: since transformers 5, and before.
_IN_WHISPER = ("model.encoder.", "encoder.")
_IN_OTHERS = ("model.audio_tower.", "audio_tower.")


class WhisperFrontEnd:
    """The library's `WhisperFeatureExtractor`, chunk by chunk; a `FrontEnd`.

    Centred frames of 25 ms every 10 ms, one for each 10 ms that a clip begins. Each chunk is filled up with
    silence as sound, before all else; its log-mel is cut off 80 dB under its own loudest value, so a chunk's
    numbers depend on the whole of it, and on no other.

    Args:
        extractor: the library's extractor; how long a chunk it expects does not matter.
        chunk: frames of a chunk.
    """

    def __init__(self, extractor: Any, chunk: int) -> None:
        self._extractor = extractor
        self._chunk = chunk
        self._device = torch.device("cpu")
        self.sample_rate: int = extractor.sampling_rate
        self.hop: int = extractor.hop_length
        self.settings: Mapping[str, Any] = {
            "front_end": "WhisperFeatureExtractor",
            "sample_rate": extractor.sampling_rate,
            "bands": extractor.feature_size,
            "window": extractor.n_fft,
            "hop": extractor.hop_length,
            "fill": extractor.padding_value,
            "chunk": chunk,
        }

    def to(self, device: torch.device | str) -> Self:
        """Give spectrograms on a device from now on; they are made on the CPU all the same."""
        self._device = torch.device(device)
        return self

    def frames(self, samples: int) -> int:
        """Frames made of so many samples: the ones of the extractor's mask."""
        return -(-samples // self.hop)

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames."""
        return (frames - 1) * self.hop + 1

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the bands lie: band b reaches from edge b to edge b + 2. Shape (bands + 2,)."""
        from transformers.audio_utils import hertz_to_mel, mel_to_hertz

        mels = np.linspace(0, hertz_to_mel(HIGH_HZ, "slaney"), self._extractor.feature_size + 2)
        return np.asarray(mel_to_hertz(mels, "slaney"))

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Normalised log-mel (clips, bands, frames), float32; `frames` is a whole number of chunks."""
        starts = range(0, frames, self._chunk)
        return torch.cat([self._spectrogram(waveforms, start) for start in starts], dim=2).to(self._device)

    def _spectrogram(self, waveforms: Sequence[Waveform], start: int) -> Tensor:
        """The chunk that begins at a frame: (clips, bands, chunk)."""
        first, last = start * self.hop, (start + self._chunk) * self.hop
        made = self._extractor(
            [np.asarray(each.samples[first:last], dtype=np.float32) for each in waveforms],
            sampling_rate=self.sample_rate,
            padding="max_length",
            max_length=last - first,
            return_tensors="np",
        )
        return torch.from_numpy(np.asarray(made["input_features"], dtype=np.float32))


class Whisper(SpectrogramEncoder):
    """Whisper's encoder, or Voxtral's; an `AudioModel`.

    It takes chunks of one length (30 s) only: longer clips are cut without overlap, the last chunk is filled
    up with silence, which takes part in the attention. A token is 20 ms and counts if any of it is sound. Its
    embedding is the average of the last hidden state over the tokens that count.
    """

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the encoder: features (clips, tokens, width)."""
        return torch.as_tensor(self.module(chunk.inputs)[0])


class Pooled(Whisper):
    """Qwen2-Audio's encoder, whose output is at half the rate of its layers; an `AudioModel`.

    Its embedding is the average over those outputs that the language model is given: of pairs of tokens
    that both count, or of a clip's first pair if there is none.
    """

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the pooled features over the sound of all chunks: (clips, width)."""
        pooled = [Chunk(chunk.inputs, _pairs(chunk.kind)) for chunk in chunks]
        pooled[0].kind[:, 0] = Position.TOKEN
        return super().embedding(pooled, features)


class Masked(Pooled):
    """Audio Flamingo 3's encoder: Qwen2-Audio's, but silence that fills up a chunk is masked out."""

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the encoder: features (clips, tokens / 2, width)."""
        sound = chunk.kind == Position.TOKEN
        sound[:, 0] = True  # a chunk without any sound would be masked out whole, and give NaN
        mask = sound.repeat_interleave(FRAMES_PER_TOKEN, dim=1).long()
        return torch.as_tensor(self.module(chunk.inputs, input_features_mask=mask)[0])


def build_encoder(source: Source, request: Request) -> Whisper:
    """Make the encoder of any Whisper, the decoder left in the files."""
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    bare = source.config.architectures == ["WhisperEncoder"]
    return _build(source, request, WhisperEncoder, Whisper, () if bare else _IN_WHISPER)


def build_tower(source: Source, request: Request) -> Whisper:
    """Make the encoder in a language model that hears, or such an encoder in a folder of its own."""
    import transformers

    inner = getattr(source.config, "audio_config", None)
    source = source if inner is None else replace(source, config=inner)
    if source.config.model_type not in _TOWERS:
        raise OtoscopeError(
            f"{source.place} hears through a {source.config.model_type}; expected {' or '.join(_TOWERS)}; "
            "try `oto.wrap` on a module that you load yourself"
        )
    class_name, family = _TOWERS[source.config.model_type]
    model_class = getattr(transformers, class_name)
    return _build(source, request, model_class, family, () if inner is None else _IN_OTHERS)


_TOWERS: Mapping[str, tuple[str, type[Whisper]]] = {
    "qwen2_audio_encoder": ("Qwen2AudioEncoder", Pooled),
    "audioflamingo3_encoder": ("AudioFlamingo3Encoder", Masked),
    "voxtral_encoder": ("VoxtralEncoder", Whisper),
}
"""Classes of transformers and our own by `model_type`."""


def _build(
    source: Source,
    request: Request,
    model_class: type[nn.Module],
    family: type[Whisper],
    prefixes: Sequence[str],
) -> Whisper:
    from transformers import WhisperFeatureExtractor

    config: Any = source.config
    said = source.extractor(WhisperFeatureExtractor)
    make: Any = WhisperFeatureExtractor
    # The number of bands is the model's, whatever the extractor's file says; and dither is left out.
    extractor = make(
        feature_size=config.num_mel_bins,
        sampling_rate=said.sampling_rate,
        hop_length=said.hop_length,
        n_fft=said.n_fft,
        padding_value=said.padding_value,
    )
    front = WhisperFrontEnd(extractor, FRAMES_PER_TOKEN * config.max_source_positions)
    grid = PatchGrid(
        config.num_mel_bins,
        FRAMES_PER_TOKEN * config.max_source_positions,
        (config.num_mel_bins, FRAMES_PER_TOKEN),
        special=0,
        fill="chunk",
    )
    module = source.encoder(model_class, pick=_itself, request=request, prefixes=prefixes)
    points = points_at(module, PLACES, request.hook, request.name)
    width = {"mlp": config.encoder_ffn_dim, "residual": config.d_model, "attention": config.d_model}
    return family(
        module,
        points,
        front=front,
        grid=grid,
        name=request.name,
        embedding_size=config.d_model,
        settings={
            "front_end": dict(front.settings),
            "grid": asdict(grid),
            "encoder": model_class.__name__,
            "heads": config.encoder_attention_heads,
            "activation": config.activation_function,
        },
        units=[width[request.hook]] * len(points) if request.hook in width else None,
    )


def _pairs(kind: Tensor) -> Tensor:
    """The `Position` of every pair of tokens: a TOKEN if both are. Shape (clips, positions // 2)."""
    pairs = kind.shape[1] // 2
    return kind[:, : 2 * pairs].reshape(len(kind), pairs, 2).amax(2)


def _itself(module: nn.Module) -> nn.Module:
    return module


_HOOK = "layers.*.activation_fn"
_TOKENS = "20 ms of all bands each, 1500 a chunk of 30 s"
_NEEDS = "otoscope[hf]; a folder or a name on the hub"
_PADDING = "always a full chunk, filled up with silence, {}; tokens without sound do not count"

KINDS: tuple[Kind, ...] = (
    Kind(
        ("whisper",),
        ModelRow(
            "hf:PATH (Whisper)",
            "Whisper's encoder, from a model with a decoder or with a classification head",
            example="hf:openai/whisper-base",
            needs=_NEEDS,
            layers="4 x 1536 (tiny) to 32 x 5120 (large)",
            hook=_HOOK,
            tokens=_TOKENS,
            shortest="1 sample",
            padding=_PADDING.format("not masked"),
            tested="transformers 5.23, 5.8 and 4.57, random weights",
        ),
        build_encoder,
    ),
    Kind(
        ("qwen2_audio", "qwen2_audio_encoder"),
        ModelRow(
            "hf:PATH (Qwen2-Audio)",
            "the audio encoder of Qwen2-Audio; the language model is not read",
            example="hf:Qwen/Qwen2-Audio-7B",
            needs=_NEEDS,
            layers="32 x 5120",
            hook=_HOOK,
            tokens=f"{_TOKENS}; outputs at half the rate",
            shortest="1 sample",
            padding=_PADDING.format("not masked"),
            tested="transformers 5.23, 5.8 and 4.57, random weights",
        ),
        build_tower,
    ),
    Kind(
        ("audioflamingo3", "audioflamingo3_encoder"),
        ModelRow(
            "hf:PATH (Audio Flamingo 3)",
            "the audio encoder of Audio Flamingo 3; the language model is not read",
            example="hf:nvidia/audio-flamingo-3-hf",
            needs=_NEEDS,
            layers="32 x 5120",
            hook=_HOOK,
            tokens=f"{_TOKENS}; outputs at half the rate",
            shortest="1 sample",
            padding=_PADDING.format("masked"),
            tested="transformers 5.23 and 5.8, random weights",
        ),
        build_tower,
    ),
    Kind(
        ("voxtral", "voxtral_encoder"),
        ModelRow(
            "hf:PATH (Voxtral)",
            "the audio encoder of Voxtral; the language model is not read",
            example="hf:mistralai/Voxtral-Mini-3B-2507",
            needs=_NEEDS,
            layers="32 x 5120",
            hook=_HOOK,
            tokens=_TOKENS,
            shortest="1 sample",
            padding=_PADDING.format("not masked"),
            tested="transformers 5.23, 5.8 and 4.57, random weights",
        ),
        build_tower,
    ),
)
