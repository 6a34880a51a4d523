"""A manifest with hashes: one table of a task's clips, its labels, and the content of its files.

`manifest:FILE` loads the same task from it, and a file whose content is no longer the same is refused: so a
study can be repeated on the very same sounds, elsewhere too (`manifest:FILE@ROOT`).
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope import archives, audio, urls
from otoscope.errors import UsageError
from otoscope.files import replacing
from otoscope.tasks.base import Task

__all__ = ["DOCUMENT", "EXPECTED", "manifest", "need_suffix", "require_unchanged", "write_manifest"]

EXPECTED = "expected_sha256"
"""The column of a task's table with the SHA-256 that the content of each clip's file must have."""

DOCUMENT = "otoscope"
"""The key of a manifest's attributes under which the task is described."""


def require_unchanged(clips: pd.DataFrame, index: int, sha256: str) -> None:
    """Refuse a file that is not the one that a manifest was written of.

    Args:
        clips: a task's table.
        index: the clip's row.
        sha256: of its file's content.

    Raises:
        AudioError: another hash is expected.
    """
    expected = clips[EXPECTED].iloc[index] if EXPECTED in clips else None
    if isinstance(expected, str) and expected != sha256:
        raise audio.changed(str(clips["path"].iloc[index]), sha256, expected)


def manifest(task: Task, sha256: "pd.Series[str]") -> pd.DataFrame:
    """The table of a task's clips with a column `sha256`, and paths relative to what they have in common.

    `attrs["otoscope"]` describes the task: name, root (the folder or archive that the paths start from),
    seconds, evar_lengths, citation, licence and the labelings' documents.

    Args:
        task: its clips' files can all be read.
        sha256: of each clip's file, in the same order.
    """
    root, paths = _rooted([str(path) for path in task.clips["path"]])
    table = task.clips.drop(columns=EXPECTED, errors="ignore").assign(path=paths, sha256=sha256.to_numpy())
    table.attrs[DOCUMENT] = {
        "name": task.name,
        "root": root,
        "seconds": task.seconds,
        "evar_lengths": task.evar_lengths,
        "citation": task.citation,
        "licence": task.licence,
        "labelings": [labeling.document() for labeling in task.labelings],
    }
    return table


def write_manifest(path: str | os.PathLike[str], table: pd.DataFrame) -> None:
    """Write a manifest as Parquet, or as CSV if its name says so: then without the description of the task.

    Raises:
        UsageError: another suffix.
    """
    need_suffix(path)
    with replacing(path) as temporary:
        if Path(path).suffix.lower() == ".csv":
            table.map(_joined).to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)


def need_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse a name by which no manifest can be written.

    Raises:
        UsageError: it ends neither in .parquet nor in .csv.
    """
    if Path(path).suffix.lower() not in (".parquet", ".csv"):
        raise UsageError(f"{os.fspath(path)}: expected a manifest's name to end in .parquet or .csv")


def _rooted(paths: list[str]) -> tuple[str, list[str]]:
    """What paths have in common, and what is left of each. URLs keep what is before and after `::`."""
    local = {path: _full(path) for path in set(paths) if not urls.is_url(path)}
    if local:
        root = os.path.commonpath({Path(path).parent for path in local.values()})
        left = {path: Path(os.path.relpath(full, root)).as_posix() for path, full in local.items()}
        return root, [left.get(path) or _absolute(path) for path in paths]
    archive = paths[0].partition("::")[2]
    before, after = f"{archives.protocol(archive)}://", f"::{archive}"
    if all(path.startswith(before) and path.endswith(after) for path in paths) and Path(archive).is_file():
        return _full(archive), [path.removeprefix(before).removesuffix(after) for path in paths]
    return "", [_absolute(path) for path in paths]


def _absolute(url: str) -> str:
    """A URL that means the same wherever it is opened from."""
    member, chained, archive = url.partition("::")
    return f"{member}::{_full(archive)}" if chained and not urls.is_url(archive) else url


def _full(path: str) -> str:
    return os.path.normpath(Path(path).expanduser().absolute())  # links stay as the user named them


def _joined(cell: Any) -> Any:
    """A cell as CSV can hold it: the labels of a list joined by commas."""
    return ",".join(map(str, cell)) if isinstance(cell, (list, tuple, set, np.ndarray)) else cell
