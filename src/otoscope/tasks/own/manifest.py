"""`manifest:FILE`: a CSV or Parquet table with a row per clip; EVAR's metadata CSV is one.

The columns:

- *the file*: the first of file_name, filename, file, path, audio. Relative paths start at the table's
  folder, or at ROOT where the task is named `manifest:FILE@ROOT`. A column `clip` names the clips; without
  it the file does.
- *a part of the file*: start and stop, in seconds.
- *labels*: those asked for with `labels=`; else `label`, if there is one; else every column that repeats
  itself: at least two distinct values, and on average two clips or more for each. The columns named in this
  list are never guessed to be labels, nor are fractions. A column of lists, or with a comma in any cell, is
  multi-label.
- *groups*: the first of group, speaker, speaker_id, spk_id, actor, subject: what the clips of one label
  should not be confused with. A labeling of that column itself has no group.
- *the split*: `split` (train, valid or val, test ...), or else `fold`. A row whose split is empty or
  anything else is left out, as EVAR does, and counted in a warning. A labeling of which no class lies in
  two parts (speakers, where they are kept apart) has no split.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.cells import some, texts
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import SPLITS, integers, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.urls import is_url

__all__ = ["Manifest"]

_FILE = ("file_name", "filename", "file", "path", "audio")
_GROUP = ("group", "speaker", "speaker_id", "spk_id", "actor", "subject")
_NEVER_LABELS = {*_FILE, *_GROUP, "clip", "start", "stop", "end", "split", "fold"}


def load(place: str, labels: Sequence[str] = ()) -> Task:
    """Read a table of clips.

    Args:
        place: the table's path, or that path, "@" and the folder that its audio paths start from.
        labels: the columns to take as labelings; by default as this module's head says.

    Raises:
        TaskError: no such table, no column of files or labels, or none of the files is there.
    """
    file, root = _split_place(place)
    table = read_table(file)
    clips = _drop_unused(_with_paths(table, file, root), file)
    columns = list(labels) or _label_columns(clips, file)
    need_columns(clips, tuple(columns), file)
    group = next((column for column in _GROUP if column in clips), None)
    split = next((column for column in ("split", "fold") if column in clips), None)
    labelings = tuple(
        Labeling.of(
            clips,
            column,
            multilabel=_is_multilabel(clips[column]),
            group=None if column == group else group,
            split=split if split and _is_shared(clips, column, split) else None,
        )
        for column in columns
    )
    return Task(file.stem, clips, labelings)


def _split_place(place: str) -> tuple[Path, Path]:
    """FILE or FILE@ROOT; either may hold an "@" of its own."""
    parts = place.split("@")
    for count in range(len(parts), 0, -1):
        file = Path("@".join(parts[:count])).expanduser()
        if file.is_file():
            rest = "@".join(parts[count:])
            return file, Path(rest).expanduser() if rest else file.absolute().parent
    raise TaskError(
        f"{place}: no such file; expected FILE, or FILE@ROOT with the folder that its paths start from"
    )


def _with_paths(table: pd.DataFrame, file: Path, root: Path) -> pd.DataFrame:
    column = next((name for name in _FILE if name in table), None)
    if column is None:
        raise TaskError(
            f"{file}: no column tells the files; expected one of {', '.join(_FILE)}; "
            f"it has {', '.join(map(str, table.columns))}"
        )
    if table[column].isna().any():
        raise TaskError(f"{file}: column {column!r} is empty in row {table.index[table[column].isna()][0]}")
    names = table[column].astype(str).str.replace("\\", "/", regex=False)
    paths = [name if is_url(name) else str(root / name) for name in names]
    if not any(is_url(path) or Path(path).exists() for path in paths):
        raise TaskError(
            f"{file}: none of its {len(paths)} files is there (looked for {paths[0]}); "
            f"try `manifest:{file}@ROOT` with the folder that its paths start from"
        )
    unwanted = [name for name in table if name in (*RESERVED, column) or str(name).startswith("Unnamed")]
    clips = table.drop(columns=unwanted).assign(path=paths)
    if "end" in clips:
        # UrbanSound8K's start and end lie in the recording that the clip was cut from, not in the clip.
        clips = clips.drop(columns=["start", "stop"], errors="ignore")
    for bound in {"start", "stop"} & set(clips):
        clips[bound] = _seconds(clips[bound], file)
    return clips.assign(clip=clips["clip"].astype(str) if "clip" in clips else _clip_names(names, clips))


def _clip_names(names: "pd.Series[str]", clips: pd.DataFrame) -> "pd.Series[str]":
    """Files' names; where a file has several parts, with the part."""
    if "start" not in clips or not names.duplicated().any():
        return names
    return names + "#" + clips["start"].fillna(0).map("{:g}".format)


def _seconds(column: "pd.Series[Any]", file: Path) -> "pd.Series[float]":
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise TaskError(f"{file}: column {column.name!r} holds {wrong.iloc[0]!r}; expected seconds")
    return numbers.astype(float)


def _drop_unused(clips: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Leave out the rows that no part of the split holds; give splits and folds their common form."""
    if "split" in clips:
        split = clips["split"].astype(str).str.strip().str.lower().map(SPLITS)
        clips, kept = clips.assign(split=split), split.notna()
    elif "fold" in clips:
        kept = clips["fold"].notna()
    else:
        return clips
    if not kept.any():
        raise TaskError(
            f"{file}: no row has a split or fold; expected train, valid and test, or the numbers of folds"
        )
    if not kept.all():
        warn(f"{file}: left out {(~kept).sum()} of {len(kept)} rows, whose split is not train, valid or test")
    clips = clips[kept].reset_index(drop=True)
    return clips if "split" in clips else clips.assign(fold=integers(clips["fold"], file))


def _label_columns(clips: pd.DataFrame, file: Path) -> list[str]:
    if "label" in clips:
        return ["label"]
    found = [str(name) for name in clips if name not in _NEVER_LABELS and _repeats_itself(clips[name])]
    if not found:
        raise TaskError(
            f"{file}: no column looks like labels; expected a column `label`, or one whose values repeat; "
            f"it has {some(list(clips.columns), 20)}; try naming label columns"
        )
    return found


def _repeats_itself(column: "pd.Series[Any]") -> bool:
    rows = texts(column, _is_multilabel(column))
    labels = [label for row in rows for label in row]
    distinct = set(labels)
    return 2 <= len(distinct) <= len(labels) / 2 and not any(_is_fraction(label) for label in distinct)


def _is_shared(clips: pd.DataFrame, column: str, split: str) -> bool:
    """Whether any label lies in two parts of the split; where none does, no probe could be tested by it."""
    rows = texts(clips[column], _is_multilabel(clips[column]))
    parts = {(label, part) for row, part in zip(rows, clips[split], strict=True) for label in row}
    return len(parts) > len({label for label, _ in parts})


def _is_fraction(label: str) -> bool:
    try:
        return not float(label).is_integer()
    except ValueError:
        return False


def _is_multilabel(column: "pd.Series[Any]") -> bool:
    return any(
        not isinstance(cell, (str, float, int)) and hasattr(cell, "__len__") for cell in column
    ) or any(isinstance(cell, str) and "," in cell for cell in column)


class Manifest(Reader):
    """A table of clips with label columns."""

    name = "manifest:FILE[@ROOT]"
    about = "a table of clips with label columns"
    needs = (
        "CSV, TSV, Parquet or JSON lines with a column of files (file_name, path ...) and columns of labels"
    )
    splits = "a column `split` or `fold`, if there is one"

    def load(self, request: Request) -> Task:
        """Read a table of clips."""
        return load(request.place, request.labels)
