"""Turn neurons down, off or up while a model runs.

A gain multiplies one unit's activation, after the non-linearity, at every position the layer sees: tokens,
CLS and padding alike, as the steering configurations of EVAR do. The model's weights are never touched: the
gains are forward hooks, and they are gone when the `with` block ends, whether it ends well or not.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from otoscope.errors import UsageError
from otoscope.models.base import AudioModel
from otoscope.neurons.addresses import flat_index, format_address

Address = tuple[int, int]
"""A neuron: (layer, unit), both counted from 0."""


@contextmanager
def gains(model: AudioModel, factors: Mapping[Address, float]) -> Iterator[None]:
    """Multiply neurons of a model by gains for the length of a `with` block.

    Blocks may be nested; a neuron named in two of them is multiplied by both gains.

    Args:
        model: the model whose forward pass is changed.
        factors: for each (layer, unit), counted from 0, its gain: 0 switches the neuron off, a value between
            0 and 1 weakens it, 1 leaves it as it is, above 1 strengthens it. Any finite number.

    Raises:
        UsageError: a neuron that the model does not have, or a gain that is not finite.

    Example::

        with gains(model, {(7, 1157): 0.0, (8, 386): 0.0}), torch.no_grad():
            features = [model.forward(chunk) for chunk in model.prepare([waveform])]

    Source: `evar/ar_m2d.py` (AR_M2D_Steering_Neurons) in nttcslab/eval-audio-repr.
    """
    by_layer: dict[int, dict[int, float]] = defaultdict(dict)
    for (layer, unit), factor in factors.items():
        flat_index(model.layers, layer, unit)  # refuses an address that is not there
        if not math.isfinite(factor):
            address = format_address(layer, unit)
            raise UsageError(f"the gain of neuron {address} is {factor}; expected a finite number, 0 for off")
        by_layer[layer][unit] = float(factor)
    points = model.hooks()
    with ExitStack() as stack:
        for layer, units in by_layer.items():
            handle = points[layer].attach(_Gain(units))
            stack.callback(handle.remove)
        yield


class _Gain:
    """Multiplies some units of an activation of shape (clips, positions, units)."""

    def __init__(self, units: Mapping[int, float]) -> None:
        self._units = torch.tensor(list(units))
        self._factors = torch.tensor(list(units.values()))

    def __call__(self, output: Tensor) -> Tensor:
        units = self._units.to(output.device)
        # A copy: the module's own output may be kept elsewhere, by a ReLU for its gradient for one.
        changed = output.clone()
        changed[..., units] = output[..., units] * self._factors.to(output)
        return changed
