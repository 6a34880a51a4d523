"""A task: a table of clips, and the labelings of that table.

One recording has one row. What is known about it, emotion and gender and speaker, are labelings of the same
table, not tasks of their own: they are answered from one recording pass.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from otoscope import audio
from otoscope.errors import UsageError
from otoscope.tasks.cells import some, texts
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.lengths import PLACE, crop, places
from otoscope.tasks.spread import spread

__all__ = ["Labeling", "Task", "TaskError"]

RESERVED = ("tokens", "problem", "sha256")  # columns that a recording adds to the table of clips


@dataclass(frozen=True, eq=False)
class Task:
    """Clips with labels. What the table can tell is checked on construction; `check` also opens the files.

    Attributes:
        name: short name of the data set.
        clips: one row a clip. `clip` (unique name), `path` (local path or fsspec URL), optionally `start` and
            `stop` (seconds within the file), and the columns that the labelings name.
        labelings: the questions that the table answers.
        seconds: every clip is cropped or padded to this length; None leaves clips whole.
        citation: how to cite the data set.
        licence: on what terms it may be used.
        evar_lengths: that length is cropped or padded to as EVAR does; `with_evar_lengths` makes such a task.
        options: the words with which `otoscope record` reads it again, such as ("--task", "mini:events");
            empty where no command line does.
    """

    name: str
    clips: pd.DataFrame
    labelings: tuple[Labeling, ...]
    seconds: float | None = None
    citation: str = ""
    licence: str = ""
    evar_lengths: bool = False
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labelings", tuple(self.labelings))
        object.__setattr__(self, "clips", self.clips.reset_index(drop=True))
        if self.seconds is not None and not (np.isfinite(self.seconds) and self.seconds > 0):
            raise UsageError(
                f"seconds is {self.seconds}; expected a positive length, or none for whole clips"
            )
        if self.evar_lengths and (self.seconds is None or PLACE not in self.clips):
            raise UsageError(
                f"evar_lengths needs a length and a column {PLACE!r}; try task.with_evar_lengths(seconds)"
            )
        self._check_table()
        for labeling in self.labelings:
            self._check_labeling(labeling)

    def __len__(self) -> int:
        return len(self.clips)

    def __repr__(self) -> str:
        asked = ", ".join(f"{labeling.name} ({len(labeling.classes)})" for labeling in self.labelings)
        return f"Task({self.name!r}, {len(self)} clips, labelings: {asked})"

    def labeling(self, name: str) -> Labeling:
        """The labeling of this name.

        Raises:
            UsageError: there is none; the message lists those there are.
        """
        for labeling in self.labelings:
            if labeling.name == name:
                return labeling
        there = ", ".join(labeling.name for labeling in self.labelings)
        raise UsageError(f"task {self.name!r} has no labeling {name!r}; it has: {there}")

    def only(self, names: Sequence[str]) -> "Task":
        """The same clips with the labelings of these names, in this order; all of them if none is named."""
        return replace(self, labelings=tuple(map(self.labeling, names))) if names else self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is asked of which clips: names, parts, labels, groups, splits and length."""
        digest = hashlib.sha256()
        used = ["clip", "start", "stop"]
        for labeling in self.labelings:
            used += [labeling.column, labeling.group or "", labeling.split or ""]
        for column in dict.fromkeys(used):
            if column in self.clips:
                _digest(digest, [column, texts(self.clips[column], multilabel=False)])
        _digest(digest, [labeling.document() for labeling in self.labelings])
        _digest(digest, self.seconds)
        if self.evar_lengths:
            _digest(digest, self.clips[PLACE].tolist())
        return digest.hexdigest()

    def with_evar_lengths(self, seconds: float) -> "Task":
        """The same clips, cropped and padded to `seconds` as EVAR does it (see `otoscope.tasks.lengths`)."""
        clips = self.clips.assign(**{PLACE: places(self.clips, self.labelings)})
        return replace(self, clips=clips, seconds=seconds, evar_lengths=True)

    def crop(self, index: int) -> audio.Crop | None:
        """How the clip in row `index` is cropped or padded; None if it stays whole."""
        return crop(self.clips.iloc[index], self.seconds, self.evar_lengths)

    def head(self, n: int) -> "Task":
        """`n` of the clips, in the same order: of each class of the first labeling its share."""
        if n < 1:
            raise UsageError(f"the number of clips is {n}; expected 1 or more")
        if n >= len(self):
            return self
        labels = self.labelings[0].labels(self.clips) if self.labelings else [[]] * len(self)
        chosen = spread([row[0] if row else "" for row in labels], n)
        options = (*self.options, "--limit", str(n)) if self.options else ()
        return replace(self, clips=self.clips.iloc[chosen], options=options)

    def read(self, index: int, sample_rate: int) -> audio.Waveform:
        """The sound of the clip in row `index`, mono, at a sample rate in Hz.

        Raises:
            AudioError: the clip cannot be used.
        """
        return self.decode(index).at(sample_rate)

    def decode(self, index: int) -> audio.Sound:
        """The sound of the clip in row `index`, mono, at its file's own rate: decoded once for any rates.

        Raises:
            AudioError: the clip cannot be used.
        """
        row = self.clips.iloc[index]
        start, stop = (None if pd.isna(row.get(key)) else float(row[key]) for key in ("start", "stop"))
        length = crop(row, self.seconds, self.evar_lengths)
        return audio.decode(row["path"], start=start, stop=stop, crop=length)

    def _check_table(self) -> None:
        missing = [column for column in ("clip", "path") if column not in self.clips]
        if missing:
            raise TaskError(
                f"task {self.name!r}: the table has no column {missing}; it has {list(self.clips.columns)}"
            )
        taken = [column for column in RESERVED if column in self.clips]
        if taken:
            raise TaskError(
                f"task {self.name!r}: column {taken} would hide what a recording adds; try another name"
            )
        if not len(self.clips):
            raise TaskError(f"task {self.name!r} holds no clips; expected at least one")
        twice = self.clips["clip"][self.clips["clip"].duplicated()].unique()
        if len(twice):
            raise TaskError(
                f"task {self.name!r}: {len(twice)} clip names occur more than once "
                f"({some(twice)}); expected one row a clip; try removing the repeated rows"
            )
        names = [labeling.name for labeling in self.labelings]
        if len(set(names)) < len(names):
            raise TaskError(f"task {self.name!r} has labelings {names}; expected distinct names")

    def _check_labeling(self, labeling: Labeling) -> None:
        columns = {"label": labeling.column, "group": labeling.group, "split": labeling.split}
        for role, column in columns.items():
            if column is not None and column not in self.clips:
                raise TaskError(
                    f"task {self.name!r}, labeling {labeling.name!r}: there is no {role} column {column!r}; "
                    f"the columns are {list(self.clips.columns)}"
                )
        labelled = np.array([bool(row) for row in labeling.labels(self.clips)])
        if labeling.group is not None:
            orphans = self.clips["clip"][labelled & self.clips[labeling.group].isna().to_numpy()]
            if len(orphans):
                raise TaskError(
                    f"task {self.name!r}, labeling {labeling.name!r}: {len(orphans)} clips have a label but "
                    f"no {labeling.group} ({some(orphans)}); try completing the column"
                )


def _digest(digest: Any, document: Any) -> None:
    digest.update(json.dumps(document, ensure_ascii=True, sort_keys=True, default=str).encode() + b"\n")
