"""A recording beside its twins: what is found in the same architecture that has learned nothing?

Untrained networks separate classes too, because classes sound different and random features hear that. So a
count of class-specific neurons says little without the same count in the twins. How often neurons fire
differs between twins, and counts with it; `against_twins` compares ranks, on clips that no choice has seen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from otoscope.neurons.probability import Recording
from otoscope.neurons.through import Through

if TYPE_CHECKING:
    from otoscope.neurons.selection import Selection
    from otoscope.tasks import Labeling

__all__ = ["Companion", "Select", "TwinCounts", "beside", "beside_twins", "count_in_twins", "twins_missing"]

Select = Callable[[Recording], "Selection"]
"""Chooses neurons of a recording, always in the same way."""


class Companion(Protocol):
    """A twin as a store lists it; see `otoscope.activations.Twin`."""

    @property
    def name(self) -> str:
        """Kind and seed: "random-0"."""
        ...

    @property
    def kind(self) -> str:
        """What it is, "random" or "shuffled"."""
        ...

    @property
    def seed(self) -> int:
        """Of its weights."""
        ...

    @property
    def problem(self) -> str:
        """Why it cannot be compared; "" if it can."""
        ...

    def open(self) -> Recording:
        """Its recording."""
        ...


@dataclass(frozen=True, eq=False)
class _Beside(Through):
    """A twin's counts under the labels of the store, which may have been given some since."""

    labelled: Recording

    @property
    def clips(self) -> pd.DataFrame:
        return self.labelled.clips

    def labeling(self, name: str) -> "Labeling":
        return self.labelled.labeling(name)


def beside(store: Recording) -> Iterator[tuple[Companion, Recording]]:
    """The twins of a recording that can be compared with it, each with its counts and the store's labels."""
    for twin in _twins(store):
        if not twin.problem:
            yield twin, _Beside(twin.open(), store)


def twins_missing(store: Recording) -> str:
    """What is to be said of a recording's twins, if it has none or some cannot be used; else "".

    >>> from types import SimpleNamespace
    >>> twins_missing(SimpleNamespace())
    'twin not recorded; this recording is not a store; otoscope record with --twins 3 makes one that has them'
    """
    twins = _twins(store)
    if not twins:
        return str(
            getattr(store, "twins_missing", "")
            or "twin not recorded; this recording is not a store; otoscope record with --twins 3 makes one "
            "that has them"
        )
    return "; ".join(f"twin {twin.name} cannot be used: {twin.problem}" for twin in twins if twin.problem)


@dataclass(frozen=True, eq=False)
class TwinCounts:
    """How much the same selection finds in the twins.

    Attributes:
        table: a row a twin, columns `twin`, `kind`, `seed`, `neurons` (class-specific ones), `pairs` (of a
            neuron and a class) and `coverage` (share of the classes with a neuron, in [0, 1]).
        note: "twin not recorded", with the command that would, or which twins cannot be used; else "".
    """

    table: pd.DataFrame
    note: str = ""

    def of(self, kind: str, what: str) -> list[float]:
        """One column for the twins of a kind, in the order of their seeds."""
        return [float(value) for value in self.table.loc[self.table["kind"] == kind, what]]

    def document(self) -> dict[str, Any]:
        """The counts as JSON holds them."""
        return {"counts": self.table.to_dict("records"), "note": self.note}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "TwinCounts":
        """Counts from their document."""
        return cls(pd.DataFrame(document["counts"], columns=_COLUMNS), str(document["note"]))

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, float_format="{:.2f}".format) if len(self.table) else ""
        return f"{table}<p>{escape(self.note)}</p>"


_COLUMNS = ["twin", "kind", "seed", "neurons", "pairs", "coverage"]


def count_in_twins(store: Recording, choose: Select) -> TwinCounts:
    """Let the same selection choose neurons in each twin of a recording.

    Args:
        store: the recording; one without twins gives an empty table, and the note that says so.
        choose: the selection. It should not permute labels: only counts are taken.
    """
    rows = []
    for twin, recording in beside(store):
        found = choose(recording)
        rows.append((twin.name, twin.kind, twin.seed, len(found.neurons), found.pairs, found.coverage))
    return TwinCounts(pd.DataFrame(rows, columns=_COLUMNS), twins_missing(store))


def beside_twins(selection: "Selection", store: Recording, choose: Select) -> "Selection":
    """A selection with what the same selection finds in the twins of its recording beside it.

    Args:
        selection: made from the recording.
        store: the recording.
        choose: makes the same selection, without permutations, of another recording.
    """
    return replace(selection, twins=count_in_twins(store, choose))


def _twins(store: Recording) -> Sequence[Companion]:
    twins: Sequence[Companion] = getattr(store, "twins", ())
    return twins
