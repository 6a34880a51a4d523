"""EAT, and SSLAM, which shares its architecture: post-norm blocks over time-major patches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.models.base import Chunk, Position
from otoscope.models.checkpoints import CheckpointError, block_sizes, fit, read_weights, require
from otoscope.models.encoder import points_at
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.kaldi import Fbank
from otoscope.models.m2d import PLACES
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder
from otoscope.models.vit import NORM_EPS, Block, PatchEmbedding, initialise

__all__ = ["EAT", "EATConfig", "EATEncoder"]

GRID = PatchGrid(bands=128, frames=1024, patch=(16, 16), order="time", fill="chunk")
PATCHES = 512  # of a full chunk, 64 columns of 8
MEAN, DEVIATION = -4.268, 4.569  # of AudioSet's log-mel

_FINE_TUNED = "model."  # what fine-tuning puts before the encoder's keys, beside its own fc_norm and head
_IMAGE = "modality_encoders.IMAGE."
_CLS, _POSITIONS = _IMAGE + "extra_tokens", _IMAGE + "fixed_positional_encoder.positions"
# The tensors that tell the sizes, with their number of dimensions.
_SIZED = {_CLS: 3, _POSITIONS: 3, _IMAGE + "local_encoder.proj.weight": 4, "blocks.0.mlp.fc1.weight": 2}
# Beginnings of keys of data2vec 2.0's variants, which EAT's code can train and neither EAT nor SSLAM is.
_VARIANTS = {
    _IMAGE + "context_encoder.blocks.": "blocks of its own before the shared ones",
    _IMAGE + "alibi": "ALiBi positions",
    "norm.": "a final norm, as of pre-norm blocks",
}


@dataclass(frozen=True)
class EATConfig:
    """The sizes of an EAT encoder; the defaults are those of EAT-base.

    Attributes:
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads; divides `width`.
        hidden: units of a block's MLP, which are the neurons.
    """

    width: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072


class EATEncoder(nn.Module):
    """EAT's student encoder, with its parameter names; teacher and decoder are not part of it.

    Tokens are numbered time-major: patch (column, row) is token `column * 8 + row`, row 0 holding the lowest
    bands; CLS, which has no position, comes before all of them. A norm comes before the blocks, and none
    after them.

    Shape:
        input (B, 128, 1024), normalised log-mel; output (B, 513, width).

    Source: cwx-worst-one/EAT (models/images.py, base.py, modules.py), ta012/SSLAM.
    """

    def __init__(self, config: EATConfig) -> None:
        super().__init__()
        self.config = config
        self.modality_encoders = nn.ModuleDict({"IMAGE": PatchEncoder(config.width)})
        self.blocks = nn.ModuleList(
            PostNormBlock(config.width, config.heads, config.hidden) for _ in range(config.depth)
        )

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embed and encode: (B, 128, 1024) to (B, 513, width)."""
        x = self.modality_encoders["IMAGE"](spectrogram)
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(x)


class PatchEncoder(nn.Module):
    """Patches, positions, CLS and a norm, before the blocks: (B, 128, 1024) to (B, 513, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.extra_tokens = nn.Parameter(torch.zeros(1, 1, width))
        self.local_encoder = PatchEmbedding(width, GRID.patch)
        self.fixed_positional_encoder = nn.Module()
        positions = nn.Parameter(torch.zeros(1, PATCHES, width), requires_grad=False)
        self.fixed_positional_encoder.register_parameter("positions", positions)
        self.context_encoder = nn.ModuleDict({"norm": nn.LayerNorm(width, eps=NORM_EPS)})

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Cut a spectrogram into tokens, CLS first."""
        image = spectrogram.transpose(1, 2)[:, None]  # (B, 1, frames, bands): time comes first
        patches = self.local_encoder.proj(image).flatten(2).transpose(1, 2)
        placed = patches + self.fixed_positional_encoder.get_parameter("positions")
        x = torch.cat([self.extra_tokens.expand(len(placed), -1, -1), placed], dim=1)
        return torch.as_tensor(self.context_encoder["norm"](x))


class PostNormBlock(Block):
    """A Transformer block whose norms come after the sums. Shape (B, n, width), kept."""

    def forward(self, x: Tensor) -> Tensor:
        """Add what attention and MLP make of the tokens, and norm each sum."""
        x = self.norm1(x + self.attn(x))
        return torch.as_tensor(self.norm2(x + self.mlp(x)))


