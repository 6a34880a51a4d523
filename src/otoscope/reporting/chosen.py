"""Which neurons have a page of their own: those that were chosen for a class, every class's best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from otoscope.reporting.collect import Recorded
from otoscope.reporting.site import Neuron

if TYPE_CHECKING:
    from otoscope.neurons import Selection

__all__ = ["best", "chosen"]


def chosen(recorded: Sequence[Recorded], number: int) -> list[Neuron]:
    """The neurons to show, at most so many, each once.

    Selections take turns: first the best neuron of every class of every selection, `specific` before the
    filters, then the second best, and so on. The best is the one of lowest p (`specific`) or entropy.
    """
    rows = [
        (rank, not specific, each.number, int(row["layer"]), int(row["unit"]))
        for each in recorded
        for selection in each.selections
        for specific in (selection.filters is None,)
        for _, own in selection.table.groupby("category", sort=False)
        for rank, row in enumerate(_ranked(own).to_dict("records"))
    ]
    order = sorted(rows, key=lambda row: row[:3])
    return list(dict.fromkeys((store, layer, unit) for _, _, store, layer, unit in order))[:number]


def best(selection: Selection) -> list[tuple[str, int, int]]:
    """Every class's best neuron: (class, layer, unit), in the order of the classes."""
    first = {str(name): _ranked(own).iloc[0] for name, own in selection.table.groupby("category", sort=False)}
    return [
        (name, int(first[name]["layer"]), int(first[name]["unit"]))
        for name in map(str, selection.classes)
        if name in first
    ]


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["p", "entropy"] if "p" in table else ["entropy"], kind="stable")
