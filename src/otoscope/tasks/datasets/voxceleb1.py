"""VoxCeleb1: voices of celebrities, cut from interviews."""

import re

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.beside import beside
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import look_up, need_columns, read_lines, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["VoxCeleb1"]

_SPLIT = "iden_split.txt"
_META = "vox1_meta.csv"
_FOLDERS = ("wav", "dev/wav", "test/wav")
_PARTS = {"1": "train", "2": "valid", "3": "test"}
_SETS = {"dev": "train", "test": "test"}
_ID = "VoxCeleb1 ID"
_ABOUT_SPEAKERS = {"gender": "Gender", "nationality": "Nationality"}  # columns of the table of the speakers
_CLIP = r"id\d{5}/[^/]+/\d{5}\.wav"
_FILE = re.compile(rf"(?:(?:dev|test)/)?wav/({_CLIP})")
_LINE = re.compile(rf"([123])\s+({_CLIP})")


class VoxCeleb1(Reader):
    """153,516 utterances of 1,251 celebrities, cut from videos.

    "speaker" has the speakers in the order of their ids. Its groups are the videos, its split is the
    official one for identification (`iden_split.txt`), in which every speaker lies in all three parts; a
    warning counts videos whose clips lie in more than one part. "gender" and "nationality" come from
    `vox1_meta.csv`. Their groups are the speakers, and their split keeps speakers apart: it is the column
    `Set`, whose 1,211 speakers of "dev" are "train" and whose 40 of "test" are "test".

    Nationalities are those of the file, as they are: thirteen of the 36 are one speaker each, which a
    warning counts, and some well-known French actors bear "Norway".

    Both tables may lie beside `wav/` or one folder above. Without `iden_split.txt` all clips there are read,
    and "speaker" has no split; without `vox1_meta.csv` there is no "gender" and no "nationality". A warning
    tells of either. Clips that `iden_split.txt` does not name are left out with a warning; those that it
    names and the disk lacks stay, so that `otoscope tasks check` names them. Verification lists are not read.
    """

    name = "voxceleb1:DIR"
    also = ("vc1",)
    about = "VoxCeleb1: celebrities' voices; speaker (1,251), gender, nationality"
    needs = "wav/ (or dev/wav/ and test/wav/), iden_split.txt and vox1_meta.csv"
    layout = (
        "wav/id10001/1zcIwhmdeo4/00001.wav ...   (or dev/wav/id10001/... and test/wav/id10270/...)\n"
        "iden_split.txt\n"
        "vox1_meta.csv"
    )
    labelings = {"speaker": 1251, "gender": 2, "nationality": 36}
    splits = "train, valid and test (identification); gender and nationality: train and test by speaker"
    clips = 153516
    evar_seconds = 8.2
    obtain = (
        "get it from https://www.robots.ox.ac.uk/~vgg/data/voxceleb/, and "
        "iden_split.txt and vox1_meta.csv from https://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta/"
    )
    citation = (
        "A. Nagrani, J. S. Chung, A. Zisserman. VoxCeleb: a large-scale speaker identification dataset. "
        "Interspeech, 2017."
    )
    licence = "CC BY 4.0, as public dataset cards state it"

    def load(self, request: Request) -> Task:
        """Read VoxCeleb1 from its official folder."""
        tree = self.find(request.place, *_FOLDERS)
        there = _there(tree)
        parts = self._parts(tree, there)
        if not any(name in parts and file in tree for name, file in there.items()):
            found = some([*tree.top, *(name for name in tree.files if "/" not in name)])
            raise self.refuse(
                request.place,
                f"looked for clips of {_SPLIT} like wav/id10001/1zcIwhmdeo4/00001.wav, and none of its clips "
                f"is in {' or '.join(_FOLDERS)}; found {found}",
            )
        speakers = [name.partition("/")[0] for name in parts]
        clips = pd.DataFrame(
            {
                "clip": [f"wav/{name}" for name in parts],
                "path": [tree.path(there.get(name) or f"wav/{name}") for name in parts],
                "speaker": speakers,
                "video": [name.rpartition("/")[0] for name in parts],
            }
        )
        split = None
        if any(parts.values()):
            split = "split"
            clips[split] = list(parts.values())
            _tell_of_videos(tree, clips)
        labelings = [Labeling.of(clips, "speaker", group="video", split=split)]
        if where := self._meta(tree, request):
            labelings += _about_speakers(clips, where)
        return Task("voxceleb1", clips, tuple(labelings))

    def _parts(self, tree: Tree, there: dict[str, str]) -> dict[str, str]:
        """The part of each clip, in the order of the list; "" throughout where there is no list."""
        where = beside(tree, _SPLIT)
        if where is None:
            warn(
                f"{tree.place}: there is no {_SPLIT} there or one folder above, so all clips there are read "
                f"and 'speaker' has no split; {self.obtain}"
            )
            return dict.fromkeys(sorted(there), "")
        parts: dict[str, str] = {}
        for line in read_lines(where):
            match = _LINE.fullmatch(line)
            if not match:
                raise TaskError(
                    f"{where}: the line {line!r} is not of the list; expected lines like "
                    "'3 id10001/1zcIwhmdeo4/00001.wav'; try getting it again"
                )
            part = _PARTS[match[1]]
            if parts.setdefault(match[2], part) != part:
                raise TaskError(f"{where}: puts {match[2]} into two parts; try getting it again")
        unlisted = sorted(there.keys() - parts.keys())
        if unlisted:
            warn(
                f"{tree.place}: left out {len(unlisted)} clips that {_SPLIT} does not name: {some(unlisted)}"
            )
        return parts

    def _meta(self, tree: Tree, request: Request) -> str | None:
        """The path of the table of the speakers; None, and told, where there is none."""
        where = beside(tree, _META)
        if where is None:
            problem = (
                f"{tree.place}: there is no {_META} there or one folder above, so there is no labeling "
                f"{' and no '.join(map(repr, _ABOUT_SPEAKERS))}; {self.obtain}"
            )
            if set(_ABOUT_SPEAKERS).intersection(request.labels):
                raise TaskError(problem)
            warn(problem)
        return where


