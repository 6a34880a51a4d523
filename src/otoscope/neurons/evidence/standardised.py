"""Rank sums on one scale: as many standard deviations above what permuted labels give, whatever the class.

The firing shares are ranked over the units that the labeling's design permutes:

    ungrouped   clips
    nested      groups, each by the mean over its clips
    crossed     clips, after the mean of their group is subtracted

and z is the rank sum of a class, less its mean under permutation, over its standard deviation under
permutation, both exact. Without strata this is z = (AUROC - 1/2) / sqrt((n + 1) / (12 n1 n0)), corrected for
ties.

A neuron that fires on few clips only has a skewed rank sum: for a class of 40 in 2,000 clips, one clip alone
gives z = 7. So z is brought to the scale of a normal variable by the third moment under permutation, exact
too (Pearson's type III, by the cube root of Wilson and Hilferty 1931). Where the ranks are free of ties and
a class is half of the units, or just about so, it changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from otoscope.neurons.designs import Design
from otoscope.neurons.ranks import ranks_of

__all__ = ["RankSums", "unit_values"]

_DIGITS = 6  # of firing shares: means that differ by less are tied, whatever the order of the clips
_SYMMETRIC = 1e-3  # skewness below which there is nothing to correct
_NOTHING = 1e-9  # variance of a rank sum, over that of all ranks, below which no permutation moves it


@dataclass(frozen=True)
class RankSums:
    """The rank sums of a block of neurons, ready for any permutation of the labels.

    Attributes:
        scores: ranks less their mean in the stratum, float32. Shape (units, neurons).
        spread: standard deviation of a class's sum under permutation; NaN where no permutation changes it.
            Shape (classes, neurons).
        skewness: of the same. Shape (classes, neurons).
        skewed: whether z is corrected for skewness.
    """

    scores: NDArray[np.float32]
    spread: NDArray[np.float32]
    skewness: NDArray[np.float32]
    skewed: bool = True

    @classmethod
    def of(cls, values: NDArray[np.floating], design: Design, skewed: bool = True) -> "RankSums":
        """Rank the values of units, shape (units, neurons), and work out the moments under permutation."""
        strata, stratum = np.unique(design.stratum, return_inverse=True)
        members = sparse.csr_array(
            (np.ones(len(stratum)), (stratum.ravel(), np.arange(len(stratum)))),
            shape=(len(strata), len(stratum)),
        )
        size = np.bincount(stratum.ravel()).astype(float)
        ranks = ranks_of(values) / len(values)
        scores = ranks - np.asarray(members @ ranks / size[:, None])[stratum.ravel()]
        inside = np.asarray(members @ design.rows.astype(float)).T  # (classes, strata)
        outside = size - inside
        second = inside * outside / np.maximum(size * (size - 1), 1)
        third = second * (outside - inside) / np.maximum(size - 2, 1)
        squares = np.square(scores)
        variance = second @ np.asarray(members @ squares)
        constant = variance <= _NOTHING
        spread = np.sqrt(np.where(constant, np.nan, variance))
        skewness = third @ np.asarray(members @ (squares * scores)) / spread**3
        return cls(scores.astype(np.float32), spread.astype(np.float32), skewness.astype(np.float32), skewed)

    def z(self, rows: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Standardised rank sums for labels of the units, in any number of permutations.

        Args:
            rows: shape (..., units, classes).

        Returns:
            Shape (..., classes, neurons); NaN where no permutation changes the sum.
        """
        stacked = np.swapaxes(rows, -1, -2)
        flat = np.ascontiguousarray(stacked.reshape(-1, stacked.shape[-1]), dtype=np.float32)
        z: NDArray[np.float32] = (flat @ self.scores).reshape(*stacked.shape[:-1], -1)
        z /= self.spread
        return _symmetric(z, self.skewness) if self.skewed else z


def unit_values(rates: NDArray[np.floating], design: Design) -> NDArray[np.float64]:
    """What is ranked: the firing shares of clips, shape (clips, neurons), brought to the design's units."""
    if design.name == "ungrouped":
        return np.asarray(rates, dtype=np.float64)
    group = design.unit if design.name == "nested" else np.unique(design.stratum, return_inverse=True)[1]
    clips = len(group)
    members = sparse.csr_array((np.ones(clips), (group.ravel(), np.arange(clips))))
    means = np.asarray(members @ rates.astype(np.float64)) / np.bincount(group.ravel())[:, None]
    return np.round(means if design.name == "nested" else rates - means[group.ravel()], _DIGITS)


def _symmetric(z: NDArray[np.float32], skewness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring z of the given skewness to the scale of a standard normal variable; it keeps its order."""
    near = np.abs(skewness) < _SYMMETRIC
    g = np.where(near, np.float32(1), skewness)
    if not near.all():
        moved = 6 / g * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6
        z = np.where(near, z, moved)
    return z
