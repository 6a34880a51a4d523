"""Where the files of a data set lie: below a folder, or in an archive, by their names within it.

Nothing outside the folder is read: links that lead out of it, or round in a circle, and names with `..` are
left out, and told. Hidden entries do not count, and so neither do the `._*` stubs and the `__MACOSX` folder
that macOS puts into archives.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from otoscope import archives
from otoscope.audio import SUFFIXES
from otoscope.tasks.labeling import TaskError

__all__ = ["Tree", "hidden", "is_file", "is_folder", "located"]

_OUT = "a link that leads out of the folder"
_CIRCLE = "a link in a circle"
_BROKEN = "a link to nothing"
_BEHIND = "a link to a folder, behind another"


@dataclass(frozen=True)
class Tree:
    """The files below a folder or in an archive.

    Attributes:
        place: the folder or archive, as it was named.
        files: their names relative to it, with forward slashes, sorted.
        folders: the names of the folders below it, likewise, the empty ones too (in an archive: those with
            files).
        left_out: entries that are not to be opened, and why.
        prefix: the part of the place that names are relative to, "" or ending in a slash.
    """

    place: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    left_out: Mapping[str, str]
    prefix: str = ""

    @classmethod
    def at(cls, place: str | os.PathLike[str], only: Collection[str] | None = None) -> "Tree":
        """List what is there.

        Args:
            place: a folder, or a ZIP or TAR archive.
            only: of the folders right below, those to look into; by default all.

        Raises:
            TaskError: neither a folder nor an archive, or an archive that cannot be read.
        """
        name = os.fspath(place)
        where = located(name)
        if is_folder(where):
            return _listed(where, only)
        if is_file(where) and archives.protocol(where):
            return _archived(where)
        what = "is a file" if os.path.exists(where) else "does not exist"  # noqa: PTH110 -- see is_file
        raise TaskError(f"{name}: {what}; expected a folder, or a ZIP or TAR archive; try its path again")

    @property
    def name(self) -> str:
        """What the folder or archive is called, without an archive's suffix."""
        path = Path(self.place).expanduser().resolve()
        return path.name.partition(".")[0] if self._protocol else path.name

    @property
    def top(self) -> tuple[str, ...]:
        """The names of the folders right below."""
        return tuple(name for name in self.folders if "/" not in name)

    @property
    def audio(self) -> list[str]:
        """The names of the files that are audio by their suffix."""
        return [name for name in self.files if name.lower().endswith(SUFFIXES)]

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def inside(self, folder: str) -> list[str]:
        """The names of the files below one of the folders."""
        return [name for name in self.files if name.startswith(f"{folder}/")]

    def below(self, folder: str) -> "Tree":
        """The part of the tree in one of its folders, with names relative to it; "" is all of it."""
        if not folder:
            return self
        start = f"{folder}/"
        cut = len(start)
        return replace(
            self,
            files=tuple(name[cut:] for name in self.files if name.startswith(start)),
            folders=tuple(name[cut:] for name in self.folders if name.startswith(start)),
            left_out={name[cut:]: why for name, why in self.left_out.items() if name.startswith(start)},
            prefix=self.prefix + start,
        )

    def path(self, name: str) -> str:
        """The path or URL under which a file is opened; it need not be there.

        Raises:
            TaskError: the name leads out of the folder.
        """
        if reason := archives.unsafe(name) or self._reason(name):
            raise TaskError(
                f"{self.place}: {name!r} {reason}; expected a file within the folder; "
                "try putting the file itself there"
            )
        inner = self.prefix + name
        kind = self._protocol
        return f"{kind}://{inner}::{self.place}" if kind else f"{self.place}/{inner}"

    @cached_property
    def _protocol(self) -> str:
        return archives.protocol(self.place) if Path(self.place).is_file() else ""

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files)

    @cached_property
    def _barred(self) -> Mapping[str, str]:
        return {name: reason for name, reason in self.left_out.items() if reason in (_OUT, _CIRCLE)}

    @cached_property
    def _real(self) -> str:
        return os.path.realpath(Path(self.place).expanduser())

    def _reason(self, name: str) -> str:
        """Why a name that a table gives must not be opened; "" if it may."""
        if name in self._names or self._protocol:
            return ""
        for entry, reason in self._barred.items():
            if name == entry:
                return f"is {reason}"
            if name.startswith(f"{entry}/"):
                return f"lies behind {reason} ({entry})"
        # What was not listed, being hidden or not there, or written in another way ("./a.wav").
        path = f"{self._real}/{self.prefix}{name}"
        out = os.path.lexists(path) and not _within(os.path.realpath(path), self._real)
        return f"is {_OUT}" if out else ""


