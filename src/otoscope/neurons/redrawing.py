"""Areas under the ROC curve when whole groups are drawn again with replacement.

A draw is a weight for each group, so that no clip is copied: the area follows from the weights of the groups
at each level of the firing share.

`draws_of` draws for one class. `shared_draws` draws once for all classes, for what is averaged over classes
or held against what another model makes of the same groups.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from otoscope.neurons.halves import unit_labels

__all__ = ["drawn_areas", "draws_of", "mean_areas", "shared_draws"]

_CELLS = 4_000_000  # pairs of clips compared at a time


def draws_of(
    member: NDArray[np.bool_], unit: NDArray[np.int64], bootstrap: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """The same for one class against the rest: (groups, draws), none with fewer than two groups on a side.

    Drawn apart are the groups that hold only the class, only others, and both, each as in `shared_draws`.
    """
    sides = np.column_stack([member, ~member])
    if (unit_labels(sides, unit).sum(axis=0) < 2).any():
        return np.empty((int(unit.max(initial=-1)) + 1, 0))
    return shared_draws(sides, unit, bootstrap, random)[:, 1:]


def drawn_areas(
    value: NDArray[np.float32], member: NDArray[np.bool_], unit: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The AUROC of one neuron in every draw of groups; NaN in one without a side. Shape (draws,)."""
    levels, level = np.unique(value, return_inverse=True)
    shape = (len(levels), len(times))

    def weights(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        held = sparse.csr_array((np.ones(chosen.sum()), (level[chosen], unit[chosen])), shape=shape)
        return np.asarray(held @ times)

    inside, outside = weights(member), weights(~member)
    below = np.cumsum(outside, axis=0) - outside / 2
    pairs = inside.sum(axis=0) * outside.sum(axis=0)
    won = np.einsum("vb,vb->b", inside, below)
    return np.asarray(np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0))


def shared_draws(
    membership: NDArray[np.bool_], unit: NDArray[np.int64], bootstrap: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """How much each group weighs in each draw, the first of which is the groups as they are.

    Groups are drawn among those that hold the same classes (those that are alone in this, among one another),
    so that classes keep their groups. Of n groups n - 1 are drawn, each for n / (n - 1), which makes the
    variance that of the mean of n: with all n drawn it would be too small by 1 / n.

    Args:
        membership: which clip bears which class. Shape (clips, classes).
        unit: the group of each clip, numbered from 0 without gaps. Shape (clips,).
        bootstrap: number of draws.
        random: draws.

    Returns:
        Shape (groups, 1 + draws).

    Source: Rao and Wu 1988, Journal of the American Statistical Association 83.

    >>> both = np.array([[True, False], [True, False], [True, False], [False, True]])
    >>> shared_draws(both, np.arange(4), 2, np.random.default_rng(0)).tolist()
    [[1.0, 0.0, 1.5], [1.0, 1.5, 1.5], [1.0, 1.5, 0.0], [1.0, 1.0, 1.0]]
    """
    _, alike, size = np.unique(unit_labels(membership, unit), axis=0, return_inverse=True, return_counts=True)
    stratum = np.where(size == 1, -1, np.arange(len(size)))[alike.ravel()]
    times = np.ones((len(stratum), 1 + bootstrap))
    for each in np.unique(stratum):
        place = np.flatnonzero(stratum == each)
        n = len(place)
        if n > 1 and bootstrap:
            drawn = random.integers(n, size=(bootstrap, n - 1)) + n * np.arange(bootstrap)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=bootstrap * n).reshape(bootstrap, n)
            times[place, 1:] = counts.T * (n / (n - 1))
    return times


def mean_areas(
    values: NDArray[np.float32],
    member: NDArray[np.bool_],
    unit: NDArray[np.int64],
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The mean over neurons of the AUROC of one class, in every draw of groups.

    The pairs of clips that a neuron puts in order are counted by pair of groups and summed over neurons, so
    that draws cost the same for many neurons as for one.

    Args:
        values: firing shares. Shape (clips, neurons).
        member: which clips bear the class. Shape (clips,).
        unit: the group of each clip. Shape (clips,).
        times: the weight of each group in each draw. Shape (groups, draws).

    Returns:
        Shape (draws,); NaN for a draw without the class or without the rest.
    """
    inside, outside = np.flatnonzero(member), np.flatnonzero(~member)
    outside = outside[np.argsort(unit[outside], kind="stable")]
    groups, starts = np.unique(unit[outside], return_index=True)
    won = np.zeros(times.shape[1])
    size = max(_CELLS // max(len(outside), 1), 1)
    for start in range(0, len(inside), size):
        part = inside[start : start + size]
        twice = np.zeros((len(part), len(outside)), np.int32)  # 2 for a pair in order, 1 for a tie
        for value in values.T:
            own, rest = value[part][:, None], value[outside]
            twice += own > rest
            twice += own >= rest
        by_group = np.add.reduceat(twice, starts, axis=1) / 2
        won += np.einsum("ib,ib->b", by_group @ times[groups], times[unit[part]])
    pairs = times[unit[inside]].sum(axis=0) * times[unit[outside]].sum(axis=0) * values.shape[1]
    return np.asarray(np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0))
