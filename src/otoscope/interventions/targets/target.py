"""A target: the neurons that one experiment switches. And what those who choose it may look at."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.activations.store import Store
from otoscope.errors import UsageError
from otoscope.interventions.changes import Address
from otoscope.tasks.labeling import Labeling

__all__ = ["Learning", "Maker", "Target", "classes_of_name", "ordered", "unique"]


@dataclass(frozen=True)
class Target:
    """A set of neurons that is switched.

    Attributes:
        name: no other target of the experiment has it: the class or classes whose neurons they are, joined by
            "+", for example; "given" for a list of the user's.
        categories: those classes, on which an effect is expected; none where nothing is.
        neurons: (layer, unit) pairs, sorted.
        level: the gain that they get, or the value that they are held at.
        series: what varies over a series of targets: "gain", "count" (of neurons), "layer" or "selector"; ""
            for a target by itself.
        of: name that the targets of one series share, "ANG+HAP" for example.
        at: its place in the series, as text: the gain, the number of neurons, the layer or the selector.
    """

    name: str
    categories: tuple[str, ...]
    neurons: tuple[Address, ...]
    level: float = 0.0
    series: str = ""
    of: str = ""
    at: str = ""

    @property
    def by_layer(self) -> dict[int, int]:
        """Number of neurons in each layer that has any."""
        return dict(sorted(Counter(layer for layer, _ in self.neurons).items()))


@dataclass(frozen=True, eq=False)
class Learning:
    """What a choice of neurons may look at: clips outside the probe's test set.

    Attributes:
        store: the recording.
        labeling: whose classes are measured.
        rows: row numbers of the clips.
        seed: of what is drawn in the choice.
    """

    store: Store
    labeling: Labeling
    rows: NDArray[np.int64]
    seed: int = 0

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which of the store's clips these are. Shape (clips,)."""
        mask = np.zeros(len(self.store.clips), dtype=bool)
        mask[self.rows] = True
        return mask


Maker = Callable[[Learning], Sequence[Target]]
"""Chooses targets."""


def unique(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets, if there are any and no two have one name.

    Raises:
        UsageError: there is none, or two have the same name.
    """
    if not targets:
        raise UsageError("there is no target; expected at least one set of neurons to switch")
    counted = Counter(target.name for target in targets)
    if twice := [name for name, times in counted.items() if times > 1]:
        raise UsageError(
            f"several targets are named {', '.join(map(repr, twice))}; expected a name of its own for each: "
            "results are told apart by it"
        )
    return tuple(targets)


def ordered(neurons: Iterable[Address]) -> tuple[Address, ...]:
    """Each neuron once, as a pair of plain integers, by layer and unit.

    >>> ordered([(3, 5), (0, 9), (3, 5)])
    ((0, 9), (3, 5))
    """
    return tuple(sorted({(int(layer), int(unit)) for layer, unit in neurons}))


def classes_of_name(name: str, labeling: Labeling) -> tuple[str, ...]:
    """The classes that a target's name means: one, or several joined by "+"; none where it names no class.

    >>> emotion = Labeling("emotion", "emotion", ("ANG", "HAP", "SAD"))
    >>> classes_of_name("ANG+HAP", emotion), classes_of_name("ANG+mine", emotion)
    (('ANG', 'HAP'), ())
    """
    if name in labeling.classes:
        return (name,)
    parts = tuple(dict.fromkeys(name.split("+")))
    return parts if set(parts) <= set(labeling.classes) else ()
