"""How things are printed: on stdout or as JSON, in tables of at most 80 columns."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from otoscope.files import to_json

Lines = Iterable[RenderableType]

MANY = 12
"""Of more classes only the extremes are shown."""


def show(document: Mapping[str, Any], json: bool, lines: Lines) -> None:
    """Print the document as JSON, or the lines made for people."""
    if json:
        sys.stdout.write(to_json(document) + "\n")
        return
    console = Console(highlight=False, markup=False)  # labels and file names may hold square brackets
    for line in lines:
        console.print(line)


def say(line: str) -> None:
    """Say on stderr what is being done."""
    Console(stderr=True, highlight=False).print(line, style="dim", markup=False)


def entry(name: str, about: str, facts: Mapping[str, str]) -> Lines:
    """One of the things that exist, in a list of them."""
    yield Text(name, style="bold")
    yield facts_table({"": about, **facts})
    yield ""


def facts_table(facts: Mapping[str, str]) -> Table:
    """Titles, dim, and beside each its fact; what is empty is left out."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(width=9, justify="right", style="dim")
    table.add_column(overflow="fold")
    for title, fact in facts.items():
        if fact:
            table.add_row(title, fact)
    return table


def point(sentence: str) -> Table:
    """A sentence with a dash before it, its further lines below its first."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("-", sentence)
    return table


def tally(counts: Mapping[Any, int]) -> str:
    """Counts by name: "WAV (1,200), FLAC (3)"."""
    written = ((f"{name:,}" if isinstance(name, int) else name, count) for name, count in counts.items())
    return ", ".join(f"{name} ({count:,})" for name, count in written)


def count(number: int, one: str, many: str = "") -> str:
    """A number of things: "1 clip", "2,000 clips"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Seconds in words: "2 h 13 min", "4 min 10 s", "12 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def table_of(*columns: str) -> Table:
    """A table with these headings; the first column holds words, the others figures."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for position, column in enumerate(columns):
        words = position == 0 or column in ("model", "what it is", "what it needs", "class")
        table.add_column(column, justify="left" if words else "right", overflow="fold")
    return table


def figure(value: float | None, form: str) -> str:
    """A value in a form, and a dash where there is none."""
    return "-" if value is None or value != value else form.format(value)


def chance_cells(chance: Mapping[str, float | None] | None, form: str) -> tuple[str, str, str]:
    """Mean, central 95 % and p of a measure under permutation, as cells."""
    if chance is None:
        return "-", "-", "-"
    known = chance["low"] is not None
    band = f"{figure(chance['low'], form)} to {figure(chance['high'], form)}" if known else "-"
    return figure(chance["mean"], form), band, figure(chance["p"], "{:.3f}")


def counts_line(title: str, counts: Mapping[str, int]) -> Lines:
    """Counts by name, in one line: "neurons by layer: 0 (6), 1 (12)"."""
    yield f"{title}: {tally(counts)}"
