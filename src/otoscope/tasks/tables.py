"""Read the tables in which data sets keep their labels."""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.tasks.labeling import TaskError

__all__ = ["SPLITS", "integers", "need_columns", "read_table"]

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""The names that data sets give to the three parts of a split, in lower case, and ours for them."""


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a CSV or Parquet table.

    A CSV's cells stay text, so that "007" keeps its zeros and a label "NA" is a label; an empty cell is
    missing. Commas, tabs and semicolons separate, whichever the header holds most of; a byte-order mark is
    taken off.

    Raises:
        TaskError: no such file, or not a table.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise TaskError(f"{path}: {what}; expected a CSV or Parquet table; try its path again")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(file)
        with file.open(encoding="utf-8-sig") as text:
            header = text.readline()
        separator = max(",\t;", key=header.count)
        table = pd.read_csv(file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # what pandas, pyarrow and the text decoder raise are ValueErrors
        raise TaskError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0]}); "
            "expected CSV in UTF-8, or Parquet; try saving it again"
        ) from None
    return table.mask(table == "")


def need_columns(table: pd.DataFrame, columns: tuple[str, ...], where: str | os.PathLike[str]) -> None:
    """Refuse a table that lacks one of the columns, naming those it has."""
    missing = [column for column in columns if column not in table]
    if missing:
        there = ", ".join(map(str, table.columns))
        raise TaskError(f"{os.fspath(where)}: there is no column {', '.join(missing)}; it has {there}")


def integers(column: "pd.Series[Any]", where: str | os.PathLike[str]) -> "pd.Series[int]":
    """A column of whole numbers as such.

    Raises:
        TaskError: a cell is something else.
    """
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() | (numbers % 1 != 0)]
    if len(wrong):
        raise TaskError(
            f"{os.fspath(where)}: column {column.name!r} holds {wrong.iloc[0]!r} in row {wrong.index[0]}; "
            "expected a whole number"
        )
    return numbers.astype(int)
