"""Find everything that is wrong with a task before work starts, and say it all at once."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from otoscope import audio
from otoscope.audio import AudioError
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.threads import in_threads

__all__ = ["check", "file_problems", "label_problems"]

_NAMED = 10  # clips named for each kind of problem
_FIGURES = re.compile(r"\d[\d.]*")


def check(task: Task, *, files: bool = True) -> None:
    """Check a task's labels and open every one of its files, without decoding the sound.

    Found are: a labeling with a single class, with a class that no clip bears or only one does, with classes
    that differ only in case or blanks; and, unless `files` is False, files that are missing, Git-LFS
    pointers, empty, cut off, or not audio. `survey` tells more, and does not raise.

    Raises:
        TaskError: something is wrong; the message lists all of it.
    """
    problems = label_problems(task)
    if files:
        found = in_threads(_problem, dict.fromkeys(task.clips["path"]))
        problems += file_problems(error for error in found if error is not None)
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise TaskError(f"task {task.name!r} cannot be used as it is:{listed}")


def label_problems(task: Task) -> list[str]:
    """What is wrong with a task's labels, a sentence each."""
    return [problem for labeling in task.labelings for problem in _of_labeling(task, labeling)]


def file_problems(errors: Iterable[AudioError]) -> list[str]:
    """What is wrong with files, a sentence for each kind of problem."""
    kinds: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for error in errors:
        # Figures differ from file to file ("promises 1044 bytes"): they do not make another kind.
        reason = error.reason.partition(":")[0]
        kinds[_FIGURES.sub("N", reason), error.advice].setdefault(error.path, reason)
    return [
        f"{len(found):,} file{'s' if len(found) > 1 else ''}: "
        f"{kind if len(set(found.values())) > 1 else next(iter(found.values()))} "
        f"({some(list(found), _NAMED)}); {advice}"
        for (kind, advice), found in kinds.items()
    ]


def _of_labeling(task: Task, labeling: Labeling) -> Iterable[str]:
    about = f"labeling {labeling.name!r}"
    counts = Counter(label for row in labeling.labels(task.clips) for label in row)
    if len(labeling.classes) < 2:
        number = "1 class" if labeling.classes else "0 classes"
        yield (
            f"{about} has {number} ({some(labeling.classes)}); expected two or more; "
            "try the folder whose sub-folders are the classes, or another labeling"
        )
    empty = [name for name in labeling.classes if counts[name] == 0]
    if empty:
        yield f"{about}: no clip bears {some(empty, _NAMED)}; try leaving out classes without clips"
    alone = [name for name in labeling.classes if counts[name] == 1]
    if alone:
        yield f"{about}: only one clip bears {some(alone, _NAMED)}; expected two or more a class"
    alike: dict[str, list[str]] = defaultdict(list)
    for name in labeling.classes:
        alike["".join(name.casefold().split())].append(name)
    for names in alike.values():
        if len(names) > 1:
            yield f"{about}: {' and '.join(map(repr, names))} differ only in case or blanks; write them alike"


def _problem(path: str) -> AudioError | None:
    try:
        audio.header(path)
    except AudioError as error:
        return error
    return None
