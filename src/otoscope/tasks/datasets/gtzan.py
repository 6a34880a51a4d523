"""`gtzan:DIR`: GTZAN, music of ten genres, with the fault-filtered split (443 train, 197 valid, 290 test).

DIR holds `genres/` (the original archive) or `Data/genres_original/` (the Kaggle copy), or is one of these;
files in one flat folder do too. The lists `train_filtered.txt`, `valid_filtered.txt` and `test_filtered.txt`
must lie in DIR, in the folder of the genres, or in the folder above either. The 70 clips that they leave out
are repetitions and mislabelled excerpts: a random split over all 1,000 leaks.

In the Kaggle copy `jazz.00054.wav`, of the train list, cannot be decoded. It is treated as any bad file:
named, and skipped where the user says so.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request

__all__ = ["Gtzan", "load"]

_SPLITS = ("train", "valid", "test")
_LISTS = "https://github.com/jongpillee/music_dataset_split (folder GTZAN_split)"
_OBTAIN = f"get the sound from its mirrors (the original site is gone) and the lists from {_LISTS}"


def load(place: str, labels: Sequence[str] = ()) -> Task:
    """Read GTZAN from its official folder and the three lists of the fault-filtered split.

    Raises:
        TaskError: no such folder, no lists, a line in them that is not `genre/genre.00000.wav`, or none of
            the listed files there.
    """
    inner = ("", "genres", "genres_original", "Data/genres_original")
    candidates = [
        folder
        for top in [Path(place).expanduser(), *sorted(Path(place).expanduser().glob("*/"))]
        for name in inner
        if (folder := top / name).is_dir()
    ]
    lists = _find_lists(place, candidates)
    rows = [
        {"clip": name, "split": split, "genre": _genre(file, name)}
        for split, file in lists.items()
        for name in file.read_text(encoding="utf-8").split()
    ]
    if not rows:
        raise TaskError(
            f"{lists['train'].parent}: the lists name no clips; try getting them again from {_LISTS}"
        )
    names = [row["clip"] for row in rows]
    holds = (folder for folder in candidates if any(_locate(folder, name).is_file() for name in names))
    root = next(holds, None)
    if root is None:
        raise TaskError(
            f"{place}: none of the {len(names)} listed files is there; "
            f"expected genres/{names[0]} and so on; {_OBTAIN}"
        )
    # A listed file that is not there keeps its row, so that the check can name it.
    clips = pd.DataFrame(rows).assign(path=[str(_locate(root, name)) for name in names])
    return Task("gtzan", clips, (Labeling.of(clips, "genre", split="split"),)).only(labels)


def _find_lists(place: str, near: Sequence[Path]) -> dict[str, Path]:
    names = {split: f"{split}_filtered.txt" for split in _SPLITS}
    for folder in dict.fromkeys(folder for start in near for folder in (start, start.absolute().parent)):
        found = {split: folder / name for split, name in names.items() if (folder / name).is_file()}
        if len(found) == len(names):
            return found
        if found:
            missing = [name for split, name in names.items() if split not in found]
            raise TaskError(
                f"{folder}: {' and '.join(missing)} not there beside the other lists; get it from {_LISTS}"
            )
    raise TaskError(
        f"{place}: no {', '.join(names.values())} there or in the folder above; expected the lists of the "
        f"fault-filtered split; get them from {_LISTS}, or read all clips, faults too, with `folder:`"
    )


def _genre(file: Path, name: str) -> str:
    genre, slash, clip = name.partition("/")
    if not slash or clip.partition(".")[0] != genre:
        raise TaskError(
            f"{file}: line {name!r} is not like blues/blues.00000.wav; try getting it again from {_LISTS}"
        )
    return genre


def _locate(folder: Path, name: str) -> Path:
    flat = folder / name.partition("/")[2]
    return flat if flat.is_file() else folder / name


class Gtzan(Reader):
    """TODO."""

    name = "gtzan:DIR"
    about = "GTZAN: music, ten genres, fault-filtered split"
    needs = "genres/ and the lists {train,valid,test}_filtered.txt"
    labelings = {"genre": 10}
    splits = "train, valid and test (fault-filtered lists)"
    clips = 930
    evar_seconds = 30.0
    obtain = _OBTAIN
    citation = (
        "G. Tzanetakis, P. Cook. Musical genre classification of audio signals. "
        "IEEE Transactions on Speech and Audio Processing 10(5), 2002. "
        "Split: C. Kereliuk, B. L. Sturm, J. Larsen. Deep Learning and Music Adversaries. "
        "IEEE Transactions on Multimedia 17(11), 2015."
    )
    licence = "none stated"

    def load(self, request: Request) -> Task:
        """Read it."""
        return load(request.place, request.labels)
