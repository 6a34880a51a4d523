"""Which columns of a table are labels, groups and splits, where nobody says.

- *Labels*: the column `label`, if there is one; else every column that repeats itself: at least two distinct
  values, and on average two clips or more for each. The columns named below are never guessed to be labels,
  nor are fractions.
- *Groups*: the first of group, speaker, speaker_id, spk_id, actor, subject: what the clips of one label
  should not be confused with. A labeling of that column itself has no group.
- *The split*: `split` (train, valid or val, test ...), or else `fold`. A row whose split is empty or anything
  else is left out, as EVAR does, and counted in a warning. A labeling of which no class lies in two parts
  (speakers, where they are kept apart) has no split.

A column of lists is multi-label, and so is one in which a separator stands in any cell.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from otoscope.tasks.cells import some, texts
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.tables import SPLITS, integers
from otoscope.tasks.telling import warn

__all__ = ["FILES", "cut", "group_column", "in_parts", "label_columns", "labelings", "need", "split_column"]

FILES = ("file_name", "filename", "file", "path", "audio")
"""Columns that name the clips' files."""

_GROUPS = ("group", "speaker", "speaker_id", "spk_id", "actor", "subject")
_SPLITS = ("split", "fold")
_NEVER_LABELS = {*FILES, *_GROUPS, *_SPLITS, "clip", "start", "stop", "end", "sha256", "expected_sha256"}


def label_columns(clips: pd.DataFrame, separator: str | None = None) -> list[str]:
    """The columns that look like labels; none if none does.

    >>> table = pd.DataFrame({"mood": ["calm", "glad", "calm", "glad"], "title": ["a", "b", "c", "d"]})
    >>> label_columns(table)
    ['mood']
    """
    if "label" in clips:
        return ["label"]
    return [
        str(name) for name in clips if name not in _NEVER_LABELS and _repeats_itself(clips[name], separator)
    ]


def need(columns: Sequence[str], clips: pd.DataFrame, where: str | os.PathLike[str]) -> Sequence[str]:
    """The label columns that were found.

    Raises:
        TaskError: there are none; the message lists the columns that there are.
    """
    if not columns:
        raise TaskError(
            f"{os.fspath(where)}: no column looks like labels; expected a column `label`, or one whose "
            f"values repeat; it has {some(list(clips.columns), 20)}; try naming label columns"
        )
    return columns


def group_column(clips: pd.DataFrame) -> str | None:
    """The column of groups, if there is one.

    >>> group_column(pd.DataFrame({"label": ["x"], "speaker": ["ann"]}))
    'speaker'
    """
    return next((column for column in _GROUPS if column in clips), None)


def split_column(clips: pd.DataFrame) -> str | None:
    """The column of the split, or of folds, if there is one.

    >>> split_column(pd.DataFrame({"fold": [1], "split": ["train"]}))
    'split'
    """
    return next((column for column in _SPLITS if column in clips), None)


def in_parts(clips: pd.DataFrame, where: str | os.PathLike[str]) -> pd.DataFrame:
    """The rows that some part of the split holds; parts are called train, valid and test, folds are numbers.

    Rows of no part are left out and counted in a warning. A table without a split stays as it is.

    Raises:
        TaskError: no row is in any part, or a fold is no whole number.
    """
    name = os.fspath(where)
    column = split_column(clips)
    if column is None:
        return clips
    if column == "split":
        clips = clips.assign(split=clips["split"].astype(str).str.strip().str.lower().map(SPLITS))
    kept = clips[column].notna()
    if not kept.any():
        raise TaskError(
            f"{name}: no row has a split or fold; expected train, valid and test, or the numbers of folds"
        )
    if not kept.all():
        warn(f"{name}: left out {(~kept).sum()} of {len(kept)} rows, whose split is not train, valid or test")
    clips = clips[kept].reset_index(drop=True)
    return clips if column == "split" else clips.assign(fold=integers(clips["fold"], where))


def cut(clips: pd.DataFrame, columns: Sequence[str], separator: str | None) -> pd.DataFrame:
    """The same clips with the cells of label columns cut into lists at a separator.

    Left as they are: columns without it in any cell; and all, if the separator is "" (a cell is one label
    whatever it holds) or None (a comma parts labels: a labeling knows that by itself).

    >>> cut(pd.DataFrame({"label": ["dog|bark", "rain"]}), ["label"], "|")["label"].tolist()
    [['dog', 'bark'], ['rain']]
    """
    return clips.assign(**{column: _cut(clips[column], separator) for column in columns})


def labelings(
    clips: pd.DataFrame,
    columns: Sequence[str],
    group: str | None,
    split: str | None,
    separator: str | None = None,
) -> tuple[Labeling, ...]:
    """A labeling of each column, of clips that were cut at the separator and are in parts.

    Args:
        clips: as `cut` and `in_parts` return them.
        columns: of labels.
        group: the column of groups, if there is one.
        split: the column of the split, if there is one.
        separator: what stands between labels in one cell: None means a comma, "" nothing.
    """
    made = tuple(
        Labeling.of(
            clips,
            column,
            multilabel=_is_multilabel(clips[column], separator),
            group=None if column == group else group,
            split=split if split and _is_shared(clips, column, split, separator) else None,
        )
        for column in columns
    )
    if blank := [labeling.column for labeling in made if not labeling.classes]:
        raise TaskError(f"no clip has a label in the column {', '.join(blank)}; try another column")
    return made


def _cut(column: "pd.Series[Any]", separator: str | None) -> "pd.Series[Any]":
    if not separator or not any(isinstance(cell, str) and separator in cell for cell in column):
        return column
    cells = [
        [part for part in map(str.strip, cell.split(separator)) if part] if isinstance(cell, str) else cell
        for cell in column
    ]
    return pd.Series(cells, index=column.index, dtype=object)


def _repeats_itself(column: "pd.Series[Any]", separator: str | None) -> bool:
    column = _cut(column, separator)
    labels = [label for row in texts(column, _is_multilabel(column, separator)) for label in row]
    distinct = set(labels)
    return 2 <= len(distinct) <= len(labels) / 2 and not any(map(_is_fraction, distinct))


def _is_shared(clips: pd.DataFrame, column: str, split: str, separator: str | None) -> bool:
    """Whether any label lies in two parts of the split; where none does, no probe could be tested by it."""
    rows = texts(clips[column], _is_multilabel(clips[column], separator))
    parts = {(label, part) for row, part in zip(rows, clips[split], strict=True) for label in row}
    return len(parts) > len({label for label, _ in parts})


def _is_multilabel(column: "pd.Series[Any]", separator: str | None) -> bool:
    return any(
        ("," in cell and separator is None)
        if isinstance(cell, str)
        else isinstance(cell, (list, tuple, set, np.ndarray))
        for cell in column
    )


def _is_fraction(label: str) -> bool:
    try:
        return 0 < float(label) % 1 < 1
    except ValueError:
        return False
