"""By how much classes share more neurons than their margins explain: one number for a pair, in closed form.

Given how many neurons each class has, and how many classes each neuron has, the least that can be assumed is

    P(class k has neuron j) = x_k y_j / (1 + x_k y_j),     x and y such that both margins come out on average

From it follow the mean and the variance of what two classes share. Neurons of as many classes have one y.

Source: Saracco et al. 2017, Inferring monopartite projections of bipartite networks (arXiv:1607.02481).
"""

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.sharing.relabelled import Incidence

__all__ = ["excess_over_margins"]

_STEPS = 40  # to find x and y; the tests hold however near they come
_FLOOR = 0.5  # neurons squared, added to the variance: margins may leave none


def excess_over_margins(a: Incidence, b: Incidence) -> NDArray[np.float64]:
    """How many standard deviations more neurons each two classes share than the margins explain.

    Args:
        a: the classes of the rows.
        b: those of the columns; `a` itself within one labeling.

    Returns:
        Shape (classes of a, classes of b); about 0 where the margins leave no choice.
    """
    one, two = _probabilities(a.assigned), _probabilities(b.assigned)
    _, mine, theirs = np.intersect1d(a.neurons, b.neurons, assume_unique=True, return_indices=True)
    # How many neurons have so many classes of a and so many of b.
    joint = np.zeros((one.shape[1], two.shape[1]))
    np.add.at(joint, (a.assigned.sum(axis=0)[mine], b.assigned.sum(axis=0)[theirs]), 1)
    expected = one @ joint @ two.T
    variance = np.maximum(expected - one**2 @ joint @ (two**2).T, 0)
    excess: NDArray[np.float64] = (a.shared(b) - expected) / np.sqrt(variance + _FLOOR)
    return excess


def _probabilities(assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """That a class has a neuron of 0, 1, ... all classes. Shape (classes, classes + 1)."""
    classes = len(assigned)
    many = np.bincount(assigned.sum(axis=0), minlength=classes + 1).astype(float)
    degree, inner = np.arange(1, classes), many[1:classes]
    sizes = assigned.sum(axis=1) - many[classes]
    root = np.sqrt(max(float(inner @ degree), 1.0))
    x, y = sizes / root, degree / root
    for _ in range(_STEPS):
        x = np.clip(sizes / np.maximum((inner * y / (1 + np.outer(x, y))).sum(axis=1), 1e-12), 0, 1e8)
        y = np.clip(degree / np.maximum((x[:, None] / (1 + np.outer(x, y))).sum(axis=0), 1e-12), 0, 1e8)
    product = np.outer(x, y)
    found = np.zeros((classes, classes + 1))
    found[:, 1:classes] = product / (1 + product)
    found[:, classes] = 1
    return found
