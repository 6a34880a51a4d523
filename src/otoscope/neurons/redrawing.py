"""Areas under the ROC curve when whole groups are drawn again with replacement.

A draw is a weight for each group, how often it was drawn, so that no clip is copied: the area follows from
the weights of the groups at each level of the firing share.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["drawn_areas", "draws_of"]


def draws_of(
    member: NDArray[np.bool_], unit: NDArray[np.int64], bootstrap: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """How often each group is drawn: (groups, draws), no draws with fewer than two groups on a side."""
    count = int(unit.max(initial=-1)) + 1
    inside = np.bincount(unit[member], minlength=count) > 0
    outside = np.bincount(unit[~member], minlength=count) > 0
    if inside.sum() < 2 or outside.sum() < 2:
        return np.empty((count, 0))
    times = np.zeros((count, bootstrap))
    for stratum in (inside & ~outside, ~inside & outside, inside & outside):
        size = int(stratum.sum())
        if size:
            # Counted rather than drawn as a multinomial, which takes ten times as long.
            drawn = random.integers(size, size=(bootstrap, size)) + size * np.arange(bootstrap)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=bootstrap * size)
            times[stratum] = counts.reshape(bootstrap, size).T
    return times


def drawn_areas(
    value: NDArray[np.float32], member: NDArray[np.bool_], unit: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The AUROC of one neuron in every draw of groups, shape (draws,)."""
    levels, level = np.unique(value, return_inverse=True)
    shape = (len(levels), len(times))

    def weights(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        held = sparse.csr_array((np.ones(chosen.sum()), (level[chosen], unit[chosen])), shape=shape)
        return np.asarray(held @ times)

    inside, outside = weights(member), weights(~member)
    below = np.cumsum(outside, axis=0) - outside / 2
    area: NDArray[np.float64] = np.einsum("vb,vb->b", inside, below) / (
        inside.sum(axis=0) * outside.sum(axis=0)
    )
    return area
