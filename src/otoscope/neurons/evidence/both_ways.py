"""Choose neurons on one half of the groups, measure them on the other, and then the other way round.

halves     groups (clips, where there are none) are dealt into two halves, each class into both
choose     on one half: a class's best neuron, or what a selection chooses
score      on the other half: AUROC of r = fired / T for the class against the rest
and back   the halves change places; all pairs of neuron and class count alike

The halves, and the draws of groups behind the intervals, depend on clips and labels alone: whatever recording
of these clips is measured, it is measured on the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from otoscope.errors import OtoscopeError
from otoscope.neurons.baselines import beside
from otoscope.neurons.halves import halves, unit_labels, units_of
from otoscope.neurons.pairs import Pairs, pairs_of
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.ranks import auroc
from otoscope.neurons.rates import rate_blocks, rates_of
from otoscope.neurons.redrawing import mean_areas, shared_draws

__all__ = [
    "Half",
    "Scores",
    "best_of",
    "class_auroc",
    "drawn_halves",
    "flat_pairs",
    "freedom_of",
    "half_masks",
    "heard_by_all",
    "interval_of",
    "scores_on",
]


@dataclass(frozen=True, eq=False)
class Half:
    """One half of the clips of a labeling.

    Attributes:
        rows: the clips' rows in the recording. Shape (clips,).
        membership: which of them bears which class. Shape (clips, classes).
        unit: the group of each, numbered from 0. Shape (clips,).
        times: the weight of each group, as it is and in each draw. Shape (groups, 1 + draws).
    """

    rows: NDArray[np.int64]
    membership: NDArray[np.bool_]
    unit: NDArray[np.int64]
    times: NDArray[np.float64]

    @property
    def groups(self) -> NDArray[np.int64]:
        """Groups with a clip of each class, or with one of the rest if these are fewer. Shape (classes,)."""
        inside, outside = (unit_labels(each, self.unit) for each in (self.membership, ~self.membership))
        return np.asarray(np.minimum(inside.sum(axis=0), outside.sum(axis=0)))


@dataclass(frozen=True, eq=False)
class Scores:
    """How well pairs of neuron and class hold on clips that the choice has not seen.

    Attributes:
        sums: the sum over pairs of their AUROC: of the groups as they are, and in each draw. Shape (classes,
            1 + draws).
        pairs: how many pairs there are of each class. Shape (classes,).
    """

    sums: NDArray[np.float64]
    pairs: NDArray[np.int64]

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(self.sums + other.sums, self.pairs + other.pairs)

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean AUROC of each class; NaN for one without pairs. Shape (classes, 1 + draws)."""
        some = (self.pairs > 0)[:, None]
        return np.divide(self.sums, self.pairs[:, None], out=np.full_like(self.sums, np.nan), where=some)


def heard_by_all(stores: Sequence[Recording], label: str) -> LabelledClips:
    """The labelled clips that every recording and every twin of it has tokens of."""
    everyone = [*stores, *(recording for store in stores for _, recording in beside(store))]
    heard = np.all([np.asarray(each.tokens) > 0 for each in everyone], axis=0)
    return labelled_clips(stores[0], label, heard)


