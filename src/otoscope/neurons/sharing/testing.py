"""Do classes share more neurons than chance gives? Tests, and where they do not hold their level.

    within a labeling     every pair of classes: the shared neurons against tables of classes and neurons that
                          are shuffled with both margins fixed (checkerboard swaps)
    across two labelings  T = mean Jaccard(k, k) - mean Jaccard(k, l != k), the names of one side permuted

Selected sets share neurons because some neurons are selected for many classes and some classes select many
neurons. Both are in the margins, which the shuffles keep.

Neither null holds everywhere. On noise (6 classes, 400 neurons, 150 worlds a setting) p <= 0.05 came in

    3 and 5 % of pairs       equally large classes, neurons correlated 0 and 0.3
    19 % of pairs            equally large classes, neurons correlated 0.8
    25 to 29 % of pairs      classes of 8 to 1/4 times a size: large ones follow base rates, small ones noise
    3 to 6 %, 52 to 68 %     T, with equally large classes and with unequal ones of the same sizes in both
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import permutations as all_orders
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from otoscope.errors import UsageError
from otoscope.neurons.chance import LEAST_DISTINCT
from otoscope.neurons.sharing.swaps import swap_randomised

__all__ = ["NameTest", "PairTests", "alike", "as_sharing_test", "name_test", "pair_tests"]

_TIE = 1e-12  # by which values of T that are equal on paper may differ
_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class PairTests:
    """Shared neurons of every pair of classes of one labeling, against shuffled tables.

    Attributes:
        table: one row per pair of different classes, columns `category_a`, `category_b`, `shared`, `expected`
            (mean over the shuffled tables), `p` (that as many or more are shared) and `q` (of
            Benjamini-Hochberg over the pairs). p and q are NaN where a class has no neuron or nothing is
            tested.
        permutations: how many tables were drawn.
        distinct: how many of them differ.
        seed: of the draws.
        note: what is tested and what is not, and why, for people.
    """

    table: pd.DataFrame
    permutations: int
    distinct: int
    seed: int
    note: str

    def document(self) -> dict[str, Any]:
        """The tests as JSON holds them."""
        rows = [
            {key: None if pd.isna(value) else value for key, value in row.items()}
            for row in self.table.to_dict("records")
        ]
        settings = {key: getattr(self, key) for key in ("permutations", "distinct", "seed", "note")}
        return {"kind": "pairs", "pairs": rows, **settings}


@dataclass(frozen=True)
class NameTest:
    """Do classes of the same name share more neurons, between two labelings, than others do?

    Attributes:
        difference: T = mean Jaccard(k, k) - mean Jaccard(k, l != k) over the classes of the same name, -1 to
            1. None with fewer than two such classes.
        low: the 2.5th percentile of T when the names of one side are permuted.
        high: the 97.5th.
        p: share of the permutations that give T or more, the names as they are counted; None where nothing
            is tested.
        classes: number of classes of the same name.
        distinct: how many permutations of the names differ. Classes that have the same neurons are one.
        permutations: how many were used.
        every: these are all that there are, and not a sample.
        seed: of the sample.
        note: what is tested and what is not, and why, for people.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    classes: int
    distinct: int
    permutations: int
    every: bool
    seed: int
    note: str

    def document(self) -> dict[str, Any]:
        """The test as JSON holds it."""
        return {"kind": "names", **asdict(self)}


def as_sharing_test(document: Mapping[str, Any] | None) -> PairTests | NameTest | None:
    """The tests that `document` described; None for None."""
    if document is None:
        return None
    known = {key: value for key, value in document.items() if key != "kind"}
    if document["kind"] == "names":
        return NameTest(**known)
    rows = pd.DataFrame(known.pop("pairs"), columns=list(_COLUMNS))
    return PairTests(table=rows.astype(_COLUMNS), **known)


_COLUMNS = {
    "category_a": "str",
    "category_b": "str",
    "shared": "int64",
    "expected": "float64",
    "p": "float64",
    "q": "float64",
}


def pair_tests(
    incidence: NDArray[np.bool_], classes: tuple[str, ...], *, permutations: int = 1000, seed: int = 0
) -> PairTests:
    """Test the shared neurons of every pair of classes against tables with the same margins.

    What is tested is whether this pair shares more than the sizes of the classes and the promiscuity of the
    neurons make it share, neurons taken as independent of one another. Neurons that always fire together are
    not: they count as evidence several times.

    Args:
        incidence: which class has which neuron. Shape (classes, neurons).
        classes: their names. Shape (classes,).
        permutations: how many tables to draw, at least 1.
        seed: of the draws.

    Returns:
        p = (1 + tables that share as many or more) / (1 + tables), and q over all pairs. No p with fewer than
        3 classes (the margins then fix what they share), or where the draws show fewer than 100 different
        tables.

    Raises:
        UsageError: fewer than one permutation.

    >>> import numpy as np
    >>> pair_tests(np.ones((2, 3), dtype=bool), ("a", "b"), permutations=9).table["expected"].tolist()
    [3.0]
    """
    _check_permutations(permutations)
    first, second = np.triu_indices(len(incidence), k=1)
    shared = _shared(incidence[None])[0][first, second]
    total = np.zeros(len(first))
    extreme = np.zeros(len(first), dtype=np.int64)
    seen: set[bytes] = set()
    for tables in swap_randomised(incidence, permutations, seed):
        found = _shared(tables)[:, first, second]
        total += found.sum(axis=0)
        extreme += (found >= shared).sum(axis=0)
        seen.update(row.tobytes() for row in np.packbits(tables.reshape(len(tables), -1), axis=1))
    filled = np.asarray(incidence.any(axis=1))
    untested = _why_no_pairs(len(incidence), len(seen), permutations)
    tested = filled[first] & filled[second] & (not untested)
    p = np.where(tested, (1 + extreme) / (1 + permutations), np.nan)
    q = np.full(len(p), np.nan)
    if tested.any():
        q[tested] = false_discovery_control(p[tested], method="bh")
    names = np.array(classes, dtype=object)
    columns = (names[first], names[second], shared, total / permutations, p, q)
    table = pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True))).astype(_COLUMNS)
    return PairTests(table, permutations, len(seen), seed, untested or _about_pairs(table, permutations))


