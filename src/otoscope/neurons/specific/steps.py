"""The statistics of the selector `specific`: class sets and candidates from half A, tests on half B.

Tables have a row for each unit of the design (its mean firing share) and a column for each neuron. In a
crossed design a unit is a clip, and the clips of one group and one class are averaged to a cell first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import stdtr
from scipy.stats import false_discovery_control, norm

from otoscope.neurons.designs import Design
from otoscope.neurons.specific.halving import Halves

__all__ = ["Gaps", "candidates_of", "class_set", "class_tests", "gaps_of", "significant"]

_FLOOR = 0.1  # of a neuron's pooled variance: what a class's variance counts for at least


@dataclass(frozen=True)
class Gaps:
    """What half A says of each neuron.

    Attributes:
        gap: the widest gap between the class means of its class set and the next, in pooled standard
            deviations; NaN for a neuron that never varies. Shape (neurons,).
        top: its top class. Shape (neurons,).
    """

    gap: NDArray[np.float32]
    top: NDArray[np.int16]


def cells_of(
    table: NDArray[np.floating], design: Design, halves: Halves, half: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.int64], NDArray[np.int64]]:
    """U[g, k]: a row for each group and class that are on this half; the group and the class of each row."""
    rows = np.flatnonzero(half & (halves.code >= 0))
    code = halves.code[rows]
    if design.name != "crossed":
        return table[rows], rows, code
    keys, cell = np.unique(np.column_stack([design.stratum[rows], code]), axis=0, return_inverse=True)
    weight = (1.0 / np.bincount(cell))[cell].astype(table.dtype)
    mean = sparse.csr_array((weight, (cell.ravel(), rows)), shape=(len(keys), len(table)))
    return np.asarray(mean @ table), keys[:, 0], keys[:, 1]


def centred(
    cells: NDArray[np.floating], group: NDArray[np.int64], code: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """The cells less their group's mean, and their classes; without groups of one class: they say nothing."""
    inverse, size = np.unique(group, return_inverse=True, return_counts=True)[1:]
    several = size[inverse] > 1
    cells, code, inverse = cells[several], code[several], np.unique(inverse[several], return_inverse=True)[1]
    size = np.bincount(inverse)
    mean = sparse.csr_array(
        ((1.0 / size)[inverse].astype(cells.dtype), (inverse, np.arange(len(cells)))),
        shape=(len(size), len(cells)),
    )
    return cells - np.asarray(mean @ cells)[inverse], code


