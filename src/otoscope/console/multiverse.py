"""What is printed of a multiverse: what it comes to, and what each choice does."""

from collections.abc import Mapping
from typing import Any

from otoscope.console.printing import Lines, count, figure, point, table_of

__all__ = ["multiverse_lines"]


def multiverse_lines(document: Mapping[str, Any]) -> Lines:
    """The sentences, then a table of the choices with medians over all combinations that made them."""
    yield (
        f"{document['label']}: {count(document['combinations'], 'combination')} of choices, "
        f"{count(document['permutations'], 'permutation')} each"
    )
    yield from map(point, document["sentences"])
    table = table_of("medians by choice", "neurons", "coverage", "depth", "agreement", "p <= 0.05")
    before = ""
    for row in document["influence"]:
        if row["choice"] != before:
            table.add_row(row["choice"], style="bold")
            before = row["choice"]
        forms = {"neurons": "{:,.0f}", "coverage": "{:.2f}", "depth": "{:.4f}", "agreement": "{:.2f}"}
        cells = (figure(row[name], form) for name, form in forms.items())
        table.add_row(f"  {row['value']}", *cells, figure(row["significant"], "{:.0%}"))
    yield table
    yield "agreement: Jaccard index with the paper's reading; p <= 0.05: share of those tested, by depth"
    yield from map(point, document["notes"])
