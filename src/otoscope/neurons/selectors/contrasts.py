"""Selectors that contrast a class's mean with the means of the others.

Means are of mean activations where the recording has them, else of firing rates; classes weigh alike.
"""

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.selectors.base import selector
from otoscope.neurons.selectors.block import Block

__all__ = ["cas", "csi", "mad", "probeless"]

_ZHAO = "Zhao, Schuller and Sisman 2026, arXiv:2601.03115"


@selector("mad", "class mean of the activation against the mean of the others", source=_ZHAO)
def mad(block: Block) -> NDArray[np.float64]:
    """mu(k) - mean of mu over the other classes, in units of the activation."""
    means = block.class_activations
    return np.asarray(means - _others(means))


@selector("cas", "class mean of the activation against the highest of the others", source=_ZHAO)
def cas(block: Block) -> NDArray[np.float64]:
    """mu(k) - the largest other mu, in units of the activation; above 0 for the best class only."""
    means = block.class_activations
    second, first = np.partition(means, len(means) - 2, axis=0)[-2:]
    # Of two classes that share the first place each has the other above it.
    rival = np.where(means == first, second, first)
    return np.asarray(means - rival)


@selector("csi", "class-selectivity index of the rate", source="Morcos et al. 2018, arXiv:1803.06959")
def csi(block: Block) -> NDArray[np.float64]:
    """(mu(k) - mu(rest)) / (mu(k) + mu(rest)) of firing rates, in [-1, 1]; 1 for a neuron of one class.

    mu(rest) is the mean of mu over the other classes. Of rates, which are never negative, as the index needs.
    """
    means = block.class_rates
    rest = _others(means)
    return np.asarray((means - rest) / (means + rest))


@selector(
    "probeless",
    "distance of the class mean to all other class means, of either sign",
    source=("Antverg and Belinkov 2022, arXiv:2110.07483"),
)
def probeless(block: Block) -> NDArray[np.float64]:
    """Sum over the other classes c of |mu(k) - mu(c)|, the ranking for one class of Probeless.

    It has no sign: a neuron that is silent for a class and for no other ranks as high as one that fires for
    it alone.
    """
    means = block.class_activations
    order = np.argsort(means, axis=0)
    ascending = np.take_along_axis(means, order, axis=0)
    below = np.cumsum(ascending, axis=0)
    rank = np.arange(1, len(means) + 1)[:, None]
    # Of the i-th smallest m: those below it add i m - sum, those above it sum - (K - i) m.
    distances = (2 * rank - len(means)) * ascending + below[-1] - 2 * below
    scores = np.empty_like(means)
    np.put_along_axis(scores, order, distances, axis=0)
    return scores


def _others(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each class the mean of the means of all others. Shape (classes, neurons)."""
    return np.asarray((means.sum(axis=0) - means) / (len(means) - 1))
