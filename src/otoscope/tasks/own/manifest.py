"""`manifest:FILE`: a table with a row per clip."""

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from otoscope import archives
from otoscope.tasks import guessing
from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.pinning import DOCUMENT, EXPECTED
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import TABLES, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree, is_file, is_folder, located
from otoscope.urls import is_url

__all__ = ["Manifest"]

_SHA256 = re.compile("[0-9a-f]{64}")


class Manifest(Reader):
    """A table with a row per clip: CSV, TSV, Parquet or JSON lines, on disk or behind any fsspec URL.

    - *The file* is named by the first of the columns file_name, filename, file, path, audio. Relative paths
      start at the table's folder, or at ROOT: a folder, a ZIP or TAR archive, `zip://FOLDER::ARCHIVE`, or the
      beginning of a URL. They must not leave it; absolute paths and URLs are opened as they are. A column
      `clip` names the clips; without it the file does. ZIP and TAR are read in place; a compressed TAR is
      unpacked once a process into a temporary file (in the folder TMPDIR).
    - *A part of the file*: start and stop, in seconds.
    - *Labels*: the columns asked for; else `label`, if there is one; else every column that repeats itself:
      at least two distinct values, and on average two clips or more for each. A column of lists is
      multi-label, and so is one with a comma (or the separator asked for) in any cell.
    - *Groups*: the first of group, speaker, speaker_id, spk_id, actor, subject.
    - *The split*: `split` (train, valid or val, test ...), or else `fold`. Rows of neither are left out and
      counted. A labeling of which no class lies in two parts has no split.
    - *The content*: `sha256`, of each clip's file; a file that is no longer the same is refused.

    A manifest that `otoscope tasks check` wrote gives the task that was checked, with its labelings and
    lengths.
    """

    name = "manifest:FILE[@ROOT]"
    about = "a table of clips with label columns"
    needs = (
        "CSV, TSV, Parquet or JSON lines with a column of files (file_name, path ...) and columns of labels"
    )
    layout = "FILE:\n  file_name,label,speaker,split\n  audio/1.wav,cat,ann,train ..."
    splits = "a column `split` or `fold`, if there is one"

    def load(self, request: Request) -> Task:
        """Read a table of clips."""
        file, root = _split_place(request.place)
        table = read_table(file)
        if not len(table):
            raise TaskError(f"{file}: holds no rows; expected one a clip")
        document = table.attrs.pop(DOCUMENT, None)
        root = root or (document or {}).get("root") or _folder(file)
        clips = _with_paths(table, file, root, written=document is not None)
        if document:
            task = _described(clips, document)
            if {labeling.name for labeling in task.labelings} >= set(request.labels):
                return task
        clips = guessing.in_parts(clips, file)
        columns = request.labels or guessing.need(
            guessing.label_columns(clips, request.separator), clips, file
        )
        need_columns(clips, tuple(columns), file)
        clips = guessing.cut(clips, columns, request.separator)
        group, split = guessing.group_column(clips), guessing.split_column(clips)
        labelings = guessing.labelings(clips, columns, group, split, request.separator)
        return Task(PurePosixPath(file.partition("::")[0]).stem, clips, labelings)


def _split_place(place: str) -> tuple[str, str]:
    """FILE and ROOT of FILE@ROOT; either may hold an "@" of its own. ROOT is "" where it is not named."""
    parts = place.split("@")
    splits = [("@".join(parts[:count]), "@".join(parts[count:])) for count in range(1, len(parts) + 1)]
    if is_url(splits[0][0]):
        return next((split for split in splits if _is_table(split[0])), (place, ""))
    for file, root in reversed(splits):
        if is_file(located(file)):
            return str(located(file)), root
    raise TaskError(
        f"{place}: no such file; expected FILE, or FILE@ROOT with the folder that its paths start from"
    )


def _is_table(url: str) -> bool:
    name, chained, archive = url.partition("::")
    there = not chained or is_url(archive) or Path(archive).is_file()
    return there and PurePosixPath(name).suffix.lower() in TABLES


def _folder(file: str) -> str:
    """What the paths of a table start from if nobody says."""
    if not is_url(file):
        return str(Path(file).absolute().parent)
    name, chained, archive = file.partition("::")
    return name.rpartition("/")[0] + "/" + chained + archive


def _around(root: str) -> tuple[str, str]:
    """What stands before and after a relative path in the path or URL that opens it."""
    inner, chained, archive = root.partition("::")
    if chained and is_url(inner):
        return inner if inner.endswith("://") else f"{inner.rstrip('/')}/", chained + archive
    if not is_url(root):
        root = str(located(root))
    if archives.protocol(root) and not is_folder(root):
        return f"{archives.protocol(root)}://", f"::{root}"
    return f"{root.rstrip('/')}/", ""


