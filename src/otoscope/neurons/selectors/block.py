"""What a selector looks at: what a stretch of neurons did on the clips of one labeling.

A recording is read in blocks of neurons, so that memory does not grow with the model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otoscope.neurons.addresses import positions
from otoscope.neurons.probability import (
    LabelledClips,
    Recording,
    Weighting,
    class_probabilities,
    membership_matrix,
)
from otoscope.neurons.rates import rate_blocks

__all__ = ["Block", "blocks_of"]

_BLOCK_BYTES = 32_000_000  # of firing rates in hand at a time
_CHUNK = 256  # neurons in one of the store's inner chunks


@dataclass(frozen=True, eq=False)
class Block:
    """What the neurons of a block did on the clips of a labeling.

    A clip of several labels counts for every class that it bears.

    Attributes:
        rates: on what share of a clip's tokens each neuron fires, in [0, 1]. Shape (clips, neurons).
        activations: mean activation over the tokens of each clip; None where the recording has none. Shape
            (clips, neurons).
        membership: which clip bears which class. Shape (clips, classes).
        groups: the group of each clip, None where the labeling has no groups. Shape (clips,).
        every_p: token-pooled firing probabilities of all neurons of the model, for thresholds that look at
            all of them, in [0, 1]. Shape (classes, all neurons).
        class_tokens: tokens of each class, as each neuron's layer has them. Shape (classes, neurons).
        part: the block's place among all neurons.
    """

    rates: NDArray[np.float32]
    activations: NDArray[np.float32] | None
    membership: NDArray[np.bool_]
    groups: NDArray[np.int64] | None
    every_p: NDArray[np.float64]
    class_tokens: NDArray[np.int64]
    part: slice

    @property
    def p(self) -> NDArray[np.float64]:
        """Token-pooled firing probabilities of the block's neurons, in [0, 1]. Shape (classes, neurons)."""
        return self.every_p[:, self.part]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of clips of each class. Shape (classes,)."""
        return np.asarray(self.membership.sum(axis=0), dtype=np.int64)

    @cached_property
    def class_rates(self) -> NDArray[np.float64]:
        """Mean over the clips of each class of the firing rate, in [0, 1]. Shape (classes, neurons)."""
        return self._class_means(self.rates)

    @cached_property
    def class_activations(self) -> NDArray[np.float64]:
        """Mean over the clips of each class of the mean activation; the rate where that was not recorded.

        Shape (classes, neurons).
        """
        return self.class_rates if self.activations is None else self._class_means(self.activations)

    @property
    def best(self) -> NDArray[np.int64]:
        """The class for which each neuron fires most, by its mean rate; the first of equals. (neurons,)."""
        return np.asarray(self.class_rates.round(12).argmax(axis=0))

    def at_best(
        self, values: NDArray[np.float64], best: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Scores from one value a neuron: it goes to the neuron's best class, all others get NaN.

        Args:
            values: one for each neuron. Shape (neurons,).
            best: class of each neuron; the one for which it fires most by default. Shape (neurons,).

        Returns:
            Shape (classes, neurons).
        """
        scores = np.full((self.membership.shape[1], len(values)), np.nan)
        scores[self.best if best is None else best, np.arange(len(values))] = values
        return scores

    def _class_means(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        # In float64: the order of clips must not show.
        sums = self.membership.T.astype(np.float64) @ values.astype(np.float64)
        return np.asarray(sums / self.sizes[:, None])


def blocks_of(store: Recording, clips: LabelledClips, size: int | None = None) -> Iterator[Block]:
    """Yield all neurons, block by block in flat order.

    Mean activations are taken from `store.mean`, where there is one, as `Store` has it.

    Args:
        store: the recording.
        clips: the clips to look at.
        size: neurons of a block; by default as many as 32 MB hold, in whole chunks of the store.
    """
    tokens = store.layer_tokens[clips.rows]
    weighting = Weighting.of(tokens, store.layers, "token")
    class_tokens = np.asarray(membership_matrix(clips.membership) @ weighting.weights)
    p = class_probabilities(store, clips, "token")
    means = _Means.of(store)
    size = size or max(_BLOCK_BYTES // (4 * len(clips.rows)) // _CHUNK, 1) * _CHUNK
    for part, rates in rate_blocks(store, clips.rows, size):
        weights = weighting.spread(class_tokens, part)
        yield Block(
            rates=rates,
            activations=None if means is None else means.read(clips.rows, part),
            membership=clips.membership,
            groups=clips.groups,
            every_p=p,
            class_tokens=np.broadcast_to(weights, (len(clips.classes), rates.shape[1])),
            part=part,
        )


@dataclass(frozen=True)
class _Means:
    """Mean activations of a recording on a flat axis of neurons."""

    values: xr.DataArray
    layer: NDArray[np.int64]
    unit: NDArray[np.int64]

    @classmethod
    def of(cls, store: Any) -> "_Means | None":
        """Those of a recording; None if it has none."""
        try:
            values = store.mean
        except (AttributeError, KeyError):
            return None
        return cls(values, *positions(store.layers))

    def read(self, rows: NDArray[np.int64], part: slice) -> NDArray[np.float32]:
        """Mean activations of some clips and a stretch of neurons. Shape (clips, neurons)."""
        if "neuron" in self.values.dims:  # layers of different width
            return self.values.isel(neuron=part).to_numpy()[rows].astype(np.float32)
        layers, units = self.layer[part], self.unit[part]
        pieces = [
            self.values.isel(layer=one, unit=_stretch(units[layers == one])).to_numpy()[rows]
            for one in np.unique(layers)
        ]
        return np.concatenate(pieces, axis=1).astype(np.float32)


def _stretch(units: NDArray[np.int64]) -> slice:
    return slice(int(units[0]), int(units[-1]) + 1)
