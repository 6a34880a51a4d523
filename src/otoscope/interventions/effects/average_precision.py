"""Average precision of many rankings of the same clips at once, and what each clip contributes to it.

With clips from the largest score down, T_i the number of bearers and C_i the number of clips with at least
the score of clip i, average precision is the mean over the bearers of T_i / C_i.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["precision_shares"]

_CELLS = 2_000_000  # scores in hand at a time


def precision_shares(scores: NDArray[np.float32], bears: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One value a clip, whose mean is the average precision, and whose weighted mean is, to first order, the
    average precision of clips with these weights.

    Args:
        scores: shape (rankings, clips); the larger, the higher in the ranking. Equal ones share a place.
        bears: which clips bear the class, some and not all. Shape (clips,).

    Returns:
        Average precision plus clips times its derivative by the clip's weight. Shape (rankings, clips).

    >>> scores = np.array([[3.0, 2.0, 1.0, 0.0]])
    >>> float(precision_shares(scores, np.array([True, False, True, False])).mean()).__round__(4)
    0.8333
    """
    step = max(_CELLS // scores.shape[1], 1)
    parts = [_shares(scores[start : start + step], bears) for start in range(0, len(scores), step)]
    return np.concatenate(parts) if parts else np.empty(scores.shape)


def _shares(scores: NDArray[np.float32], bears: NDArray[np.bool_]) -> NDArray[np.float64]:
    rankings, clips = scores.shape
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    borne = bears[order].astype(np.float64)
    first, last = _ties(ranked)
    at_least = 1.0 + last  # C
    right = np.take_along_axis(borne.cumsum(axis=1), last, axis=1)  # T
    precision = right / at_least
    n = borne.sum(axis=1, keepdims=True)
    average = (borne * precision).sum(axis=1, keepdims=True) / n
    # A clip counts in T and C of every bearer that is not above it.
    up = np.take_along_axis(_from(borne / at_least), first, axis=1)
    down = np.take_along_axis(_from(borne * precision / at_least), first, axis=1)
    derivative = (borne * (precision - average) + borne * up - down) / n
    found = np.empty((rankings, clips))
    np.put_along_axis(found, order, average + clips * derivative, axis=1)
    return found


def _ties(ranked: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last place of those that have the same score. Both of shape (rankings, clips)."""
    places = np.broadcast_to(np.arange(ranked.shape[1]), ranked.shape)
    ends = np.ones(ranked.shape, dtype=bool)
    ends[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    begins = np.roll(ends, 1, axis=1)  # the last place ends a run, so the first begins one
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, ranked.shape[1])[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _from(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over a place and all after it."""
    return np.asarray(values[:, ::-1].cumsum(axis=1)[:, ::-1])
