"""What classes share when labels mean nothing: labels permuted as the design allows, neurons selected again.

If labels say nothing about a recording, the selection with the true labels is one of those with permuted
ones, whatever the sizes of the classes and however neurons are correlated. A p-value from them is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.chance import permuted_tables
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.filters import Filters, Kept, apply_filters, filters_for
from otoscope.neurons.probability import LabelledClips, Recording, class_probabilities, labelled_clips

__all__ = ["Incidence", "Side", "relabelled"]


@dataclass(frozen=True)
class Incidence:
    """Which class has which of some neurons.

    Attributes:
        neurons: their flat numbers, ascending. Shape (neurons,).
        assigned: shape (classes, neurons).
    """

    neurons: NDArray[np.int64]
    assigned: NDArray[np.bool_]

    @classmethod
    def of(cls, kept: Kept) -> "Incidence":
        """The class-specific neurons of a selection."""
        some = kept.assigned.any(axis=0)
        return cls(kept.neurons[some], kept.assigned[:, some])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Neurons of each class."""
        many: NDArray[np.int64] = self.assigned.sum(axis=1)
        return many

    def shared(self, other: "Incidence") -> NDArray[np.int64]:
        """Neurons that each class shares with each class of the other. Shape (classes, classes)."""
        _, mine, theirs = np.intersect1d(self.neurons, other.neurons, assume_unique=True, return_indices=True)
        a, b = self.assigned[:, mine].astype(np.int64), other.assigned[:, theirs].astype(np.int64)
        found: NDArray[np.int64] = a @ b.T
        return found

    def jaccard(self, other: "Incidence") -> NDArray[np.float64]:
        """Shared over the neurons that either class has; 0 where neither has any. (classes, classes)."""
        shared = self.shared(other)
        either = self.sizes[:, None] + other.sizes[None, :] - shared
        index: NDArray[np.float64] = shared / np.maximum(either, 1)
        return index


@dataclass(frozen=True)
class Side:
    """A labeling of a recording, ready to have its labels permuted.

    Attributes:
        store: the recording.
        clips: its labelled clips.
        design: which labels may change places.
        filters: how neurons are selected.
    """

    store: Recording
    clips: LabelledClips
    design: Design
    filters: Filters

    @classmethod
    def of(cls, store: Recording, label: str, preset: str, design: DesignName | None = None) -> "Side":
        """The labeling of a recording, its design as its groups show it unless it is given."""
        clips = labelled_clips(store, label)
        made = design_of(clips.membership, clips.groups, name=design, label=label)
        filters = filters_for(preset, str(store.info.get("task", {}).get("name", "")))
        return cls(store, clips, made, filters)

    def found(self) -> Incidence:
        """The selection with the true labels."""
        return Incidence.of(apply_filters(class_probabilities(self.store, self.clips, "token"), self.filters))

    def permuted(self, permutations: int, seed: int) -> Iterator[Incidence]:
        """The selections with permuted labels."""
        tables = permuted_tables(self.store, self.clips, self.design, "token", permutations, seed)
        return (Incidence.of(apply_filters(p, self.filters)) for p in tables)


def relabelled(
    a: Side, b: Side | None, permutations: int, seed: int
) -> Iterator[tuple[Incidence, Incidence]]:
    """Yield the selections with permuted labels: of one side twice the same, or of two sides, each permuted.

    Args:
        a: the labeling of the rows.
        b: that of the columns; None for the same.
        permutations: how many.
        seed: of the permutations; those of `b` are drawn apart.
    """
    if b is None:
        return ((each, each) for each in a.permuted(permutations, seed))
    # Seeds apart, or two recordings of as many clips would be permuted alike.
    first, second = np.random.SeedSequence(seed).generate_state(2).tolist()
    return zip(a.permuted(permutations, first), b.permuted(permutations, second), strict=True)