def _there(tree: Tree) -> dict[str, str]:
    """Where each clip lies in the tree, by its name in the list; of two that are called alike, the first."""
    there: dict[str, str] = {}
    twice = []
    # What the tree left out counts too: the path of a link that leads out of the folder is refused.
    for name in (*tree.audio, *tree.left_out):
        match = _FILE.fullmatch(name)
        if match and there.setdefault(match[1], name) != name:
            twice.append(name)
    if twice:
        warn(f"{tree.place}: {len(twice)} clips lie there twice, and are read once: without {some(twice)}")
    return there


def _tell_of_videos(tree: Tree, clips: pd.DataFrame) -> None:
    parts = clips.groupby("video")["split"].nunique()
    crossing = list(parts.index[parts > 1])
    if crossing:
        warn(
            f"{tree.place}: {len(crossing)} videos have clips in more than one part of {_SPLIT} "
            f"({some(crossing)}); the official split is kept"
        )


def _about_speakers(clips: pd.DataFrame, where: str) -> list[Labeling]:
    """Add to the clips what the table knows of their speakers; the labelings of that."""
    table = read_table(where)
    need_columns(table, (_ID, *_ABOUT_SPEAKERS.values(), "Set"), where)
    strange = table["Set"].dropna()[~table["Set"].dropna().isin(list(_SETS))]
    if len(strange):
        raise TaskError(f"{where}: row {strange.index[0]} has Set {strange.iloc[0]!r}; expected dev or test")
    for name, column in _ABOUT_SPEAKERS.items():
        clips[name] = look_up(clips["speaker"], table, _ID, column, where)
    clips["set"] = look_up(clips["speaker"], table, _ID, "Set", where).map(_SETS)
    speakers = clips.groupby("nationality")["speaker"].nunique()
    alone = list(speakers.index[speakers == 1])
    if alone:
        warn(
            f"{where}: {len(alone)} of {len(speakers)} nationalities are of one speaker each, so that the "
            f"class is that speaker: {some(alone)}"
        )
    known = [name for name in _ABOUT_SPEAKERS if clips[name].notna().any()]
    return [Labeling.of(clips, name, group="speaker", split="set") for name in known]
