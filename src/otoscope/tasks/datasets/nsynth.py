"""NSynth: single notes of musical instruments."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope.tasks import pitch
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import integers, read_document
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["FAMILIES", "QUALITIES", "SOURCES", "NSynth"]

FAMILIES = (
    *("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string"),
    *("synth_lead", "vocal"),
)
"""The families of instruments, by their number in the data set."""

SOURCES = ("acoustic", "electronic", "synthetic")
"""How the sound was made, by its number in the data set."""

QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic", "nonlinear_env"),
    *("percussive", "reverb", "tempo-synced"),
)
"""What else is said of a note, in the data set's order."""

_FOLDERS = {split: f"nsynth-{split}" for split in ("train", "valid", "test")}
_TABLE = "examples.json"
_TEXTS = {
    "family": "instrument_family_str",
    "source": "instrument_source_str",
    "instrument": "instrument_str",
}
_LEARNT = ("family", "source", "pitch", "octave", "chroma", "velocity")  # labels whose classes train decides


class NSynth(Reader):
    """305,979 single notes of 4 s, played by 1,006 instruments.

    "family", "source", "pitch" (MIDI numbers, with their octaves as taxonomy), "octave" (middle C, note 60,
    is in octave 4), "chroma" (the twelve pitch classes), "velocity" and "quality" (ten, any number of which
    may hold; a note of which none holds has no label) have the instrument as group and the three folders as
    split. "instrument" has neither: the instruments of train are in no other folder. Valid and test share
    some.

    As in EVAR, the classes are those of train. A note of valid or test whose pitch, family and so on train
    lacks has no such label: synth_lead is not in test, and some pitches are in test alone. Of folders that
    are not there a warning tells; without train, the classes are those of what is there.

    All notes are kept, as in EVAR. A warning counts those outside MIDI 21 to 108, to which other evaluations
    keep, and the notes of brass_acoustic_046 in test from 84 to 108, which are noise; some notes of it and of
    mallet_acoustic_047 have the same sound.
    """

    name = "nsynth:DIR"
    about = "NSynth: single notes; instrument family, source, pitch, velocity, quality"
    needs = "nsynth-train/, nsynth-valid/ and nsynth-test/ of the json/wav archives"
    layout = (
        "nsynth-train/\n  examples.json\n  audio/*.wav\nnsynth-valid/\n  examples.json\n  audio/*.wav\n"
        "nsynth-test/\n  examples.json\n  audio/bass_synthetic_009-010-025.wav ..."
    )
    labelings = {
        "family": 11,
        "source": 3,
        "pitch": 0,
        "octave": 0,
        "chroma": 12,
        "velocity": 5,
        "quality": 10,
        "instrument": 1006,
    }
    splits = "train, valid and test by folder"
    clips = 305_979
    evar_seconds = 4.0
    obtain = (
        "get the json/wav archives (nsynth-train.jsonwav.tar.gz and so on) from "
        "https://magenta.tensorflow.org/datasets/nsynth and unpack them side by side"
    )
    citation = (
        "J. Engel et al. Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders. ICML, 2017."
    )
    licence = "CC BY 4.0"

    def load(self, request: Request) -> Task:
        """Read NSynth from its three folders, or from those of them that are there."""
        tree = self._tree(request.place)
        there = {split: folder for split, folder in _FOLDERS.items() if folder in tree.folders}
        named = Path(request.place).name  # who names one of the three means that one
        there = {
            split: folder
            for split, folder in there.items()
            if named not in _FOLDERS.values() or folder == named
        }
        self._check_folders(request.place, tree, list(there.values()))
        clips = pd.concat([_notes(tree, split, folder) for split, folder in there.items()], ignore_index=True)
        if empty := [folder for split, folder in there.items() if split not in set(clips["split"])]:
            raise self.refuse(request.place, f"{some(empty)}: {_TABLE} name no notes")
        if not any(name in tree for name in clips["clip"]):
            raise self.refuse(
                request.place, f"none of the {len(clips)} notes is there, such as {clips['clip'][0]}"
            )
        if absent := [folder for split, folder in _FOLDERS.items() if split not in there]:
            rest = "" if "train" in there else "; classes are those of what is there, not those of train"
            warn(f"{tree.place}: no {' and no '.join(absent)}{rest}")
        _tell_defects(clips, tree.place)
        _tell_unlisted(tree, clips, list(there.values()))
        if "train" in there:
            _forget_what_train_lacks(clips, tree.place)
        return Task("nsynth", clips, tuple(_labelings(clips)))

    def _tree(self, place: str) -> Tree:
        try:
            return self.find(place, *_FOLDERS.values())
        except TaskError:
            self._refuse_records(place, Tree.at(place))
            raise

    def _check_folders(self, place: str, tree: Tree, folders: Sequence[str]) -> None:
        for folder in _FOLDERS.values():
            tree.path(folder)  # refuses a link that leads elsewhere
        if not folders:
            raise self.refuse(place, f"{' and '.join(_FOLDERS.values())} cannot be read")
        without = [folder for folder in folders if f"{folder}/{_TABLE}" not in tree]
        if without:
            self._refuse_records(place, tree)
            raise self.refuse(place, f"there is no {_TABLE} in {' and '.join(without)}")

    def _refuse_records(self, place: str, tree: Tree) -> None:
        records = [name for name in tree.files if ".tfrecord" in name.lower()]
        if records:
            raise self.refuse(place, f"holds the TFRecord form ({some(records)}), which is not read")


