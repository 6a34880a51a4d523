"""How sure a probe's score is, as far as the choice of test clips goes."""

from collections.abc import Iterator

import numpy as np

from otoscope.interventions.probes.precision import average_precision

__all__ = ["group_interval", "precision_interval"]

RESAMPLES = 2000
_AT_ONCE = 100  # of them in hand


def group_interval(values: np.ndarray, groups: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Central 95 % of the mean of values when whole groups are drawn again with replacement.

    Args:
        values: shape (clips,).
        groups: shape (clips,), any integers.
        seed: of the drawing.

    >>> group_interval(np.array([1.0, 1.0, 1.0]), np.array([0, 0, 1]))
    (1.0, 1.0)
    """
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=values), np.bincount(group)
    return _central([(times @ sums) / (times @ sizes) for times in _drawn(len(sizes), seed)])


def precision_interval(
    logits: np.ndarray, member: np.ndarray, groups: np.ndarray, *, seed: int = 0
) -> tuple[float, float]:
    """The same of the mean average precision; a class that a draw has no clip of has no say in it.

    Args:
        logits: shape (clips, classes).
        member: which clip bears which class, shape (clips, classes).
        groups: shape (clips,), any integers.
        seed: of the drawing.
    """
    units, group = np.unique(groups, return_inverse=True)
    found = []
    for times in _drawn(len(units), seed):
        columns = (
            average_precision(logits[:, k], member[:, k], times[:, group]) for k in range(len(member.T))
        )
        found.append(np.nanmean(np.stack(list(columns)), axis=0))
    return _central(found)


def _drawn(groups: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group is drawn, some resamples at a time: (resamples, groups)."""
    rng, even = np.random.default_rng(seed), np.full(groups, 1 / groups)
    for _ in range(RESAMPLES // _AT_ONCE):
        yield rng.multinomial(groups, even, size=_AT_ONCE)


def _central(found: list[np.ndarray]) -> tuple[float, float]:
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return float(low), float(high)
