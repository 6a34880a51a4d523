"""Average precision: how far up the clips of a class stand when all clips are ranked by the class's logit."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_precision", "mean_average_precision"]


def average_precision(
    scores: NDArray[np.floating], present: NDArray[np.bool_], times: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Average precision of one class: the mean, over its clips, of the precision at each one's place.

    The precision at a place is the share of the class among the clips that stand there or higher; clips of
    equal score stand in one place.

    Args:
        scores: the larger, the more the class is thought to be there. Shape (clips,).
        present: whether it is. Shape (clips,).
        times: how often each clip counts, in one or more ways. Shape (ways, clips); once each by default.

    Returns:
        From near 0 to 1; expected of random scores is about the share of the class. NaN without a clip of
        the class. Shape (ways,).

    >>> average_precision(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False])).round(4)
    array([0.8333])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)  # of each place
    weight = np.ones((1, len(scores))) if times is None else times[:, order].astype(np.float64)
    passed = weight.cumsum(axis=1)[:, last]
    found = (weight * present[order]).cumsum(axis=1)[:, last]
    new = np.diff(found, prepend=0.0, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0: nothing was passed, or there is nothing to find
        precision = np.where(new > 0, found / passed, 0.0)
        return np.asarray((precision * new).sum(axis=1) / found[:, -1])


def mean_average_precision(scores: NDArray[np.floating], present: NDArray[np.bool_]) -> float:
    """The plain mean over classes (mAP); a class without a clip has no say.

    Args:
        scores: shape (clips, classes).
        present: likewise; some class has a clip.
    """
    tested = np.flatnonzero(present.any(axis=0))
    return float(np.mean([average_precision(scores[:, k], present[:, k])[0] for k in tested]))
