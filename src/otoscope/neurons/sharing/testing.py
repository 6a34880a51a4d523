"""Do classes share more neurons than chance gives? Tests of every pair of classes, and of their names.

Two nulls, and a p-value that is the larger of theirs (an intersection-union test: it holds its level where
either null is true):

    labels     the labels say nothing: they are permuted as the design allows, and neurons selected again.
               Exact, whatever the sizes of the classes and however neurons are correlated
    margins    the labels say something, but what classes share follows from how many neurons a class has and
               how many classes a neuron has: the table of classes and neurons is shuffled with both margins
               fixed (swaps); between two labelings each side's by itself
    names      the labels say something, and so do base rates, but not which class is called what: the names
               of one side are permuted, T = mean Jaccard(k, k) - mean Jaccard(k, l != k)

The measure of a pair is what it shares beyond its margins (see `margins.py`), standardised by its mean and
standard deviation over all draws and the true labels; the standardised values of all pairs are one null, so
that p is fine enough for a false discovery rate over pairs. Its level is that of the pairs taken together.

Measured on worlds of 5 classes and 400 neurons, of which a tenth is kept, nested design, classes equal, 30
worlds a setting, 199 draws, correlation of the neurons c. p <= 0.05 came in

                                                        labels    margins    p, the larger
    noise, within, c = 0, 0.3, 0.8                      4, 6, 5   4, 6, 8    3, 4, 5 %
    noise, between two, c = 0, 0.3, 0.8                 6, 5, 6   6, 5, 10   5, 4, 6 %
    each class has neurons of its own, within, c = 0    4         4          3 %

The margins alone do not hold their level where neurons are correlated. With classes of 96 to 12 clips,
between two recordings of noise, c = 0.8, p of a pair drawn at random held its level over 200 worlds.

Power: twelve neurons that two classes have in common and that fire on 97 % of their tokens, beside four that
each class has of its own, were found in 60 % of worlds or more (c = 0.3). What is weaker the filters hardly
select: with eight neurons a class that differ by 2 standard deviations, T between two draws of clips was
found (p_labels <= 0.05) in 3 of 10 worlds. That nothing is found is no sign that nothing is shared.
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

from otoscope.neurons.chance import LEAST_DISTINCT

__all__ = ["NameTest", "PairTests", "SharingTests", "alike", "discoveries", "name_test", "pooled_p"]

_TIE = 1e-9  # by which values that are equal on paper may differ


@dataclass(frozen=True, eq=False)
class PairTests:
    """What every pair of classes shares, against permuted labels and shuffled tables.

    Attributes:
        table: one row per pair of classes, columns `category_a`, `category_b`, `shared`, `expected` (mean of
            `shared` with permuted labels), `z` (what is shared beyond the margins, in standard deviations
            from its mean with permuted labels), `p_labels`, `p_margins`, `p` (the larger of both) and `q` (of
            Benjamini-Hochberg over the pairs). p and q are NaN where a class has no neuron or nothing is
            tested.
        note: what is tested and what is not, and why, for people.
    """

    table: pd.DataFrame
    note: str

    def document(self) -> dict[str, Any]:
        """The tests as JSON holds them."""
        rows = [
            {key: None if pd.isna(value) else value for key, value in row.items()}
            for row in self.table.to_dict("records")
        ]
        return {"pairs": rows, "note": self.note}


@dataclass(frozen=True)
class NameTest:
    """Do classes of the same name share more neurons, between two labelings, than others do?

    Attributes:
        difference: T, from -1 to 1; None with fewer than two classes of the same name.
        expected: its mean with permuted labels; None with T.
        p_labels: of T, with permuted labels; None where nothing is tested.
        p_names: of T, with permuted names; None with fewer than 100 distinct permutations of the names (two
            classes allow 2, four allow 24).
        p: the larger of both; None where either is.
        classes: number of classes of the same name.
        distinct: how many permutations of the names differ. Classes that have the same neurons are one.
        note: what is tested and what is not, and why, for people.
    """

    difference: float | None
    expected: float | None
    p_labels: float | None
    p_names: float | None
    p: float | None
    classes: int
    distinct: int
    note: str


@dataclass(frozen=True, eq=False)
class SharingTests:
    """Whether classes share more neurons than chance gives.

    Attributes:
        pairs: of every pair of classes.
        names: of classes of the same name; None within one labeling.
        designs: ungrouped, nested or crossed: what was permuted, of each labeling.
        permutations: how many were drawn.
        seed: of the draws.
    """

    pairs: PairTests
    names: NameTest | None
    designs: tuple[str, ...]
    permutations: int
    seed: int

    @property
    def note(self) -> str:
        """What is tested and what is not, and why, for people."""
        return " ".join(each.note for each in (self.pairs, self.names) if each is not None)

    def document(self) -> dict[str, Any]:
        """The tests as JSON holds them."""
        return {
            **self.pairs.document(),
            "names": None if self.names is None else asdict(self.names),
            "designs": list(self.designs),
            "permutations": self.permutations,
            "seed": self.seed,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "SharingTests":
        """The tests that `document` described."""
        rows = pd.DataFrame(document["pairs"], columns=list(PAIR_COLUMNS)).astype(PAIR_COLUMNS)
        names = None if document["names"] is None else NameTest(**document["names"])
        return cls(
            PairTests(rows, document["note"]),
            names,
            tuple(document["designs"]),
            document["permutations"],
            document["seed"],
        )


PAIR_COLUMNS = {
    "category_a": "str",
    "category_b": "str",
    "shared": "int64",
    "expected": "float64",
    "z": "float64",
    "p_labels": "float64",
    "p_margins": "float64",
    "p": "float64",
    "q": "float64",
}


def pooled_p(found: NDArray[Any], drawn: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standardise a measure of several pairs over its draws, and judge each pair by the draws of all pairs.

    What was found counts as one of the draws, so that p is exact for the pairs taken together: the mean over
    the pairs of P(p <= a) is a or less, if found and drawn are exchangeable.

    Args:
        found: shape (pairs,).
        drawn: shape (draws, pairs).

    Returns:
        z and p of each pair, of shape (pairs,). z is 0 and p 1 where a measure never varies.

    >>> z, p = pooled_p(np.array([3.0]), np.array([[0.0], [0.0], [0.0]]))
    >>> round(float(z[0]), 3), float(p[0])
    (1.732, 0.25)
    """
    every = np.vstack([found, drawn])
    spread = every.std(axis=0)
    varies = spread > _TIE
    z = (every - every.mean(axis=0)) / np.where(varies, spread, 1.0)
    pool = np.sort(z[:, varies], axis=None)
    p = np.ones(len(found))
    if varies.any():
        p[varies] = 1 - np.searchsorted(pool, z[0, varies] - _TIE) / len(pool)
    return np.where(varies, z[0], 0.0), p


