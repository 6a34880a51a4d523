"""What a change of activations is to the rest of the room, and how changes are put into a model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from torch import Tensor

from otoscope.models.base import AudioModel, Layer
from otoscope.neurons.addresses import Address, flat_index

__all__ = ["Address", "Change", "Edit", "by_layer", "check_addresses", "intervene"]

Edit = Callable[[Tensor], Tensor]
"""Gets a layer's activation of shape (clips, positions, units) and returns another one; never in place."""


class Change(Protocol):
    """A change of activations, in one or more layers: a frozen value, tied to no model."""

    @property
    def layers(self) -> Sequence[int]:
        """The layers that it touches, ascending."""

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse what a model with these layers does not have.

        Raises:
            UsageError: such a neuron.
        """

    def edit(self, layer: int) -> Edit:
        """What it does to one of its layers."""

    def words(self) -> dict[str, Any]:
        """Itself as JSON: equal changes have equal words."""


@contextmanager
def intervene(model: AudioModel, *changes: Change) -> Iterator[None]:
    """Change activations of a model for the length of a `with` block.

    Where several changes touch a layer, each gets what the one before it made; blocks may be nested, and
    the outer block's changes come first. The model's weights are never touched: changes are hooks, and they
    are gone when the block ends, whether it ends well or not.

    Args:
        model: the model whose forward pass is changed.
        changes: any number of them; none leaves the model as it is.

    Raises:
        UsageError: a neuron that the model does not have.

    Example::

        with intervene(model, Gain({(7, 1157): 0.0}), Clamp({(8, 386): 0.2})), torch.no_grad():
            features = [model.forward(chunk) for chunk in model.prepare([waveform])]
    """
    for change in changes:
        change.check(model.layers)
    points = model.hooks()
    with ExitStack() as stack:
        for change in changes:
            for layer in change.layers:
                stack.callback(points[layer].attach(change.edit(layer)).remove)
        yield


def check_addresses(neurons: Iterable[Address], layers: Sequence[Layer]) -> None:
    """Refuse neurons that these layers do not have.

    Raises:
        UsageError: there is one.
    """
    for layer, unit in neurons:
        flat_index(layers, layer, unit)


def by_layer(neurons: Iterable[Address]) -> dict[int, list[int]]:
    """The units of each layer that has any, both ascending.

    >>> by_layer([(3, 5), (0, 9), (3, 1)])
    {0: [9], 3: [1, 5]}
    """
    found: dict[int, list[int]] = {}
    for layer, unit in sorted(neurons):
        found.setdefault(layer, []).append(unit)
    return found
