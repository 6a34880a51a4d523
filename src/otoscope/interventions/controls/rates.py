"""Control sets of neurons that fire as often as the target's, layer by layer."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.changes.base import Address
from otoscope.interventions.controls.layers import Places, places_of
from otoscope.models.base import Layer

__all__ = ["rate_sets"]

NEAREST = 20
"""From so many units that fire most nearly as often a neuron's stand-in is drawn; in a layer of less than 400
units from a twentieth of them, and from 5 at least."""


def rate_sets(
    target: Collection[Address],
    layers: Sequence[Layer],
    rates: Mapping[int, NDArray[np.float64]],
    draws: int,
    *,
    seed: int | Sequence[int] = 0,
) -> list[list[Address]]:
    """Draw sets of neurons that match a target in number and firing rates per layer, and never overlap it.

    Each target neuron, in random order, is replaced by one of the `NEAREST` units of its layer that fire most
    nearly as often and are not in the set yet; ties are broken at random. The first sets of a longer series
    are those of a shorter one.

    Args:
        target: (layer, unit) pairs, without repetition.
        layers: the model's layers.
        rates: of each layer, the share of tokens on which its units fire. Shape (units,).
        draws: number of sets.
        seed: equal seeds, equal sets.

    Returns:
        One sorted list of (layer, unit) per draw.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it.
    """
    places = places_of(target, layers)
    random = np.random.default_rng(seed)
    return [
        sorted(
            (layer, unit)
            for layer, place in places.items()
            for unit in _stand_ins(place, rates[layer], _nearest(layers[layer].units), random)
        )
        for _ in range(draws)
    ]


def _nearest(units: int) -> int:
    return max(5, min(NEAREST, units // 20))


def _stand_ins(
    place: Places, rates: NDArray[np.float64], nearest: int, random: np.random.Generator
) -> list[int]:
    """A unit for each of the target's in a layer."""
    left = random.permutation(place.others)
    found = []
    for own in random.permutation(place.own):
        order = np.argsort(np.abs(rates[left] - rates[own]), kind="stable")  # ties stay in random order
        taken = random.choice(order[:nearest])
        found.append(int(left[taken]))
        left = np.delete(left, taken)
    return found
