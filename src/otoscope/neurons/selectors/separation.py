"""Selectors that ask how well the firing rate tells classes apart, clip by clip."""

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons import ranks
from otoscope.neurons.selectors.base import selector
from otoscope.neurons.selectors.block import Block

__all__ = ["auroc", "d_prime", "eta_squared"]


@selector("eta2", "share of the rate's variance that lies between classes", source="Fisher 1925")
def eta_squared(block: Block) -> NDArray[np.float64]:
    """Between-class over total sum of squares in [0, 1], for the class of highest mean rate.

    As in a one-way analysis of variance: F = eta2 / (1 - eta2) x (N - K) / (K - 1). A clip of several labels
    enters once for each. NaN for a neuron whose rate never changes.
    """
    sizes = block.sizes[:, None].astype(np.float64)
    means = block.class_rates
    centre = (sizes * means).sum(axis=0) / sizes.sum()
    between = (sizes * (means - centre) ** 2).sum(axis=0)
    # Differences from the centre: the difference of two large sums would lose digits.
    apart = (block.rates - centre) ** 2
    total = block.membership.sum(axis=1).astype(np.float64) @ apart
    return block.at_best(np.where(_varies(block), between / total, np.nan))


@selector("auroc", "area under the ROC curve of the rate, class against rest", source="Mann and Whitney 1947")
def auroc(block: Block) -> NDArray[np.float64]:
    """Chance that a clip of the class fires the neuron more than one of the rest, in [0, 1]; ties half."""
    return ranks.auroc(block.rates, block.membership)


@selector(
    "dprime", "difference of the mean rates over their standard deviation", source=("Green and Swets 1966")
)
def d_prime(block: Block) -> NDArray[np.float64]:
    """(mu(k) - mu(rest)) / sqrt((var(k) + var(rest)) / 2) of the clips with the class and of those without.

    Variances are unbiased. NaN where a side has fewer than two clips, or neither varies and the means are
    equal; infinite where neither varies and the means differ.
    """
    bears = block.membership.T.astype(np.float64)
    inside = bears.sum(axis=1)[:, None]
    outside = bears.shape[1] - inside
    # About the mean of all clips, so that sums of squares lose no digits.
    centred = block.rates.astype(np.float64)
    centred -= centred.mean(axis=0)
    squares = centred**2
    sums, sums2 = bears @ centred, bears @ squares
    mean, rest = sums / inside, (centred.sum(axis=0) - sums) / outside
    spread = _variance(sums2, mean, inside)
    spread_rest = _variance(squares.sum(axis=0) - sums2, rest, outside)
    found = (mean - rest) / np.sqrt((spread + spread_rest) / 2)
    return np.where(_varies(block), found, np.nan)


def _variance(
    squares: NDArray[np.float64], mean: NDArray[np.float64], n: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = (squares - n * mean**2) / (n - 1)
    # What rounding leaves of a sum of equal values is no variance.
    return np.where(found < 1e-12 * squares, 0.0, found)


def _varies(block: Block) -> NDArray[np.bool_]:
    return np.asarray(block.rates.max(axis=0) > block.rates.min(axis=0))