def _notes(tree: Tree, split: str, folder: str) -> pd.DataFrame:
    """The table of one folder's notes, in the order of their names."""
    where = tree.path(f"{folder}/{_TABLE}")
    document = read_document(where)
    if not isinstance(document, dict) or not all(isinstance(note, dict) for note in document.values()):
        raise TaskError(f"{where}: expected an object with an object for every note; try getting it again")
    names = sorted(document)
    notes = [document[name] for name in names]
    number = integers(pd.Series(_field(notes, names, "pitch", where), names, name="pitch"), where)
    velocity = integers(pd.Series(_field(notes, names, "velocity", where), names, name="velocity"), where)
    told = {name: _field(notes, names, field, where) for name, field in _TEXTS.items()}
    _check_names(told["family"], FAMILIES, names, where)
    _check_names(told["source"], SOURCES, names, where)
    files = [f"{folder}/audio/{name}.wav" for name in names]
    return pd.DataFrame(
        {
            "clip": files,
            "path": [tree.path(file) for file in files],
            "split": split,
            "family": told["family"],
            "source": told["source"],
            "pitch": number.to_numpy(),
            "octave": pitch.octave(number).to_numpy(),
            "chroma": pitch.chroma(number).to_numpy(),
            "velocity": velocity.to_numpy(),
            "quality": _qualities(_field(notes, names, "qualities", where), names, where),
            "instrument": told["instrument"],
        }
    )


def _field(notes: Sequence[Mapping[str, Any]], names: Sequence[str], field: str, where: str) -> list[Any]:
    """One field of every note."""
    try:
        return [note[field] for note in notes]
    except KeyError:
        name, note = next((name, note) for name, note in zip(names, notes, strict=True) if field not in note)
        raise TaskError(f"{where}: note {name} has no {field!r}; it has {some(sorted(note), 20)}") from None


def _check_names(values: Sequence[Any], expected: Sequence[str], names: Sequence[str], where: str) -> None:
    for name, value in zip(names, values, strict=True):
        if value not in expected:
            raise TaskError(f"{where}: note {name} is of {value!r}; expected one of {', '.join(expected)}")


def _qualities(rows: Sequence[Any], names: Sequence[str], where: str) -> list[str | None]:
    """The qualities that hold for each note, joined by commas, from its ten zeros and ones."""
    known: dict[str, str | None] = {}
    for name, row in zip(names, rows, strict=True):
        if str(row) not in known:
            whole = isinstance(row, list) and len(row) == len(QUALITIES)
            if not whole or not all(mark in (0, 1) for mark in row):
                raise TaskError(
                    f"{where}: note {name} has qualities {row!r}; expected {len(QUALITIES)} zeros and ones"
                )
            chosen = [quality for quality, mark in zip(QUALITIES, row, strict=True) if mark]
            known[str(row)] = ",".join(chosen) or None
    return [known[str(row)] for row in rows]


def _tell_defects(clips: pd.DataFrame, place: str) -> None:
    outside = ~clips["pitch"].between(21, 108)
    if outside.any():
        warn(f"{place}: {outside.sum()} notes lie outside MIDI 21 to 108; they are kept, as in EVAR")
    noise = (
        (clips["instrument"] == "brass_acoustic_046")
        & (clips["split"] == "test")
        & clips["pitch"].between(84, 108)
    )
    if noise.any():
        warn(
            f"{place}: {noise.sum()} notes of brass_acoustic_046 in test, from pitch 84 up, are known to be "
            "noise; they are kept, as in EVAR"
        )


def _tell_unlisted(tree: Tree, clips: pd.DataFrame, folders: Sequence[str]) -> None:
    listed = set(clips["clip"])
    starts = tuple(f"{folder}/" for folder in folders)
    unlisted = [name for name in tree.audio if name.startswith(starts) and name not in listed]
    if unlisted:
        warn(f"{tree.place}: left out {len(unlisted)} sounds that no {_TABLE} names: {some(unlisted)}")


def _forget_what_train_lacks(clips: pd.DataFrame, place: str) -> None:
    """Take the labels that train lacks from the notes of valid and test."""
    train = clips["split"] == "train"
    for column in _LEARNT:
        strange = ~clips[column].isin(clips[column][train].unique())
        if strange.any():
            values = np.unique(clips[column][strange])
            warn(
                f"{place}: {strange.sum()} notes of valid and test have no label {column!r}, as train lacks "
                f"{some(values)}"
            )
            clips[column] = clips[column].mask(strange)


def _labelings(clips: pd.DataFrame) -> list[Labeling]:
    near: dict[str, Any] = {"group": "instrument", "split": "split"}
    numbers = clips["pitch"].dropna().astype(int).drop_duplicates().sort_values()
    octaves = dict(zip(numbers.astype(str), pitch.octave(numbers).astype(str), strict=True))
    qualities = {quality for joined in clips["quality"].dropna().unique() for quality in joined.split(",")}
    return [
        Labeling("family", "family", _borne(FAMILIES, clips["family"]), **near),
        Labeling("source", "source", _borne(SOURCES, clips["source"]), **near),
        Labeling("pitch", "pitch", tuple(octaves), taxonomy=octaves, **near),
        Labeling.of(clips, "octave", **near),
        Labeling("chroma", "chroma", _borne(pitch.CHROMA, clips["chroma"]), **near),
        Labeling.of(clips, "velocity", **near),
        Labeling("quality", "quality", _borne(QUALITIES, qualities), multilabel=True, **near),
        Labeling.of(clips, "instrument"),
    ]


def _borne(classes: Sequence[str], labels: Any) -> tuple[str, ...]:
    """Those of the classes that occur, in their order."""
    there = set(labels)
    return tuple(name for name in classes if name in there)
