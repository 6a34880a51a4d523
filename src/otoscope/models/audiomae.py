"""AudioMAE as an `AudioModel`: a ViT over time-major patches of Kaldi's log-mel, ten seconds at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.models.base import Chunk
from otoscope.models.checkpoints import CheckpointError, block_sizes, fit, read_weights, require
from otoscope.models.encoder import points_at
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.kaldi import Fbank
from otoscope.models.m2d import PLACES
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder
from otoscope.models.vit import NORM_EPS, Block, PatchEmbedding, initialise

__all__ = ["AudioMAE", "AudioMAEConfig", "AudioMAEViT"]

BANDS, FRAMES = 128, 1024  # of every input
PATCH = (16, 16)  # bands and frames
STRIDES = {512: 16, 1212: 10}  # frames, and bands, from patch to patch, by the number of patches
MEAN, DEVIATION = -4.2677393, 4.5689974  # of AudioSet's log-mel
# The tensors that tell the sizes, with their number of dimensions.
_SIZED = {"cls_token": 3, "pos_embed": 3, "patch_embed.proj.weight": 4, "blocks.0.mlp.fc1.weight": 2}


@dataclass(frozen=True)
class AudioMAEConfig:
    """The sizes of an AudioMAE encoder; the defaults are those of the published ViT-B.

    Attributes:
        stride: bands, and frames, from patch to patch: 16, or 10 where fine-tuning made patches overlap.
        fine_tuned: whether the tokens are averaged and then normed (`fc_norm`), not normed each (`norm`).
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads; divides `width`.
        hidden: units of a block's MLP, which are the neurons.
    """

    stride: int = 16
    fine_tuned: bool = False
    width: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072

    @property
    def grid(self) -> PatchGrid:
        """How 1024 frames become tokens.

        >>> [(grid.columns(1024), grid.rows) for grid in (AudioMAEConfig(16).grid, AudioMAEConfig(10).grid)]
        [(64, 8), (101, 12)]
        """
        stride = (self.stride, self.stride)
        return PatchGrid(BANDS, FRAMES, PATCH, stride, order="time", fill="chunk")


class AudioMAEViT(nn.Module):
    """AudioMAE's encoder, with its parameter names; the decoder of pre-training is not part of it.

    Tokens are numbered time-major: patch (column, row) is token `column * rows + row`, row 0 holding the
    lowest bands; the CLS token comes before all of them. A fine-tuned encoder leaves them as its last block
    does.

    Shape:
        input (B, 128, 1024), normalised log-mel; output (B, 1 + columns * rows, width).

    Source: facebookresearch/AudioMAE (models_mae.py, models_vit.py).
    """

    def __init__(self, config: AudioMAEConfig) -> None:
        super().__init__()
        self.config = config
        width, grid = config.width, config.grid
        patches = grid.columns(FRAMES) * grid.rows
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, width), requires_grad=False)
        # Both axes are alike in size, so that the swap of time and frequency shows in the input only.
        self.patch_embed = PatchEmbedding(width, PATCH, grid.stride)
        self.blocks = nn.ModuleList(Block(width, config.heads, config.hidden) for _ in range(config.depth))
        if config.fine_tuned:
            self.fc_norm = nn.LayerNorm(width, eps=NORM_EPS)
        else:
            self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embed and encode: (B, 128, 1024) to (B, 1 + tokens, width)."""
        image = spectrogram.transpose(1, 2)[:, None]  # (B, 1, frames, bands): time comes first
        patches = self.patch_embed.proj(image).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(len(patches), -1, -1)
        x = torch.cat([cls, patches], dim=1)
        for block in self.blocks:
            x = block(x)
        return x if self.config.fine_tuned else torch.as_tensor(self.norm(x))


class AudioMAE(SpectrogramEncoder):
    """AudioMAE, pre-trained or fine-tuned, as its code runs it on AudioSet; an `AudioModel`.

    The clip's mean is subtracted from it; its Kaldi log-mel is filled up with zeros, before normalisation, to
    1024 frames (10.24 s). Clips longer than that are cut into chunks without overlap, where the original cuts
    the rest off. Nothing masks the attention, so filled-up frames take part in it.

    Args:
        vit: the encoder; it is put into evaluation mode.
        name: the spec that makes the model again, or a label.
        hook: where to listen, see `load_model`.
    """

    def __init__(self, vit: AudioMAEViT, *, name: str = "audiomae", hook: str = "mlp") -> None:
        config = vit.config
        self.vit = vit
        front = Fbank(window="hanning", mean=MEAN, deviation=DEVIATION, centre=True)
        super().__init__(
            vit.float(),
            points_at(vit, PLACES, hook, name),
            front=front,
            grid=config.grid,
            name=name,
            embedding_size=config.width,
            settings={"front_end": front.settings, "config": asdict(config)},
            units=[config.hidden] * config.depth if hook == "mlp" else None,
        )

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the features over the valid tokens of all chunks: (clips, width).

        CLS is not used. Of a fine-tuned model the average is normed (`fc_norm`), as its own head takes it,
        though there all tokens count, filled-up ones too.
        """
        average = super().embedding(chunks, features)
        if not self.vit.config.fine_tuned:
            return average
        return torch.as_tensor(self.vit.fc_norm(average.to(self.dtype)).float())


def _load(request: Request) -> AudioMAE:
    document = read_weights(request.rest, request.allow)
    inner = document.get("model")
    tensors = inner if isinstance(inner, dict) else document
    config = _config(tensors, request.rest)
    vit = fit(lambda: AudioMAEViT(config), tensors, request.rest)
    if request.seed is not None:
        initialise(vit, request.seed)  # positions are not trained, and stay
    return AudioMAE(vit, name=request.name, hook=request.hook)


def _config(tensors: Mapping[str, Any], path: str) -> AudioMAEConfig:
    require(tensors, _SIZED, path, "AudioMAE's ViT")
    patches = tensors["pos_embed"].shape[1] - 1
    if patches not in STRIDES or tensors["patch_embed.proj.weight"].shape[1:] != (1, *PATCH):
        shape = "x".join(map(str, tensors["patch_embed.proj.weight"].shape[1:]))
        raise CheckpointError(
            Path(path),
            f"has positions for {patches} patches of {shape}; expected 512 (64 columns of 8) or 1212 "
            "(101 of 12, overlapping) of 1x16x16, AudioMAE's for 1024 frames; models fine-tuned on other "
            f"lengths cannot be loaded; if it is an M2D, try m2d:{path}",
        )
    fine_tuned = "norm.weight" not in tensors and "fc_norm.weight" in tensors
    return AudioMAEConfig(STRIDES[patches], fine_tuned, **block_sizes(tensors, path))


_ROW = ModelRow(
    "audiomae:PATH",
    "AudioMAE, pre-trained or fine-tuned, 16 kHz",
    example="audiomae:audiomae/pretrained.pth",
    needs="the weight file",
    layers="12 x 3072 (base), 24 x 4096 (large)",
    hook="blocks.*.mlp.act",
    tokens="patches, column by column; CLS first",
    shortest="one frame (25 ms)",
    padding="each clip filled up to 10.24 s; only tokens with sound count",
    tested="timm 0.4.5 and a slow float64 version, random weights; files made to the layout",
)
FAMILY = Family("audiomae", [_ROW], _load)
