"""Control sets: as many random neurons per layer as the target has there, and none of the target's own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.interventions.changes.base import Address, by_layer, check_addresses
from otoscope.models.base import Layer

__all__ = ["Places", "control_sets", "places_of"]


@dataclass(frozen=True, eq=False)
class Places:
    """A layer's units, as a target divides them.

    Attributes:
        own: units of the target, ascending. Shape (own,).
        others: the others, ascending, at least as many. Shape (others,).
    """

    own: NDArray[np.int64]
    others: NDArray[np.int64]


def places_of(target: Collection[Address], layers: Sequence[Layer]) -> dict[int, Places]:
    """How a target divides the units of each layer that it touches.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it.
    """
    check_addresses(target, layers)
    found = {}
    for layer, units in by_layer(set(target)).items():
        own, total = np.array(units), layers[layer].units
        others = np.setdiff1d(np.arange(total), own)
        if len(others) < len(own):
            raise OtoscopeError(
                f"layer {layer} ({layers[layer].name}) has {total} units, {len(own)} of them in the target: "
                f"{len(others)} are left and {len(own)} are needed for a control set; choose a smaller target"
            )
        found[layer] = Places(own, others)
    return found


def control_sets(
    target: Collection[Address], layers: Sequence[Layer], draws: int, *, seed: int | Sequence[int] = 0
) -> list[list[Address]]:
    """Draw sets of neurons that match a target in number per layer and never overlap it.

    Draws are independent of each other: two sets may share neurons. The first sets of a longer series are
    those of a shorter one.

    Args:
        target: (layer, unit) pairs, without repetition.
        layers: the model's layers.
        draws: number of sets.
        seed: equal seeds, equal sets.

    Returns:
        One sorted list of (layer, unit) per draw.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it.

    >>> from types import SimpleNamespace
    >>> layers = [SimpleNamespace(name="0", units=4), SimpleNamespace(name="1", units=3)]
    >>> control_sets([(0, 0), (0, 2), (1, 1)], layers, draws=1)
    [[(0, 1), (0, 3), (1, 2)]]
    """
    places = places_of(target, layers)
    rng = np.random.default_rng(seed)
    return [
        [
            (layer, int(unit))
            for layer, place in places.items()
            for unit in np.sort(rng.choice(place.others, len(place.own), replace=False))
        ]
        for _ in range(draws)
    ]
