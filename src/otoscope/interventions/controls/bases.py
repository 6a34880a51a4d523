"""Directions of a layer's space that are taken out in place of neurons: random ones, and the widest ones."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from otoscope.errors import OtoscopeError
from otoscope.interventions.changes.base import Address, by_layer, check_addresses
from otoscope.models.base import Layer

__all__ = ["Basis", "leading_components", "random_directions"]

Basis = dict[int, NDArray[np.float32]]
"""Of each layer, orthonormal directions. Shape (directions, units)."""


def random_directions(
    target: Collection[Address], layers: Sequence[Layer], draws: int, *, seed: int | Sequence[int] = 0
) -> list[Basis]:
    """Draw orthonormal directions, in each layer as many as the target has neurons there.

    All subspaces are equally likely. The first of a longer series are those of a shorter one.

    Raises:
        UsageError: a target neuron that these layers do not have.
    """
    check_addresses(target, layers)
    wanted = {layer: len(units) for layer, units in by_layer(set(target)).items()}
    random = np.random.default_rng(seed)
    return [
        {
            layer: _rows(np.linalg.qr(random.normal(size=(layers[layer].units, number)))[0])
            for layer, number in wanted.items()
        }
        for _ in range(draws)
    ]


def leading_components(
    target: Collection[Address], layers: Sequence[Layer], means: Callable[[int], NDArray[np.float32]]
) -> Basis:
    """In each layer as many leading principal components of activations as the target has neurons there.

    They are the directions in which clips differ most. Nothing is drawn: there is one such set.

    Args:
        target: (layer, unit) pairs, without repetition.
        layers: the model's layers.
        means: of a layer, the clips' mean activations, which are centred here. Shape (clips, units).

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: the clips are too few for so many components.
    """
    check_addresses(target, layers)
    found = {}
    for layer, units in by_layer(set(target)).items():
        number, values = len(units), means(layer)
        if number >= len(values):
            raise OtoscopeError(
                f"layer {layer} ({layers[layer].name}): the target has {number} neurons there, and "
                f"{len(values)} clips have {max(len(values) - 1, 0)} principal components at most; expected "
                "more clips; choose a smaller target, or leave components out of matched="
            )
        found[layer] = _components(values, number)
    return found


def _components(values: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """The leading principal components of some rows, the widest first. Shape (number, columns)."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    columns = centred.shape[1]
    _, vectors = eigh(centred.T @ centred, subset_by_index=(columns - number, columns - 1))
    return _rows(vectors[:, ::-1])


def _rows(columns: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.ascontiguousarray(columns.T, dtype=np.float32)
