"""Choose a few clips that stand for all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["spread"]


def spread(labels: Sequence[str], n: int) -> NDArray[np.int64]:
    """Choose `n` clips: of each class its share, one at least while there are enough.

    They are drawn at random, the same ones every time: even steps could fall in with the order of the table,
    and meet one class, or one sex of the speakers, only.

    Args:
        labels: the class of each clip.
        n: how many to choose, less than there are.

    Returns:
        Positions of the chosen clips, ascending. Shape (n,).

    >>> labels = ["cat", "dog", "cat", "dog", "cat", "dog"]
    >>> sorted(labels[position] for position in spread(labels, 2))
    ['cat', 'dog']
    """
    _, code, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shares = _shares(sizes, n)
    random = np.random.default_rng(0)
    chosen = [
        random.choice(np.flatnonzero(code == index), size=share, replace=False)
        for index, share in enumerate(shares)
    ]
    return np.sort(np.concatenate(chosen))


def _shares(sizes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """How many of `n` places each class gets."""
    least = np.full(len(sizes), int(n >= len(sizes)))
    exact = (n - least.sum()) * (sizes - least) / (sizes - least).sum()
    shares: NDArray[np.int64] = least + np.floor(exact).astype(np.int64)
    largest_remainders = np.argsort(-(exact % 1), kind="stable")[: n - shares.sum()]
    shares[largest_remainders] += 1
    return shares
