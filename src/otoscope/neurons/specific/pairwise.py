"""How well one neuron tells each class from each other: the area under the ROC curve, pair by pair."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap_auroc", "pairwise_auroc"]


def pairwise_auroc(
    values: NDArray[np.floating], code: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Probability that a clip of one class has the higher value than one of another; ties count half.

    Args:
        values: one for each clip. Shape (clips,).
        code: class of each clip. Shape (clips,).
        classes: how many there are.

    Returns:
        Shape (classes, classes); row a, column b: a above b. NaN for a class without a clip.

    >>> pairwise_auroc(np.array([3.0, 2.0, 1.0, 2.0]), np.array([0, 0, 1, 1]), 2).tolist()
    [[0.5, 0.875], [0.125, 0.5]]
    """
    level = np.unique(values, return_inverse=True)[1]
    counts = np.bincount(level * classes + code, minlength=(level.max() + 1) * classes)
    counts = counts.reshape(-1, classes).astype(np.float64)
    middle = np.cumsum(counts, axis=0) - counts / 2
    size = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = (counts.T @ middle) / (size[:, None] * size)
    return found


def bootstrap_auroc(
    values: NDArray[np.floating], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The area under the ROC curve in every resample; NaN where one lacks a class.

    Args:
        values: one for each clip of the two classes. Shape (clips,).
        positive: which clips should have the higher values. Shape (clips,).
        weights: how often each resample drew each clip (its group). Shape (resamples, clips).
    """
    order = np.argsort(values, kind="stable")
    drawn = weights[:, order]
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    up = np.add.reduceat(drawn * positive[order], starts, axis=1)
    down = np.add.reduceat(drawn * ~positive[order], starts, axis=1)
    wins = (up * (np.cumsum(down, axis=1) - down / 2)).sum(axis=1)
    pairs = up.sum(axis=1) * down.sum(axis=1)
    found: NDArray[np.float64] = np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return found
