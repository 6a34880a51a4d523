"""VocalSound: coughs, laughs and other sounds of the voice that are no speech."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import integers, look_up, need_columns, read_document, read_lines, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["VocalSound"]

SOUNDS = {
    "/m/01j3sz": "Laughter",
    "/m/07plz5l": "Sigh",
    "/m/01b_21": "Cough",
    "/m/0dl9sf8": "Throat clearing",
    "/m/01hsr_": "Sneeze",
    "/m/07ppn3j": "Sniff",
}
"""The classes: AudioSet's identifiers, and what they are called."""

_CLASSES = "class_labels_indices_vs.csv"
_LISTS = {"train": "tr", "valid": "val", "test": "te"}
_FOLDERS = ("audio_16k", "audio_44k", "data_44k")
_META = "meta/all_meta.csv"
_META_JSON = "meta/all_meta.json"
_COLUMNS = ("speaker", "gender", "age", "country", "language", "health")
_FROM_META = ("age", "country", "language", "health")
_AGES = {"18-25": range(18, 26), "26-48": range(26, 49), "49-80": range(49, 81)}
_NAME = re.compile(r"(([fm])\d{4})_\d+_([a-z]+)\.\w+")


class VocalSound(Reader):
    """21,024 sounds of 3,365 speakers' voices, up to about 12 s long.

    "sound" has the six classes in the order of class_labels_indices_vs.csv. "gender" is f or m, as the names
    of the files begin. "age" (18-25, 26-48 and 49-80, as the test's subsets are cut), "country", "language"
    and "health" ("no" means no problem) are what meta/all_meta.csv says of the speaker; without it they are
    left out. The group of all of them is the speaker. "speaker" itself has neither group nor split: speakers
    are kept apart.

    The split is told by datafiles/tr.json, val.json and te.json (tr_rev.json and so on in the 44k release).
    Of the paths in them, which are the author's, only the file's name counts. Clips that they do not list are
    left out and told. Without them all clips are read, and there is no split.

    Some files hold no sound at all. They keep their rows: the check names them, and a recording skips them
    where bad files may be skipped. The files of the 44k release are not of one sample rate.
    """

    name = "vocalsound:DIR"
    about = "VocalSound: coughs, laughter and such; sound, speaker, age, country"
    needs = "audio_16k/ (or audio_44k/, data_44k/), datafiles/*.json and meta/all_meta.csv"
    layout = (
        "audio_16k/f0003_0_cough.wav ... (or audio_44k/, data_44k/)\n"
        "class_labels_indices_vs.csv\n"
        "datafiles/tr.json, val.json and te.json\n"
        "meta/all_meta.csv"
    )
    labelings = {
        "sound": 6,
        "gender": 2,
        "age": 3,
        "country": 0,
        "language": 0,
        "health": 0,
        "speaker": 3365,
    }
    splits = "train, valid and test, by speaker"
    clips = 21_024
    evar_seconds = 4.18
    obtain = "get it from https://github.com/YuanGongND/vocalsound (vs_release_16k.zip or vs_release_44k.zip)"
    citation = (
        "Y. Gong, J. Yu, J. Glass. VocalSound: A Dataset for Improving Human Vocal Sounds Recognition. "
        "ICASSP, 2022."
    )
    licence = "CC BY-SA 4.0"

    def load(self, request: Request) -> Task:
        """Read VocalSound from a release's folder, or from a flat folder of its sound."""
        tree = self._tree(request.place)
        there = _there(tree)
        sounds = _classes(tree)
        listed = _listed(tree, sounds)
        rows, split = (_named(there, sounds), None) if listed is None else (listed, "split")
        if not any(name in there for name in rows):
            found = some([*tree.top, *(name for name in tree.files if "/" not in name)])
            raise self.refuse(
                request.place,
                f"none of the {len(rows)} listed files is there, such as {next(iter(rows))}"
                if rows
                else f"looked for files named like f0003_0_cough.wav, and no file there is; found {found}",
            )
        _tell_left_out(tree, there, rows)
        beside = next(there[name] for name in rows if name in there).rpartition("/")[0]
        clips = pd.DataFrame(
            {
                "clip": list(rows),
                "path": [tree.path(there.get(name) or f"{beside}/{name}".lstrip("/")) for name in rows],
                **{column: [row[column] for row in rows.values()] for column in next(iter(rows.values()))},
            }
        )
        clips["gender"] = _genders(clips["speaker"], tree.place)
        self._add_meta(clips, tree, request.labels)
        return Task("vocalsound", clips, _labelings(clips, tuple(sounds.values()), split))

    def _tree(self, place: str) -> Tree:
        try:
            return self.find(place, "datafiles", _CLASSES, *_FOLDERS, "meta")
        except TaskError:
            tree = Tree.at(place)
            if any(_NAME.fullmatch(name.rpartition("/")[2]) for name in tree.audio):
                return told(tree)  # EVAR's working folder, with sound alone
            raise

    def _add_meta(self, clips: pd.DataFrame, tree: Tree, asked: Sequence[str]) -> None:
        """Add to the clips what is known of their speakers; tell what is not."""
        where, rows = _meta(tree)
        if rows is None:
            problem = f"{where}, so there is no labeling {', '.join(_FROM_META)}; {self.obtain}"
            if set(asked) & set(_FROM_META):
                raise TaskError(problem)
            warn(problem)
            return
        table = pd.DataFrame(rows, columns=list(_COLUMNS)).replace("", None)
        for column in _FROM_META:
            clips[column] = look_up(clips["speaker"], table, "speaker", column, where)
        clips["age"] = _age_groups(clips["age"], where)


