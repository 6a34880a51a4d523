"""Makers of targets: class-specific neurons, and lists of the user's own."""

from collections.abc import Sequence

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.changes.base import check_addresses
from otoscope.interventions.targets.target import Learning, Maker, Target
from otoscope.neurons import select

__all__ = ["class_neurons", "given"]


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
        return [Target(name, (), tuple(sorted({(int(n), int(j)) for n, j in neurons})), level)]

    return make


def class_neurons(
    categories: Sequence[str] | None = None, *, preset: str = "aape", level: float = 0.0
) -> Maker:
    """The class-specific neurons of some classes together, or of every class that has any, each by itself.

    Args:
        categories: classes, whose neurons make one target; None for a target a class.
        preset: what chooses them, see `otoscope.select`.
        level: see `Target`.

    Raises:
        UsageError: an empty list; when it is called, a class that the labeling does not have.
        OtoscopeError: when it is called: none of the classes has such neurons.
    """
    if categories is not None and not categories:
        raise UsageError("an empty list says nothing to switch off; expected at least one class")

    def make(learning: Learning) -> list[Target]:
        labeling = learning.labeling
        for name in categories or ():
            if name not in labeling.classes:
                raise UsageError(
                    f"labeling {labeling.name!r} has no class {name!r}; it has {', '.join(labeling.classes)}"
                )
        chosen = select(
            learning.store, labeling.name, preset=preset, clips=learning.mask, permutations=0, twins=False
        )
        found = chosen.sets()
        wanted = (
            [(name,) for name in labeling.classes]
            if categories is None
            else [tuple(dict.fromkeys(categories))]
        )
        targets = [
            Target(
                "+".join(names), names, tuple(sorted(set().union(*(found[name] for name in names)))), level
            )
            for names in wanted
        ]
        kept = [target for target in targets if target.neurons]
        if not kept:
            asked = ", ".join(target.name for target in targets)
            having = ", ".join(name for name in labeling.classes if found[name]) or "none"
            raise OtoscopeError(
                f"labeling {labeling.name!r}: preset {preset!r} finds no neurons of {asked} on the clips outside "
                f"the test set; classes that have some: {having}; try other classes or another preset"
            )
        return kept

    return make
