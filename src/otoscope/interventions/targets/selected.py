"""Targets from a selection: the class-specific neurons of classes, of pairs of them, and of all.

A selection is made of the learning clips alone.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.targets.target import Learning, Maker, Target, ordered
from otoscope.neurons import select

__all__ = ["all_neurons", "class_neurons", "pairs", "shared_neurons"]

Found = Mapping[str, set[Address]]
"""The neurons of each class; an empty set for a class that has none."""


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
        together = [(name,) for name in learning.labeling.classes] if categories is None else [categories]
        return _unions(learning, together, preset, level)

    return make


def pairs(
    pairs: Sequence[tuple[str, str]] | None = None, *, preset: str = "aape", level: float = 0.0
) -> Maker:
    """The neurons of two classes together, for every pair of classes that both have some.

    Args:
        pairs: of classes; by default all pairs.
        preset: what chooses them, see `otoscope.select`.
        level: see `Target`.

    Raises:
        UsageError: an empty list, or a pair that is none; when it is called, a class that the labeling does
            not have.
        OtoscopeError: when it is called: no pair has such neurons.
    """
    if pairs is not None and not pairs:
        raise UsageError("an empty list says nothing to switch off; expected at least one pair of classes")
    for pair in pairs or ():
        if len(set(pair)) != 2:
            raise UsageError(f"{tuple(pair)} is no pair; expected the names of two classes")

    def make(learning: Learning) -> list[Target]:
        if pairs is not None:
            return _unions(learning, pairs, preset, level)
        found = _found(learning, preset)
        having = [name for name in learning.labeling.classes if found[name]]
        if len(having) < 2:
            raise _nothing(learning, found, preset, "a pair of classes")
        return [_union(found, pair, level) for pair in combinations(having, 2)]

    return make


def shared_neurons(*, preset: str = "aape", level: float = 0.0) -> Maker:
    """The neurons that are specific to both classes of a pair, for every pair that shares some.

    A target is named by its classes, "ANG&HAP". A neuron of three classes is in three of them.

    Args:
        preset: what chooses them, see `otoscope.select`; one that gives a neuron to several classes.
        level: see `Target`.

    Raises:
        OtoscopeError: when it is called: no neuron is specific to two classes.
    """

    def make(learning: Learning) -> list[Target]:
        found = _found(learning, preset)
        both = {pair: found[pair[0]] & found[pair[1]] for pair in combinations(learning.labeling.classes, 2)}
        targets = [
            Target("&".join(pair), pair, ordered(neurons), level) for pair, neurons in both.items() if neurons
        ]
        if not targets:
            raise OtoscopeError(
                f"labeling {learning.labeling.name!r}: preset {preset!r} finds no neuron that is specific to "
                "two classes on the clips outside the test set; expected classes that share some, and a "
                "preset that may give a neuron to several, as aape, lape and specific do; try another of "
                "these, or the neurons of pairs of classes"
            )
        return targets

    return make


def all_neurons(*, preset: str = "aape", level: float = 0.0) -> Maker:
    """The class-specific neurons of all classes as one target, "all".

    Args:
        preset: what chooses them, see `otoscope.select`.
        level: see `Target`.

    Raises:
        OtoscopeError: when it is called: no class has such neurons.
    """

    def make(learning: Learning) -> list[Target]:
        found = _found(learning, preset)
        having = tuple(name for name in learning.labeling.classes if found[name])
        if not having:
            raise _nothing(learning, found, preset, "any class")
        return [_union(found, having, level, name="all")]

    return make


def _found(learning: Learning, preset: str) -> Found:
    """What the preset selects on the learning clips."""
    label = learning.labeling.name
    return select(
        learning.store,
        label,
        preset=preset,
        clips=learning.mask,
        permutations=0,
        seed=learning.seed,
        twins=False,
    ).sets()


def _unions(learning: Learning, together: Sequence[Sequence[str]], preset: str, level: float) -> list[Target]:
    """For each of these groups of classes the neurons of its classes; groups without a neuron are left out.

    Raises:
        UsageError: a class that the labeling does not have.
        OtoscopeError: no group has a neuron.
    """
    labeling = learning.labeling
    for name in (name for names in together for name in names):
        if name not in labeling.classes:
            raise UsageError(
                f"labeling {labeling.name!r} has no class {name!r}; it has {', '.join(labeling.classes)}"
            )
    found = _found(learning, preset)
    targets = [_union(found, tuple(dict.fromkeys(names)), level) for names in together]
    kept = [target for target in targets if target.neurons]
    if not kept:
        raise _nothing(learning, found, preset, ", ".join(target.name for target in targets))
    return kept


def _union(found: Found, names: tuple[str, ...], level: float, name: str | None = None) -> Target:
    neurons = set().union(*(found[each] for each in names))
    return Target("+".join(names) if name is None else name, names, ordered(neurons), level)


def _nothing(learning: Learning, found: Found, preset: str, asked: str) -> OtoscopeError:
    having = ", ".join(name for name in learning.labeling.classes if found[name]) or "none"
    return OtoscopeError(
        f"labeling {learning.labeling.name!r}: preset {preset!r} finds no neurons of {asked} on the clips "
        f"outside the test set; classes that have some: {having}; try other classes or another preset"
    )
