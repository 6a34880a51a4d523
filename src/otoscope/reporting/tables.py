"""Tables of a report: each as CSV and Parquet files beside the page, and as cells for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.files import write_table
from otoscope.reporting.figures import unique

Shown = Mapping[str, tuple[str, Callable[[Any], str]]]
"""The columns of a table to show on the page: each with its heading, and how a value is written."""


_DIGITS = 6  # significant ones in the CSV; the Parquet has them all


@dataclass(frozen=True)
class Table:
    """A table as the page shows it.

    Attributes:
        title: what it holds.
        csv: path of the CSV file, from the report's folder.
        parquet: path of the Parquet file.
        columns: headings of the columns shown.
        rows: the cells shown, as text; none where only the files are offered.
        length: rows in the files.
    """

    title: str
    csv: str
    parquet: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    length: int

    @property
    def stem(self) -> str:
        """Name of its files, without the suffix."""
        return Path(self.csv).stem


class Cabinet:
    """Writes tables into a folder, each under a name of its own.

    Args:
        folder: the report's folder; tables go into `tables/`.

    Attributes:
        tables: all that were written, in order.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self.tables: list[Table] = []
        (folder / "tables").mkdir(exist_ok=True)

    def add(
        self,
        name: str,
        frame: pd.DataFrame,
        *,
        title: str,
        shown: Shown | None = None,
    ) -> Table:
        """Write a table.

        Args:
            name: for the file.
            frame: the table, with plain columns.
            title: what it holds.
            shown: the columns to show on the page; none by default.
        """
        stem = unique(name, self._names)
        write_table(self._folder / "tables" / stem, frame, digits=_DIGITS)
        shown = shown or {}
        headings = tuple(heading for heading, _ in shown.values())
        cells = [[write(value) for value in frame[column]] for column, (_, write) in shown.items()]
        rows = tuple(zip(*cells, strict=True))
        table = Table(title, f"tables/{stem}.csv", f"tables/{stem}.parquet", headings, rows, len(frame))
        self.tables.append(table)
        return table
