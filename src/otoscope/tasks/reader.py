"""What every reader of a data set states, and what readers share."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.labeling import TaskError

__all__ = ["Reader", "audio_files", "find_root", "folders", "visible", "warn"]


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
    """The folder that the user named, then those in it: users name the one they unpacked into as well.

    Raises:
        TaskError: there is no such folder.
    """
    folder = Path(place).expanduser()
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise TaskError(f"{place}: {what}; expected a folder; try its path again")
    return [folder, *(child for child in visible(folder) if child.is_dir())]


def visible(folder: Path) -> list[Path]:
    """What a folder holds, sorted, without hidden entries."""
    return sorted(child for child in folder.iterdir() if not _hidden(child.name))


def find_root(place: str, marker: str, obtain: str) -> Path:
    """The folder that holds `marker`, a path within the official layout: `place`, one in it, or that above.

    Raises:
        TaskError: none does; the message says what was looked for and how to obtain the data set.
    """
    here, *below = folders(place)
    for folder in (here, *below, here.absolute().parent):
        if (folder / marker).exists():
            return folder
    raise TaskError(
        f"{place}: holds no {marker}, nor does a folder in it; expected the official layout; {obtain}"
    )


def audio_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder, sorted: those with a suffix of audio, and the others.

    Hidden files and folders do not count, and so neither do the `._*` stubs that macOS leaves in archives.
    """
    files = sorted(_walk(folder))
    audio = [file for file in files if file.suffix.lower() in SUFFIXES]
    return audio, [file for file in files if file.suffix.lower() not in SUFFIXES]


def warn(message: str) -> None:
    """Tell the user what a reader left out or could not find, without stopping."""
    warnings.warn(message, UserWarning, stacklevel=2)


def _walk(folder: Path) -> Iterator[Path]:
    for place, children, names in os.walk(folder):
        children[:] = [child for child in children if not _hidden(child)]
        yield from (Path(place, name) for name in names if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith(".")
