"""A target among its control sets: how far out it lies, and how far out the farthest of all classes.

Under the hypothesis that the target is one more control set, target and control sets can change places. All
statistics here treat them alike, so that the p hold exactly: no p of a true hypothesis is at most a with a
probability above a.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

__all__ = ["adjusted_p", "rank_p", "t_of"]

_SAME = 1e-9  # differences of the same two shares may differ in the last bits

Values = NDArray[np.float64]


def rank_p(target: Values, controls: Values) -> Values:
    """Share of sets, the target among them, that lie at least as far from the mean of all as the target does.

    (1 + number of such control sets) / (1 + control sets): with R control sets never below 1 / (R + 1). Far
    is in either direction.

    Args:
        target: shape (classes,).
        controls: shape (sets, classes).

    Returns:
        Shape (classes,). NaN for a class of which a value is not finite.

    >>> rank_p(np.array([-2.0]), np.array([[0.0], [-0.1], [0.3], [0.1]])).tolist()
    [0.2]
    """
    apart = _standardised(target, controls, np.zeros(len(target)))
    return _share(apart, apart)


def adjusted_p(target: Values, controls: Values, least: Values | None = None) -> Values:
    """The same for all classes at once: each class of the target against the farthest class of each set.

    Distances are in standard deviations of the class over all sets. A class is then named wrongly with the
    stated probability for all classes together.

    Args:
        target: shape (classes,).
        controls: shape (sets, classes).
        least: a standard deviation below this counts as this much. Without it the only set that moves a class
            lies as far out as can be, were it by a single clip. Shape (classes,); 0 by default.

    Returns:
        Shape (classes,), at least `rank_p`.

    Source: Westfall and Young 1993, Resampling-based multiple testing.

    >>> target, controls = np.array([-2.0, 0.1]), np.array([[0.0, 0.0], [-0.1, 0.1], [0.3, 0.9], [0.1, 0.2]])
    >>> adjusted_p(target, controls).tolist()
    [0.2, 1.0]
    """
    apart = _standardised(target, controls, np.zeros(len(target)) if least is None else least)
    known = ~np.isnan(apart[0])
    farthest = np.max(apart[:, known], axis=1, initial=0.0, keepdims=True)
    return _share(apart, np.broadcast_to(farthest, apart.shape))


def t_of(target: Values, controls: Values) -> tuple[Values, Values]:
    """How far the target lies from the mean of its control sets, in standard deviations, and the p by t.

    (target - mean) / (sd sqrt(1 + 1 / R)), with R - 1 degrees of freedom: control sets are taken to be
    normal.

    Args:
        target: shape (classes,).
        controls: shape (R, classes).

    Returns:
        t and two-sided p, each of shape (classes,). NaN for R < 2 and where all control sets do the same.
    """
    t, sets = np.full(len(target), np.nan), len(controls)
    if sets < 2:
        return t, t
    spread = controls.std(axis=0, ddof=1) * np.sqrt(1 + 1 / sets)
    np.divide(target - controls.mean(axis=0), spread, out=t, where=spread > _SAME)
    return t, 2 * student.sf(np.abs(t), sets - 1)


def _standardised(target: Values, controls: Values, least: Values) -> Values:
    """Distance of every set, the target first, from the mean of all, in their sd. (1 + sets, classes)."""
    sets = np.vstack([target, controls])
    finite = np.isfinite(sets).all(axis=0)
    apart = np.full(sets.shape, np.nan)
    kept = sets[:, finite]
    spread = np.maximum(kept.std(axis=0), least[finite])
    apart[:, finite] = np.abs(kept - kept.mean(axis=0)) / np.where(spread > _SAME, spread, np.inf)
    return apart


def _share(apart: Values, beside: Values) -> Values:
    """Of each class, the share of sets whose distance in `beside` is at least the target's in `apart`."""
    own = apart[0]
    extreme = (beside[1:] >= own - _SAME).sum(axis=0)
    return np.asarray(np.where(np.isnan(own), np.nan, (1 + extreme) / len(apart)))
