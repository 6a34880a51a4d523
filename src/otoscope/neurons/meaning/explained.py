"""How much a neuron's selectivity for classes is owed to acoustic descriptors: before and after, both shown.

    y       ranks of a neuron's firing shares over clips
    before  eta squared of the class on y: the variance between classes over all variance
    after   the same of y - (prediction of y from the descriptors), the prediction by a ridge regression that
            was fitted to the clips of other groups (cross-fitting)

What vanishes is explained, not wrong: fundamental frequency is octave. The tests permute labels' units as the
design allows: `before` by plain permutation, `after` by Freedman and Lane: what the descriptors leave is
permuted, added to what they predict, and the regression is fitted again.

Eta squared is of the units' means (a group with one class is a unit), less the means of the strata.
Source: Freedman and Lane 1983, JBES 1; Winkler et al. 2014, NeuroImage 92.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.addresses import flat_index
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.meaning.following import descriptor_values
from otoscope.neurons.meaning.follows import averaging
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.ranks import ranks_of
from otoscope.neurons.rates import rates_of
from otoscope.neurons.sharing.testing import discoveries

__all__ = ["EXPLAINED", "explained"]

_FOLDS = 5
_LEAST_DISTINCT = 100
_TIE = 1e-9

Values = NDArray[np.float64]


def explained(
    store: Recording,
    descriptors: pd.DataFrame,
    label: str,
    neurons: Sequence[tuple[int, int]],
    *,
    permutations: int = 200,
    penalty: float = 0.01,
    seed: int = 0,
    design: DesignName | None = None,
    clips: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Class selectivity of chosen neurons before and after the descriptors are regressed out.

    Args:
        store: a recording.
        descriptors: one row a clip of the recording; a missing value counts as the median, and whether it is
            missing as a descriptor of its own.
        label: name of a labeling, of one class a clip.
        neurons: (layer, unit) of each.
        permutations: how many to draw.
        penalty: of the ridge regression, per clip, on standardised ranks: 0.01 shrinks a descriptor that
            stands alone by 1 %.
        seed: of folds and permutations.
        design: "ungrouped", "nested" or "crossed"; by default what the labeling and its groups show.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.

    Returns:
        One row a neuron: `layer`, `unit`; `r2` of the cross-fitted prediction (below 0 where it is worse than
        the mean); `before`, `before_chance` (mean under permutation), `before_p` (of this neuron alone) and
        `before_q` (of Benjamini and Hochberg, over the neurons asked for); and the same for `after`. NaN for
        a neuron that never changes. Of neurons that were chosen for their classes on these clips p and q of
        `before` are small for that reason, and those of `after` too small: they describe.

    Raises:
        UsageError: no neuron, one that does not exist, or a labeling of several classes a clip.
        OtoscopeError: fewer than 100 distinct permutations, or fewer than two groups.
    """
    if not neurons or permutations < 1:
        raise UsageError(
            f"{len(neurons)} neurons and {permutations} permutations; expected one or more of each"
        )
    chosen = labelled_clips(store, label, clips)
    if (chosen.membership.sum(axis=1) > 1).any():
        raise UsageError(
            f"labeling {label!r} gives clips several classes; expected one class a clip, since eta squared "
            "parts clips into classes; try a labeling of one class"
        )
    plan = design_of(chosen.membership, chosen.groups, name=design, label=label)
    if plan.log10_distinct < np.log10(_LEAST_DISTINCT):
        raise OtoscopeError(
            f"labeling {label!r}, {plan.name} design: {plan.distinct} distinct permutations; expected "
            f"{_LEAST_DISTINCT} or more; try more groups of each class"
        )
    flat = np.array([flat_index(store.layers, layer, unit) for layer, unit in neurons])
    y = ranks_of(rates_of(store, chosen.rows, flat))
    y -= y.mean(axis=0)
    predict = _ridge(_features(store, descriptors, chosen.rows), chosen.groups, penalty, seed)
    y = np.where(np.ptp(y, axis=0) > 0, y, np.nan)
    known = np.isfinite(y).all(axis=0)
    found = pd.DataFrame(list(neurons), columns=["layer", "unit"])
    found = found.join(pd.DataFrame(index=found.index, columns=list(EXPLAINED), dtype=float))
    if known.any():
        found.loc[known, list(EXPLAINED)] = _compare(y[:, known], predict, plan, permutations, seed)
    return found


