"""Neurons that classes share: within one labeling, or between two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from otoscope.errors import OtoscopeError
from otoscope.files import path_of, read_saved, write_result, write_table
from otoscope.neurons.selection import Selection
from otoscope.neurons.sharing.orders import OrderName, ordered
from otoscope.neurons.sharing.testing import SharingTests

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sharing", "share"]

Measure = Literal["shared", "jaccard", "overlap"]
_MEASURES = ("shared", "jaccard", "overlap")
_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Sharing:
    """How many class-specific neurons each class of one labeling shares with each of another, or of the same.

    Attributes:
        labels: the two labelings: of the rows and of the columns; twice the same within one.
        within: the rows and the columns are the same selection. The diagonal is a class with itself.
        shared: number of neurons that both classes have. Rows and columns are classes, in their order.
        jaccard: shared over the neurons that either has, in [0, 1]; NaN where neither has any.
        overlap: shared over the neurons of the class that has fewer, in [0, 1]; NaN where it has none.
        provenance: of the selections.
        tests: whether that is more than chance; None if nobody asked (`sharing_test` does).
    """

    labels: tuple[str, str]
    within: bool
    shared: pd.DataFrame
    jaccard: pd.DataFrame
    overlap: pd.DataFrame
    provenance: Mapping[str, Any]
    tests: SharingTests | None = None

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair of classes, columns `category_a`, `category_b`, `shared`, `jaccard`, `overlap`.

        Within one labeling each pair of different classes appears once.
        """
        rows, columns = np.indices(self.shared.shape)
        if self.within:
            rows, columns = np.triu_indices(len(self.shared), k=1)
        rows, columns = rows.ravel(), columns.ravel()
        return pd.DataFrame(
            {
                "category_a": self.shared.index.to_numpy()[rows],
                "category_b": self.shared.columns.to_numpy()[columns],
                **{name: getattr(self, name).to_numpy()[rows, columns] for name in _MEASURES},
            }
        )

    @property
    def marks(self) -> pd.DataFrame:
        """Which pairs of classes pass their test, q <= 0.05. Rows and columns as in `shared`, booleans."""
        found = pd.DataFrame(False, index=self.shared.index, columns=self.shared.columns)
        if self.tests is not None:
            table = self.tests.pairs.table
            for one, other in table.loc[table["q"] <= _LEVEL, ["category_a", "category_b"]].to_numpy():
                found.loc[one, other] = True
                if self.within:
                    found.loc[other, one] = True
        return found

    def tested(self, tests: SharingTests) -> "Sharing":
        """The same with tests."""
        return replace(self, tests=tests)

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them: matrices as lists of rows, None where a ratio is not defined."""
        return {
            "labels": list(self.labels),
            "within": self.within,
            "classes": [list(self.shared.index), list(self.shared.columns)],
            **{name: _rows(getattr(self, name)) for name in _MEASURES},
            "tests": None if self.tests is None else self.tests.document(),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `sharing.json`, and the pairs of classes as `pairs.parquet` and `.csv`."""
        place = path_of(folder)
        write_table(place / "pairs", self.table)
        write_result(place / "sharing.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Sharing":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        document = read_saved(folder, "sharing.json", by="otoscope share")
        labels = (document["labels"][0], document["labels"][1])
        matrices = {
            name: _matrix(
                document[name], document["classes"], labels, "int64" if name == "shared" else "float64"
            )
            for name in _MEASURES
        }
        return cls(
            labels=labels,
            within=document["within"],
            provenance=document["provenance"],
            tests=SharingTests.from_document(tests) if (tests := document.get("tests")) else None,
            **matrices,
        )

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        measure: Measure = "jaccard",
        order: OrderName | Sequence[str] = "data set",
        taxonomy: Mapping[str, str] | None = None,
    ) -> "Axes":
        """The class-by-class matrix: colour is the measure, the numbers in the cells are shared neurons.

        A star marks the pairs that pass their test (q <= 0.05).

        Args:
            ax: where to draw; a new figure by default.
            measure: what the colour shows.
            order: of the classes: "data set", "alphabet", "taxonomy" or "dendrogram", or their names. The
                last two need the same classes in rows and columns.
            taxonomy: the broader class of each class, for the order "taxonomy".

        Raises:
            UsageError: an unknown order, or one without what it needs.
        """
        from otoscope import plots

        names = {"shared": "shared neurons", "jaccard": "Jaccard index", "overlap": "overlap coefficient"}
        rows, columns = self._ordered(order, taxonomy)
        return plots.matrix(
            getattr(self, measure).loc[rows, columns],
            ax=ax,
            counts=self.shared.loc[rows, columns],
            marks=self.marks.loc[rows, columns],
            within=self.within,
            label=names[measure],
        )

    def _ordered(
        self, order: OrderName | Sequence[str], taxonomy: Mapping[str, str] | None
    ) -> tuple[list[str], list[str]]:
        """The classes of the rows and of the columns in an order; the same order where they are the same."""
        rows, columns = list(self.shared.index), list(self.shared.columns)
        if sorted(rows) == sorted(columns):
            one = ordered(rows, order, jaccard=self.jaccard, taxonomy=taxonomy)
            return (one, columns) if order == "data set" else (one, one)
        return ordered(rows, order, taxonomy=taxonomy), ordered(columns, order, taxonomy=taxonomy)

    def __repr__(self) -> str:
        rows, columns = self.shared.shape
        kind = "within" if self.within else "across"
        return f"Sharing({' x '.join(dict.fromkeys(self.labels))}, {kind}: {rows} x {columns} classes)"

    def _repr_html_(self) -> str:
        title = " x ".join(dict.fromkeys(self.labels))
        note = self.tests.note if self.tests else "Not tested: sharing_test says what permuted labels give."
        return (
            f"<h4>{escape(title)}: shared neurons</h4>{self.shared.to_html()}"
            f"<h4>Jaccard index</h4>{self.jaccard.to_html(na_rep='', float_format='{:.2f}'.format)}"
            f"<p>{escape(note)}</p>"
        )