def discoveries(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The q of Benjamini-Hochberg over the p that are there; NaN elsewhere."""
    q = np.full(len(p), np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        q[tested] = false_discovery_control(p[tested], method="bh")
    return q


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


def name_test(
    jaccard: NDArray[np.float64],
    drawn: NDArray[np.float64],
    twins: int = 1,
    *,
    labels: bool = True,
    permutations: int = 1000,
    seed: int = 0,
) -> NameTest:
    """Test whether classes of the same name share more neurons than classes of different names.

    Args:
        jaccard: the index of every pair of the classes that both labelings have, in one order; 0 where
            neither has a neuron. Shape (classes, classes).
        drawn: the same with permuted labels. Shape (permutations, classes, classes).
        twins: into how many orders that look the same the names can be put, because classes have the same
            neurons (`alike`).
        labels: whether there are enough permutations of the labels for a test.
        permutations: orders of the names to draw; all are used where there are no more than that.
        seed: of the draws.

    >>> found = name_test(np.eye(5), np.zeros((99, 5, 5)))
    >>> found.difference, found.distinct, round(found.p_names * 120), found.p_labels
    (1.0, 120, 1, 0.01)
    """
    count = len(jaccard)
    distinct = factorial(count) // twins
    if count < 2:
        note = f"{count} classes have the same name in both labelings: no test of names."
        return NameTest(None, None, None, None, None, count, distinct, note)
    orders = _orders(count, permutations, seed)
    observed = float(_difference(jaccard, np.arange(count)[None])[0])
    null = _difference(drawn, np.arange(count)[None])[:, 0]
    # The names as they are stand among the orders, drawn or not.
    p_names = None if few(distinct) else float(np.mean(_difference(jaccard, orders) >= observed - _TIE))
    p_labels = (1 + int(np.sum(null >= observed - _TIE))) / (1 + len(null)) if labels else None
    p = None if p_names is None or p_labels is None else max(p_names, p_labels)
    note = _about_names(observed, float(null.mean()), p_labels, p, count, distinct)
    return NameTest(observed, float(null.mean()), p_labels, p_names, p, count, distinct, note)


def few(distinct: int | str) -> bool:
    """Whether there are too few distinct permutations to test anything; text stands for very many."""
    return not isinstance(distinct, str) and distinct < LEAST_DISTINCT


def _orders(count: int, permutations: int, seed: int) -> NDArray[np.int64]:
    """All orders of so many names; or the true one and some that are drawn. Shape (orders, names)."""
    if count < 20 and factorial(count) <= permutations:
        return np.array(list(all_orders(range(count))), dtype=np.int64)
    random = np.random.default_rng(seed)
    drawn = np.argsort(random.random((permutations, count)), axis=1)
    return np.vstack([np.arange(count), drawn])


def _difference(jaccard: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """T for every order of the columns: shape (..., classes, classes) to (..., orders)."""
    count = jaccard.shape[-1]
    same = jaccard[..., np.arange(count), orders].sum(axis=-1)
    total = jaccard.sum(axis=(-2, -1))[..., None]
    difference: NDArray[np.float64] = same / count - (total - same) / (count * (count - 1))
    return difference


def _about_names(
    observed: float, expected: float, p_labels: float | None, p: float | None, count: int, distinct: int
) -> str:
    said = (
        "Mean Jaccard index of classes of the same name less that of other pairs: "
        f"T = {observed:.3f}, with permuted labels {expected:.3f}"
    )
    if p is not None:
        return f"{said}; p = {p:.3g}, the larger of those by permuted labels and by permuted names."
    if p_labels is None:
        return f"{said}. Not tested: too few distinct permutations of the labels."
    return (
        f"{said}. Tested against permuted labels alone (p = {p_labels:.3g}), not "
        f"against permuted names: those of {count} classes have {distinct} distinct permutations, and a test "
        f"needs {LEAST_DISTINCT}."
    )
