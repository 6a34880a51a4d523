"""What every reader of a data set states, and what readers share."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.labeling import TaskError

__all__ = ["Reader", "audio_files", "find_root", "folders", "warn"]


@dataclass(frozen=True)
class Reader:
    """How to name a kind of task, and how to read it.

    Attributes:
        name: how to write it, "esc50:DIR"; what stands before the colon chooses the reader.
        about: what it is, in a line.
        needs: what must be on disk.
        labelings: the names of its labelings; empty where they depend on the data.
        load: makes the task from what follows the colon and the label columns asked for (none: the reader's
            choice).
        clips: how many clips the whole data set gives; 0 where that is not fixed.
        obtain: where the data set is to be had.
        citation: how to cite it.
        licence: on what terms it may be used.
    """

    name: str
    about: str
    needs: str
    labelings: tuple[str, ...]
    load: Callable[[str, Sequence[str]], Task]
    clips: int = 0
    obtain: str = ""
    citation: str = ""
    licence: str = ""

    @property
    def prefix(self) -> str:
        """What stands before the colon."""
        return self.name.partition(":")[0]


def folders(place: str) -> list[Path]:
    """Where an official folder may lie when the user says `place`: there, one level down, or one level up.

    Raises:
        TaskError: there is no such folder.
    """
    folder = Path(place).expanduser()
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise TaskError(f"{place}: {what}; expected a folder; try its path again")
    below = sorted(child for child in folder.iterdir() if child.is_dir() and not _hidden(child.name))
    return [folder, *below, folder.absolute().parent]


def find_root(place: str, marker: str, obtain: str) -> Path:
    """The folder that holds `marker` (a path within the official layout), at or next to `place`.

    Raises:
        TaskError: none does; the message says what was looked for and how to obtain the data set.
    """
    for folder in folders(place):
        if (folder / marker).exists():
            return folder
    raise TaskError(
        f"{place}: holds no {marker}, nor does a folder in it; expected the official layout; {obtain}"
    )


def audio_files(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> tuple[list[Path], list[Path]]:
    """The files below a folder, sorted: those with a suffix of audio, and the others.

    Hidden files and folders do not count, and so neither do the `._*` stubs that macOS leaves in archives.
    """
    wanted = tuple(suffixes)
    files = sorted(_walk(folder))
    audio = [file for file in files if file.suffix.lower() in wanted]
    return audio, [file for file in files if file.suffix.lower() not in wanted]


def warn(message: str) -> None:
    """Tell the user what a reader left out or could not find, without stopping."""
    warnings.warn(message, UserWarning, stacklevel=2)


def _walk(folder: Path) -> Iterator[Path]:
    for place, children, names in os.walk(folder):
        children[:] = [child for child in children if not _hidden(child)]
        yield from (Path(place, name) for name in names if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith(".")