class EAT(SpectrogramEncoder):
    """EAT or SSLAM, pre-trained or fine-tuned, as EAT's feature extraction runs it; an `AudioModel`.

    The clip's mean is subtracted from it; its Kaldi log-mel is filled up with zeros, before normalisation, to
    1024 frames (10.24 s), the length of pre-training and what EAT's authors advise. Clips longer than that
    are cut into chunks without overlap, where the original cuts the rest off. Nothing masks the attention, so
    filled-up frames take part in it.

    Args:
        encoder: the encoder; it is put into evaluation mode.
        name: the spec that makes the model again, or a label.
        hook: where to listen, see `load_model`.
    """

    def __init__(self, encoder: EATEncoder, *, name: str = "eat", hook: str = "mlp") -> None:
        config = encoder.config
        front = Fbank(window="hanning", mean=MEAN, deviation=DEVIATION, centre=True)
        super().__init__(
            encoder.float(),
            points_at(encoder, PLACES, hook, name),
            front=front,
            grid=GRID,
            name=name,
            embedding_size=config.width,
            settings={"front_end": front.settings, "config": asdict(config)},
            units=[config.hidden] * config.depth if hook == "mlp" else None,
        )

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """The CLS token, EAT's utterance-level feature: (clips, width).

        Of several chunks it is averaged, each chunk weighing as much as it has valid tokens.
        """
        cls = torch.stack([feature[:, 0].float() for feature in features])  # (chunks, clips, width)
        valid = torch.stack([(chunk.kind == Position.TOKEN).sum(1) for chunk in chunks]).to(cls.device)
        return torch.as_tensor((cls * (valid / valid.sum(0))[..., None]).sum(0))


def _load(request: Request) -> EAT:
    document = read_weights(request.rest, request.allow)
    tensors = _encoder_tensors(document)
    config = EATConfig(**_sizes(tensors, _settings(document), Path(request.rest)))
    encoder = fit(lambda: EATEncoder(config), tensors, request.rest)
    if request.seed is not None:
        _untrain(encoder, request.seed)
    return EAT(encoder, name=request.name, hook=request.hook)


def _encoder_tensors(document: Mapping[str, Any]) -> dict[str, Tensor]:
    """The student's weights by their names in pre-training; the teacher's ("_ema") are left out."""
    inner = document.get("model")
    state = inner if isinstance(inner, dict) else document
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if any(name.startswith(_FINE_TUNED + _IMAGE) for name in tensors):
        fine_tuned = [name for name in tensors if name.startswith(_FINE_TUNED)]
        tensors = {name.removeprefix(_FINE_TUNED): tensors[name] for name in fine_tuned}
    if (positions := tensors.get(_POSITIONS)) is not None and positions.ndim == 3:
        tensors[_POSITIONS] = positions[:, :PATCHES]  # time-major: more time only adds to their end
    return tensors


def _settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What fairseq's settings in the file say of the model, where they are plain values."""
    settings = document.get("cfg")
    model = settings.get("model") if isinstance(settings, dict) else None
    return model if isinstance(model, dict) else {}


def _sizes(tensors: Mapping[str, Tensor], settings: Mapping[str, Any], path: Path) -> dict[str, int]:
    require(tensors, _SIZED, path, "EAT's encoder")
    for start, variant in _VARIANTS.items():
        if any(name.startswith(start) for name in tensors):
            raise CheckpointError(path, f"has {variant}; expected EAT's or SSLAM's encoder, which has none")
    cls, patches = tensors[_CLS].shape[1], tensors[_POSITIONS].shape[1]
    if (cls, patches) != (1, PATCHES):
        raise CheckpointError(
            path,
            f"has {cls} CLS tokens and positions for {patches} patches; expected 1 and at least {PATCHES}, "
            "for 1024 frames; models fine-tuned on shorter inputs cannot be loaded",
        )
    heads = settings.get("num_heads")
    return block_sizes(tensors, path, heads if isinstance(heads, int) else None)


def _untrain(encoder: EATEncoder, seed: int) -> None:
    """Give an encoder the weights with which EAT's training begins; fixed positions stay as they are.

    Source: cwx-worst-one/EAT (models/EAT_pretraining.py, base.py), fairseq (`init_bert_params`).
    """
    initialise(encoder, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in encoder.modules():
            if isinstance(part, nn.Linear):
                part.weight.copy_(torch.empty(part.weight.shape).normal_(0, 0.02, generator=generator))
        cls = encoder.get_parameter(_CLS)
        cls.copy_(torch.empty(cls.shape).normal_(generator=generator))


_ROW = ModelRow(
    "eat:PATH",
    "EAT and SSLAM, pre-trained or fine-tuned (fairseq files), 16 kHz",
    example="eat:EAT-base_epoch30_pt.pt",
    needs="the weight file",
    layers="12 x 3072 (base), 24 x 4096 (large)",
    hook="blocks.*.mlp.act",
    tokens="patches, column by column; CLS first",
    shortest="one frame (25 ms)",
    padding="each clip filled up to 10.24 s; only tokens with sound count",
    tested="timm 0.4.5 and a slow float64 version, random weights; files made to the layout",
)
FAMILY = Family("eat", [_ROW], _load)
