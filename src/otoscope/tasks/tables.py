"""Read the tables, lists and documents in which data sets keep their labels."""

import io
import json
import os
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from otoscope.tasks.cells import some
from otoscope.tasks.labeling import TaskError
from otoscope.tasks.telling import warn
from otoscope.urls import fetch, is_url

__all__ = ["SPLITS", "integers", "look_up", "need_columns", "read_document", "read_lines", "read_table"]

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
"""The names that data sets give to the three parts of a split, in lower case, and ours for them."""


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table: CSV, TSV, Parquet, or JSON lines.

    A CSV's cells stay text, so that "007" keeps its zeros and a label "NA" is a label; an empty cell is
    missing. Commas, tabs and semicolons separate, whichever the header holds most of; a byte-order mark is
    taken off.

    Args:
        path: a local path, or an fsspec URL.

    Raises:
        TaskError: no such file, or not a table.
    """
    name = os.fspath(path)
    content = io.BytesIO(_content(name, "a table"))
    suffix = PurePosixPath(name.partition("::")[0]).suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return pd.read_parquet(content)
        if suffix in (".jsonl", ".ndjson"):
            return pd.read_json(content, lines=True, dtype=False, convert_dates=False)
        header = content.readline().decode("utf-8-sig")
        content.seek(0)
        separator = max(",\t;", key=header.count)
        table = pd.read_csv(content, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # what pandas, pyarrow and the text decoder raise are ValueErrors
        raise TaskError(
            f"{name}: cannot be read as a table ({str(error).splitlines()[0]}); "
            "expected CSV in UTF-8, or Parquet; try saving it again"
        ) from None
    return table.mask(table == "")


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a list, such as a split's, without line ends, blanks around them, and empty lines.

    Raises:
        TaskError: no such file, or not UTF-8.
    """
    return [line for line in map(str.strip, _text(os.fspath(path)).splitlines()) if line]


def read_document(path: str | os.PathLike[str]) -> Any:
    """What a JSON file holds.

    Raises:
        TaskError: no such file, or not JSON.
    """
    name = os.fspath(path)
    try:
        return json.loads(_text(name))
    except ValueError as error:
        raise TaskError(f"{name}: is no JSON ({error}); try getting it again") from None


def look_up(
    keys: "pd.Series[Any]", table: pd.DataFrame, key: str, column: str, where: str | os.PathLike[str]
) -> "pd.Series[Any]":
    """Look keys up in a table, such as the sex of each clip's speaker; unknown ones are told, and missing.

    Args:
        keys: what to look up, one a clip.
        table: with one row a key.
        key: the table's column of keys.
        column: its column of values.
        where: the table's path, for messages.

    Raises:
        TaskError: the table lacks a column, or gives one key two values.
    """
    need_columns(table, (key, column), where)
    known = table[[key, column]].dropna(subset=[key]).drop_duplicates()
    twice = known[key][known[key].duplicated()].unique()
    if len(twice):
        raise TaskError(
            f"{os.fspath(where)}: gives {some(twice)} more than one {column}; try one row for each"
        )
    values = keys.map(dict(zip(known[key], known[column], strict=True)))
    unknown = sorted(set(keys[~keys.isin(known[key])].dropna()))
    if unknown:
        clips = int(keys.isin(unknown).sum())
        warn(f"{os.fspath(where)}: does not list {some(unknown)}: {clips} clips without a {column}")
    return values


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


def _text(name: str) -> str:
    try:
        return _content(name, "a text").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskError(f"{name}: is not UTF-8 ({error}); try saving it again in UTF-8") from None


def _content(name: str, expected: str) -> bytes:
    if not is_url(name) and Path(name).expanduser().is_dir():
        raise TaskError(f"{name}: is a folder; expected {expected}; try its path again")
    try:
        return fetch(name) if is_url(name) else Path(name).expanduser().read_bytes()
    except FileNotFoundError:
        raise TaskError(f"{name}: does not exist; expected {expected}; try its path again") from None
    except OSError as error:
        raise TaskError(f"{name}: cannot be read: {error.strerror or error}") from None
