"""Dasheng checkpoints as an `AudioModel`; the original package is not needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.models.checkpoints import CheckpointError, block_sizes, fit, read_weights, require
from otoscope.models.columns import PATCH, ColumnConfig, ColumnTransformer, check_keys, check_settings
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.melbank import BANDS, MelFrontEnd
from otoscope.models.vit import NORM_EPS, Block, PatchEmbedding

__all__ = ["FAMILY", "DashengEncoder", "load_dasheng"]

NAME = "Dasheng"
HEADS = {768: 12, 1280: 16, 1536: 24}  # of the published widths; they leave no trace in the weights
_WRAPPED = "encoder."  # around the encoder's keys, in a pre-training model and in the hub's files
_UNUSED = ("front_end.",)  # window and mel filters, which are settings
_FIXED = {
    "patch_size": list(PATCH),
    "patch_stride": list(PATCH),
    "n_mels": BANDS,
    "n_fft": 512,
    "win_size": 512,
    "hop_size": 160,
    "f_min": 0,
    "f_max": 8000,
    "center": True,
    "top_db": 120,
}


class DashengEncoder(nn.Module):
    """Columns of mel in decibels in, one feature per column out.

    Each band is normalised by its running mean and variance (`init_bn`); then a pre-norm Transformer with
    learned positions.

    Shape:
        input (B, 64, frames), at most the config's; output (B, frames // 4, width).

    >>> encoder = DashengEncoder(ColumnConfig(width=8, depth=2, heads=2, hidden=16, frames=20)).eval()
    >>> encoder(torch.zeros(3, 64, 18)).shape
    torch.Size([3, 4, 8])

    Source: XiaoMi/dasheng (train/models.py, pretrained/pretrained.py).
    """

    def __init__(self, config: ColumnConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        # Second of its sequence for the files' key names: the original turns axes before and after it.
        self.init_bn = nn.Sequential(nn.Identity(), nn.BatchNorm1d(BANDS))
        self.patch_embed = PatchEmbedding(width, PATCH)
        self.time_pos_embed = nn.Parameter(torch.zeros(1, width, 1, config.columns))
        self.freq_pos_embed = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.blocks = nn.ModuleList(Block(width, config.heads, config.hidden) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Normalise, embed and encode: (B, 64, frames) to (B, frames // 4, width)."""
        columns = self.patch_embed.proj(self.init_bn(spectrogram)[:, None])  # (B, width, 1, columns)
        columns = columns + self.time_pos_embed[..., : columns.shape[3]] + self.freq_pos_embed
        x = columns.squeeze(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(self.norm(x))


def load_dasheng(request: Request) -> ColumnTransformer:
    """Read a Dasheng file: a dict with `model`, the weights, and `config`, or the hub's safetensors.

    An untrained twin has the file's sizes, and the running mean and variance of its bands: they say what
    sound is like, as M2D's `norm_stats` do, and not what training made of it.

    Raises:
        CheckpointError: the file cannot be read, or is of another architecture.
        UsageError: no such place to listen.
    """
    path = Path(request.rest)
    document = read_weights(path, request.allow)
    settings = _settings(document)
    check_settings(settings, _FIXED, path, NAME)
    tensors = _encoder(document)
    config = _config(tensors, settings, path)
    encoder = fit(lambda: DashengEncoder(config), tensors, path)
    check_keys(tensors, encoder, path, NAME, _UNUSED)
    if request.seed is not None:
        initialise(encoder, request.seed)
    front = MelFrontEnd(window=512, low_hz=0.0, high_hz=8000.0, top_db=120.0)
    return ColumnTransformer(encoder, front, name=request.name, hook=request.hook)


def initialise(encoder: DashengEncoder, seed: int) -> None:
    """Give the encoder fresh random weights in place, as its training began; equal seeds, equal weights.

    Linear weights are Xavier-uniform, the patches' weights and biases uniform within 1/16 (one over the root
    of their inputs), positions normal with standard deviation 0.02; biases 0, norms 1. The running mean and
    variance of the bands stay.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if name.startswith("patch_embed."):
                bound = (PATCH[0] * PATCH[1]) ** -0.5
                parameter.uniform_(-bound, bound, generator=generator)
            elif name.endswith("_pos_embed"):
                parameter.normal_(0, 0.02, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim == 1:  # a norm's
                parameter.fill_(1)
            else:
                nn.init.xavier_uniform_(parameter, generator=generator)


def _settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a file says of its sizes; one of its training code has that among the training's settings."""
    settings = document.get("config")
    settings = settings if isinstance(settings, dict) else {}
    inner = settings.get("model_args")
    return {**settings, **inner} if isinstance(inner, dict) else settings


def _encoder(document: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's weights, by its own names."""
    state = document.get("model", document)
    keys = [key for key in state if isinstance(key, str)] if isinstance(state, dict) else []
    prefix = _WRAPPED if any(key.startswith(_WRAPPED) for key in keys) else ""
    return {key.removeprefix(prefix): state[key] for key in keys if key.startswith(prefix)}


def _config(tensors: Mapping[str, Any], settings: Mapping[str, Any], path: Path) -> ColumnConfig:
    require(tensors, {"time_pos_embed": 4, "blocks.0.mlp.fc1.weight": 2}, path, NAME)
    width = tensors["blocks.0.mlp.fc1.weight"].shape[1]
    heads = settings.get("num_heads") or HEADS.get(width)
    if not isinstance(heads, int) or heads < 1 or width % heads:
        raise CheckpointError(
            path,
            f"has tokens of width {width}, and its config says num_heads = {heads}; expected a number that "
            f"divides the width, or none and a published width, {', '.join(map(str, HEADS))}",
        )
    frames = PATCH[1] * tensors["time_pos_embed"].shape[3]
    return ColumnConfig(**block_sizes(tensors, path, heads), frames=frames)


FAMILY = Family(
    "dasheng",
    [
        ModelRow(
            "dasheng:PATH",
            "Dasheng, 16 kHz",
            example="dasheng:dasheng_base.pt",
            needs="the weight file",
            layers="12 x 3072 (base), 32 x 5120 (0.6B), 40 x 6144 (1.2B)",
            hook="blocks.*.mlp.act",
            tokens="columns of 40 ms, all bands in one; none in front",
            shortest="480 samples (30 ms)",
            padding="equal-length batches; what fills no column is lost",
            tested="the original code, random weights; files made to its layout",
        )
    ],
    load_dasheng,
)