def name_test(jaccard: pd.DataFrame, twins: int = 1, *, permutations: int = 1000, seed: int = 0) -> NameTest:
    """Test whether classes of the same name share more neurons than classes of different names.

    Args:
        jaccard: the index of every pair, rows the classes of one labeling and columns those of
            the other; NaN,
            where neither has a neuron, counts as 0. Classes that only one side has are left out.
        twins: into how many orders that look the same the names can be put, because classes have the same
            neurons (`alike`).
        permutations: how many to draw; all are used where there are no more than that.
        seed: of the draws.

    Returns:
        T and its p: where all permutations are used, the share of them with T or more; where they are drawn,
        (1 + as many or more) / (1 + drawn). No p with fewer than 100 distinct permutations: two classes allow
        2, four allow 24.

    Raises:
        UsageError: fewer than one permutation.

    >>> import numpy as np, pandas as pd
    >>> names = list("abcde")
    >>> found = name_test(pd.DataFrame(np.eye(5), index=names, columns=names))
    >>> found.difference, found.distinct, round(found.p * 120)
    (1.0, 120, 1)
    """
    _check_permutations(permutations)
    matched = [name for name in jaccard.index if name in set(jaccard.columns)]
    values = np.nan_to_num(jaccard.loc[matched, matched].to_numpy(dtype=float, na_value=np.nan))
    count = len(matched)
    distinct = factorial(count) // twins
    if count < 2:
        note = f"{count} classes have the same name in both labelings: no test of names."
        return NameTest(None, None, None, None, count, distinct, 0, True, seed, note)
    every = factorial(count) <= permutations
    orders = _orders(count, None if every else permutations, seed)
    null = _difference(values, orders)
    observed = float(_difference(values, np.arange(count)[None])[0])
    extreme = int(np.sum(null >= observed - _TIE))
    p = extreme / len(null) if every else (1 + extreme) / (1 + len(null))
    low, high = (float(value) for value in np.percentile(null, [2.5, 97.5]))
    tested = distinct >= LEAST_DISTINCT
    note = _about_names(observed, p, count, distinct, len(orders), every, tested)
    return NameTest(
        observed, low, high, p if tested else None, count, distinct, len(orders), every, seed, note
    )


def alike(incidence: NDArray[np.bool_]) -> int:
    """Into how many orders classes can be put that look the same: those with equal neurons change places.

    >>> import numpy as np
    >>> alike(np.array([[True], [False], [False], [False]]))
    6
    """
    ways = 1
    for count in np.unique(incidence, axis=0, return_counts=True)[1].tolist():
        ways *= factorial(count)
    return ways


def _shared(tables: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Neurons that each pair of classes shares. Shape (tables, classes, classes)."""
    numbers = tables.astype(np.float32)
    shared: NDArray[np.int64] = np.rint(numbers @ numbers.transpose(0, 2, 1)).astype(np.int64)
    return shared


def _orders(count: int, drawn: int | None, seed: int) -> NDArray[np.int64]:
    """All orders of so many names, or some that are drawn. Shape (orders, names)."""
    if drawn is None:
        return np.array(list(all_orders(range(count))), dtype=np.int64)
    random = np.random.default_rng(seed)
    return np.argsort(random.random((drawn, count)), axis=1)


def _difference(values: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """T for every order of the columns. Shape (orders,)."""
    count = len(values)
    same = values[np.arange(count), orders].sum(axis=1)
    difference: NDArray[np.float64] = same / count - (values.sum() - same) / (count * (count - 1))
    return difference


def _check_permutations(permutations: int) -> None:
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; expected 1 or more, for example 1000")


def _why_no_pairs(classes: int, distinct: int, permutations: int) -> str:
    if classes < 3:
        return (
            f"Not tested: {classes} classes. What two classes share follows from the margins; 3 are needed."
        )
    if distinct < LEAST_DISTINCT:
        return (
            f"Not tested: {permutations} shuffled tables show {distinct} different ones with these margins, "
            f"and a test needs {LEAST_DISTINCT}."
        )
    return ""


def _about_pairs(table: pd.DataFrame, permutations: int) -> str:
    tested, found = int(table["p"].notna().sum()), int((table["q"] <= _LEVEL).sum())
    return (
        f"{found} of {tested} pairs of classes share more neurons than {permutations} tables with the same "
        "margins, at a false discovery rate of 5 %; neurons taken as independent, classes as equally large."
    )


def _about_names(
    observed: float, p: float, count: int, distinct: int, used: int, every: bool, tested: bool
) -> str:
    said = f"Mean Jaccard index of classes of the same name less that of other pairs: T = {observed:.3f}"
    if not tested:
        return (
            f"{said}. Not tested: the names of {count} classes have {distinct} distinct permutations, "
            f"and a test needs {LEAST_DISTINCT}."
        )
    sample = "all" if every else "a sample of"
    return f"{said}, p = {p:.3g} ({sample} {used} permutations of the names; classes taken as equally large)."
