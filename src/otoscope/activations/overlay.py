"""Labels that a store was given after it was recorded: `labels/{name}.parquet` beside the data.

Each file holds one labeling: the columns `clip` and the labels, a row for every clip of the store, and the
labeling's document in the table's metadata. It is written whole or not at all, and what was recorded stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope.activations.layout import Layout
from otoscope.errors import OtoscopeError
from otoscope.files import read_parquet, replacing, slug
from otoscope.tasks.labeling import Labeling

__all__ = ["Overlay", "overlays"]

_DOCUMENT = "otoscope labeling"  # the key in the metadata


@dataclass(frozen=True, eq=False)
class Overlay:
    """One labeling of later.

    Attributes:
        labeling: its name is that of its column.
        labels: columns `clip` and the labeling's; one row a clip of the store, in the store's order.
    """

    labeling: Labeling
    labels: pd.DataFrame

    def of(self, clips: pd.DataFrame) -> "pd.Series[Any]":
        """The labels of a table of clips.

        Raises:
            OtoscopeError: they are of other clips.
        """
        if not np.array_equal(self.labels["clip"].to_numpy(object), clips["clip"].to_numpy(object)):
            raise OtoscopeError(
                f"the labels of {self.labeling.name!r} are of other clips than the store holds; expected "
                "what `otoscope tasks relabel` wrote for it; try removing their file from labels/"
            )
        return self.labels[self.labeling.column]

    def save(self, layout: Layout) -> None:
        """Write it, in place of one of the same name."""
        table = self.labels.copy()
        table.attrs = {_DOCUMENT: self.labeling.document()}
        with replacing(place(layout, self.labeling.name)) as temporary:
            table.to_parquet(temporary, index=False)

    def equals(self, other: "Overlay") -> bool:
        """Whether both give every clip the same labels, in the same groups and splits."""
        mine, its = (each.labeling.labels(each.labels) for each in (self, other))
        return self.labeling.document() == other.labeling.document() and mine == its


def place(layout: Layout, name: str) -> Path:
    """The file of the labeling of this name."""
    return layout.labels / f"{slug(name)}.parquet"


def overlays(layout: Layout) -> Iterator[Overlay]:
    """The labelings that a store was given later, by the names of their files.

    Raises:
        OtoscopeError: a file is no such labeling.
    """
    for path in sorted(layout.labels.glob("*.parquet")):
        if ".partial" in path.name:  # of a process that was killed
            continue
        try:
            labels = read_parquet(path)
            labeling = Labeling.from_document(labels.attrs[_DOCUMENT])
            yield Overlay(labeling, labels[["clip", labeling.column]])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise OtoscopeError(
                f"{path} cannot be read as labels ({type(error).__name__}: {error}); expected a file that "
                "`otoscope tasks relabel` wrote; try removing it, and relabelling again"
            ) from None
