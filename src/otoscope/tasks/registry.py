"""From what a user writes, `esc50:DIR`, to a task."""

import pkgutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from otoscope.errors import UsageError
from otoscope.tasks import datasets
from otoscope.tasks.base import Task
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.telling import warn

__all__ = ["available", "load_task", "readers"]

GROUP = "otoscope.tasks"
"""The entry points of readers that other packages bring."""

# Modules with readers of what people have, in the order of the list that people see. Those of public data
# sets are whatever lies in `datasets/`.
_OWN = ("folder", "manifest", "webdataset", "hub", "evar", "mini")


def available() -> list[Reader]:
    """Every reader there is: how to name its tasks, what it needs, its labelings, licence and citation.

    >>> [reader.prefixes[0] for reader in available()][:2]
    ['folder', 'manifest']
    """
    return list(dict.fromkeys(readers().values()))


@cache
def readers() -> Mapping[str, Reader]:
    """The readers by what stands before the colon: the built-in ones, then those of installed packages.

    A package whose reader cannot be imported, or has a name that is taken, is warned of and left out.
    """
    found: dict[str, Reader] = {}
    for module in _modules():
        for reader in _in(module):
            found.update(dict.fromkeys(reader.prefixes, reader))
    for entry in entry_points(group=GROUP):
        try:
            stranger = entry.load()()
            problem = _problem(stranger, found)
        except Exception as error:  # whatever a stranger's module raises
            problem = f"cannot be loaded: {error}"
        if problem:
            warnings.warn(
                f"the task reader {entry.name!r} ({entry.value}) of an installed package {problem}; it is "
                "left out; try updating or removing the package",
                stacklevel=2,
            )
        else:
            found.update(dict.fromkeys(stranger.prefixes, stranger))
    return found


def load_task(
    spec: str,
    seconds: float | None = None,
    labels: Sequence[str] = (),
    *,
    separator: str | None = None,
    evar_lengths: bool = False,
) -> Task:
    """Read a task: the table of its clips and what is asked of them. No sound is read yet.

    Args:
        spec: reader and place, such as "folder:sounds", "manifest:clips.csv@audio" or "cremad:/data/CREMA-D";
            `available` lists them.
        seconds: crop or zero-pad every clip to this length; by default clips stay whole.
        labels: the labelings to take, in this order (for a table: its label columns); all by default.
        separator: what stands between the labels in one cell of a table, such as "|"; "" where a cell is one
            label whatever it holds; by default a comma.
        evar_lengths: crop and pad every clip as EVAR does for this data set (see `otoscope.tasks.lengths`).

    Raises:
        UsageError: an unknown reader or labeling; or EVAR's lengths where it has none, or with `seconds`.
        TaskError: the data set is not there, or not as expected.
    """
    prefix, _, place = spec.partition(":")
    reader = readers().get(prefix)
    if reader is None or not place:
        names = ", ".join(reader.name for reader in available())
        raise UsageError(f"no task is called {spec!r}; expected one of {names}; try `otoscope tasks`")
    length = _evar_length(reader, place, seconds) if evar_lengths else 0
    task = reader.load(Request(place, tuple(labels), separator))
    # Before labelings are chosen among: which clips are for training does not depend on what is asked.
    task = (task.with_evar_lengths(length) if evar_lengths else task).only(labels)
    if reader.clips and len(task) != reader.clips:
        warn(f"{spec}: {len(task)} clips, where the whole data set gives {reader.clips}")
    return replace(
        task,
        seconds=task.seconds if seconds is None else seconds,
        citation=reader.citation or task.citation,
        licence=reader.licence or task.licence,
        options=_options(spec, seconds, labels, separator, evar_lengths),
    )


def _options(
    spec: str, seconds: float | None, labels: Sequence[str], separator: str | None, evar_lengths: bool
) -> tuple[str, ...]:
    """What was asked, as `otoscope record` takes it."""
    words = ["--task", spec]
    words += ["--seconds", f"{seconds:g}"] if seconds is not None else []
    words += [word for label in labels for word in ("--label", label)]
    words += ["--separator", separator] if separator is not None else []
    words += ["--evar-lengths"] if evar_lengths else []
    return tuple(words)


def _evar_length(reader: Reader, place: str, seconds: float | None) -> float:
    if seconds is not None:
        raise UsageError(f"seconds is {seconds:g} and EVAR's lengths are asked for; expected one of the two")
    length = reader.evar_length(place)
    if not length:
        raise UsageError(
            f"EVAR knows no length for {reader.prefixes[0]}:{place}; expected one of its data sets; "
            "try seconds"
        )
    return length


def _modules() -> Iterator[ModuleType]:
    yield from (import_module(f"otoscope.tasks.own.{name}") for name in _OWN)
    for found in pkgutil.iter_modules(datasets.__path__):
        yield import_module(f"{datasets.__name__}.{found.name}")


def _in(module: ModuleType) -> list[Reader]:
    """An instance of each reader that a module defines and does not keep to itself."""
    return [
        kind()
        for name, kind in vars(module).items()
        if isinstance(kind, type)
        and issubclass(kind, Reader)
        and kind.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _problem(reader: object, taken: Mapping[str, Reader]) -> str:
    """Why what a package registers cannot be a reader; "" if it can."""
    if not isinstance(reader, Reader):
        return f"is no Reader but a {type(reader).__name__}"
    twice = [name for name in reader.prefixes if name in taken]
    return f"has the name {twice[0]!r}, which is taken" if twice else ""
