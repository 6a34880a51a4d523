"""What every model is to the rest of the house: a sample rate, layers to listen at, and a few verbs."""

from __future__ import annotations  # PyTorch and pandas only lend names here; a store is read without them

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from torch import Tensor

    from otoscope.audio import Waveform
    from otoscope.models.hooks import HookPoint


@dataclass(frozen=True)
class Layer:
    """A place where neurons are read.

    Attributes:
        name: of the module whose output they are, "blocks.3.mlp.act" for example.
        units: how many neurons the layer has.
        grid: which of the model's grids of tokens its positions form. Most models have one, number 0; in one
            that merges tokens on the way up, number 0 is the finest.
    """

    name: str
    units: int
    grid: int = 0


class Position(IntEnum):
    """What a position of the sequence stands for; only a TOKEN counts.

    TOKEN covers sound. PADDING lies wholly in the zeros that fill a clip up. SPECIAL stands for no place in
    the clip (the CLS token).
    """

    TOKEN = 0
    PADDING = 1
    SPECIAL = 2


@dataclass(frozen=True)
class Chunk:
    """A stretch of time of some clips, ready to be run.

    Attributes:
        inputs: what `forward` takes, on the model's device: a tensor of shape (clips, ...), or several.
        kind: the `Position` of every hooked position of grid 0, uint8, shape (clips, positions).
        coarser: the same for the grids 1, 2, ...
    """

    inputs: Any
    kind: Tensor
    coarser: tuple[Tensor, ...] = ()

    @property
    def clips(self) -> int:
        """Number of clips."""
        return len(self.kind)

    def kind_at(self, grid: int, positions: int) -> Tensor:
        """The `Position` of every position of a grid, uint8, shape (clips, positions).

        Args:
            grid: number of the grid.
            positions: how many a layer was seen to have, for models that cannot tell beforehand.
        """
        del positions
        return (self.kind, *self.coarser)[grid]


@runtime_checkable
class AudioModel(Protocol):
    """An encoder whose neurons can be recorded.

    It is in evaluation mode. Its tokens are numbered over the non-special positions, chunk after chunk, in
    each grid by itself. To be recorded by several workers it must survive pickling. One that was trained with
    a classifier may show it as `head`, see `otoscope.models.heads`.

    Attributes:
        name: the spec with which `load_model` makes it again, or a label for a model made by hand.
        sample_rate: Hz of the waveforms it takes.
        embedding_size: values in a clip's embedding.
    """

    name: str
    sample_rate: int
    embedding_size: int

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Where its neurons are, from input to output."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the weights that it uses and of its front end's settings."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in, float32 unless asked otherwise; its front end computes in float32 always."""

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""

    def hooks(self) -> Sequence[HookPoint]:
        """One hook point per layer, which sees the hidden activation, shape (clips, positions, units)."""

    def length(self, samples: int) -> int:
        """How long a clip is to the model, own padding included; clips of equal length may form one batch.

        The unit is the model's own. What a clip's neurons do must not depend on the others in its batch:
        where nothing masks padding, only clips that need none, or the same, are of equal length.

        Raises:
            OtoscopeError: the clip is too short.
        """

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks, consecutive in time, on the model's device."""

    def forward(self, chunk: Chunk) -> Tensor:
        """Run a chunk: features of shape (clips, positions, width)."""

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Sum up the features of all chunks as one embedding per clip, shape (clips, embedding_size)."""

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie: one row each, special positions left out.

        Columns: token (its number), start_s, stop_s, low_hz, high_hz, row (frequency, 0 the lowest), column
        (time).
        """
