"""Weaken directions of a layer's space in place of single neurons: is it neurons that matter, or space?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.errors import UsageError
from otoscope.interventions.changes.base import Edit
from otoscope.models.base import Layer

__all__ = ["Directions"]


@dataclass(frozen=True, eq=False)
class Directions:
    """Multiply a layer's activation by a gain along some orthonormal directions; a `Change`.

    Along the axes of the units this is `Gain`.

    Args:
        bases: of each layer, orthonormal directions. Shape (directions, units).
        gain: 0 takes the directions out.
    """

    bases: Mapping[int, NDArray[np.float32]]
    gain: float = 0.0

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that it touches."""
        return tuple(sorted(self.bases))

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse directions in a space that these layers do not have."""
        for layer, basis in self.bases.items():
            units = layers[layer].units if 0 <= layer < len(layers) else 0
            if basis.ndim != 2 or basis.shape[1] != units:
                raise UsageError(
                    f"directions of layer {layer} have the shape {basis.shape}; expected (directions, "
                    f"{units})" + ("" if units else f": the model has the layers 0 to {len(layers) - 1}")
                )

    def edit(self, layer: int) -> Edit:
        """Weaken the layer's directions."""
        basis, gain = torch.from_numpy(np.ascontiguousarray(self.bases[layer])), self.gain

        def weakened(output: Tensor) -> Tensor:
            axes = basis.to(output)
            return output + (gain - 1) * (output @ axes.T) @ axes

        return weakened

    def words(self) -> dict[str, Any]:
        """Itself as JSON; of directions, their hash."""
        hashes = {
            str(layer): hashlib.sha256(np.ascontiguousarray(basis).tobytes()).hexdigest()
            for layer, basis in sorted(self.bases.items())
        }
        return {"directions": hashes, "gain": self.gain}
