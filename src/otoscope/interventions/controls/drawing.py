"""Draw the control sets of a target, matched in every way that was asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.changes import Address
from otoscope.interventions.controls.bases import leading_components, random_directions
from otoscope.interventions.controls.displacement import displacement_sets
from otoscope.interventions.controls.layers import control_sets
from otoscope.interventions.controls.neighbour import neighbours
from otoscope.interventions.controls.pool import Pool
from otoscope.interventions.controls.rates import rate_sets

__all__ = ["MATCHES", "ControlSet", "Match", "Pool", "draw_controls"]

Match: TypeAlias = Literal["layer", "rate", "displacement", "neighbour", "directions", "components"]
"""What control sets have in common with a target beside the number per layer: nothing; how often each neuron
fires; how far all together move the embedding; nothing, being the units next to the target's. Or, in place of
neurons, as many directions: random ones, or the leading principal components."""

MATCHES: tuple[Match, ...] = get_args(Match)


@dataclass(frozen=True, eq=False)
class ControlSet:
    """What is switched in place of a target.

    Attributes:
        match: what it has in common with the target.
        draw: its number, from 1.
        neurons: (layer, unit) pairs, sorted; none where directions are weakened.
        bases: of each layer, orthonormal directions; none where neurons are switched.
    """

    match: Match
    draw: int
    neurons: tuple[Address, ...] = ()
    bases: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)


def draw_controls(
    pool: Pool, target: Sequence[Address], matches: Sequence[Match], draws: int, *, seed: int
) -> tuple[list[ControlSet], list[str]]:
    """Draw control sets for a set of neurons; and what there is to be said of how they match.

    Equal neurons and seeds have equal sets, whatever else is drawn. Of more draws the first sets are those of
    fewer, but for displacement, where all sets are chosen together.

    Args:
        pool: what they are drawn from.
        target: (layer, unit) pairs, which no control set contains.
        matches: in which ways; neighbours and components are one set, of the others there are `draws` each.
        draws: number of sets.
        seed: of the drawing.

    Raises:
        UsageError: a target neuron that the model does not have.
        OtoscopeError: a layer has too few other units, or the clips too few components; for displacement,
            there are no clips, or the model gives no gradient.
    """
    layers, sets, notes = pool.store.layers, list[ControlSet](), list[str]()
    for match in dict.fromkeys(matches):
        if match == "layer":
            sets += _neurons(match, control_sets(target, layers, draws, seed=seed))
        elif match == "rate":
            sets += _neurons(match, rate_sets(target, layers, pool.rates, draws, seed=seed))
        elif match == "neighbour":
            sets += _neurons(match, [neighbours(target, layers)])
        elif match == "displacement":
            found = displacement_sets(target, layers, pool.pilot(seed), draws, seed=seed)
            sets += _neurons(match, found.neurons)
            notes.append(found.words())
        elif match == "directions":
            sets += _bases(match, random_directions(target, layers, draws, seed=seed))
        else:
            sets += _bases(match, [leading_components(target, layers, pool.clip_means)])
    return sets, notes


def _neurons(match: Match, drawn: Iterable[Sequence[Address]]) -> list[ControlSet]:
    return [ControlSet(match, number, tuple(neurons)) for number, neurons in enumerate(drawn, start=1)]


def _bases(match: Match, drawn: Iterable[Mapping[int, NDArray[np.float32]]]) -> list[ControlSet]:
    return [ControlSet(match, number, bases=bases) for number, bases in enumerate(drawn, start=1)]
