"""The three filters over a grid of thresholds: as `apply_filters` for each, for little more than one.

All quantiles come from one partition of the table, the entropies are computed once, and the neurons are
ranked once for each response threshold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.addresses import Sized
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.filters import Filters, Kept, order_statistic, ranked

__all__ = ["Grid", "Point", "Quantiles"]

Quantiles = Literal["global", "layer"]
"""Quantiles over all neurons of the model, or within each layer; the share of neurons likewise."""

_BLOCK = 2048  # neurons whose entropy is computed at a time: as many as the processor's cache holds


class Point(NamedTuple):
    """One combination of thresholds."""

    quantiles: Quantiles
    response: float
    share: float
    assignment: float


@dataclass(frozen=True)
class Grid:
    """Thresholds to combine, each with each.

    Attributes:
        quantiles: "global", "layer" or both.
        response: quantiles of p that a neuron's largest p must exceed, each in [0, 1].
        share: shares of the neurons to keep, each in [0, 1].
        assignment: quantiles of p that a pair must exceed, each in [0, 1].
    """

    quantiles: Sequence[Quantiles]
    response: Sequence[float]
    share: Sequence[float]
    assignment: Sequence[float]

    def __post_init__(self) -> None:
        for kind in self.quantiles:
            if kind not in get_args(Quantiles):
                raise UsageError(f"quantiles is {kind!r}; expected {' or '.join(get_args(Quantiles))}")
        for point in self.points:
            Filters(*point[1:])  # refuses what is out of range

    @property
    def points(self) -> list[Point]:
        """All combinations, in the order in which `kept` gives them."""
        return [Point(*each) for each in product(self.quantiles, self.response, self.share, self.assignment)]

    def kept(self, p: NDArray[np.float64], layers: Sequence[Sized]) -> Iterator[Kept]:
        """What the filters keep at each point of the grid.

        Args:
            p: firing probabilities of all neurons in flat order. Shape (classes, neurons).
            layers: with the number of units of each.
        """
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        entropy = _entropy(p)
        for kind in self.quantiles:
            stretches = [(0, ends[-1])] if kind == "global" else list(pairwise(ends))
            parts = [self._within(p[:, a:b], entropy[a:b], a) for a, b in stretches]
            for same in zip(*parts, strict=True):
                yield same[0] if len(same) == 1 else _joined(same)

    def _within(self, p: NDArray[np.float64], entropy: NDArray[np.float64], first: int) -> Iterator[Kept]:
        """The same for the neurons of one stretch, whose first has this number on the flat axis."""
        thresholds = order_statistic(p, *self.response, *self.assignment)
        least, above = thresholds[: len(self.response)], thresholds[len(self.response) :]
        largest = p.max(axis=0)
        for response in least:
            candidates = np.flatnonzero(largest > response)
            order = candidates[ranked(entropy[candidates])]
            for share in self.share:
                neurons = np.sort(order[: round(p.shape[1] * share)])
                values = p[:, neurons]
                for threshold in above:
                    yield Kept(neurons + first, values > threshold, entropy[neurons])


def _joined(parts: Sequence[Kept]) -> Kept:
    """What several stretches of neurons keep, as one."""
    return Kept(
        np.concatenate([part.neurons for part in parts]),
        np.concatenate([part.assigned for part in parts], axis=1),
        np.concatenate([part.entropy for part in parts]),
    )


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    starts = range(0, p.shape[1], _BLOCK)
    return np.concatenate([class_entropy(p[:, start : start + _BLOCK]) for start in starts])
