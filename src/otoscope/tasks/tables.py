"""Read the tables, lists and documents in which data sets keep their labels."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from otoscope.tasks.cells import alike, some
from otoscope.tasks.labeling import TaskError
from otoscope.tasks.telling import warn
from otoscope.urls import fetch, is_url

__all__ = [
    "SPLITS",
    "TABLES",
    "integers",
    "look_up",
    "need_columns",
    "read_document",
    "read_lines",
    "read_table",
]

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # such as "\ud83d", half of an emoji in JSON

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".jsonl", ".ndjson")
"""Endings of tables' names, in lower case."""

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
    content = _content(name, "a table")
    suffix = PurePosixPath(name.partition("::")[0] if is_url(name) else name).suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            table = pd.read_parquet(io.BytesIO(content))
        elif suffix in (".jsonl", ".ndjson"):
            table = _json_lines(_decoded(content))
        else:
            table = _separated(_decoded(content), suffix)
        _refuse_twins(table.columns)
        # What pandas, pyarrow, json and the text decoder raise are ValueErrors.
    except (ValueError, NotImplementedError, OSError) as error:
        raise TaskError(
            f"{name}: cannot be read as a table ({str(error).splitlines()[0]}); "
            "expected CSV in UTF-8, or Parquet; try saving it again"
        ) from None
    return table


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a list, such as a split's, without line ends, blanks around them, and empty lines.

    Raises:
        TaskError: no such file, or not UTF-8.
    """
    # Not splitlines: it also splits at characters that names may hold, such as U+2028.
    lines = _text(os.fspath(path)).replace("\r", "\n").split("\n")
    return [line for line in map(str.strip, lines) if line]


def read_document(path: str | os.PathLike[str]) -> Any:
    """What a JSON file holds.

    Raises:
        TaskError: no such file, or not JSON.
    """
    name = os.fspath(path)
    try:
        return _json(_text(name))
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
    without = sorted(set(keys[values.isna()].dropna()) - set(unknown))
    for problem, which in (("does not list", unknown), (f"has no {column} for", without)):
        if which:
            clips = int(keys.isin(which).sum())
            warn(f"{os.fspath(where)}: {problem} {some(which)}: {clips} clips without {column}")
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


def _separated(text: str, suffix: str) -> pd.DataFrame:
    """A table of text cells.

    Raises:
        ValueError: two columns of one name, a row with more or fewer cells than the header, an open quote.
    """
    header = (text.lstrip().splitlines() or [""])[0]
    separator = "\t" if suffix == ".tsv" else max(",\t;", key=header.count)
    # Not by pandas: it fills up short rows, and takes the first of too many cells for an index.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        names = next(filter(None, reader), [])
        for row in filter(None, reader):
            if len(row) > len(names) and not any(row[len(names) :]):
                row = row[: len(names)]
            if len(row) != len(names):
                raise csv.Error(f"it has {len(row)} cells, the header {len(names)}")
            rows.append(row)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if not names:
        raise ValueError("it is empty")
    names = [name.strip() or f"Unnamed: {at}" for at, name in enumerate(names)]
    _refuse_twins(names)
    table = pd.DataFrame(rows, columns=names, dtype=str)
    return table.mask(table == "")


def _json_lines(text: str) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = _json(line)
            except ValueError as error:
                raise ValueError(f"line {number} is no JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} holds {line.strip()[:40]!r}; expected an object with names")
            rows.append(row)
    if not rows:
        raise ValueError("it is empty")
    table = pd.DataFrame(rows)
    for name in table:
        table[name] = alike(table[name])
    return table


def _json(text: str) -> Any:
    """What a text in JSON holds.

    Raises:
        ValueError: it is no JSON, is nested too deep, or holds half of a character, which no table keeps.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if _HALF.search(text):
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _refuse_twins(columns: Iterable[Any]) -> None:
    twins = [name for name, count in Counter(columns).items() if count > 1]
    if twins:
        raise ValueError(f"it has more than one column {twins[0]!r}; try renaming or removing all but one")


def _text(name: str) -> str:
    try:
        return _decoded(_content(name, "a text"))
    except ValueError as error:
        raise TaskError(f"{name}: {error}") from None


def _decoded(content: bytes) -> str:
    """Text in UTF-8, without a byte-order mark.

    Raises:
        ValueError: it is in another encoding, or no text; the message says what to do.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and len(content) % 2 == 0:
        raise ValueError("it is not UTF-8 but UTF-16, as Excel's Unicode text; try saving it again in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start)
        around = content.split(b"\n", line + 1)[line][:60].decode("latin-1")
        raise ValueError(
            f"it is not UTF-8: byte {content[error.start]:#04x} in line {line + 1}, in Latin-1 {around!r}; "
            "try saving it again in UTF-8, or `iconv -f LATIN1 -t UTF-8 FILE`"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"it holds a NUL in line {line}, which no text has; try saving it again in UTF-8")
    return text


def _content(name: str, expected: str) -> bytes:
    if not is_url(name) and Path(name).expanduser().is_dir():
        raise TaskError(f"{name}: is a folder; expected {expected}; try its path again")
    try:
        return fetch(name) if is_url(name) else Path(name).expanduser().read_bytes()
    except FileNotFoundError:
        raise TaskError(f"{name}: does not exist; expected {expected}; try its path again") from None
    except OSError as error:
        raise TaskError(f"{name}: cannot be read: {error.strerror or error}") from None
