"""The Audio Spectrogram Transformer (AST) of transformers, in either of the module layouts it has had."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.models.base import Chunk, Position
from otoscope.models.checkpoints import fit, require
from otoscope.models.encoder import Places, points_at
from otoscope.models.family import ModelRow, Request
from otoscope.models.heads import Head, WithHead
from otoscope.models.hf.files import Files
from otoscope.models.hf.source import Kind, Source, quiet
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder

__all__ = ["AST", "KINDS", "ASTFrontEnd", "build_ast"]

WINDOW, HOP = 400, 160  # samples of a frame and from frame to frame; the extractor has no others
LOW_HZ = 20.0
SPECIAL = 2  # the CLS and the distillation token

PLACES: Places = {
    "mlp": ["layers.*.mlp.activation_fn"],
    "residual": ["layers.*"],
    "attention": ["layers.*.attention"],
}
"""Since transformers 5.9."""

OLD_PLACES: Places = {
    "mlp": ["encoder.layer.*.intermediate.intermediate_act_fn"],
    "residual": ["encoder.layer.*"],
    "attention": ["encoder.layer.*.attention"],
}
"""Up to transformers 5.8; the names in weight files are of this kind with every version."""


class ASTFrontEnd:
    """The library's `ASTFeatureExtractor`: a Kaldi-style log-mel, normalised; a `FrontEnd`.

    Frames of 25 ms every 10 ms, only where a whole one fits. What fills a clip up is a log-mel of 0, which
    becomes -mean / (2 std) in every bin: 0.46703 with the usual settings.

    Args:
        extractor: the library's extractor; its `max_length` is the frames of a chunk.
    """

    hop = HOP

    def __init__(self, extractor: Any) -> None:
        from transformers.utils.import_utils import is_speech_available

        self._extractor = extractor
        self._device = torch.device("cpu")
        self.sample_rate: int = extractor.sampling_rate
        self.settings: Mapping[str, Any] = {
            "front_end": "ASTFeatureExtractor",
            # The library takes torchaudio where it is installed; the two agree, but not to the last bit.
            "filterbank": "torchaudio" if is_speech_available() else "numpy",
            "sample_rate": extractor.sampling_rate,
            "bands": extractor.num_mel_bins,
            "normalise": [extractor.mean, extractor.std] if extractor.do_normalize else None,
        }

    def to(self, device: torch.device | str) -> Self:
        """Give spectrograms on a device from now on; they are made on the CPU all the same."""
        self._device = torch.device(device)
        return self

    def frames(self, samples: int) -> int:
        """Frames made of so many samples: those that lie wholly within them."""
        return max(0, 1 + (samples - WINDOW) // HOP)

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames."""
        return WINDOW + (frames - 1) * HOP

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the bands lie: band b reaches from edge b to edge b + 2. Shape (bands + 2,)."""
        from transformers.audio_utils import hertz_to_mel, mel_to_hertz

        low, high = (hertz_to_mel(hz, "kaldi") for hz in (LOW_HZ, self.sample_rate / 2))
        return np.asarray(mel_to_hertz(np.linspace(low, high, self._extractor.num_mel_bins + 2), "kaldi"))

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Normalised log-mel (clips, bands, frames), float32; `frames` is a whole number of chunks."""
        unit: int = self._extractor.max_length
        chunks = [self._chunk(waveforms, start) for start in range(0, frames, unit)]
        return torch.cat(chunks, dim=1).transpose(1, 2).to(self._device)

    def _chunk(self, waveforms: Sequence[Waveform], start: int) -> Tensor:
        """The frames from `start` on, one extractor's length of them: (clips, frames, bands)."""
        # Frames are made each by itself, so that a clip can be cut where a chunk's last frame ends.
        stop = start + self._extractor.max_length
        cut = [each.samples[start * HOP : self.samples_for(stop)] for each in waveforms]
        made = self._extractor(
            [np.asarray(samples, dtype=np.float32) for samples in cut],
            sampling_rate=self.sample_rate,
            return_tensors="np",
        )
        return torch.from_numpy(np.asarray(made["input_values"], dtype=np.float32))


class AST(WithHead, SpectrogramEncoder):
    """AST's encoder; an `AudioModel`. Its classifier, if it has one, is its `head`.

    Clips longer than the model's input (1024 frames, 10.3 s) are cut into chunks without overlap; the last
    is filled up as the library does. Nothing masks the attention. A token counts if it covers any frame of
    the clip's sound; the two special positions never do.
    """

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the encoder: features (clips, 2 + tokens, width), CLS and distillation token first."""
        return torch.as_tensor(self.module(chunk.inputs.transpose(1, 2))[0])

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the CLS and the distillation token, then the chunks that hold sound: (clips, width).

        For a clip of one chunk it is the library's pooled output, which the head takes.
        """
        pooled = torch.stack([feature[:, :SPECIAL].float().mean(1) for feature in features])
        heard = torch.stack([(chunk.kind == Position.TOKEN).any(1, keepdim=True) for chunk in chunks])
        return (pooled * heard).sum(0) / heard.sum(0)


