"""What control sets are drawn from, and what there is to be known of it, read once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otoscope.activations.store import Store
from otoscope.interventions.changes.base import Address, check_addresses
from otoscope.interventions.controls.pilot import Pilot
from otoscope.models.base import AudioModel
from otoscope.neurons.addresses import flat_index

__all__ = ["Pool"]

_BLOCK = 256  # neurons that are read at a time; one of the store's inner chunks holds as many


class _ByLayer(dict[int, NDArray[np.float64]]):
    """Values of layers, each read when it is first asked for."""

    def __init__(self, read: Callable[[int], NDArray[np.float64]]) -> None:
        self._read = read

    def __missing__(self, layer: int) -> NDArray[np.float64]:
        self[layer] = self._read(layer)
        return self[layer]


@dataclass(frozen=True, eq=False)
class Pool:
    """What control sets are drawn from, and how they are matched.

    Attributes:
        store: the recording.
        rows: row numbers of the clips that matching may look at: those outside the test set.
        model: the recorded model; for matching by displacement only.
        spread: standard deviation of each value of the embedding over these clips. Shape (embedding_size,).
        batch_size: clips in a forward pass.
    """

    store: Store
    rows: NDArray[np.int64]
    model: AudioModel
    spread: NDArray[np.float64]
    batch_size: int
    _pilots: dict[int, Pilot] = field(default_factory=dict, init=False, repr=False)

    def pilot(self, seed: int) -> Pilot:
        """The clips on which displacement is matched, the same for equal seeds; read once.

        Raises:
            OtoscopeError: there are none.
        """
        if seed not in self._pilots:
            self._pilots[seed] = Pilot.read(
                self.model, self.store, self.rows, self.spread, batch_size=self.batch_size, seed=seed
            )
        return self._pilots[seed]

    @cached_property
    def rates(self) -> Mapping[int, NDArray[np.float64]]:
        """Of each layer, the share of tokens on which its units fire. Shape (units,)."""
        return _ByLayer(self._rates)

    def mean_activations(self, neurons: Iterable[Address]) -> dict[Address, float]:
        """The neurons' mean activations over all tokens of the clips.

        Raises:
            UsageError: a neuron that the model does not have.
        """
        wanted = list(neurons)
        check_addresses(wanted, self.store.layers)
        return {(layer, unit): float(self._means[layer][unit]) for layer, unit in wanted}

    def clip_means(self, layer: int) -> NDArray[np.float32]:
        """Mean activations of a layer in each clip. Shape (clips, units)."""
        return np.concatenate([self._clip_means(layer, part) for part in self._parts(layer)], axis=1)

    @cached_property
    def _means(self) -> Mapping[int, NDArray[np.float64]]:
        return _ByLayer(self._token_means)

    def _token_means(self, layer: int) -> NDArray[np.float64]:
        tokens = self.store.layer_tokens[self.rows, layer]
        parts = [tokens @ self._clip_means(layer, part).astype(np.float64) for part in self._parts(layer)]
        return np.asarray(np.concatenate(parts) / tokens.sum())

    def _clip_means(self, layer: int, units: slice) -> NDArray[np.float32]:
        values, first = self.store.mean, flat_index(self.store.layers, layer, units.start)
        found = (
            values.isel(neuron=slice(first, first + units.stop - units.start))
            if "neuron" in values.dims  # layers of different width
            else values.isel(layer=layer, unit=units)
        )
        return np.asarray(found.to_numpy()[self.rows])

    def _rates(self, layer: int) -> NDArray[np.float64]:
        first = flat_index(self.store.layers, layer, 0)
        parts = (slice(first + part.start, first + part.stop) for part in self._parts(layer))
        fired = [self.store.counts(part)[self.rows].sum(axis=0, dtype=np.int64) for part in parts]
        return np.asarray(np.concatenate(fired) / self.store.layer_tokens[self.rows, layer].sum())

    def _parts(self, layer: int) -> list[slice]:
        """A layer's units, some at a time, so that memory does not grow with the model."""
        units = self.store.layers[layer].units
        return [slice(start, min(start + _BLOCK, units)) for start in range(0, units, _BLOCK)]
