"""What the contract of all readers needs to know of one data set: how to make it, and what is in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Wav = Callable[..., Path]  # the fixture `wav`: wav(path, rate=16000, seconds=0.1, channels=1)


@dataclass(frozen=True)
class Evar:
    """One of EVAR's tasks over the same files.

    Attributes:
        task: EVAR's name of it, which its CSV has.
        labeling: the name of our labeling of the same labels.
        rows: of its CSV, by the rules of the original maker: file_name, label, split or fold, and what else.
        folder: EVAR's audio folder.
        locate: where a file_name lies below the official folder.
    """

    task: str
    labeling: str
    rows: Sequence[Mapping[str, Any]]
    folder: str
    locate: Callable[[str], str] = str


@dataclass(frozen=True)
class Layout:
    """A tiny copy of a data set in its official layout, with the traps of the real one.

    Attributes:
        build: makes it below an empty folder, and returns the folder that the official archive unpacks to.
        clips: what every column of the table of clips must be, by hand: the first column is "clip".
        classes: of each labeling, in order; the order of the labelings counts.
        groups: the column of groups of each labeling; those left out have none.
        splits: the column of the split of each labeling; those left out have none.
        broken: what to remove from the folder so that the reader must refuse it, and what its message says.
        evar: EVAR's tasks over it.
        spec: how the user names it, with "{root}" in it; by default the reader's name and the folder.
        needs: a package without which it can be neither built nor read.
        crossing: labelings whose groups lie on both sides of the official split; say how that is known.
    """

    build: Callable[[Path, Wav], Path]
    clips: Mapping[str, Sequence[Any]]
    classes: Mapping[str, Sequence[str]]
    groups: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    evar: Sequence[Evar] = ()
    spec: str = ""
    needs: str = ""
    crossing: frozenset[str] = frozenset()