def gaps_of(
    table: NDArray[np.float32], design: Design, worlds: Sequence[Halves], resolution: float
) -> list[Gaps]:
    """Steps 2 and 3 for a block of neurons, in several worlds at once.

    Args:
        table: mean firing share of each unit, less the neuron's mean over all. Shape (units, neurons).
        design: the units.
        worlds: classes and halves of the units, true or permuted.
        resolution: the variance that a share has because tokens are whole.
    """
    classes = len(worlds[0].kept)
    means, within = (
        _moments_crossed(table, design, worlds) if design.name == "crossed" else _moments(table, worlds)
    )
    most = max(1, classes // 4)
    sd = np.sqrt(np.maximum(within, resolution))
    found = []
    for mean, spread in zip(means, sd, strict=True):
        ordered = np.sort(np.ascontiguousarray(mean.T), axis=1)[:, ::-1]
        gap = (ordered[:, :most] - ordered[:, 1 : most + 1]).max(axis=1) / spread
        found.append(Gaps(gap.astype(np.float32), mean.argmax(axis=0).astype(np.int16)))
    return found


def _moments(
    table: NDArray[np.float32], worlds: Sequence[Halves]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Class means on half A (worlds, classes, neurons), and pooled variance (worlds, neurons)."""
    classes = len(worlds[0].kept)
    half = np.zeros((len(worlds), len(table)), np.float32)
    row, column = [], []
    for number, (one, world) in enumerate(zip(half, worlds, strict=True)):
        units = np.flatnonzero(~world.held & (world.code >= 0))
        one[units] = 1
        row.append(number * classes + world.code[units])
        column.append(units)
    rows, columns = np.concatenate(row), np.concatenate(column)
    size = np.bincount(rows, minlength=len(worlds) * classes)
    weight = (1.0 / np.maximum(size, 1)).astype(np.float32)[rows]
    mean = sparse.csr_array((weight, (rows, columns)), shape=(len(size), len(table)))
    means = np.asarray(mean @ table).reshape(len(worlds), classes, -1)
    number_of = size.reshape(len(worlds), classes)
    between = np.einsum("wk,wkj->wj", number_of.astype(np.float32), np.square(means))
    return means, (half @ np.square(table) - between) / np.maximum(number_of.sum(axis=1) - classes, 1)[
        :, None
    ]


def _moments_crossed(
    table: NDArray[np.float32], design: Design, worlds: Sequence[Halves]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same, of cells from which the group's mean is taken: each world has its own cells."""
    means, within = [], []
    for world in worlds:
        mean, variance = pooled(*centred(*cells_of(table, design, world, ~world.held)), len(world.kept))
        means.append(mean)
        within.append(variance)
    return np.stack(means), np.stack(within)


def pooled(
    cells: NDArray[np.floating], code: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Class means (classes, neurons) and the pooled variance within classes (neurons,) of rows of cells."""
    means, squares, _ = _class_sums(cells, code, classes)
    return means, squares.sum(axis=0) / max(len(code) - classes, 1)


def _class_sums(
    cells: NDArray[np.floating], code: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.int64]]:
    """Means of the classes, sums of squares about them, and numbers of rows."""
    size = np.bincount(code, minlength=classes)
    member = sparse.csr_array(
        (np.ones(len(code), cells.dtype), (code, np.arange(len(code)))), shape=(classes, len(code))
    )
    means = np.asarray(member @ cells) / np.maximum(size, 1)[:, None].astype(cells.dtype)
    rest = cells - means[code]
    return means, np.asarray(member @ np.square(rest)), size


def candidates_of(gaps: Gaps, classes: int) -> NDArray[np.int64]:
    """Step 4: for each class, of the neurons whose top class it is, the best by gap; ascending.

    At most ceil(0.02 neurons / classes) for each class; ties go to the lower number.
    """
    quota = -(-2 * len(gaps.gap) // (100 * classes))
    real = np.flatnonzero(gaps.gap > 0)
    order = real[np.lexsort((-gaps.gap[real], gaps.top[real]))]
    size = np.bincount(gaps.top[order], minlength=classes)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
    return np.sort(order[rank < quota])


def class_set(means: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Step 3: the top classes of each neuron, as many as maximise the gap. Both (classes, neurons).

    >>> class_set(np.array([[9.0], [8.0], [1], [1], [0], [0], [0], [0]])).sum(axis=1).tolist()
    [1, 1, 0, 0, 0, 0, 0, 0]
    """
    most = max(1, len(means) // 4)
    order = np.argsort(-means, axis=0, kind="stable")
    ordered = np.take_along_axis(means, order, axis=0)
    count = (ordered[:most] - ordered[1 : most + 1]).argmax(axis=0) + 1
    inside = np.zeros(means.shape, dtype=bool)
    np.put_along_axis(inside, order, np.arange(len(means))[:, None] < count, axis=0)
    return inside


def class_tests(
    table: NDArray[np.float64], design: Design, halves: Halves, resolution: float, alpha: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Steps 3, 5 and 6 for candidates: their class sets, and the largest p over the pairs on half B.

    Args:
        table: mean firing share of each unit. Shape (units, candidates).
        design: the units.
        halves: their classes and halves.
        resolution: the variance that a share has because tokens are whole.
        alpha: a p that is certainly above it is given as 1, for speed; at most 0.5.

    Returns:
        Which classes each set holds, (classes, candidates), and p, (candidates,).
    """
    classes = len(halves.kept)
    chosen, group, code = cells_of(table, design, halves, ~halves.held)
    if design.name == "crossed":
        chosen, code = centred(chosen, group, code)
    inside = class_set(pooled(chosen, code, classes)[0])
    cells, group, code = cells_of(table, design, halves, halves.held)
    if design.name == "crossed":
        return inside, _paired(cells, group, code, inside, resolution, alpha)
    return inside, _welch(cells, code, inside, resolution, alpha)


def _welch(
    cells: NDArray[np.floating],
    code: NDArray[np.int64],
    inside: NDArray[np.bool_],
    resolution: float,
    alpha: float,
) -> NDArray[np.float64]:
    means, squares, size = _class_sums(cells, code, len(inside))
    floor = np.maximum(_FLOOR * squares.sum(axis=0) / (len(code) - len(inside)), resolution)
    error = np.maximum(squares / (size - 1)[:, None], floor) / size[:, None]
    part = np.square(error) / (size - 1)[:, None]
    p = np.zeros(inside.shape[1])
    for a in range(len(inside)):
        mine = np.flatnonzero(inside[a])
        both = error[a, mine] + error[:, mine]
        freedom = np.square(both) / (part[a, mine] + part[:, mine])
        t = (means[a, mine] - means[:, mine]) / np.sqrt(both)
        p[mine] = np.maximum(p[mine], _largest(t, freedom, ~inside[:, mine], alpha))
    return p


def _paired(
    cells: NDArray[np.floating],
    group: NDArray[np.int64],
    code: NDArray[np.int64],
    inside: NDArray[np.bool_],
    resolution: float,
    alpha: float,
) -> NDArray[np.float64]:
    least = np.maximum(_FLOOR * pooled(*centred(cells, group, code), len(inside))[1], resolution)
    row = np.unique(group, return_inverse=True)[1]
    table = np.full((row.max() + 1, *inside.shape), np.nan)
    table[row, code] = cells
    has = ~np.isnan(table[:, :, 0]) if inside.shape[1] else np.zeros(table.shape[:2], dtype=bool)
    p = np.zeros(inside.shape[1])
    for a in range(len(inside)):
        mine = np.flatnonzero(inside[a])
        if not len(mine):
            continue
        there = has[:, a]
        number = (has & there[:, None]).sum(axis=0)[:, None]
        apart = table[there][:, [a]][:, :, mine] - table[there][:, :, mine]
        mean = np.nansum(apart, axis=0) / number
        variance = np.nansum(np.square(apart - mean), axis=0) / (number - 1)
        t = mean / np.sqrt(np.maximum(variance, 2 * least[mine]) / number)
        freedom = np.broadcast_to(number - 1.0, t.shape)
        p[mine] = np.maximum(p[mine], _largest(t, freedom, ~inside[:, mine], alpha))
    return p


def _largest(
    t: NDArray[np.float64], freedom: NDArray[np.float64], outside: NDArray[np.bool_], alpha: float
) -> NDArray[np.float64]:
    """The largest one-sided p over the classes outside; 1 where even the normal law's is above alpha."""
    p = np.ones(t.shape[1])
    worst = np.where(outside, t, np.inf).min(axis=0, initial=np.inf)
    near = np.flatnonzero(worst >= norm.isf(alpha))
    p[near] = np.where(outside[:, near], stdtr(freedom[:, near], -t[:, near]), 0.0).max(axis=0, initial=0.0)
    return p


def significant(p: NDArray[np.float64], alpha: float, correction: str) -> NDArray[np.bool_]:
    """Step 7: which p stand after correction for their number, "bh" (Benjamini-Hochberg) or "holm".

    >>> significant(np.array([0.01, 0.03, 0.04]), 0.05, "bh").tolist()
    [True, True, True]
    >>> significant(np.array([0.01, 0.03, 0.04]), 0.05, "holm").tolist()
    [True, False, False]
    """
    if not len(p):
        return np.zeros(0, dtype=bool)
    if correction == "bh":
        kept: NDArray[np.bool_] = false_discovery_control(p) <= alpha
        return kept
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return (adjusted <= alpha)[np.argsort(order, kind="stable")]