def half_masks(chosen: LabelledClips, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which clips are of either half, over `chosen.rows`.

    Raises:
        OtoscopeError: a class has clips in one half only.
    """
    first, second = halves(chosen, seed)
    borne = unit_labels(chosen.membership, units_of(chosen))
    for number, name in enumerate(chosen.classes):
        bears = chosen.membership[:, number]
        if not (bears & first).any() or not (bears & second).any():
            what = "clips" if chosen.groups is None else "groups"
            count = int(borne[:, number].sum())
            raise OtoscopeError(
                f"class {name!r} of labeling {chosen.labeling.name!r} has {count} "
                f"{what if count > 1 else what[:-1]}, all of them in one half; expected some in both; try "
                f"another seed, more {what}, or a labeling without this class"
            )
    return first, second


def drawn_halves(chosen: LabelledClips, bootstrap: int, seed: int) -> tuple[Half, Half]:
    """The two halves, each with its draws of groups.

    Raises:
        OtoscopeError: a class has clips in one half only.
    """
    unit = units_of(chosen)
    streams = np.random.default_rng([seed, 1]).spawn(2)
    made = []
    for mask, random in zip(half_masks(chosen, seed), streams, strict=True):
        member = chosen.membership[mask]
        own = np.unique(unit[mask], return_inverse=True)[1].ravel()
        made.append(Half(chosen.rows[mask], member, own, shared_draws(member, own, bootstrap, random)))
    return made[0], made[1]


def freedom_of(halves: tuple[Half, Half]) -> NDArray[np.int64]:
    """Degrees of freedom of the interval of each class: its groups less one in each half. Shape (classes,).

    0 with fewer than two groups in a half, of the class or of the rest: there is no interval.
    """
    one, two = (half.groups for half in halves)
    return np.where((one > 1) & (two > 1), one + two - 2, 0)


def interval_of(
    values: NDArray[np.float64], freedom: int, ends: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """The 95 % interval of a figure by the spread of its draws and Student's t; NaN where there is none.

    The central 95 % of the draws would be too narrow for few groups: with four of a class, noise is above
    0.5 in 7 to 10 % of worlds; by t in 1 to 3 %, whatever the number.

    Args:
        values: the figure, and after it that of each draw. Shape (1 + draws,).
        freedom: see `freedom_of`; of several classes the smallest.
        ends: what the figure can be at least and at most.
    """
    draws = values[1:][~np.isnan(values[1:])]
    if not freedom or not len(draws):
        return np.nan, np.nan
    half = float(student.isf(0.025, freedom) * draws.std())
    low, high = np.clip([values[0] - half, values[0] + half], *ends)
    return float(low), float(high)


def class_auroc(
    store: Recording, rows: NDArray[np.int64], membership: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How well each neuron of a recording tells each class from the rest, by the rank of a clip's share.

    Args:
        store: the recording.
        rows: the clips, each with tokens. Shape (clips,).
        membership: which of them bears which class. Shape (clips, classes).

    Returns:
        AUROC in [0, 1], see `otoscope.neurons.ranks.auroc`; 0.5 for a neuron that never fires, NaN for a
        class that no clip or every clip bears. Shape (classes, neurons).
    """
    area = np.empty((membership.shape[1], sum(layer.units for layer in store.layers)))
    for part, shares in rate_blocks(store, rows):
        area[:, part] = auroc(shares, membership)
    return area


def best_of(area: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """The neuron of each class that tells it best, by `class_auroc`; the first of equals."""
    top = np.nan_to_num(area, nan=-1.0).argmax(axis=1)
    return [np.array([neuron], dtype=np.int64) for neuron in top]


def flat_pairs(pairs: Pairs, store: Recording, classes: Sequence[str]) -> list[NDArray[np.int64]]:
    """The neurons of each class by their flat numbers."""
    table = pairs_of(pairs)
    below = np.concatenate([[0], np.cumsum([layer.units for layer in store.layers])])
    flat = below[table["layer"].to_numpy()] + table["unit"].to_numpy()
    category = table["category"].to_numpy(dtype=object)
    return [flat[category == name].astype(np.int64) for name in classes]


def scores_on(store: Recording, half: Half, neurons: Sequence[NDArray[np.int64]]) -> Scores:
    """Measure the neurons of each class on a half.

    Args:
        store: the recording.
        half: the clips to measure on.
        neurons: of each class, by their flat numbers; there may be none.
    """
    every = np.unique(np.concatenate(list(neurons)))
    rates = rates_of(store, half.rows, every)
    sums = np.zeros((len(neurons), half.times.shape[1]))
    for k, own in enumerate(neurons):
        if len(own):
            values = rates[:, np.searchsorted(every, own)]
            sums[k] = len(own) * mean_areas(values, half.membership[:, k], half.unit, half.times)
    return Scores(sums, np.array([len(own) for own in neurons], dtype=np.int64))
