"""Models of transformers that hear the waveform itself: wav2vec 2.0 and its kin.

A stack of convolutions turns sound into frames, one every 20 ms of 25 ms each, and a Transformer works on
them. Where padding can be kept from being heard, clips are filled up to whole seconds and what fills them is
masked; where group normalisation or a stack of positional convolutions hears it all the same, only clips of
equal length share a batch.
"""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from otoscope.audio import Waveform
from otoscope.models.base import Chunk
from otoscope.models.encoder import Encoder, Places, points_at
from otoscope.models.family import ModelRow, Request
from otoscope.models.hf.source import Kind, Source

__all__ = ["KINDS", "WaveEncoder", "strides"]

PLACES: Places = {
    "mlp": ["encoder.layers.*.feed_forward.intermediate_act_fn"],
    "residual": ["encoder.layers.*"],
    "attention": ["encoder.layers.*.attention"],
}
"""Where wav2vec 2.0, HuBERT, WavLM, Data2Vec, UniSpeech and SEW are listened to."""

SEW_D_PLACES: Places = {
    "mlp": ["encoder.encoder.layer.*.intermediate.intermediate_act_fn"],
    "residual": ["encoder.encoder.layer.*"],
    "attention": ["encoder.encoder.layer.*.attention.output.dense"],
}
"""Where SEW-D is: DeBERTa's blocks."""

CLASSES = {
    "wav2vec2": "Wav2Vec2Model",
    "hubert": "HubertModel",
    "wavlm": "WavLMModel",
    "unispeech": "UniSpeechModel",
    "unispeech-sat": "UniSpeechSatModel",
    "data2vec-audio": "Data2VecAudioModel",
    "sew": "SEWModel",
    "sew-d": "SEWDModel",
    "wav2vec2-conformer": "Wav2Vec2ConformerModel",
}
"""The class of transformers for every model_type."""

# Padding does not leak in these if their convolutions are normalised frame by frame; checked by running.
_MASKED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")


