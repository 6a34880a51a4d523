"""A recording seen through another: all is as it is there, but for what a subclass changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from otoscope.neurons.addresses import Sized
from otoscope.neurons.probability import Recording

if TYPE_CHECKING:
    from otoscope.tasks import Labeling

__all__ = ["Through"]


@dataclass(frozen=True, eq=False)
class Through:
    """A recording that passes on what another holds.

    Attributes:
        store: the other.
    """

    store: Recording

    @property
    def layers(self) -> Sequence[Sized]:
        """The model's layers."""
        return self.store.layers

    @property
    def tokens(self) -> NDArray[Any]:
        """Number of tokens of each clip; 0 for a skipped one. Shape (clips,)."""
        return self.store.tokens

    @property
    def layer_tokens(self) -> NDArray[Any]:
        """The same as each layer has them. Shape (clips, layers)."""
        return self.store.layer_tokens

    @property
    def clips(self) -> pd.DataFrame:
        """The table of clips."""
        return self.store.clips

    @property
    def info(self) -> Mapping[str, Any]:
        """What it is a recording of."""
        return self.store.info

    def labeling(self, name: str) -> "Labeling":
        """The labeling of this name."""
        return self.store.labeling(name)

    def counts(self, neurons: slice, clips: slice = slice(None)) -> NDArray[Any]:
        """On how many tokens each neuron fires. Shape (clips, neurons), of the slices."""
        return self.store.counts(neurons, clips)
