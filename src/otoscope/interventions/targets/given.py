"""Targets from the user's own lists of neurons."""

from collections.abc import Sequence

from otoscope.errors import UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.changes.base import check_addresses
from otoscope.interventions.targets.target import Learning, Maker, Target, ordered

__all__ = ["given"]


def given(neurons: Sequence[Address], *, name: str = "given", level: float = 0.0) -> Maker:
    """These neurons.

    Args:
        neurons: (layer, unit) pairs, counted from 0.
        name: of the target.
        level: see `Target`.

    Raises:
        UsageError: none is given; when it is called, one that the model does not have.
    """
    if not neurons:
        raise UsageError("an empty list says nothing to switch off; expected at least one neuron")

    def make(learning: Learning) -> list[Target]:
        check_addresses(neurons, learning.store.layers)
        return [Target(name, (), ordered(neurons), level)]

    return make
