"""What is known of the likeness of classes by their profiles over all neurons: matrices, and their files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.files import path_of, read_saved, write_result

__all__ = ["MATRICES", "ProfileCorrelation", "framed", "series"]

_LEVEL = 0.05
MATRICES = ("corrected", "low", "high", "p", "q")
"""The matrices of a result, by name."""


@dataclass(frozen=True, eq=False)
class ProfileCorrelation:
    """Correlations of the profiles of classes over all neurons. Rows and columns are classes.

    Attributes:
        labels: the two labelings: of the rows and of the columns; twice the same within one.
        corrected: Spearman's correlation over the geometric mean of the reliabilities; noise may carry it
            beyond 1. NaN where a reliability is below 0.1, and on the diagonal within one labeling.
        low: the 2.5th percentile of it over resampled groups.
        high: the 97.5th.
        p: that permuted labels correlate as much or more (before correction); NaN where nothing is tested.
        q: of Benjamini-Hochberg over the pairs.
        reliability: of the rows' classes and of the columns': two series.
        unrelated: what classes that have nothing to do with each other correlate: -1 / (K - 1) within one
            labeling of K classes, 0 between two.
        note: what is tested and what is not, and why, for people.
    """

    labels: tuple[str, str]
    corrected: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    p: pd.DataFrame
    q: pd.DataFrame
    reliability: tuple["pd.Series[float]", "pd.Series[float]"]
    unrelated: float
    note: str

    @property
    def marks(self) -> pd.DataFrame:
        """Which pairs correlate more than permuted labels, q <= 0.05."""
        return self.q <= _LEVEL

    def document(self) -> dict[str, Any]:
        """The correlations as JSON holds them: matrices as lists of rows, None where there is none."""
        return {
            "labels": list(self.labels),
            "classes": [list(self.corrected.index), list(self.corrected.columns)],
            **{name: _listed(getattr(self, name).to_numpy()) for name in MATRICES},
            "reliability": [_listed(each.to_numpy()) for each in self.reliability],
            "unrelated": self.unrelated,
            "note": self.note,
        }

    def save(self, folder: str | Path) -> None:
        """Write `profiles.json`."""
        write_result(path_of(folder) / "profiles.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "ProfileCorrelation":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        document = read_saved(folder, "profiles.json", by="otoscope share")
        labels, classes = document["labels"], document["classes"]
        return cls(
            labels=(labels[0], labels[1]),
            **{name: framed(np.array(document[name], float), classes, labels) for name in MATRICES},
            reliability=series([np.array(each, float) for each in document["reliability"]], classes),
            unrelated=document["unrelated"],
            note=document["note"],
        )

    def __repr__(self) -> str:
        rows, columns = self.corrected.shape
        return f"ProfileCorrelation({' x '.join(dict.fromkeys(self.labels))}: {rows} x {columns} classes)"


def framed(values: NDArray[np.float64], classes: list[list[str]], labels: Any) -> pd.DataFrame:
    """A matrix of classes by classes, under the names of both labelings."""
    return pd.DataFrame(
        values.reshape(len(classes[0]), len(classes[1])),
        index=pd.Index(classes[0], name=labels[0]),
        columns=pd.Index(classes[1], name=labels[1]),
    )


def series(
    values: list[NDArray[np.float64]], classes: list[list[str]]
) -> tuple["pd.Series[float]", "pd.Series[float]"]:
    """A number of every class, of the rows and of the columns."""
    one, two = (pd.Series(each, index=names) for each, names in zip(values, classes, strict=True))
    return one, two


def _listed(values: NDArray[Any]) -> list[Any]:
    return [_listed(each) if np.ndim(each) else None if np.isnan(each) else float(each) for each in values]