def _there(tree: Tree) -> dict[str, str]:
    """Where in the tree each file of sound lies, by its own name; of two called alike, the first."""
    there: dict[str, str] = {}
    twice = []
    # What the tree left out counts too: the path of a link that leads out of the folder is refused.
    for name in (*tree.audio, *(name for name in tree.left_out if name.lower().endswith(SUFFIXES))):
        if there.setdefault(name.rpartition("/")[2], name) != name:
            twice.append(name)
    if twice:
        warn(f"{tree.place}: {len(twice)} clips lie there twice, and are read once: without {some(twice)}")
    return there


def _classes(tree: Tree) -> dict[str, str]:
    """What the sounds are called by their identifiers, in the official order."""
    if _CLASSES not in tree:
        return SOUNDS
    where = tree.path(_CLASSES)
    table = read_table(where)
    need_columns(table, ("index", "mid", "display_name"), where)
    table = table.assign(index=integers(table["index"], where)).sort_values("index")
    if not len(table) or table[["mid", "display_name"]].isna().any(axis=None):
        raise TaskError(f"{where}: expected a mid and a display_name in every row; try getting it again")
    return dict(zip(table["mid"], table["display_name"], strict=True))


def _listed(tree: Tree, sounds: Mapping[str, str]) -> dict[str, dict[str, str]] | None:
    """Sound, speaker and part of each clip, by its file's name; None, and told, where there are no lists."""
    lists = {part: [f"datafiles/{name}{end}.json" for end in ("", "_rev")] for part, name in _LISTS.items()}
    files = {part: next((name for name in names if name in tree), "") for part, names in lists.items()}
    if not any(files.values()):
        warn(f"{tree.place}: there is no datafiles/tr.json, val.json and te.json, so there is no split")
        return None
    missing = [lists[part][0] for part, file in files.items() if not file]
    if missing:
        raise TaskError(
            f"{tree.place}: {' and '.join(missing)} not there beside the other lists; try getting it"
        )
    rows: dict[str, dict[str, str]] = {}
    differing = []
    for part, file in files.items():
        where = tree.path(file)
        for name, mid, speaker in _entries(where):
            if mid not in sounds:
                raise TaskError(f"{where}: {name} is of {mid!r}; expected one of {', '.join(sounds)}")
            row = {"sound": sounds[mid], "speaker": speaker, "split": part}
            if rows.setdefault(name, row) != row:
                raise TaskError(f"{where}: names {name} again, otherwise; try getting the lists again")
            match = _NAME.fullmatch(name)
            if match and match[3] != _field(sounds[mid]):
                differing.append(name)
    if differing:
        warn(
            f"{tree.place}: {len(differing)} clips have another sound in the lists than in their names; "
            f"the lists count: {some(differing)}"
        )
    return rows