class WaveEncoder(Encoder):
    """An encoder of waveforms; an `AudioModel`.

    With `masked`, a clip is filled up to whole seconds and attention is kept from what is not sound: a token
    is valid if all its receptive field is sound, as transformers counts. Otherwise a clip is heard as it is,
    zeros that pad it included, and a token is padding if its receptive field begins where the sound has
    ended.

    In SEW and SEW-D neurons live at half the rate of the features: a token stands for as many features as
    `squeeze` says, and what is left over at the end is no token's.

    Args:
        module: a model of transformers from waveforms to, first of all, features.
        points: where it is listened to.
        kernels: of the convolutions, in samples of what each takes.
        steps: their strides, likewise.
        normalise: whether a clip's sound is brought to zero mean and unit variance.
        masked: whether it can be kept from hearing padding.
        squeeze: features per token.
        name: the spec that makes the model again, or a label.
        sample_rate: Hz.
        embedding_size: width of the features.
        settings: what else its numbers depend on.
        units: see `Encoder`.
    """

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[Any],
        *,
        kernels: Sequence[int],
        steps: Sequence[int],
        normalise: bool,
        masked: bool,
        squeeze: int = 1,
        name: str,
        sample_rate: int,
        embedding_size: int,
        settings: Mapping[str, Any],
        units: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            module,
            points,
            name=name,
            sample_rate=sample_rate,
            embedding_size=embedding_size,
            settings={**settings, "normalise": normalise, "masked": masked, "sample_rate": sample_rate},
            units=units,
        )
        self.kernels = tuple(kernels)
        self.steps = tuple(steps)
        self.normalise = normalise
        self.masked = masked
        self.squeeze = squeeze

    @property
    def hop(self) -> int:
        """Samples from token to token."""
        return strides(self.steps)[-1] * self.squeeze

    @property
    def field(self) -> int:
        """Samples that a token comes from, by the convolutions alone."""
        spread = zip(self.kernels, strides(self.steps), strict=False)
        frame = 1 + sum((kernel - 1) * stride for kernel, stride in spread)
        return frame + (self.squeeze - 1) * strides(self.steps)[-1]

    @property
    def min_samples(self) -> int:
        """The receptive field of one token."""
        return self.field

    def length(self, samples: int) -> int:
        """Samples that a clip takes up: its own, or with masks those of the seconds that it begins."""
        self.check(samples)
        return -(-samples // self.sample_rate) * self.sample_rate if self.masked else samples

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        del grid  # there is one
        self.check(samples)
        return self._valid(samples, samples if real is None else real)

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into one chunk, on the model's device.

        Its inputs are the waveforms, shape (clips, samples), and, with masks, which samples are sound.
        """
        length = self.alike(waveforms)
        sound = np.zeros((len(waveforms), length), dtype=np.float32)
        for row, waveform in zip(sound, waveforms, strict=True):
            row[: waveform.real] = self._heard(waveform.samples[: waveform.real])
        valid = [self._valid(len(waveform.samples), waveform.real) for waveform in waveforms]
        kind = torch.arange(self._positions(length)) >= torch.tensor(valid)[:, None]
        mask = None
        if self.masked:
            # However little is sound, one token has to be left to attend to.
            real = torch.tensor([max(waveform.real, self.field) for waveform in waveforms])
            mask = (torch.arange(length) < real[:, None]).to(self.device, torch.int64)
        values = torch.from_numpy(sound).to(self.device, self.dtype)
        return [Chunk((values, mask), kind.to(self.device, torch.uint8))]  # True is PADDING

    def forward(self, chunk: Chunk) -> Tensor:
        """Run a chunk: features of shape (clips, positions times `squeeze`, width)."""
        values, mask = chunk.inputs
        with warnings.catch_warnings():
            # WavLM's attention takes a mask of booleans beside one of numbers, of which PyTorch complains.
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask", UserWarning)
            # The first, not by its name: a config may ask for tuples.
            features: Tensor = self.module(values, attention_mask=mask)[0]
        return features[:, : chunk.kind.shape[1] * self.squeeze]

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the features of all valid tokens: (clips, embedding_size)."""
        fine = [Chunk(None, chunk.kind.repeat_interleave(self.squeeze, 1)) for chunk in chunks]
        return super().embedding(fine, features)

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`.

        A token reaches over its receptive field, so that neighbours overlap, and over all frequencies.
        """
        del grid  # there is one
        token = np.arange(self._positions(self.length(samples)))
        start = token * self.hop
        return pd.DataFrame(
            {
                "token": token,
                "start_s": start / self.sample_rate,
                "stop_s": (start + self.field) / self.sample_rate,
                "low_hz": 0.0,
                "high_hz": self.sample_rate / 2,
                "row": 0,
                "column": token,
            }
        )

    def _positions(self, samples: int) -> int:
        """Tokens that so many samples make."""
        for kernel, step in zip(self.kernels, self.steps, strict=True):
            samples = (samples - kernel) // step + 1
        return max(0, samples) // self.squeeze

    def _valid(self, samples: int, real: int) -> int:
        if self.masked:
            return max(1, self._positions(real))
        return min(self._positions(samples), max(1, -(-real // self.hop)))

    def _heard(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.normalise or not len(sound):
            return sound
        return np.asarray((sound - sound.mean()) / np.sqrt(sound.var() + 1e-7), dtype=np.float32)


def strides(steps: Sequence[int]) -> list[int]:
    """Samples from step to step in front of every convolution, and at last behind them all.

    >>> strides([5, 2, 2])
    [1, 5, 10, 20]
    """
    return list(accumulate(steps, mul, initial=1))


def build(source: Source, request: Request, *, places: Places = PLACES, ffns: int = 1) -> WaveEncoder:
    """Make a model of what transformers has.

    Args:
        source: where it comes from.
        request: what is asked of it.
        places: where it can be listened to.
        ffns: MLPs in a block.

    Raises:
        OtoscopeError: it cannot be loaded.
    """
    import transformers

    config = copy.deepcopy(source.config)
    config.add_adapter = False  # adapters thin out the features behind the encoder
    source = replace(source, config=config)
    model_type = str(config.model_type)
    extractor = source.extractor(transformers.Wav2Vec2FeatureExtractor)
    module = plain(source.encoder(getattr(transformers, CLASSES[model_type]), without_mask_vector, request))
    return WaveEncoder(
        module,
        points_at(module, places, request.hook, request.name),
        kernels=config.conv_kernel,
        steps=config.conv_stride,
        normalise=bool(extractor.do_normalize),
        masked=(
            model_type in _MASKED
            and config.feat_extract_norm == "layer"
            and not getattr(config, "conv_pos_batch_norm", False)  # it moves masked frames away from zero
        ),
        squeeze=getattr(config, "squeeze_factor", 1),
        name=request.name,
        sample_rate=extractor.sampling_rate,
        embedding_size=config.hidden_size,
        settings=source.settings(),
        units=[config.intermediate_size] * config.num_hidden_layers * ffns if request.hook == "mlp" else None,
    )


def without_mask_vector(model: nn.Module) -> nn.Module:
    """Take out the vector that stands for masked frames in training; many files lack it."""
    if hasattr(model, "masked_spec_embed"):
        del model.masked_spec_embed
    return model


def plain(module: nn.Module) -> nn.Module:
    """Turn weight normalisation into plain weights, in place: parametrised modules cannot be pickled."""
    for part in list(module.modules()):
        if isinstance(made := getattr(part, "parametrizations", None), nn.ModuleDict):
            for name in list(made):
                parametrize.remove_parametrizations(part, name)
            part._load_state_dict_pre_hooks.clear()  # what weight normalisation hangs there is a closure
    return module


def build_sew_d(source: Source, request: Request) -> WaveEncoder:
    """Make a SEW-D."""
    return build(source, request, places=SEW_D_PLACES)


_ROW = ModelRow(
    "hf:PATH (wav2vec 2.0)",
    "wav2vec 2.0, HuBERT, WavLM, UniSpeech and UniSpeech-SAT, with or without heads",
    example="hf:facebook/wav2vec2-base",
    needs="otoscope[hf]; a folder or a name on the hub",
    layers="12 x 3072 (base), 24 x 4096 (large)",
    hook=PLACES["mlp"][0],
    tokens="frames, one every 20 ms of 25 ms",
    shortest="400 samples (25 ms)",
    padding="layer norm: whole seconds, masked; group norm: clips of equal length only",
    tested="transformers 5.23, random weights",
)
_DATA2VEC = replace(
    _ROW,
    name="hf:PATH (Data2Vec-audio)",
    about="Data2Vec of audio, with or without heads",
    example="hf:facebook/data2vec-audio-base",
    padding="clips of equal length only: padding leaks",
)
_SEW = replace(
    _DATA2VEC,
    name="hf:PATH (SEW)",
    about="SEW, with or without heads; neurons at half the rate of its features",
    example="hf:asapp/sew-tiny-100k",
    layers="12 x 3072 and others",
    tokens="pairs of frames, one every 40 ms of 45 ms",
    shortest="720 samples (45 ms)",
)
_SEW_D = replace(
    _SEW,
    name="hf:PATH (SEW-D)",
    about="SEW-D, with or without heads; neurons at half the rate of its features",
    example="hf:asapp/sew-d-tiny-100k",
    hook=SEW_D_PLACES["mlp"][0],
)

KINDS = (
    Kind(_MASKED, _ROW, build),
    Kind(("data2vec-audio",), _DATA2VEC, build),
    Kind(("sew",), _SEW, build),
    Kind(("sew-d",), _SEW_D, build_sew_d),
)