def share(a: Selection, b: Selection | None = None) -> Sharing:
    """Count the neurons that classes share; `sharing_test` says besides whether that is more than chance.

    Args:
        a: a selection; its classes are the rows.
        b: another selection from the same model; its classes are the columns. By default the classes of `a`
            are compared with one another.

    Raises:
        OtoscopeError: the two selections are of different models: their neurons have nothing to do with each
            other.

    >>> import xarray as xr
    >>> from otoscope.neurons.selecting import select
    >>> p = xr.DataArray([[[0.8, 0.9, 0.0], [0.1, 0.1, 0.1]]], dims=("layer", "unit", "category"),
    ...                  coords={"category": ["jazz", "classical", "pop"]})
    >>> share(select(p, response=0.5, share=0.5, assignment=0.5)).jaccard.loc["jazz", "classical"]
    np.float64(1.0)
    """
    within = b is None
    other = a if b is None else b
    _check_models(a, other)
    rows, columns = _incidence(a, other)
    shared = rows @ columns.T
    sizes_a, sizes_b = rows.sum(axis=1)[:, None], columns.sum(axis=1)[None, :]
    classes, labels = (a.classes, other.classes), (a.label, other.label)
    jaccard = _matrix(_ratio(shared, sizes_a + sizes_b - shared), classes, labels, "float64")
    return Sharing(
        labels=labels,
        within=within,
        shared=_matrix(shared, classes, labels, "int64"),
        jaccard=jaccard,
        overlap=_matrix(_ratio(shared, np.minimum(sizes_a, sizes_b)), classes, labels, "float64"),
        provenance={"selections": [dict(each.provenance) for each in ((a,) if b is None else (a, b))]},
    )


def _incidence(a: Selection, b: Selection) -> tuple[Any, Any]:
    """Which class has which neuron of those of either selection: two of shape (classes, neurons)."""
    sets_a, sets_b = a.sets(), b.sets()
    neurons = sorted(set().union(*sets_a.values(), *sets_b.values()))
    return tuple(
        np.array([[neuron in found[name] for neuron in neurons] for name in classes], dtype=np.int64)
        for found, classes in ((sets_a, a.classes), (sets_b, b.classes))
    )  # type: ignore[return-value]


def _ratio(part: Any, whole: Any) -> Any:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _matrix(values: Any, classes: Any, labels: tuple[str, str], dtype: str) -> pd.DataFrame:
    return pd.DataFrame(
        np.array(values, dtype=dtype).reshape(len(classes[0]), len(classes[1])),
        index=pd.Index(classes[0], name=labels[0]),
        columns=pd.Index(classes[1], name=labels[1]),
    )


def _rows(matrix: pd.DataFrame) -> list[list[Any]]:
    return [[None if pd.isna(value) else value for value in row] for row in matrix.to_numpy().tolist()]


def _check_models(a: Selection, b: Selection) -> None:
    models = [(each.provenance.get("recording") or {}).get("model") or {} for each in (a, b)]
    check_same_model((a.label, b.label), (models[0], models[1]))


def check_same_model(labels: tuple[str, str], models: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
    """Refuse to compare the neurons of different models.

    Args:
        labels: the labelings that are compared, for the message.
        models: their models: `name` and `fingerprint`. Without fingerprints nothing is refused.

    Raises:
        OtoscopeError: the fingerprints differ.
    """
    prints = [model.get("fingerprint") for model in models]
    if None not in prints and prints[0] != prints[1]:
        raise OtoscopeError(
            f"the selections {labels[0]!r} and {labels[1]!r} are of different models "
            f"({models[0].get('name')} and {models[1].get('name')}); expected the same model, whose neurons "
            "can be compared; try recordings that one model made"
        )
