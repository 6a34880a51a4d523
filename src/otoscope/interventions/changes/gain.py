"""Turn neurons down, off or up while a model runs.

A gain multiplies one unit's activation, after the non-linearity, at every position the layer sees: tokens,
CLS and padding alike, as the steering configurations of EVAR do.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from otoscope.errors import UsageError
from otoscope.interventions.changes.base import Address, Edit, by_layer, check_addresses, intervene
from otoscope.models.base import AudioModel, Layer
from otoscope.neurons.addresses import format_address

__all__ = ["Gain", "gains"]


@dataclass(frozen=True)
class Gain:
    """Multiply neurons by gains; a `Change`.

    Args:
        factors: for each (layer, unit), counted from 0, its gain: 0 switches the neuron off, a value between
            0 and 1 weakens it, 1 leaves it as it is, above 1 strengthens it. Any finite number.

    >>> Gain.of([(7, 1157), (8, 386)], 0.5).layers
    (7, 8)
    """

    factors: Mapping[Address, float]

    @classmethod
    def of(cls, neurons: Iterable[Address], gain: float = 0.0) -> Self:
        """The same gain for all of some neurons; 0, which switches them off, by default."""
        return cls(dict.fromkeys(neurons, gain))

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that it touches."""
        return tuple(by_layer(self.factors))

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse neurons that these layers do not have, and gains that are not finite."""
        check_addresses(self.factors, layers)
        for (layer, unit), factor in self.factors.items():
            if not math.isfinite(factor):
                address = format_address(layer, unit)
                raise UsageError(
                    f"the gain of neuron {address} is {factor}; expected a finite number, 0 for off"
                )

    def edit(self, layer: int) -> Edit:
        """Multiply the layer's units."""
        units = by_layer(self.factors)[layer]
        return _Scaled(units, [self.factors[layer, unit] for unit in units])

    def words(self) -> dict[str, Any]:
        """Itself as JSON."""
        return {"gain": [[*address, factor] for address, factor in sorted(self.factors.items())]}


class _Scaled:
    """Multiplies some units of an activation."""

    def __init__(self, units: Sequence[int], factors: Sequence[float]) -> None:
        self._units = torch.tensor(units)
        self._factors = torch.tensor(factors)

    def __call__(self, output: Tensor) -> Tensor:
        units = self._units.to(output.device)
        # A copy: the module's own output may be kept elsewhere, by a ReLU for its gradient for one.
        changed = output.clone()
        changed[..., units] = output[..., units] * self._factors.to(output)
        return changed


@contextmanager
def gains(model: AudioModel, factors: Mapping[Address, float]) -> Iterator[None]:
    """Multiply neurons of a model by gains for the length of a `with` block; see `Gain` and `intervene`.

    Blocks may be nested; a neuron named in two of them is multiplied by both gains.

    Args:
        model: the model whose forward pass is changed.
        factors: for each (layer, unit), counted from 0, its gain: 0 for off.

    Raises:
        UsageError: a neuron that the model does not have, or a gain that is not finite.

    Example::

        with gains(model, {(7, 1157): 0.0, (8, 386): 0.0}), torch.no_grad():
            features = [model.forward(chunk) for chunk in model.prepare([waveform])]

    Source: `evar/ar_m2d.py` (AR_M2D_Steering_Neurons) in nttcslab/eval-audio-repr.
    """
    with intervene(model, Gain(factors)):
        yield
