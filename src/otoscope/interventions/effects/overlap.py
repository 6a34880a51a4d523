"""How many neurons control sets have in common: the more, the less they differ, and the smaller is p.

Control sets hold no neuron of their target, so a target cannot change places with them. That does no harm as
long as sets are few of many neurons. Of M + n neurons with n in the target, two sets share n / M of theirs on
average, and the variance of their effects is too small by (1 - n / M) / (1 + n / M): at a tenth, the standard
deviation by a tenth. The page "Calibration" shows what becomes of p.
"""

from typing import TYPE_CHECKING

import numpy as np

from otoscope.interventions.changes import Address, Change, Clamp, Gain, Patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otoscope.interventions.effects.collecting import Heard
    from otoscope.interventions.effects.layout import Layout

__all__ = ["MOST_SHARED", "shared_of"]

MOST_SHARED = 0.1
"""Share of neurons that two control sets may have in common for their p to be trusted."""


def shared_of(heard: "Heard", layout: "Layout") -> dict[tuple[str, str], float]:
    """Of each target and way of matching, the share of neurons that two control sets have in common.

    It is twice the neurons in both over the neurons of either, on average over pairs; 0 with fewer than two
    sets, and of directions.
    """
    return {
        (target, match): _overlap([_neurons(heard.conditions[number].changes) for number in numbers.tolist()])
        for target, own in layout.controls.items()
        for match, numbers in own.items()
    }


def _overlap(sets: "Sequence[set[Address]]") -> float:
    place = {address: column for column, address in enumerate(sorted(set().union(*sets)))}
    if len(sets) < 2 or not place:
        return 0.0
    held = np.zeros((len(sets), len(place)), dtype=np.float32)
    for row, neurons in enumerate(sets):
        held[row, [place[address] for address in neurons]] = 1
    size = held.sum(axis=1)
    pairs = np.triu_indices(len(sets), 1)
    return float((2 * (held @ held.T) / (size[:, None] + size))[pairs].mean())


def _neurons(changes: "Iterable[Change]") -> set[Address]:
    """The neurons that are switched; none where directions are weakened."""
    found: set[Address] = set()
    for change in changes:
        match change:
            case Gain(factors=switched) | Clamp(values=switched):
                found.update(switched)
            case Patch(neurons=neurons):
                found.update(neurons)
    return found