def located(place: str | os.PathLike[str]) -> Path:
    """The path that a user named, with `~` as the home folder; one of an unknown user stays as it is."""
    return Path(os.path.expanduser(place))  # noqa: PTH111 -- that of Path raises


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file is there: not if its name is too long, or if nobody may look."""
    return os.path.isfile(path)  # noqa: PTH113 -- that of Path raises


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is there, likewise."""
    return os.path.isdir(path)  # noqa: PTH112 -- that of Path raises


def hidden(name: str) -> bool:
    """Whether an entry of a folder does not count.

    >>> hidden("._a.wav"), hidden("a.wav")
    (True, False)
    """
    return name.startswith(".") or name == "__MACOSX"


def _listed(root: Path, only: Collection[str] | None) -> Tree:
    files: list[str] = []
    folders: list[str] = []
    left_out: dict[str, str] = {}
    for kind, name in _walk(str(root), only, left_out):
        (files if kind == "file" else folders).append(name)
    if "" in left_out:
        raise TaskError(f"{root}: {left_out['']}; expected a folder; try its permissions")
    return Tree(str(root), tuple(sorted(files)), tuple(sorted(folders)), left_out)


def _walk(root: str, only: Collection[str] | None, left_out: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield ("file" or "folder", name) of what lies below a folder."""
    # A folder's name, the real paths of it and of what it is in, and whether a link led there.
    waiting: list[tuple[str, tuple[str, ...], bool]] = [("", (os.path.realpath(root),), False)]
    while waiting:
        folder, above, linked = waiting.pop()
        try:
            with os.scandir(f"{root}/{folder}" if folder else root) as found:
                entries = [entry for entry in found if not hidden(entry.name)]
        except OSError as error:
            left_out[folder] = f"cannot be read: {error.strerror}"
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            link = entry.is_symlink()
            real = os.path.realpath(entry.path) if link else f"{above[-1]}{os.sep}{entry.name}"
            if reason := archives.unsafe(entry.name) or (_wrong(real, above, linked) if link else ""):
                left_out[name] = reason
            elif _is(entry.is_dir):
                yield "folder", name
                if folder or only is None or name in only:
                    waiting.append((name, (*above, real), linked or link))
            elif _is(entry.is_file):
                yield "file", name
            else:
                left_out[name] = "neither a file nor a folder"


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # of a link to what must not be looked at
        return False


def _wrong(real: str, above: Sequence[str], linked: bool) -> str:
    """What is wrong with a link to `real`; "" if nothing is."""
    if not os.path.exists(real):  # noqa: PTH110 -- it does not raise where nothing may be looked at
        return _BROKEN
    if not _within(real, above[0]):
        return _OUT
    if real in above:
        return _CIRCLE
    # Folders of links to each other would be listed in every order of them.
    return _BEHIND if linked and Path(real).is_dir() else ""


def _within(real: str, root: str) -> bool:
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _archived(path: Path) -> Tree:
    try:
        found = archives.members(path)
    except OSError as error:
        raise TaskError(f"{path}: cannot be read: {error}; try getting it again") from None
    files = [name for name in found.files if not any(map(hidden, name.split("/")))]
    folders = {name[:at] for name in files for at, letter in enumerate(name) if letter == "/"}
    return Tree(str(path), tuple(files), tuple(sorted(folders)), found.left_out)