def _with_paths(table: pd.DataFrame, file: str, root: str, written: bool) -> pd.DataFrame:
    """The table with columns `clip` and `path`, seconds as numbers, and without what a recording adds.

    Args:
        table: as it was read.
        file: where from.
        root: what its relative paths start from.
        written: by ourselves: paths are those of this system, and no column needs to be looked at twice.
    """
    column = "path" if written else next((name for name in guessing.FILES if name in table), None)
    if column is None:
        raise TaskError(
            f"{file}: no column tells the files; expected one of {', '.join(guessing.FILES)}; "
            f"it has {', '.join(map(str, table.columns))}"
        )
    for needed in {column, "clip"} & set(table):
        if table[needed].isna().any():
            raise TaskError(
                f"{file}: column {needed!r} is empty in row {table.index[table[needed].isna()][0]}"
            )
    names = table[column].astype(str)
    names = names if written else names.str.replace("\\", "/", regex=False)
    paths = _paths(names, file, root)
    unwanted = [name for name in table if name in (*RESERVED, column) or str(name).startswith("Unnamed")]
    clips = table.drop(columns=unwanted).assign(path=paths, **_expected(table, file))
    if "end" in clips and not written:
        # UrbanSound8K's start and end lie in the recording that the clip was cut from, not in the clip.
        clips = clips.drop(columns=["start", "stop"], errors="ignore")
    clips = _with_seconds(clips, file)
    return clips.assign(clip=clips["clip"].astype(str) if "clip" in clips else _clip_names(names, clips))


def _paths(names: "pd.Series[str]", file: str, root: str) -> list[str]:
    before, after = _around(root)
    paths: list[str] = []
    for row, name in names.items():
        if is_url(name) or name.startswith("/"):
            paths.append(name)
            continue
        inner = posixpath.normpath(name) if "./" in name or "//" in name else name
        if inner.split("/", 1)[0] == ".." or "\0" in inner:
            raise TaskError(
                f"{file}: row {row} names {name!r}, which leads out of {root}; expected a path below it; "
                f"try `manifest:{file}@ROOT` with the folder that holds all files"
            )
        paths.append(before + inner + after)
    if not _any_there(paths, before, after):
        raise TaskError(
            f"{file}: none of its {len(paths)} files is there (looked for {paths[0]}); "
            f"try `manifest:{file}@ROOT` with the folder that its paths start from"
        )
    return paths


def _any_there(paths: list[str], before: str, after: str) -> bool:
    """Whether any of the files is there, as far as can be told without asking a server for each."""
    archive = after.removeprefix("::")
    if after and (Path(archive).is_file() or not is_url(archive)):
        kind = before.partition("://")[0]
        inside = {f"{kind}://{name}{after}" for name in Tree.at(archive).files}
        return any(path in inside or not path.endswith(after) for path in paths)
    return any(is_url(path) or _exists(path) for path in paths)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that is too long
        return False


def _expected(table: pd.DataFrame, file: str) -> dict[str, Any]:
    """The column of the hashes that the files' content must have, if there is one."""
    if "sha256" not in table:
        return {}
    hashes = [None if pd.isna(cell) else str(cell).strip().lower() for cell in table["sha256"]]
    wrong = [cell for cell in hashes if cell is not None and not _SHA256.fullmatch(cell)]
    if wrong:
        warn(f"{file}: left out the column sha256: {wrong[0]!r} is no hash, which has 64 hexadecimal digits")
        return {}
    return {EXPECTED: pd.Series(hashes, index=table.index, dtype=object)}


def _clip_names(names: "pd.Series[str]", clips: pd.DataFrame) -> "pd.Series[str]":
    """Files' names; where a file has several parts, with the part."""
    if "start" not in clips or not names.duplicated().any():
        return names
    return names + "#" + clips["start"].fillna(0).map("{:g}".format)


def _with_seconds(clips: pd.DataFrame, file: str) -> pd.DataFrame:
    """The same clips with `start` and `stop` as numbers that can be where a part begins and ends."""
    for bound in [name for name in ("start", "stop") if name in clips]:
        numbers = pd.to_numeric(clips[bound], errors="coerce")
        wrong = clips[bound][(numbers.isna() | ~numbers.between(0, 1e9)) & clips[bound].notna()]
        if len(wrong):
            raise TaskError(
                f"{file}: column {bound!r} holds {wrong.iloc[0]!r}; expected seconds, in row {wrong.index[0]}"
            )
        clips = clips.assign(**{bound: numbers.astype(float)})
    if "stop" in clips:
        start = clips["start"].fillna(0) if "start" in clips else 0.0
        wrong = clips["stop"][clips["stop"] <= start]
        if len(wrong):
            raise TaskError(
                f"{file}: row {wrong.index[0]} stops at {wrong.iloc[0]:g} s, not after its start; "
                "expected start < stop"
            )
    return clips


def _described(clips: pd.DataFrame, document: dict[str, Any]) -> Task:
    """The task whose manifest was written."""
    return Task(
        document["name"],
        clips,
        tuple(map(Labeling.from_document, document["labelings"])),
        document["seconds"],
        document["citation"],
        document["licence"],
        bool(document.get("evar_lengths")),
    )
