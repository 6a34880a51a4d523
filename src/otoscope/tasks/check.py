"""Find everything that is wrong with a task before work starts, and say it all at once."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from otoscope import audio
from otoscope.audio import AudioError
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError

__all__ = ["check"]

_THREADS = 8  # looking at headers waits for the disk, or for a network
_NAMED = 10  # clips named for each kind of problem


def check(task: Task, *, files: bool = True) -> None:
    """Check a task's labels and open every one of its files, without decoding the sound.

    Found are: a labeling with a single class, with a class that no clip bears or only one does, with classes
    that differ only in case or blanks; and, unless `files` is False, files that are missing, Git-LFS
    pointers, empty, cut off, or not audio.

    Raises:
        TaskError: something is wrong; the message lists all of it.
    """
    problems = [problem for labeling in task.labelings for problem in _label_problems(task, labeling)]
    if files:
        problems += _file_problems(task)
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise TaskError(f"task {task.name!r} cannot be used as it is:{listed}")


def _label_problems(task: Task, labeling: Labeling) -> Iterable[str]:
    about = f"labeling {labeling.name!r}"
    counts = dict(zip(labeling.classes, labeling.membership(task.clips).sum(axis=0), strict=True))
    if len(counts) < 2:
        yield f"{about} has {len(counts)} class ({some(list(counts))}); expected two or more"
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        yield f"{about}: no clip bears {some(empty, _NAMED)}; try leaving out classes without clips"
    alone = [name for name, count in counts.items() if count == 1]
    if alone:
        yield f"{about}: only one clip bears {some(alone, _NAMED)}; expected two or more a class"
    alike: dict[str, list[str]] = defaultdict(list)
    for name in labeling.classes:
        alike["".join(name.casefold().split())].append(name)
    for names in alike.values():
        if len(names) > 1:
            yield f"{about}: {' and '.join(map(repr, names))} differ only in case or blanks; write them alike"


def _file_problems(task: Task) -> list[str]:
    paths = list(dict.fromkeys(task.clips["path"]))
    with ThreadPoolExecutor(_THREADS) as pool:
        found = [error for error in pool.map(_problem, paths) if error is not None]
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for error in found:
        # Figures differ from file to file ("promises 1044 bytes"); what stands before them is the kind.
        kinds[error.reason.partition(":")[0], error.advice].append(error.path)
    return [
        f"{len(names)} file{'s' if len(names) > 1 else ''}: {reason} ({some(names, _NAMED)}); {advice}"
        for (reason, advice), names in kinds.items()
    ]


def _problem(path: str) -> AudioError | None:
    try:
        audio.header(path)
    except AudioError as error:
        return error
    return None
