"""A recording with other labels: some clips without theirs, or labels permuted as the design allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.neurons.designs import Design
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.through import Through

__all__ = ["Relabelled", "only", "permuted"]


@dataclass(frozen=True, eq=False)
class Relabelled(Through):
    """A recording, and its twins with it, under other labels.

    Attributes:
        store: the recording.
        table: its table of clips with the other labels.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, store: Recording, chosen: LabelledClips, membership: NDArray[np.bool_]) -> "Relabelled":
        """The recording with these labels of the chosen clips, and none of any other clip."""
        labels: list[Any] = [None] * len(store.clips)
        names = np.array(chosen.classes, dtype=object)
        for row, member in zip(chosen.rows.tolist(), membership, strict=True):
            borne = names[member].tolist()
            labels[row] = borne if chosen.labeling.multilabel else borne[0]
        column = pd.Series(labels, index=store.clips.index, dtype=object)
        return cls(store, store.clips.assign(**{chosen.labeling.column: column}))

    @property
    def clips(self) -> pd.DataFrame:
        """The table of clips, with the other labels."""
        return self.table

    @property
    def twins(self) -> Sequence[Any]:
        """The twins of the recording."""
        return tuple(getattr(self.store, "twins", ()))

    @property
    def twins_missing(self) -> str:
        """What the recording says of having no twins."""
        return str(getattr(self.store, "twins_missing", ""))


def only(store: Recording, label: str, clips: NDArray[np.bool_]) -> Relabelled:
    """A recording in which no clip outside a mask has a label."""
    chosen = labelled_clips(store, label, clips)
    return Relabelled.of(store, chosen, chosen.membership)


def permuted(
    store: Recording, chosen: LabelledClips, design: Design, random: np.random.Generator
) -> Relabelled:
    """A recording whose labels have changed places as the design allows."""
    return Relabelled.of(store, chosen, design.permuted(random)[design.unit])