def _entries(where: str) -> list[tuple[str, str, str]]:
    """The file's name, the identifier of the sound and the speaker of each entry of a list."""
    document = read_document(where)
    try:
        return [
            (re.split(r"[/\\]", entry["wav"])[-1], str(entry["labels"]), str(entry["spk_id"]))
            for entry in document["data"]
        ]
    except (KeyError, TypeError) as error:
        raise TaskError(
            f"{where}: expected an object whose data are objects with wav, labels and spk_id ({error!r}); "
            "try getting it again"
        ) from None


def _named(there: Iterable[str], sounds: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Sound and speaker of each file by its name, where no list tells them."""
    fields = {_field(name): name for name in sounds.values()}
    matches = {name: _NAME.fullmatch(name) for name in there}
    return {
        name: {"sound": fields[match[3]], "speaker": match[1]}
        for name, match in matches.items()
        if match and match[3] in fields
    }


def _field(sound: str) -> str:
    """How the names of files write a sound: "throatclearing"."""
    return sound.replace(" ", "").lower()


def _tell_left_out(tree: Tree, there: Mapping[str, str], rows: Mapping[str, object]) -> None:
    left_out = [name for base, name in there.items() if base not in rows]
    if left_out:
        warn(
            f"{tree.place}: left out {len(left_out)} files that no list names or that are not named like "
            f"f0003_0_cough.wav: {some(left_out)}"
        )


def _genders(speakers: "pd.Series[Any]", place: str) -> "pd.Series[Any]":
    genders = speakers.str.extract(r"^([fm])\d", expand=False)
    unknown = speakers[genders.isna()].unique()
    if len(unknown):
        warn(
            f"{place}: {genders.isna().sum()} clips without a gender, of speakers not named like f0003: "
            f"{some(unknown)}"
        )
    return genders


def _meta(tree: Tree) -> tuple[str, list[list[str]] | None]:
    """The path of the table of speakers and its rows; or what is wrong, and None."""
    if _META in tree:
        where = tree.path(_META)
        rows = [row for line in read_lines(where) for row in csv.reader([line], skipinitialspace=True)]
        if rows and rows[0][2:3] == ["age"]:
            rows = rows[1:]
    elif _META_JSON in tree:
        # The README of the data set speaks of this file. Nobody we know has told what it looks like.
        where = tree.path(_META_JSON)
        document = read_document(where)
        items = document.get("data") if isinstance(document, dict) else document
        if not isinstance(items, list) or not all(isinstance(item, list) for item in items):
            return f"{where}: is no list of lists, {', '.join(_COLUMNS)}", None
        rows = [[str(cell) for cell in item] for item in items]
    else:
        return f"{tree.place}: there is no {_META}", None
    for number, row in enumerate(rows, 1):
        if len(row) != len(_COLUMNS):
            raise TaskError(
                f"{where}: row {number} is {row}; expected {len(_COLUMNS)} fields: {', '.join(_COLUMNS)}"
            )
    return where, rows


def _age_groups(ages: "pd.Series[Any]", where: str) -> "pd.Series[Any]":
    """The group of each age; ages that are in none are told, and missing."""
    years = {str(year): group for group, span in _AGES.items() for year in span}
    groups = ages.map(years)
    strange = ages[ages.notna() & groups.isna()]
    if len(strange):
        warn(f"{where}: {len(strange)} clips of speakers of no age from 18 to 80: {some(strange.unique())}")
    return groups


def _labelings(clips: pd.DataFrame, sounds: Sequence[str], split: str | None) -> tuple[Labeling, ...]:
    near: dict[str, Any] = {"group": "speaker", "split": split}
    borne = set(clips["sound"])
    others = [name for name in ("gender", *_FROM_META) if name in clips and clips[name].notna().any()]
    return (
        Labeling("sound", "sound", tuple(name for name in sounds if name in borne), **near),
        *(Labeling.of(clips, name, **near) for name in others),
        Labeling.of(clips, "speaker"),
    )
