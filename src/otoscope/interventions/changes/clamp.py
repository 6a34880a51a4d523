"""Hold neurons at a value: their mean, for one, where silence would be a thing the model never saw."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otoscope.errors import UsageError
from otoscope.interventions.changes.base import Address, Edit, by_layer, check_addresses
from otoscope.models.base import Layer
from otoscope.neurons.addresses import format_address

__all__ = ["Clamp"]


@dataclass(frozen=True)
class Clamp:
    """Give neurons one value at every position of every clip; a `Change`.

    With each neuron's mean activation this is mean ablation: what the neuron says of a clip is gone, what it
    says of every clip stays.

    Args:
        values: for each (layer, unit), counted from 0, its activation. Any finite number.

    >>> Clamp({(7, 1157): 0.2}).layers
    (7,)
    """

    values: Mapping[Address, float]

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that it touches."""
        return tuple(by_layer(self.values))

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse neurons that these layers do not have, and values that are not finite."""
        check_addresses(self.values, layers)
        for address, value in self.values.items():
            if not math.isfinite(value):
                raise UsageError(
                    f"neuron {format_address(*address)} is held at {value}; expected a finite activation"
                )

    def edit(self, layer: int) -> Edit:
        """Hold the layer's units."""
        units = by_layer(self.values)[layer]
        return _Held(units, [self.values[layer, unit] for unit in units])

    def words(self) -> dict[str, Any]:
        """Itself as JSON."""
        return {"clamp": [[*address, value] for address, value in sorted(self.values.items())]}


class _Held:
    """Writes values over some units of an activation."""

    def __init__(self, units: Sequence[int], values: Sequence[float]) -> None:
        self._units = torch.tensor(units)
        self._values = torch.tensor(values)

    def __call__(self, output: Tensor) -> Tensor:
        changed = output.clone()
        changed[..., self._units.to(output.device)] = self._values.to(output)
        return changed
