"""A task: a table of clips, and the labelings of that table.

One recording has one row. What is known about it, emotion and gender and speaker, are labelings of the same table, not
tasks of their own: they are answered from one recording pass.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import audio
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks.labels import class_names, texts

__all__ = ["Labeling", "Task", "TaskError"]

RESERVED = ("tokens", "problem")  # columns that a recording adds to the table of clips


class TaskError(OtoscopeError):
    """A table of clips, or a folder that should hold one, cannot be used as a task."""


@dataclass(frozen=True)
class Labeling:
    """One question asked of every clip: which of these classes is it?

    Attributes:
        name: what users call it ("emotion").
        column: the column of the clips' table that answers it.
        classes: its classes, in the data set's order.
        multilabel: a clip may bear several classes: a comma-joined string, or a list.
        group: the column of what clips share and labels should not be confused with (speaker, for emotion).
        split: the column with "train", "valid" and "test", or with the numbers of folds.
        taxonomy: the broader class of each class, where the data set has one.
    """

    name: str
    column: str
    classes: tuple[str, ...]
    multilabel: bool = False
    group: str | None = None
    split: str | None = None
    taxonomy: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(str(name) for name in self.classes))
        twice = sorted({name for name in self.classes if self.classes.count(name) > 1})
        if twice:
            raise TaskError(f"labeling {self.name!r} lists {twice} more than once; expected distinct classes")
        strangers = sorted(set(self.taxonomy or {}) - set(self.classes))
        if strangers:
            raise TaskError(
                f"the taxonomy of labeling {self.name!r} names {strangers}; its classes are {list(self.classes)}"
            )

    @classmethod
    def of(cls, clips: pd.DataFrame, column: str, name: str | None = None, **settings: Any) -> "Labeling":
        """A labeling with the classes that a column holds: sorted, numbers by value.

        >>> Labeling.of(pd.DataFrame({"pitch": [100, 60, 100]}), "pitch").classes
        ('60', '100')
        """
        classes = class_names(clips[column], bool(settings.get("multilabel", False)))
        return cls(name or column, column, classes, **settings)

    def membership(self, clips: pd.DataFrame) -> NDArray[np.bool_]:
        """Which clip bears which class.

        Returns:
            Shape (clips, classes). A row of a clip without a label is False throughout.

        Raises:
            TaskError: a label that is not one of the classes.

        >>> emotion = Labeling("emotion", "emotion", ("calm", "glad"))
        >>> emotion.membership(pd.DataFrame({"emotion": ["glad", None]}))
        array([[False,  True],
               [False, False]])
        """
        rows = texts(clips[self.column], self.multilabel)
        index = {name: position for position, name in enumerate(self.classes)}
        strangers = sorted({label for row in rows for label in row} - set(index))
        if strangers:
            raise TaskError(
                f"column {self.column!r} holds {strangers[:5]}, which labeling {self.name!r} does not list; "
                f"its classes are {list(self.classes)}"
            )
        member = np.zeros((len(rows), len(self.classes)), dtype=bool)
        for position, row in enumerate(rows):
            member[position, [index[label] for label in row]] = True
        return member

    def groups(self, clips: pd.DataFrame) -> NDArray[np.int64] | None:
        """The group of each clip as an integer from 0; None where this labeling has no groups.

        Only a clip without a label may be without a group; it gets -1.
        """
        if self.group is None:
            return None
        return pd.factorize(clips[self.group])[0].astype(np.int64)

    def document(self) -> dict[str, Any]:
        """This labeling as a document that JSON can hold."""
        return {
            "name": self.name,
            "column": self.column,
            "classes": list(self.classes),
            "multilabel": self.multilabel,
            "group": self.group,
            "split": self.split,
            "taxonomy": None if self.taxonomy is None else dict(self.taxonomy),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Labeling":
        """The labeling that `document` described."""
        return cls(**{**document, "classes": tuple(document["classes"])})


@dataclass(frozen=True, eq=False)
class Task:
    """Clips with labels; checked on construction for what can be told from the table alone (`check` opens the files).

    Attributes:
        name: short name of the data set.
        clips: one row a clip. `clip` (unique name), `path` (local path or fsspec URL), optionally `start` and `stop`
            (seconds within the file), and the columns that the labelings name.
        labelings: the questions that the table answers.
        seconds: every clip is cropped or padded to this length; None leaves clips whole.
        citation: how to cite the data set.
        licence: on what terms it may be used.
    """

    name: str
    clips: pd.DataFrame
    labelings: tuple[Labeling, ...]
    seconds: float | None = None
    citation: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labelings", tuple(self.labelings))
        object.__setattr__(self, "clips", self.clips.reset_index(drop=True))
        if self.seconds is not None and not (np.isfinite(self.seconds) and self.seconds > 0):
            raise UsageError(
                f"seconds is {self.seconds}; expected a positive length, or none to take clips whole"
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

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is asked of which clips: names, parts, labels, groups, splits and length, but not paths."""
        digest = hashlib.sha256()
        used = ["clip", "start", "stop"]
        for labeling in self.labelings:
            used += [labeling.column, labeling.group or "", labeling.split or ""]
        for column in dict.fromkeys(used):
            if column in self.clips:
                _digest(digest, [column, texts(self.clips[column], multilabel=False)])
        _digest(digest, [labeling.document() for labeling in self.labelings])
        _digest(digest, self.seconds)
        return digest.hexdigest()

    def head(self, n: int) -> "Task":
        """A smaller task of `n` clips, in the same order, that keeps the proportions of the first labeling's classes."""
        if n < 1:
            raise UsageError(f"the number of clips is {n}; expected 1 or more")
        if n >= len(self):
            return self
        # Taken at even steps through the clips sorted by class: even steps through the table as it stands could
        # fall in with the order of its classes and meet one class only.
        order = np.arange(len(self))
        if self.labelings:
            member = self.labelings[0].membership(self.clips)
            order = np.argsort(
                np.where(member.any(axis=1), member.argmax(axis=1), member.shape[1]), kind="stable"
            )
        chosen = np.sort(order[np.arange(n) * len(self) // n])
        return replace(self, clips=self.clips.iloc[chosen])

    def read(self, index: int, sample_rate: int) -> audio.Waveform:
        """The sound of the clip in row `index`, mono, at a sample rate in Hz.

        Raises:
            AudioError: the clip cannot be used.
        """
        row = self.clips.iloc[index]
        start, stop = (None if pd.isna(row.get(key)) else float(row[key]) for key in ("start", "stop"))
        return audio.read(row["path"], sample_rate, start=start, stop=stop, seconds=self.seconds)

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
                f"task {self.name!r}: {len(twice)} clip names occur more than once ({', '.join(map(str, twice[:5]))}); "
                "expected one row a clip; try removing the repeated rows"
            )
        names = [labeling.name for labeling in self.labelings]
        if len(set(names)) < len(names):
            raise TaskError(f"task {self.name!r} has labelings {names}; expected distinct names")

    def _check_labeling(self, labeling: Labeling) -> None:
        for role, column in (
            ("label", labeling.column),
            ("group", labeling.group),
            ("split", labeling.split),
        ):
            if column is not None and column not in self.clips:
                raise TaskError(
                    f"task {self.name!r}, labeling {labeling.name!r}: there is no {role} column {column!r}; "
                    f"the columns are {list(self.clips.columns)}"
                )
        labelled = labeling.membership(self.clips).any(axis=1)
        if labeling.group is not None:
            orphans = self.clips["clip"][labelled & self.clips[labeling.group].isna().to_numpy()]
            if len(orphans):
                raise TaskError(
                    f"task {self.name!r}, labeling {labeling.name!r}: {len(orphans)} clips have a label but no "
                    f"{labeling.group} ({', '.join(orphans[:5])}); try completing the column, or leaving the clips out"
                )


def _digest(digest: Any, document: Any) -> None:
    digest.update(json.dumps(document, ensure_ascii=True, sort_keys=True, default=str).encode() + b"\n")
