"""How many clips a task of a study has, and how long they are; what of it is not there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope import audio
from otoscope.errors import OtoscopeError
from otoscope.study.opening import task_of
from otoscope.study.plan import Study
from otoscope.tasks.cells import some
from otoscope.tasks.registry import readers

if TYPE_CHECKING:
    from otoscope.tasks import Task

__all__ = ["TaskSize", "size_of"]

_LOOKED_AT = 100  # clips whose headers are read


@dataclass(frozen=True)
class TaskSize:
    """How large a task is.

    Attributes:
        clips: number of clips; None where it is not known.
        seconds: mean length of a clip as models hear it, likewise.
        labelings: number of labelings that are dissected.
        classes: of all of them together; 0 where they are not known.
        source: how it is known.
    """

    clips: int | None
    seconds: float | None
    labelings: int
    classes: int
    source: str


def size_of(plan: Study, name: str, limit: int | None) -> tuple[TaskSize, list[str]]:
    """The size of a task, and what is missing of it, a sentence each.

    Of a task that is not there, what its reader knows of the published data set is told.
    """
    entry = plan.tasks[name]
    if any(f"{{{path}}}" in entry.spec for path in plan.missing):
        return _published(plan, name, limit), []
    try:
        task = task_of(plan.partly_filled(), name)
    except OtoscopeError as error:
        return _published(plan, name, limit), [f"task {name}: {error}"]
    part = task if limit is None else task.head(limit)
    lengths, wrong = _lengths(part)
    wrong += _classes_missing(plan, name, task)
    classes = sum(len(labeling.classes) for labeling in part.labelings)
    if not lengths:
        size = TaskSize(len(part), None, len(part.labelings), classes, "no clip can be read")
        return size, [f"task {name}: {each}" for each in wrong]
    source = f"the length of {len(lengths)} of {len(part):,} clips was read"
    if part.seconds is not None:
        source = f"clips are cropped or padded to {part.seconds:g} s"
    return TaskSize(len(part), float(np.mean(lengths)), len(part.labelings), classes, source), [
        f"task {name}: {each}" for each in wrong
    ]


def _published(plan: Study, name: str, limit: int | None) -> TaskSize:
    """What the task's reader says of the whole data set."""
    entry = plan.tasks[name]
    reader = readers().get(entry.spec.partition(":")[0])
    labelings = len(entry.labelings) or (len(reader.labelings) if reader else 0) or 1
    clips = (reader.clips if reader else 0) or None
    seconds = entry.seconds or (reader.evar_length("") if reader and clips else 0) or None
    if clips and limit is not None:
        clips = min(clips, limit)
    known = "as published, cut to EVAR's length" if clips and seconds else "not there; its size is not known"
    return TaskSize(clips, seconds, labelings, 0, known)


def _classes_missing(plan: Study, name: str, task: "Task") -> list[str]:
    """Classes that an ablation names and the task lacks."""
    missing = []
    for entry in plan.ablations:
        for labeling in task.labelings:
            if entry.classes and entry.task == name and entry.labeling in (None, labeling.name):
                unknown = [each for each in entry.classes if each not in labeling.classes]
                missing += [f"labeling {labeling.name!r} has no class {each!r}" for each in unknown]
    return list(dict.fromkeys(missing))


def _lengths(task: "Task") -> tuple[list[float], list[str]]:
    """Seconds of some clips as models hear them, and what is wrong with those that cannot be read."""
    step = max(1, len(task) // _LOOKED_AT)
    lengths, bad = [], []
    for number in range(0, len(task), step):
        row = task.clips.iloc[number]
        try:
            header = audio.header(row["path"])
        except OtoscopeError as error:
            bad.append(str(error))
            continue
        start, stop = (None if pd.isna(row.get(key)) else float(row[key]) for key in ("start", "stop"))
        whole = (header.seconds if stop is None else min(stop, header.seconds)) - (start or 0.0)
        lengths.append(task.seconds or whole)
    looked = len(lengths) + len(bad)
    return lengths, [f"{len(bad)} of {looked} clips looked at cannot be read: {some(bad, 2)}"] if bad else []
