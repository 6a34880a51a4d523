"""From what a table's cell holds to the names of classes."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype

__all__ = ["alike", "class_names", "some", "texts"]


def texts(column: "pd.Series[Any]", multilabel: bool) -> list[list[str]]:
    """The labels in each cell of a column, as text.

    A missing or empty cell holds none. A number is written without a needless ".0": pandas turns whole
    numbers into fractions as soon as one cell is empty. Multi-label cells are comma-joined text or lists;
    blanks around a comma go. Rows that are alike may share a list.

    >>> texts(pd.Series([60.0, None]), multilabel=False)
    [['60'], []]
    >>> texts(pd.Series(["Dog,Bark", ["Rain"], ""], dtype=object), multilabel=True)
    [['Dog', 'Bark'], ['Rain'], []]
    """
    # Lists cannot be told apart by their hash, and 1 equals True.
    if column.dtype == object and infer_dtype(column, skipna=True) != "string":
        return [_labels(cell, multilabel) for cell in column]
    rows, cells = pd.factorize(column)  # many clips, few classes
    labels = [*(_labels(cell, multilabel) for cell in pd.Series(cells)), []]  # row -1: a missing cell
    return [labels[row] for row in rows]


def class_names(column: "pd.Series[Any]", multilabel: bool) -> tuple[str, ...]:
    """The distinct labels of a column, sorted: by value if all are numbers, else by their characters.

    >>> class_names(pd.Series(["b,a", "c"]), multilabel=True)
    ('a', 'b', 'c')
    """
    names = {label for row in texts(column, multilabel) for label in row}
    if all(_is_number(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def alike(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column whose cells are all lists of text, all numbers, or all text, so that a table can hold it.

    >>> alike(pd.Series([1, "b", None], dtype=object)).tolist()
    ['1', 'b', None]
    """
    cells = list(column)
    if any(isinstance(cell, list) for cell in cells):
        lists = [
            cell if isinstance(cell, list) else [] if pd.isna(cell) is True else [cell] for cell in cells
        ]
        cells = [[_text(item) for item in row if item is not None] for row in lists]
    elif column.dtype == object:  # text, truth values, objects of JSON, or whole numbers of any size
        cells = [None if pd.isna(cell) is True else _text(cell) for cell in cells]
    else:
        return column
    return pd.Series(cells, index=column.index, dtype=object)


def some(names: "Sequence[Any] | pd.Series[Any] | NDArray[Any]", most: int = 5) -> str:
    """A few names for a message, and how many more there are.

    A name with a line end, or anything else that cannot be printed, is quoted: a message stays one line.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(_shown(str(name)) for name in list(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _labels(cell: Any, multilabel: bool) -> list[str]:
    if isinstance(cell, (list, tuple, set, np.ndarray)):
        return list(dict.fromkeys(_kept(_text(item) for item in cell)))
    if pd.isna(cell):
        return []
    text = _text(cell)
    if multilabel:
        return list(dict.fromkeys(_kept(part.strip() for part in text.split(","))))
    return list(_kept([text]))


def _kept(names: Iterable[str]) -> Iterable[str]:
    return (name for name in names if name)


def _text(item: Any) -> str:
    if isinstance(item, float) and item.is_integer():  # np.float64 is a float
        return str(int(item))
    return str(item)


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False
