"""What ATST-Frame and Dasheng share: Transformers with one token per column of four mel frames, 40 ms."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from otoscope.models.checkpoints import CheckpointError
from otoscope.models.encoder import Places, points_at
from otoscope.models.melbank import BANDS, MelFrontEnd
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder

__all__ = ["PATCH", "ColumnConfig", "ColumnTransformer", "check_keys", "check_settings"]

PATCH = (BANDS, 4)  # bands and frames of a token
PLACES: Places = {"mlp": ["blocks.*.mlp.act"], "residual": ["blocks.*"], "attention": ["blocks.*.attn"]}


@dataclass(frozen=True)
class ColumnConfig:
    """The sizes of such a Transformer.

    Attributes:
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads; divides `width`.
        hidden: units of a block's MLP, which are the neurons.
        frames: of a chunk, at most.
    """

    width: int
    depth: int
    heads: int
    hidden: int
    frames: int

    @property
    def columns(self) -> int:
        """Tokens of a full chunk."""
        return self.frames // PATCH[1]


class ColumnTransformer(SpectrogramEncoder):
    """A Transformer over columns of mel; an `AudioModel`.

    Clips longer than a chunk are cut into chunks without overlap, each starting at the first time position;
    the last is as short as it is, and frames that do not fill a column are lost. So the original code runs
    its models. Nothing masks the attention, so zero padding takes part in it; a token is padding if it covers
    no frame of the clip's sound.

    The embedding is the mean of the last block's normalised output over the valid tokens.

    Args:
        module: the encoder, with a `config`; it takes (clips, 64, frames) and gives (clips, columns, width).
        front: its front end.
        name: the spec that makes the model again, or a label.
        hook: where to listen, see `load_model`.
    """

    def __init__(self, module: nn.Module, front: MelFrontEnd, *, name: str, hook: str = "mlp") -> None:
        config = module.config
        assert isinstance(config, ColumnConfig)
        grid = PatchGrid(BANDS, config.frames, PATCH, special=0, fill="none")
        super().__init__(
            module,
            points_at(module, PLACES, hook, name),
            front=front,
            grid=grid,
            name=name,
            embedding_size=config.width,
            settings={"front_end": dict(front.settings), "grid": asdict(grid), "config": asdict(config)},
            units=[config.hidden] * config.depth if hook == "mlp" else None,
        )


def check_keys(
    tensors: Mapping[str, Any], encoder: nn.Module, path: Path, family: str, unused: Sequence[str]
) -> None:
    """Refuse a file with weights that the encoder would leave out: its numbers would be another model's.

    Args:
        tensors: the file's, by the encoder's names.
        encoder: what was made of them.
        path: of the file.
        family: for the message.
        unused: beginnings of names that the original does not use either when it only listens.

    Raises:
        CheckpointError: there are such weights.
    """
    known = encoder.state_dict()
    if more := [name for name in tensors if name not in known and not name.startswith(tuple(unused))]:
        raise CheckpointError(
            path,
            f"is of another architecture: it holds {', '.join(more[:4])}, {len(more)} weights more than "
            f"{family} has; expected none but its own; try another family of `otoscope models`",
        )


def check_settings(settings: Mapping[str, Any], fixed: Mapping[str, Any], path: Path, family: str) -> None:
    """Refuse a file that states settings other than those that are built in here.

    Raises:
        CheckpointError: it does.
    """
    for key, built_in in fixed.items():
        stated = settings.get(key, built_in)
        if (list(stated) if isinstance(stated, tuple) else stated) != built_in:
            raise CheckpointError(
                path,
                f"states {key} = {stated!r}; expected {built_in!r}, as all published models of {family} "
                "have; other settings are not supported",
            )
