"""A recording in which special positions (CLS) or padding count as tokens, from counts kept apart for it.

The paper leaves open whether they do. `otoscope record --special --padding` counts firing there apart, and
these counts are added here to those of the tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.probability import Recording
from otoscope.neurons.through import Through

__all__ = ["KINDS", "CountedToo", "counted_apart"]

KINDS = ("special", "padding")
"""Positions whose firing can be counted apart."""

_CHUNK = 256  # neurons in one of the store's inner chunks
_BLOCK = 8 * _CHUNK


def counted_apart(store: Recording) -> tuple[str, ...]:
    """Which kinds of positions a recording counts apart: of "special" and "padding"."""
    arrays = getattr(store, "dataset", {})
    return tuple(kind for kind in KINDS if f"fired_{kind}" in arrays)


@dataclass(frozen=True, eq=False)
class CountedToo(Through):
    """A recording whose special positions or padding count as tokens.

    How many such positions a clip has is not recorded. It is taken to be the largest number on which any
    neuron of the layers with the same grid of tokens fired: never too many, and right where one of thousands
    of neurons fires on all of them. Every probability stays within 0 and 1.

    Attributes:
        store: the recording, with these kinds counted apart.
        kinds: what counts too.
        added: positions that count too, as each layer has them. Shape (clips, layers).
    """

    kinds: tuple[str, ...]
    added: NDArray[np.int64]

    @classmethod
    def of(cls, store: Recording, kinds: Sequence[str]) -> "CountedToo":
        """The recording with these kinds of positions, each of which it counts apart."""
        added = np.zeros((len(store.tokens), len(store.layers)), dtype=np.int64)
        for kind in kinds:
            added += _positions(store, kind)
        return cls(store, tuple(kinds), added)

    @property
    def layer_tokens(self) -> NDArray[Any]:
        """Number of positions that count, as each layer has them. Shape (clips, layers)."""
        total: NDArray[Any] = np.asarray(self.store.layer_tokens) + self.added
        return total

    def counts(self, neurons: slice, clips: slice = slice(None)) -> NDArray[Any]:
        """On how many positions that count each neuron fires. Shape (clips, neurons), of the slices."""
        total = self.store.counts(neurons, clips).astype(np.uint32)
        for kind in self.kinds:
            total += _counts(self.store, kind, neurons, clips)
        return total


def _counts(store: Recording, kind: str, neurons: slice, clips: slice = slice(None)) -> NDArray[Any]:
    """Firing at positions of a kind, for a stretch of the flat axis of neurons."""
    array = store.dataset[f"fired_{kind}"]  # type: ignore[attr-defined]  # `counted_apart` has seen it
    if "neuron" in array.dims:
        return np.asarray(array[clips, neurons])
    units = array.sizes["unit"]
    pieces = []
    for layer in range(neurons.start // units, -(-neurons.stop // units)):
        part = slice(max(neurons.start - layer * units, 0), min(neurons.stop - layer * units, units))
        pieces.append(np.asarray(array[clips, layer, part]))
    return np.concatenate(pieces, axis=1)


def _positions(store: Recording, kind: str) -> NDArray[np.int64]:
    """The most positions of a kind on which any neuron of a layer's grid fired. Shape (clips, layers)."""
    grids = np.array([getattr(layer, "grid", 0) for layer in store.layers])
    most = np.zeros((len(store.tokens), len(grids)), dtype=np.int64)
    first = 0
    for number, layer in enumerate(store.layers):
        for start in range(first, first + layer.units, _BLOCK):
            part = slice(start, min(start + _BLOCK, first + layer.units))
            np.maximum(most[:, number], _counts(store, kind, part).max(axis=1), out=most[:, number])
        first += layer.units
    for grid in np.unique(grids):
        most[:, grids == grid] = most[:, grids == grid].max(axis=1, keepdims=True)
    return most
