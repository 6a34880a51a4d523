"""GTZAN: music of ten genres."""

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import read_lines
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["Gtzan"]

_LISTS = {split: f"{split}_filtered.txt" for split in ("train", "valid", "test")}
_SOURCE = "https://github.com/jongpillee/music_dataset_split (folder GTZAN_split)"
_LINE = re.compile(r"(\w+)/\1\.\d{5}\.wav")


class Gtzan(Reader):
    """Music of ten genres, half a minute a clip, with the fault-filtered split.

    The labeling is "genre"; 443 clips are for training, 197 for validation, 290 for the test. The 70 clips
    that the three lists do not name are left out with a warning: they are repetitions and mislabelled
    excerpts, and a random split over all 1,000 leaks. No artists are told, so there is no group.

    DIR holds genres/ (the original archive) or Data/genres_original/ (the Kaggle copy), or is one of these;
    one flat folder does too. The lists lie in DIR, in a folder of it, or in the one above.

    In the Kaggle copy jazz.00054.wav, of the train list, cannot be decoded. It keeps its row: the check names
    the file and what is wrong with it, and a recording skips it where bad files may be skipped.
    """

    name = "gtzan:DIR"
    about = "GTZAN: music, ten genres, fault-filtered split"
    needs = "genres/ and the lists {train,valid,test}_filtered.txt"
    layout = "gtzan/\n  genres/blues/blues.00000.wav ...\n" + "\n".join(f"  {x}" for x in _LISTS.values())
    labelings = {"genre": 10}
    splits = "train, valid and test (fault-filtered lists)"
    clips = 930
    evar_seconds = 30.0
    obtain = (
        f"get the sound from its mirrors (the original site is gone) and the lists from {_SOURCE}; "
        "`folder:DIR/genres` reads all clips, faults too"
    )
    citation = (
        "G. Tzanetakis, P. Cook. Musical genre classification of audio signals. "
        "IEEE Transactions on Speech and Audio Processing 10(5), 2002. "
        "Split: C. Kereliuk, B. L. Sturm, J. Larsen. Deep Learning and Music Adversaries. "
        "IEEE Transactions on Multimedia 17(11), 2015."
    )
    licence = "none stated"

    def load(self, request: Request) -> Task:
        """Read GTZAN from its folder and the three lists of the fault-filtered split."""
        lists = self.find(request.place, *_LISTS.values())
        missing = [name for name in _LISTS.values() if name not in lists]
        if missing:
            raise TaskError(
                f"{lists.place}: {' and '.join(missing)} not there beside the other lists; "
                f"get it from {_SOURCE}"
            )
        rows = [
            {"clip": line, "split": split, "genre": _genre(line, lists.path(file))}
            for split, file in _LISTS.items()
            for line in read_lines(lists.path(file))
        ]
        empty = [file for split, file in _LISTS.items() if split not in {row["split"] for row in rows}]
        if empty:
            raise TaskError(
                f"{lists.place}: {' and '.join(empty)} name no clips; try getting it again from {_SOURCE}"
            )
        names = [row["clip"] for row in rows]
        sound = lists if _paths(lists, names) else told(Tree.at(request.place))
        paths = _paths(sound, names)
        if not paths:
            raise self.refuse(
                request.place, f"none of the {len(names)} listed files is there, such as genres/{names[0]}"
            )
        _tell_unlisted(sound, names)
        clips = pd.DataFrame(rows).assign(path=paths)
        return Task("gtzan", clips, (Labeling.of(clips, "genre", split="split"),))


def _genre(line: str, where: str) -> str:
    match = _LINE.fullmatch(line)
    if not match:
        raise TaskError(
            f"{where}: line {line!r} is not like blues/blues.00000.wav; try getting it again from {_SOURCE}"
        )
    return match[1]


def _tell_unlisted(tree: Tree, names: Sequence[str]) -> None:
    listed = {name.partition("/")[2] for name in names}
    unlisted = [name for name in tree.audio if name.rpartition("/")[2] not in listed]
    if unlisted:
        warn(
            f"{tree.place}: left out {len(unlisted)} sounds that the lists do not name, as EVAR does: "
            f"{some(unlisted)}"
        )


def _paths(tree: Tree, names: Sequence[str]) -> list[str]:
    """Where the listed files lie, those that are not there among them; none if none is there.

    They lie in a folder per genre or side by side, and all alike, wherever most of them are.
    """
    listed = {name.partition("/")[2]: name for name in names}
    found: Counter[tuple[str, bool]] = Counter()
    for entry in (*tree.files, *tree.left_out):
        if name := listed.get(entry.rpartition("/")[2]):
            flat = not f"/{entry}".endswith(f"/{name}")
            found[entry[: -len(name.partition("/")[2] if flat else name)], flat] += 1
    if not found:
        return []
    (folder, flat), _ = min(found.items(), key=lambda item: (-item[1], item[0][0].count("/"), item[0]))
    return [tree.path(folder + (name.partition("/")[2] if flat else name)) for name in names]
