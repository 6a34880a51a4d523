"""Look at every file of a task, and say what is wrong, what is worth knowing, and what exactly was there."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.audio import AudioError
from otoscope.tasks.base import Task
from otoscope.tasks.check import file_problems, label_problems
from otoscope.tasks.labeling import TaskError
from otoscope.tasks.looking import Bounds, Look, look
from otoscope.tasks.notes import SILENT, label_counts, notes
from otoscope.tasks.pinning import DOCUMENT, manifest, require_unchanged, write_manifest
from otoscope.threads import in_threads

__all__ = ["Survey", "survey"]


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found of a task.

    Attributes:
        task: the task, of the clips whose files were looked at.
        deep: whether every sample was read.
        files: one row a clip: clip, path, sha256 (of the file's content; "" if it cannot be read), format,
            sample_rate in Hz, channels, seconds (of the clip, before it is cropped or padded to the task's
            length), problem ("" if there is none). With `deep` also peak (largest distance from zero, 1 being
            full scale), clipped (share of the samples at full scale) and silent (peak below -80 dB).
        problems: what is wrong with labels and files, a sentence for each kind; `check` refuses a task for
            these.
        notes: what is worth knowing, but stops nothing, a sentence each.
    """

    task: Task
    deep: bool
    files: pd.DataFrame
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, pd.DataFrame]:
        """How many clips bear each class, by labeling: a row a class, columns "all" and the split's parts."""
        return {labeling.name: label_counts(self.task.clips, labeling) for labeling in self.task.labelings}

    @property
    def usable(self) -> int:
        """Number of clips without problems."""
        return int((self.files["problem"] == "").sum())

    def manifest(self) -> pd.DataFrame:
        """The clips without problems, with their labels and hashes: see `otoscope.tasks.pinning`.

        Raises:
            TaskError: every clip has a problem.
        """
        good = self.files["problem"] == ""
        if not self.usable:
            raise TaskError(
                f"task {self.task.name!r}: no clip can be used, so there is nothing to write down"
            )
        return manifest(replace(self.task, clips=self.task.clips[good]), self.files["sha256"][good])

    def write_manifest(self, path: str | os.PathLike[str]) -> str:
        """Write the manifest as Parquet, or as CSV if `path` says so: then it describes no labelings.

        Returns:
            How to name the task that it is.

        Raises:
            TaskError: every clip has a problem.
            UsageError: another suffix.
        """
        table = self.manifest()
        write_manifest(path, table)
        root = "" if Path(path).suffix.lower() == ".parquet" else f"@{table.attrs[DOCUMENT]['root']}"
        return f"manifest:{os.fspath(path)}{root}".rstrip("@")

    def document(self) -> dict[str, Any]:
        """All of it but the rows of `files` without problems, as a document that JSON can hold."""
        bad = self.files["problem"] != ""
        good = self.files[~bad]
        seconds = good["seconds"]
        return {
            "task": self.task.name,
            "fingerprint": self.task.fingerprint,
            "clips": len(self.files),
            "files": int(self.files["path"].nunique()),
            "usable": self.usable,
            "deep": self.deep,
            "formats": good["format"].value_counts().to_dict(),
            "sample_rates": good["sample_rate"].value_counts().to_dict(),
            "channels": good["channels"].value_counts().to_dict(),
            "seconds": {
                "total": float(seconds.sum()),
                "shortest": float(seconds.min()),
                "median": float(seconds.median()),
                "longest": float(seconds.max()),
            },
            "labelings": {
                labeling.name: {
                    "classes": counts.T.to_dict(),
                    "clips": sum(map(bool, labeling.labels(self.task.clips))),
                    "group": labeling.group,
                    "groups": int(self.task.clips[labeling.group].nunique()) if labeling.group else None,
                    "split": labeling.split,
                }
                for labeling, counts in zip(self.task.labelings, self.counts.values(), strict=True)
            },
            "problems": list(self.problems),
            "bad": self.files.loc[bad, ["clip", "problem"]].to_dict("records"),
            "notes": list(self.notes),
        }


def survey(
    task: Task,
    *,
    deep: bool = False,
    limit: int | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Survey:
    """Look at every file of a task; each is read once, however many clips lie in it.

    Args:
        task: what to look at.
        deep: read every sample, not the headers only.
        limit: look at so many of the clips only; labels are checked of all.
        tick: called with the number of clips just looked at.
    """
    problems = label_problems(task)
    part = task if limit is None else task.head(limit)
    rows: dict[int, dict[str, Any]] = {}
    errors: list[AudioError] = []
    for numbers, found in _looks(part, deep):
        for number, row, error in _rows(part, numbers, found):
            rows[number] = row
            errors += [error] if error else []
        tick(len(numbers))
    files = pd.DataFrame([rows[number] for number in range(len(part))])
    files = pd.concat([part.clips[["clip", "path"]], files], axis=1)
    if deep:
        files["silent"] = files["peak"] < SILENT
    else:
        files = files.drop(columns=["peak", "clipped"])
    return Survey(part, deep, files, (*problems, *file_problems(errors)), tuple(notes(part, files)))


def _looks(task: Task, deep: bool) -> Iterator[tuple[list[int], Look]]:
    """Each file's clips, by number, and what was found of it."""
    clips = task.clips
    members: dict[str, list[int]] = {}
    for number, path in enumerate(clips["path"]):
        members.setdefault(path, []).append(number)
    edges = [
        clips[name].astype(float).tolist() if name in clips else [float("nan")] * len(clips)
        for name in ("start", "stop")
    ]

    def bounds(number: int) -> Bounds:
        start, stop = (None if edge[number] != edge[number] else edge[number] for edge in edges)
        return start, stop

    def looked(item: tuple[str, list[int]]) -> tuple[list[int], Look]:
        path, numbers = item
        return numbers, look(path, [bounds(number) for number in numbers], deep=deep)

    return in_threads(looked, members.items())


def _rows(
    task: Task, numbers: list[int], found: Look
) -> Iterator[tuple[int, dict[str, Any], AudioError | None]]:
    """A file's rows of the table, and what is wrong with each clip."""
    header = found.header
    for number, part in zip(numbers, found.parts, strict=True):
        error = part.problem
        if error is None:
            try:
                require_unchanged(task.clips, number, found.sha256)
            except AudioError as changed:
                error = changed
        row = {
            "sha256": found.sha256,
            "format": header.format if header else "",
            "sample_rate": header.sample_rate if header else 0,
            "channels": header.channels if header else 0,
            "seconds": part.seconds,
            "problem": str(error) if error else "",
            "peak": part.peak,
            "clipped": part.clipped,
        }
        yield number, row, error
