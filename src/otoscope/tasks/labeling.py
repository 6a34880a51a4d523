"""A labeling: one question that a table of clips answers, and the classes that answer it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks.cells import class_names, some, texts

__all__ = ["Labeling", "TaskError"]


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
                f"the taxonomy of labeling {self.name!r} names {strangers}; "
                f"its classes are {list(self.classes)}"
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
            Shape (clips, classes). The row of a clip without a label is False throughout.

        Raises:
            TaskError: a label that is not one of the classes.

        >>> emotion = Labeling("emotion", "emotion", ("calm", "glad"))
        >>> emotion.membership(pd.DataFrame({"emotion": ["glad", None]}))
        array([[False,  True],
               [False, False]])
        """
        index = {name: position for position, name in enumerate(self.classes)}
        rows = self.labels(clips)
        member = np.zeros((len(rows), len(self.classes)), dtype=bool)
        place = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        member[place, [index[label] for row in rows for label in row]] = True
        return member

    def labels(self, clips: pd.DataFrame) -> list[list[str]]:
        """The names of the classes that each clip bears: none, one, or (multi-label) several.

        Raises:
            TaskError: a label that is not one of the classes.
        """
        rows = texts(clips[self.column], self.multilabel)
        strangers = sorted({label for row in rows for label in row} - set(self.classes))
        if strangers:
            raise TaskError(
                f"column {self.column!r} holds {some(strangers)}, not listed by labeling {self.name!r}; "
                f"its classes are {list(self.classes)}"
            )
        return rows

    def groups(self, clips: pd.DataFrame) -> NDArray[np.int64] | None:
        """The group of each clip as an integer from 0; None where this labeling has no groups.

        Only a clip without a label may be without a group; it gets -1.
        """
        if self.group is None:
            return None
        return pd.factorize(clips[self.group])[0].astype(np.int64)

    def in_split(self, clips: pd.DataFrame, part: str) -> NDArray[np.bool_]:
        """Which clips lie in one part of the split: "train", "valid" or "test", or the number of a fold.

        Raises:
            UsageError: this labeling has no split, or no such part; the message lists the parts.

        >>> table = pd.DataFrame({"pet": ["cat", "dog"], "fold": [1, 2]})
        >>> Labeling.of(table, "pet", split="fold").in_split(table, "2")
        array([False,  True])
        """
        if self.split is None:
            raise UsageError(f"labeling {self.name!r} has no split, so no part {part!r}; try all clips")
        parts = class_names(clips[self.split], multilabel=False)
        if part not in parts:
            raise UsageError(f"labeling {self.name!r} has no part {part!r}; its parts are {', '.join(parts)}")
        return np.array([row == [part] for row in texts(clips[self.split], multilabel=False)])

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
