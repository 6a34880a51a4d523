"""What every reader of a data set states, and what readers share."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from otoscope import archives
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import TaskError
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree, hidden, is_file, is_folder, located

__all__ = ["Reader", "Request", "told", "visible"]

_DEPTH = 2  # people name the folder that they unpacked into, and some archives hold a folder in a folder


@dataclass(frozen=True)
class Request:
    """What is asked of a reader.

    Attributes:
        place: what follows the colon of the spec: mostly a folder.
        labels: names of the labelings wanted; of a table, its columns; none: all, or the reader's choice.
        separator: what stands between the labels of one cell, in readers of tables; "" where cells are never
            to be cut; None for the reader's choice.
    """

    place: str
    labels: Sequence[str] = ()
    separator: str | None = None


class Reader(ABC):
    """A kind of task, how to name it, and how to read it. Its docstring says what users must know of it.

    A third party registers a subclass as an entry point of the group "otoscope.tasks".

    Attributes:
        name: how to write it, "esc50:DIR"; what stands before the colon chooses the reader.
        also: other names for it, such as EVAR's.
        about: what it is, in a line.
        needs: what must be on disk, in a line.
        layout: what the unpacked archive looks like: a small tree of its files, a line each.
        labelings: its labelings and how many classes each has, 0 where that is not fixed. Empty where they
            depend on the data.
        splits: its official splits or folds, in a line.
        clips: how many clips the whole data set gives; 0 where that is not fixed.
        evar_seconds: to what length EVAR crops and pads it; 0 where EVAR does not know it.
        obtain: where the data set is to be had.
        citation: how to cite it.
        licence: on what terms it may be used.
    """

    name: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    about: ClassVar[str]
    needs: ClassVar[str]
    layout: ClassVar[str] = ""
    labelings: ClassVar[Mapping[str, int]] = {}
    splits: ClassVar[str] = ""
    clips: ClassVar[int] = 0
    evar_seconds: ClassVar[float] = 0
    obtain: ClassVar[str] = ""
    citation: ClassVar[str] = ""
    licence: ClassVar[str] = ""

    @abstractmethod
    def load(self, request: Request) -> Task:
        """Read the task: all of its labelings, or for a table those asked for. No sound is read.

        Raises:
            TaskError: the data set is not there, or not as expected.
        """

    def evar_length(self, place: str) -> float:  # noqa: ARG002 -- for the reader of EVAR's own tables
        """To what length EVAR crops and pads the clips of a place, in seconds; 0 where EVAR knows none."""
        return self.evar_seconds

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What may stand before the colon."""
        return (self.name.partition(":")[0], *self.also)

    def find(self, place: str, *markers: str) -> Tree:
        """The files of a data set: below the folder with one of the markers, or in the archive.

        Looked at are the folder that the user named, those in it, two levels down, and the one above it: who
        names `esc50/audio` means what is in it, with the tables beside it, so no other folder is listed then.

        Args:
            place: what the user named.
            markers: paths within the official layout, of files or folders; any one will do.

        Raises:
            TaskError: none is there; the message says what was looked for, what was found, what the official
                layout is, and how to obtain the data set.
        """
        where = located(place)
        if is_file(where) and archives.protocol(where):
            return told(_within(Tree.at(where), markers) or self._missing(place, markers))
        if not is_folder(where):
            Tree.at(where)  # says what is wrong with it
        for folder in _below(where, _DEPTH):
            if _holds(folder, markers):
                return told(Tree.at(folder))
        whole = Path(os.path.abspath(where))  # noqa: PTH100 -- `..` is a step up, wherever links lead
        if _holds(whole.parent, markers):
            return told(Tree.at(whole.parent, {whole.name, *(marker.split("/")[0] for marker in markers)}))
        return self._missing(place, markers)

    def refuse(self, place: str, problem: str) -> TaskError:
        """The error for a place that is not as expected: what is wrong, what was expected, what to try."""
        layout = "".join(f"\n  {line}" for line in self.layout.splitlines())
        return TaskError(
            f"{place}: {problem}; expected the official layout{':' + layout if layout else ''}\n{self.obtain}"
        )

    def _missing(self, place: str, markers: Sequence[str]) -> Tree:
        where = located(place)
        entries = Tree.at(where).top if is_file(where) else sorted(visible(where))
        found = some(list(entries)) or "nothing"
        raise self.refuse(
            place, f"looked for {' or '.join(markers)} there, in its folders and above it, and found {found}"
        )


def visible(folder: Path) -> Iterator[str]:
    """The names of what is in a folder, without hidden entries; none if nobody may look."""
    with suppress(PermissionError):
        yield from (child.name for child in folder.iterdir() if not hidden(child.name))


def _holds(folder: Path, markers: Sequence[str]) -> bool:
    return any(os.path.exists(folder / marker) for marker in markers)  # noqa: PTH110 -- it never raises


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """A folder and those in it, the nearest first; links are not followed."""
    level = [folder]
    yield folder
    for _ in range(depth):
        level = [
            parent / name
            for parent in level
            for name in sorted(visible(parent))
            if is_folder(parent / name) and not (parent / name).is_symlink()
        ]
        yield from level


def _within(tree: Tree, markers: Sequence[str]) -> Tree | None:
    """The part of an archive that is the data set: what lies in the folder with one of the markers."""
    entries = (*tree.files, *tree.folders)
    roots = {
        name[: -len(marker)] for marker in markers for name in entries if f"/{name}".endswith(f"/{marker}")
    }
    return tree.below(min(roots, key=lambda root: (root.count("/"), root)).rstrip("/")) if roots else None


def told(tree: Tree) -> Tree:
    """The tree, once its user has been told what of it will not be opened."""
    if tree.left_out:
        listed = some([f"{name!r} ({reason})" for name, reason in tree.left_out.items()])
        warn(f"{tree.place}: left out {len(tree.left_out)} entries: {listed}")
    return tree