def build_ast(source: Source, request: Request) -> AST:
    """Make an AST of a folder with an ASTModel or an ASTForAudioClassification."""
    from transformers import ASTFeatureExtractor, ASTModel

    config: Any = source.config
    said = source.extractor(ASTFeatureExtractor)
    make: Any = ASTFeatureExtractor
    with quiet():  # of 128 bands, the lowest hold no bin of the FFT, and the library says so each time
        # The sizes are the model's, whatever the extractor's file says.
        extractor = make(
            sampling_rate=said.sampling_rate,
            num_mel_bins=config.num_mel_bins,
            max_length=config.max_length,
            do_normalize=said.do_normalize,
            mean=said.mean,
            std=said.std,
        )
    module = source.encoder(ASTModel, pick=_itself, request=request)
    points = points_at(
        module, PLACES if hasattr(module, "layers") else OLD_PLACES, request.hook, request.name
    )
    front = ASTFrontEnd(extractor)
    grid = PatchGrid(
        config.num_mel_bins,
        config.max_length,
        (config.patch_size, config.patch_size),
        (config.frequency_stride, config.time_stride),
        special=SPECIAL,
        fill="chunk",
    )
    width = {"mlp": config.intermediate_size, "residual": config.hidden_size, "attention": config.hidden_size}
    model = AST(
        module,
        points,
        front=front,
        grid=grid,
        name=request.name,
        embedding_size=config.hidden_size,
        settings={
            "front_end": dict(front.settings),
            "grid": asdict(grid),
            "heads": config.num_attention_heads,
            "activation": config.hidden_act,
            "norm_eps": config.layer_norm_eps,
        },
        units=[width[request.hook]] * len(points) if request.hook in width else None,
    )
    if request.seed is None:
        files = Files(source.place, source.revision)
        model.read_head = partial(read_head, files, request.allow, config.id2label, config.layer_norm_eps)
    return model


def read_head(files: Files, allow: Sequence[str], names: Mapping[int, str], norm_eps: float) -> Head | None:
    """The classifier of an ASTForAudioClassification, for the pooled output; None of an ASTModel.

    Args:
        files: of the model.
        allow: see `read_checkpoint`.
        names: of its outputs, by number; "LABEL_0" and so on stand for none.
        norm_eps: of the layer norm.

    Raises:
        OtoscopeError: the weights cannot be read or are incomplete.
    """
    tensors = files.weights(["classifier."], allow)
    if not tensors:
        return None
    ranks = {"layernorm.weight": 1, "layernorm.bias": 1, "dense.weight": 2, "dense.bias": 1}
    require(tensors, ranks, files.place, "the classifier of an ASTForAudioClassification")
    size, width = tensors["dense.weight"].shape
    module = fit(partial(_classifier, width, size, norm_eps), tensors, files.place).double()
    said = tuple(names.get(number, "") for number in range(size))
    nameless = said == tuple(f"LABEL_{number}" for number in range(size))
    return Head(module, size, None if nameless else said)


def _classifier(width: int, size: int, norm_eps: float) -> nn.Module:
    return nn.Sequential(
        OrderedDict(layernorm=nn.LayerNorm(width, eps=norm_eps), dense=nn.Linear(width, size))
    )


def _itself(module: torch.nn.Module) -> torch.nn.Module:
    return module


KINDS: tuple[Kind, ...] = (
    Kind(
        ("audio-spectrogram-transformer",),
        ModelRow(
            "hf:PATH (AST)",
            "Audio Spectrogram Transformer, with or without its classification head",
            example="hf:MIT/ast-finetuned-audioset-10-10-0.4593",
            needs="otoscope[hf]; a folder or a name on the hub",
            layers="12 x 3072",
            hook="layers.*.mlp.activation_fn (before transformers 5.9: "
            "encoder.layer.*.intermediate.intermediate_act_fn)",
            tokens="16 x 16 patches every 10 bands and 10 frames, row by row from the lowest, 12 x 101 a "
            "chunk of 10.3 s; after CLS and distillation token",
            shortest="25 ms",
            padding="always a full chunk, filled up with log-mel 0, not masked; tokens without sound do "
            "not count",
            tested="transformers 5.23, 5.8 and 4.57, random weights",
        ),
        build_ast,
    ),
)
