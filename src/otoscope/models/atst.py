"""ATST-Frame checkpoints as an `AudioModel`; the original package, audiossl, is not needed."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.models.checkpoints import CheckpointError, block_sizes, fit, read_weights, require
from otoscope.models.columns import PATCH, ColumnConfig, ColumnTransformer, check_keys, check_settings
from otoscope.models.family import Family, ModelRow, Request
from otoscope.models.melbank import MelFrontEnd
from otoscope.models.vit import NORM_EPS, Block

__all__ = ["FAMILY", "ATSTEncoder", "load_atst"]

NAME = "ATST-Frame"
FRAMES = 1001  # of a chunk: 10 s; the last fills no column
LIMITS_DB = (-79.6482, 50.6842)  # of the training data; they become -1 and 1

# Where the encoder is, in the order in which it is looked for: in a file of pre-training, the teacher; in one
# of the original's fine-tuning; by itself.
_TEACHER, _STUDENT = "model.teacher.encoder.", "model.student.encoder."
_PREFIXES = (_TEACHER, "encoder.encoder.", "")
_UNUSED = ("mask_embed",)  # stands for hidden columns in training
_FIXED = {"pos_type": "cut", "spec_h": PATCH[0], "patch_h": PATCH[0], "patch_w": PATCH[1], "n_mels": PATCH[0]}


class ATSTEncoder(nn.Module):
    """Columns of mel in, one feature per column out.

    A pre-norm Transformer whose queries, keys and values have no bias, with learned positions. The first of
    them is no column's: it was a CLS token's in ATST-Clip.

    Shape:
        input (B, 64, frames), at most the config's; output (B, frames // 4, width).

    >>> encoder = ATSTEncoder(ColumnConfig(width=8, depth=2, heads=2, hidden=16, frames=21))
    >>> encoder(torch.zeros(3, 64, 18)).shape
    torch.Size([3, 4, 8])

    Source: Audio-WestlakeU/audiossl (methods/atstframe/audio_transformer.py, modules/transformer.py).
    """

    def __init__(self, config: ColumnConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.patch_embed = ColumnEmbedding(width)
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.columns, width))
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.depth))
        self.norm_frame = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embed and encode: (B, 64, frames) to (B, frames // 4, width)."""
        x = self.patch_embed(spectrogram)
        x = x + self.pos_embed[:, 1 : 1 + x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(self.norm_frame(x))


class ColumnEmbedding(nn.Module):
    """A linear map of each column's values, band by band; in a module of its own for the files' key names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patch_embed = nn.Linear(PATCH[0] * PATCH[1], width)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Cut into columns and map them: (B, 64, frames) to (B, frames // 4, width)."""
        clips, bands, frames = spectrogram.shape
        (_, wide), columns = PATCH, frames // PATCH[1]
        cut = spectrogram[..., : columns * wide].reshape(clips, bands, columns, wide)
        return torch.as_tensor(self.patch_embed(cut.transpose(1, 2).flatten(2)))


def _block(config: ColumnConfig) -> Block:
    block = Block(config.width, config.heads, config.hidden)
    block.attn.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
    return block


def load_atst(request: Request) -> ColumnTransformer:
    """Read an ATST-Frame file: a Lightning checkpoint of its pre-training, of which the teacher is taken.

    A checkpoint of its fine-tuning will do too, and a file with the encoder's weights alone. An untrained
    twin has the file's sizes.

    Raises:
        CheckpointError: the file cannot be read, or is of another architecture.
        UsageError: no such place to listen.
    """
    path = Path(request.rest)
    document = read_weights(path, request.allow)
    settings = _settings(document)
    check_settings(settings, _FIXED, path, NAME)
    tensors = _encoder(document, path)
    require(tensors, {"blocks.0.mlp.fc1.weight": 2}, path, NAME)
    config = ColumnConfig(**block_sizes(tensors, path), frames=int(settings.get("spec_w", FRAMES)))
    encoder = fit(lambda: ATSTEncoder(config), tensors, path)
    check_keys(tensors, encoder, path, NAME, _UNUSED)
    if request.seed is not None:
        initialise(encoder, request.seed)
    front = MelFrontEnd(window=1024, low_hz=60.0, high_hz=7800.0, top_db=80.0, limits=LIMITS_DB)
    return ColumnTransformer(encoder, front, name=request.name, hook=request.hook)


def initialise(encoder: ATSTEncoder, seed: int) -> None:
    """Give the encoder fresh random weights in place, as its training began; equal seeds, equal weights.

    Linear weights and positions are normal with standard deviation 0.02; biases 0, layer norms 1.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim == 1:  # a layer norm's
                parameter.fill_(1)
            else:
                parameter.normal_(0, 0.02, generator=generator)


def _settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a file says of its training."""
    settings = document.get("hyper_parameters", {})
    settings = vars(settings) if isinstance(settings, Namespace) else settings
    return settings if isinstance(settings, dict) else {}


def _encoder(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The encoder's weights, by its own names."""
    state = document.get("state_dict", document)
    keys = [key for key in state if isinstance(key, str)] if isinstance(state, dict) else []
    prefix = next(prefix for prefix in _PREFIXES if not prefix or any(key.startswith(prefix) for key in keys))
    if not prefix and any(key.startswith(_STUDENT) for key in keys):
        raise CheckpointError(
            path,
            f"holds a student ({_STUDENT}*) without its teacher; expected {_TEACHER}*, the weights that are "
            "meant to be used; try the checkpoint as training wrote it",
        )
    return {key.removeprefix(prefix): state[key] for key in keys if key.startswith(prefix)}


FAMILY = Family(
    "atst",
    [
        ModelRow(
            "atst:PATH",
            "ATST-Frame, 16 kHz; of a pre-training file the teacher",
            example="atst:atstframe_base.ckpt",
            needs="the weight file",
            layers="12 x 1536 (small), 12 x 3072 (base)",
            hook="blocks.*.mlp.act",
            tokens="columns of 40 ms, all bands in one; none in front",
            shortest="513 samples (32 ms)",
            padding="equal-length batches; what fills no column is lost",
            tested="the original's published source, random weights; files made to its layout",
        )
    ],
    load_atst,
)
