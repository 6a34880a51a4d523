"""What every model is to the rest of the house: a sample rate, layers to listen at, and a few verbs."""

from __future__ import annotations  # PyTorch and pandas only lend names here; a store is read without them

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from torch import Tensor, nn

    from otoscope.audio import Waveform


@dataclass(frozen=True)
class Layer:
    """A place where neurons are read.

    Attributes:
        name: of the module whose output they are, "blocks.3.mlp.act" for example.
        units: how many neurons the layer has.
    """

    name: str
    units: int


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
        inputs: what `forward` takes, shape (clips, ...).
        kind: the `Position` of every hooked position, uint8, shape (clips, positions).
    """

    inputs: Tensor
    kind: Tensor


@runtime_checkable
class AudioModel(Protocol):
    """An encoder whose neurons can be recorded.

    It is in evaluation mode, computes in float32 and can be pickled. Its valid tokens are numbered over the
    non-special positions, chunk after chunk.

    Attributes:
        name: the spec with which `load_model` makes it again, or a label for a model made by hand.
        sample_rate: Hz of the waveforms it takes.
        layers: where its neurons are, from input to output.
        fingerprint: SHA-256, in hex, of its weights and its front end's settings.
        embedding_size: values in a clip's embedding.
        device: where it computes.
    """

    name: str
    sample_rate: int
    layers: tuple[Layer, ...]
    fingerprint: str
    embedding_size: int

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""

    def hooks(self) -> Sequence[nn.Module]:
        """One module per layer, whose output is the hidden activation, shape (clips, positions, units)."""

    def length(self, samples: int) -> int:
        """Frames that a clip takes up, own padding included; clips of equal length may form one batch.

        Raises:
            OtoscopeError: the clip is too short.
        """

    def tokens(self, samples: int, real: int | None = None) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks, consecutive in time, on the model's device."""

    def forward(self, chunk: Chunk) -> Tensor:
        """Run a chunk: features of shape (clips, positions, width)."""

    def embedding(self, features: Sequence[Tensor]) -> Tensor:
        """Sum up the features of all chunks as one embedding per clip, shape (clips, embedding_size)."""

    def token_grid(self, samples: int) -> pd.DataFrame:
        """Say where the tokens of a clip lie: one row each, special positions left out.

        Columns: token (its number), start_s, stop_s, low_hz, high_hz, row (frequency, 0 the lowest), column
        (time).
        """