EXPLAINED = (
    *("r2", "before", "before_chance", "before_p", "before_q"),
    *("after", "after_chance", "after_p", "after_q"),
)
"""What `explained` says of each neuron."""


def _compare(
    y: Values, predict: Callable[[Values], Values], plan: Design, permutations: int, seed: int
) -> Values:
    """The columns `EXPLAINED` for ranks of shape (clips, neurons)."""
    fitted = predict(y)
    left = y - fitted
    before, after = _eta(y, plan), _eta(left, plan)
    sums = np.zeros((2, y.shape[1]))
    extreme = np.zeros((2, y.shape[1]))
    random = np.random.default_rng(seed)
    for _ in range(permutations):
        order = _order(plan, random)
        plain = _eta(_permuted(y, plan, order), plan)
        again = fitted + _permuted(left, plan, order)
        lane = _eta(again - predict(again), plan)
        sums += (plain, lane)
        extreme += (plain >= before - _TIE, lane >= after - _TIE)
    chance, p = sums / permutations, (1 + extreme) / (1 + permutations)
    r2 = 1 - (left**2).sum(axis=0) / (y**2).sum(axis=0)
    q = [discoveries(each) for each in p]
    return np.stack([r2, before, chance[0], p[0], q[0], after, chance[1], p[1], q[1]], axis=1)


def _features(store: Recording, descriptors: pd.DataFrame, rows: NDArray[np.int64]) -> Values:
    """Standardised ranks of the descriptors, and of which are missing. Shape (clips, features)."""
    _, values = descriptor_values(store, descriptors, rows)
    missing = ~np.isfinite(values)
    middle = np.nanmedian(np.where(missing.all(axis=0), 0.0, values), axis=0)
    table = np.hstack([ranks_of(np.where(missing, middle, values)), missing.astype(float)])
    table = np.unique(table, axis=1)
    table -= table.mean(axis=0)
    spread = table.std(axis=0)
    standard: Values = table[:, spread > 0] / spread[spread > 0]
    return standard


def _ridge(
    x: Values, groups: NDArray[np.int64] | None, penalty: float, seed: int
) -> Callable[[Values], Values]:
    """The prediction of values (clips, neurons) of each fold from what was fitted to the others."""
    group = np.arange(len(x)) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = int(group.max()) + 1
    if count < 2:
        raise OtoscopeError(
            f"there is {count} group; expected two or more, to learn from one and predict another"
        )
    fold = np.random.default_rng(seed).permutation(np.arange(count) % min(_FOLDS, count))[group]
    solved = []
    for number in range(int(fold.max()) + 1):
        train, test = fold != number, fold == number
        inside = x[train] - x[train].mean(axis=0)
        gram = inside.T @ inside + penalty * train.sum() * np.eye(x.shape[1])
        solved.append((train, test, x[test] - x[train].mean(axis=0), np.linalg.solve(gram, inside.T)))

    def predict(y: Values) -> Values:
        fitted = np.empty_like(y)
        for train, test, outside, solve in solved:
            mean = y[train].mean(axis=0)
            fitted[test] = mean + outside @ (solve @ (y[train] - mean))
        return fitted

    return predict


def _means(values: Values, of: NDArray[np.int64]) -> Values:
    """Means of the rows of each set, (sets, columns)."""
    means: Values = averaging(of, int(of.max()) + 1) @ values
    return means


def _eta(values: Values, plan: Design) -> Values:
    """Eta squared of the class on the means of the units, less those of the strata."""
    units = _means(values, plan.unit)
    stratum = np.unique(plan.stratum, return_inverse=True)[1]
    units = units - _means(units, stratum)[stratum]
    code = np.unique(plan.rows.argmax(axis=1), return_inverse=True)[1]
    between = (np.bincount(code)[:, None] * _means(units, code) ** 2).sum(axis=0)
    total = (units**2).sum(axis=0)
    eta: Values = np.divide(between, total, out=np.full(total.shape, np.nan), where=total > 1e-12)
    return eta


def _order(plan: Design, random: np.random.Generator) -> NDArray[np.int64]:
    """The units, dealt out anew within strata."""
    places = np.argsort(plan.stratum, kind="stable")
    order = np.empty(len(places), dtype=np.int64)
    order[places] = np.lexsort((random.random(len(places)), plan.stratum))
    return order


def _permuted(values: Values, plan: Design, order: NDArray[np.int64]) -> Values:
    """Values whose units have changed places; within a unit clips keep what sets them apart."""
    units = _means(values, plan.unit)
    return values + (units[order] - units)[plan.unit]
