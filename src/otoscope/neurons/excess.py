"""Excess of selectivity: by how much all neurons together are more selective than under permuted labels.

    S = sum over all neurons of max(0, z)
    z = (mean entropy under permutation - entropy) / (standard deviation of the entropy under permutation)

To judge S, the same number is needed of every permutation. Each labeling, the true one and each permuted one,
is held against all the others: what the true labels are to the permutations, each permutation is to the true
labels and the other permutations. All are treated alike, so that the p-value is exact.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["excesses", "selectivities"]

_BLOCK_BYTES = 8_000_000  # of selectivities in hand at a time
_STILL = 1e-9  # nats: a neuron whose entropy varies less than this is one that labels do not move


def selectivities(p: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log(classes) minus the entropy of every neuron, in nats; 0 for a neuron that never fires.

    Kept small instead of the entropy itself, so that single precision holds it to 7 digits.

    Args:
        p: firing probabilities in [0, 1]. Shape (classes, neurons).

    >>> selectivities(np.array([[0.2, 0.2, 0.0], [0.2, 0.0, 0.0]])).round(4).tolist()
    [0.0, 0.6930999755859375, 0.0]
    """
    classes, neurons = p.shape
    found = np.empty(neurons, np.float32)
    block = max(_BLOCK_BYTES // (8 * classes), 1)
    for start in range(0, neurons, block):
        part = p[:, start : start + block]
        total = part.sum(axis=0)
        total[total == 0] = 1.0
        # log K - H = sum p' log(K p'); with p' = 0 where a class is silent, and nothing is added.
        share = part * (classes / total)
        terms = np.log(share, out=np.zeros_like(share), where=share > 0)
        found[start : start + block] = np.einsum("kn,kn->n", terms, share) / classes
    return np.maximum(found, 0.0, out=found)


def excesses(selectivity: NDArray[np.float32]) -> NDArray[np.float64]:
    """The excess S of every labeling, each against all the others.

    Args:
        selectivity: of every neuron in every labeling, the true one first. Shape (labelings, neurons).

    Returns:
        Shape (labelings,), 0 or more. NaN with fewer than three labelings: two are needed for a standard
        deviation. A neuron whose entropy the other labelings do not vary adds nothing.

    >>> excesses(np.array([[0.4], [0.1], [0.2], [0.3]], dtype=np.float32)).round(3).tolist()
    [2.0, 0.0, 0.0, 0.436]
    """
    labelings, neurons = selectivity.shape
    if labelings < 3:
        return np.full(labelings, np.nan)
    others = labelings - 1
    total = np.zeros(labelings)
    block = max(_BLOCK_BYTES // (8 * labelings), 1)
    for start in range(0, neurons, block):
        centred = selectivity[:, start : start + block].astype(np.float64)
        centred -= centred.mean(axis=0)
        squares = np.einsum("bn,bn->n", centred, centred)
        # Mean and variance of the others, from those of all: the mean is -c / others.
        variance = (squares - centred**2 * (1 + 1 / others)) / (others - 1)
        z = np.divide(
            np.maximum(centred, 0.0) * (1 + 1 / others),
            np.sqrt(np.maximum(variance, 0.0)),
            out=np.zeros_like(centred),
            where=variance > np.maximum(_STILL**2, 1e-12 * squares),
        )
        total += z.sum(axis=1)
    return total
