"""Do some pairs of classes share more than the others? The names of the classes are permuted."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.chance import LEAST_DISTINCT

__all__ = ["Contrast", "contrast"]

_ALL = 5040  # orders that are all tried: of seven classes
_DRAWN = 9999


@dataclass(frozen=True)
class Contrast:
    """Some cells of a matrix against its others, the diagonal left out.

    Attributes:
        value: mean of the chosen cells less mean of the others.
        chance: its mean with permuted names.
        p: one-sided; None with fewer than 100 distinct permutations.
        distinct: how many choices of cells the permutations give.
        cells: pairs of classes chosen.
    """

    value: float
    chance: float
    p: float | None
    distinct: int
    cells: int


def contrast(matrix: NDArray[np.float64], wanted: NDArray[np.bool_], seed: int = 0) -> Contrast:
    """Hold chosen cells against the others, the same names permuted in rows and columns.

    Args:
        matrix: of the classes by the same classes. Shape (classes, classes).
        wanted: the chosen cells, symmetric; the diagonal does not count.
        seed: of the permutations, where not all are tried.

    >>> kinds = np.array([0, 0, 0, 1, 1, 1])
    >>> same = kinds[:, None] == kinds
    >>> contrast(same.astype(float), same)
    Contrast(value=1.0, chance=0.0, p=None, distinct=10, cells=6)
    """
    off = ~np.eye(len(matrix), dtype=bool)
    choices = {each.tobytes(): each for each in _choices(wanted & off, seed)}
    drawn = [_difference(matrix, each, off) for each in _choices(wanted & off, seed)]
    value = drawn[0]
    every = factorial(len(matrix)) <= _ALL
    extreme = sum(each >= value - 1e-12 for each in drawn)
    p = extreme / len(drawn) if len(choices) >= LEAST_DISTINCT else None
    chance = round(float(np.mean(drawn if every else drawn[1:])), 12) + 0.0
    return Contrast(value, chance, p, len(choices), int((wanted & off).sum()) // 2)


def _choices(wanted: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.bool_]]:
    """The cells as they are, and then under all other orders of the names, or many random ones."""
    classes = len(wanted)
    if factorial(classes) <= _ALL:
        orders: Iterator[NDArray[np.int64]] = map(np.array, permutations(range(classes)))
    else:
        random = np.random.default_rng([seed, 11])
        drawn = (random.permutation(classes) for _ in range(_DRAWN))
        orders = (each for some in ([np.arange(classes)], drawn) for each in some)
    for order in orders:
        yield wanted[np.ix_(order, order)]


def _difference(matrix: NDArray[np.float64], chosen: NDArray[np.bool_], off: NDArray[np.bool_]) -> float:
    others = off & ~chosen
    if not chosen.any() or not others.any():
        return 0.0
    return float(matrix[chosen].mean() - matrix[others].mean())
