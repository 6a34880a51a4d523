"""The control that was published: the unit beside each of the target's."""

from collections.abc import Collection, Sequence

from otoscope.interventions.changes.base import Address
from otoscope.interventions.controls.layers import places_of
from otoscope.models.base import Layer

__all__ = ["neighbours"]


def neighbours(target: Collection[Address], layers: Sequence[Layer]) -> list[Address]:
    """Of each target neuron the next unit of its layer, or the next one upward that is free.

    Free is what neither the target nor a neuron before it has; after a layer's last unit comes its first.
    Nothing is drawn: there is one such set.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it.

    Source: the "rand" lists of `config/m2d_abl_neuron{1,2}-rand.yaml` in nttcslab/eval-audio-repr, which are
    the target's with every unit plus one.

    >>> from types import SimpleNamespace
    >>> neighbours([(0, 1), (0, 2), (0, 6)], [SimpleNamespace(name="0", units=7)])
    [(0, 0), (0, 3), (0, 4)]
    """
    found = []
    for layer, place in places_of(target, layers).items():
        units, free = layers[layer].units, set(place.others.tolist())
        for own in place.own.tolist():
            unit = next(after % units for after in range(own + 1, own + units) if after % units in free)
            free.remove(unit)
            found.append((layer, unit))
    return sorted(found)
