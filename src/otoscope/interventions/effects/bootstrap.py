"""Intervals when groups of test clips are drawn again: paired by clip, since every condition has the same.

A draw weighs each group, see `otoscope.neurons.redrawing.shared_draws`; of a difference between conditions
the difference is taken clip by clip before clips are weighed, so that what clips have in common cancels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from otoscope.neurons.halves import unit_labels
from otoscope.neurons.redrawing import shared_draws

__all__ = ["RESAMPLES", "Redrawn"]

RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Redrawn:
    """The test clips, and how much each weighs in each draw of groups.

    Attributes:
        weights: shape (clips, draws).
        freedom: of each class, the groups that hold a clip of it, less one. Shape (classes,).
    """

    weights: NDArray[np.float64]
    freedom: NDArray[np.int64]

    @classmethod
    def of(
        cls, member: NDArray[np.bool_], groups: NDArray[np.int64], *, seed: int = 0, draws: int = RESAMPLES
    ) -> "Redrawn":
        """Draw groups again.

        Args:
            member: which clip bears which class. Shape (clips, classes).
            groups: of each clip the number of its group, any integers. Shape (clips,).
            seed: of the draws.
            draws: how many.
        """
        unit = np.unique(groups, return_inverse=True)[1].ravel()
        times = shared_draws(member, unit, draws, np.random.default_rng([seed, 6]))[:, 1:]
        return cls(times[unit], np.maximum(unit_labels(member, unit).sum(axis=0) - 1, 0))

    def half_widths(
        self, values: NDArray[np.float64], clips: NDArray[np.int64], freedom: int
    ) -> NDArray[np.float64]:
        """Half of the 95 % interval of means over clips: the sd over the draws, by Student's t.

        The central 95 % of the draws would be too narrow for few groups, see
        `otoscope.neurons.evidence.both_ways.interval_of`.

        Args:
            values: shape (..., clips).
            clips: which test clips these are. Shape (clips,).
            freedom: degrees of freedom.

        Returns:
            Shape (...). NaN with less than one degree of freedom. 0 where all clips have the same value:
            draws of clips that do not differ say nothing of clips that were not seen.
        """
        if freedom < 1:
            return np.full(values.shape[:-1], np.nan)
        weights = self.weights[clips]
        total = weights.sum(axis=0)
        drawn = (values @ weights)[..., total > 0] / total[total > 0]
        return np.asarray(student.isf(0.025, freedom) * drawn.std(axis=-1))
