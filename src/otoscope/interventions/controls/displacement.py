"""Control sets that push the embedding as hard as the target does.

The size of a push is the mean over clips of ||delta e||: how far the standardised embedding moves when the
set is switched off (gain 0), whatever an experiment then does to it. Sets are proposed at random by what they
do to first order; what they really do is measured on the pilot clips, the proposals' aim is corrected by it,
and those nearest to the target are kept.

A strong target needs strong neurons, of which a layer may have few: the sets then share many neurons. The
share is said with the match, for the fewer they have of their own, the less they are a random choice.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.changes.base import Address
from otoscope.interventions.controls.layers import places_of
from otoscope.interventions.controls.pilot import Pilot
from otoscope.interventions.controls.proposals import Proposals, apart
from otoscope.models.base import Layer
from otoscope.neurons.addresses import flat_index, positions

__all__ = ["Matched", "displacement_sets"]

SCOUTS = 6  # sets that are measured first, to see how far the first order is off
SPARE = 1.25  # sets that are measured then, for each one that is wanted
ROUNDS = 3  # of measuring, at most
CLOSE = 0.05  # logarithm of the sets' mean displacement over the target's that needs no other round
OFF = 0.1  # the same, beyond which the match is said to have failed


@dataclass(frozen=True, eq=False)
class Matched:
    """Control sets, and how well they match.

    Attributes:
        size: neurons of the target.
        target: its displacement on the pilot clips.
        neurons: the sets, each sorted.
        displacements: theirs. Shape (sets,).
        clips: number of pilot clips.
        draws: how many sets were asked for.
    """

    size: int
    target: float
    neurons: list[list[Address]]
    displacements: NDArray[np.float64]
    clips: int
    draws: int

    @property
    def shared(self) -> float:
        """What share of its neurons a set has in common with another one, on average over pairs."""
        pairs = combinations([set(neurons) for neurons in self.neurons], 2)
        shares = [2 * len(one & other) / (len(one) + len(other)) for one, other in pairs]
        return float(np.mean(shares)) if shares else 0.0

    def words(self) -> str:
        """What there is to be said of the match."""
        mean = self.displacements.mean()
        sizes = sorted({len(neurons) for neurons in self.neurons})
        said = (
            f"displacement-matched controls of {_neurons(self.size)}: on {self.clips} clips outside the test "
            f"set the target moves the standardised embedding by {self.target:.3g}, the {len(self.neurons)} "
            f"sets by {mean:.3g} on average"
        )
        if self.target:
            ratios = self.displacements / self.target
            said += f" ({ratios.min():.2f} to {ratios.max():.2f} of the target's)"
        said += f"; two sets share {self.shared:.0%} of their neurons on average"
        if len(self.neurons) < self.draws:
            said += f"; {self.draws} were asked for, but no more different ones were found"
        if sizes != [self.size]:
            said += (
                f"; sets of as many neurons do not push as hard: they have {' or '.join(map(str, sizes))} "
                "neurons"
            )
        if apart(mean, self.target) > OFF:
            said += "; no sets push as hard or as little as the target, so its push is not controlled for"
        return said


def _neurons(number: int) -> str:
    return "1 neuron" if number == 1 else f"{number} neurons"


def displacement_sets(
    target: Collection[Address], layers: Sequence[Layer], pilot: Pilot, draws: int, *, seed: int
) -> Matched:
    """Draw sets of neurons that match a target per layer and in displacement, and never overlap it.

    Sets have as many neurons in each layer as the target; where such sets do not push as hard, so many times
    as many, see `Proposals.near`. Where no size does, the nearest are kept.

    Args:
        target: (layer, unit) pairs, without repetition.
        layers: the model's layers.
        pilot: the clips on which displacement is measured.
        draws: number of sets; fewer come back where there are not so many different ones.
        seed: equal seeds, equal sets.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it, or the model gives no
            gradient.
    """
    layer_of, unit_of = positions(layers)
    places = places_of(target, layers)
    first = {layer: flat_index(layers, layer, 0) for layer in places}
    own = np.array([first[layer] + unit for layer, unit in sorted(set(target))])
    wanted = [len(place.own) for place in places.values()]
    others = [place.others + first[layer] for layer, place in places.items()]

    def addresses(neurons: NDArray[np.int64]) -> list[Address]:
        return list(zip(layer_of[neurons].tolist(), unit_of[neurons].tolist(), strict=True))

    goal, aim, tried, measured = 0.0, pilot.push.of(own), list[list[Address]](), list[float]()
    for number in range(ROUNDS):
        measuring = math.ceil(SPARE * draws) if number else SCOUTS
        proposed = Proposals(pilot.push, wanted, others, (seed, number)).near(aim, measuring)
        sets = [addresses(each) for each in proposed]
        goal, *found = pilot.displacements([addresses(own), *sets]).tolist()
        tried, measured = tried + sets, measured + found
        typical = float(np.mean(found))
        if number and (min(goal, typical) == 0 or abs(np.log(typical / goal)) < CLOSE):
            break
        if typical:
            aim = float(np.mean([pilot.push.of(each) for each in proposed])) * goal / typical
    kept = _nearest(tried, np.array(measured), goal, draws)
    sets = [tried[place] for place in kept]
    return Matched(len(own), goal, sets, np.array(measured)[kept], pilot.clips, draws)


def _nearest(
    sets: Sequence[Sequence[Address]], measured: NDArray[np.float64], goal: float, draws: int
) -> list[int]:
    """Places of the sets whose displacement is nearest to the target's, each set once, in the order given."""
    order = np.argsort(apart(measured, goal), kind="stable").tolist()
    different = {tuple(sets[place]): place for place in reversed(order)}
    return sorted(sorted(different.values(), key=order.index)[:draws])
