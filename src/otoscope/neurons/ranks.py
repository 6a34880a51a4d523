"""Areas under the ROC curve of every neuron for every class, from ranks.

    AUROC(k) = share of pairs, a clip of class k and a clip of the rest, in which the first has the higher
               firing share; ties count half

It is 1/2 for a neuron that knows nothing of the class, whatever its base rate.
"""

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import UsageError

__all__ = ["auroc", "ranks_of"]

_BLOCK = 2_000_000  # values ranked at a time


def auroc(rates: NDArray[np.floating], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUROC of every neuron for every class against the rest.

    Args:
        rates: firing shares, or any other score. Shape (clips, neurons).
        member: which clip bears which class. Shape (clips, classes).

    Returns:
        In [0, 1]; 1/2 for a neuron that is the same on all clips. NaN for a class that all clips bear or
        none, and for a neuron with a score that is not a number. Shape (classes, neurons).

    Raises:
        UsageError: shapes that do not fit.

    >>> rates = np.array([[0.9], [0.4], [0.4], [0.1]])
    >>> auroc(rates, np.array([[True], [True], [False], [False]]))
    array([[0.875]])

    Source: Mann and Whitney 1947.
    """
    if rates.ndim != 2 or member.ndim != 2 or len(rates) != len(member):
        raise UsageError(
            f"rates has shape {rates.shape} and member {member.shape}; expected (clips, neurons) and "
            "(clips, classes) of the same clips"
        )
    bears = member.astype(np.float64)
    inside = bears.sum(axis=0)[:, None]
    outside = len(member) - inside
    pairs = np.where((inside > 0) & (outside > 0), inside * outside, np.nan)
    area = np.empty((member.shape[1], rates.shape[1]))
    size = max(_BLOCK // max(len(rates), 1), 1)
    for start in range(0, rates.shape[1], size):
        part = slice(start, start + size)
        area[:, part] = (bears.T @ ranks_of(rates[:, part]) - inside * (inside + 1) / 2) / pairs
    return area


def ranks_of(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks from 1 within each column, ties sharing their mean rank; NaN throughout where one is NaN."""
    # As scipy.stats.rankdata, in fewer passes. Columns are sorted as rows of their own: several times as fast
    # as along the first axis.
    rows = np.ascontiguousarray(values.T)
    if not rows.size:
        return np.empty(values.shape)
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    begins = np.ones(rows.shape, dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:, 1:])
    first = np.flatnonzero(begins)
    tied = np.diff(first, append=rows.size)
    ranks = np.empty(rows.shape)
    mean = np.repeat(first % rows.shape[1] + (tied + 1) / 2, tied).reshape(rows.shape)
    np.put_along_axis(ranks, order, mean, axis=1)
    ranks[np.isnan(ordered[:, -1])] = np.nan  # which is sorted to the end
    return ranks.T
