"""Surge: the keys of a piano on the presets of a synthesizer."""

import re
from collections.abc import Set
from typing import Any

import pandas as pd

from otoscope.audio import SUFFIXES
from otoscope.tasks import pitch
from otoscope.tasks.base import Task
from otoscope.tasks.beside import beside
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import SPLITS, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["Surge"]

_SPLIT = "dataset_surge_tone_splits.csv"
_SOURCE = "https://github.com/nttcslab/eval-audio-repr (evar/predefined)"
_PRESET = re.compile(r"surge-patches-(factory|3rdparty)-(.+)-velocity\d+")
_NOTE = re.compile(r"(?:.*\D)?(\d{3})\.\w+")
_KEYS = range(21, 109)
_EXAMPLE = "surge-patches-factory-Winds-Flute-1-velocity64"


class Surge(Reader):
    """The 88 keys of a piano on each of 2,084 presets of the synthesizer Surge, about 4 s a note.

    "pitch" (MIDI numbers, with their octaves as taxonomy), "octave" (middle C, note 60, is in octave 4),
    "chroma" (the twelve pitch classes), "category" (what kind of sound, such as Winds) and "bank" (factory or
    3rdparty) have the preset as group. "preset" has neither group nor split: presets are kept apart.

    The pitch is what the last three digits of the file's name say. It is the key pressed: drums and effects
    are labelled by it too, though they sound no clear pitch. Bank and category stand in the name of the
    preset's folder: the category is the first part after factory, and after 3rdparty the second, the first
    being the author; an author with a hyphen in the name would shift it. Of folders named otherwise both are
    missing, and told.

    The split is EVAR's table dataset_surge_tone_splits.csv, which the archive does not hold: it lies in DIR,
    below it, or one folder above. Clips of presets that it lacks are left out and told. Without it all clips
    are read, and there is no split.
    """

    name = "surge:DIR"
    about = "Surge synthesizer: 88 pitches by 2,084 presets"
    needs = f"surge/ with a folder for each preset; for the split {_SPLIT}"
    layout = f"surge/\n  {_EXAMPLE}/021.ogg ...\n{_SPLIT}"
    labelings = {"pitch": 88, "octave": 9, "chroma": 12, "category": 0, "bank": 2, "preset": 2084}
    splits = "EVAR's train, valid and test by preset"
    evar_seconds = 4.0
    obtain = (
        "get it from https://zenodo.org/records/4677097 (surge-velocity64-2K.tar) and the split from "
        f"{_SOURCE}"
    )
    citation = (
        "J. Turian, J. Shier, G. Tzanetakis, K. McNally, M. Henry. One Billion Audio Sounds from GPU-enabled "
        "Modular Synthesis. DAFx, 2021. arXiv:2104.12922."
    )
    licence = "CC BY 4.0"

    def load(self, request: Request) -> Task:
        """Read Surge from its folder of presets, and the split from EVAR's table if it is there."""
        tree = told(Tree.at(request.place))
        where = _table(tree)
        tones = None if where is None else _tones(where)
        clips = _notes(tree, set(tones or ()))
        if not len(clips):
            found = some([*tree.top, *(name for name in tree.files if "/" not in name)]) or "nothing"
            raise self.refuse(
                request.place,
                f"looked for folders like {_EXAMPLE} with notes there and below, and found {found}",
            )
        if tones is None:
            warn(f"{tree.place}: there is no {_SPLIT}, so there is no split; get it from {_SOURCE}")
        else:
            clips = self._parted(clips, tones, str(where), request.place)
        clips = _named(clips, tree.place)
        return Task("surge", clips, _labelings(clips))

    def _parted(self, clips: pd.DataFrame, tones: dict[str, str], where: str, place: str) -> pd.DataFrame:
        """The clips of the presets that the split names, with their part of it."""
        split = clips["preset"].map(tones)
        lacking = clips["preset"][split.isna()].unique()
        if len(lacking):
            warn(
                f"{where}: does not name {len(lacking)} presets ({some(lacking)}): "
                f"left out {split.isna().sum()} clips"
            )
        if split.isna().all():
            raise self.refuse(place, f"{where} names none of the presets there")
        absent = sorted(tones.keys() - set(clips["preset"]))
        if absent:
            warn(
                f"{place}: {len(absent)} of the {len(tones)} presets of {_SPLIT} are not there: "
                f"{some(absent)}"
            )
        return clips.assign(split=split)[split.notna()].reset_index(drop=True)


def _table(tree: Tree) -> str | None:
    """Where the split lies: anywhere in the tree, or one folder above."""
    found = [name for name in tree.files if f"/{name}".endswith(f"/{_SPLIT}")]
    return tree.path(min(found, key=lambda name: (name.count("/"), name))) if found else beside(tree, _SPLIT)


def _tones(where: str) -> dict[str, str]:
    """The part of the split of each preset."""
    table = read_table(where)
    need_columns(table, ("tone", "split"), where)
    parts = table["split"].map(SPLITS)
    wrong = table["split"][parts.isna()]
    if len(wrong):
        raise TaskError(
            f"{where}: row {wrong.index[0]} has split {wrong.iloc[0]!r}; expected train, valid or test"
        )
    pairs = pd.DataFrame({"tone": table["tone"], "split": parts}).dropna().drop_duplicates()
    twice = pairs["tone"][pairs["tone"].duplicated()]
    if len(twice):
        raise TaskError(f"{where}: puts {some(twice)} into two parts; try getting it again")
    return dict(zip(pairs["tone"], pairs["split"], strict=True))


def _notes(tree: Tree, tones: Set[str]) -> pd.DataFrame:
    """The notes there are, in folders that are named like presets or that the split names."""
    rows: dict[str, tuple[str, str, int]] = {}
    strange, twice = [], []
    # What the tree left out counts too: the path of a link that leads out of the folder is refused.
    for name in (*tree.audio, *(name for name in tree.left_out if name.lower().endswith(SUFFIXES))):
        preset, note = f"{tree.name}/{name}".split("/")[-2:]
        match = _NOTE.fullmatch(note)
        if not (preset in tones or _PRESET.fullmatch(preset)) or not match or int(match[1]) not in _KEYS:
            strange.append(name)
        elif f"{preset}/{note}" in rows:
            twice.append(name)
        else:
            rows[f"{preset}/{note}"] = (tree.path(name), preset, int(match[1]))
    if strange and rows:
        warn(
            f"{tree.place}: left out {len(strange)} files, in no preset's folder or without a note from 021 "
            f"to 108 at the end of the name: {some(strange)}"
        )
    if twice:
        warn(f"{tree.place}: {len(twice)} clips lie there twice, and are read once: without {some(twice)}")
    clips = pd.DataFrame(rows.values(), columns=["path", "preset", "pitch"])
    return clips.assign(clip=list(rows))[["clip", "path", "preset", "pitch"]]


def _named(clips: pd.DataFrame, place: str) -> pd.DataFrame:
    """The clips with what pitch and preset imply."""
    presets = {preset: _PRESET.fullmatch(preset) for preset in clips["preset"].unique()}
    clips["octave"] = pitch.octave(clips["pitch"])
    clips["chroma"] = pitch.chroma(clips["pitch"])
    clips["category"] = clips["preset"].map({preset: _category(match) for preset, match in presets.items()})
    clips["bank"] = clips["preset"].map({preset: match and match[1] for preset, match in presets.items()})
    unknown = clips["preset"][clips["category"].isna()]
    if len(unknown):
        warn(
            f"{place}: {len(unknown)} clips without a category, of folders not named like {_EXAMPLE}: "
            f"{some(unknown.unique())}"
        )
    return clips


def _category(match: "re.Match[str] | None") -> str | None:
    """What kind of sound a preset is, from the name of its folder."""
    if match is None:
        return None
    parts = match[2].split("-")[match[1] == "3rdparty" :]
    return parts[0] if len(parts) > 1 else None


def _labelings(clips: pd.DataFrame) -> tuple[Labeling, ...]:
    near: dict[str, Any] = {"group": "preset", "split": "split" if "split" in clips else None}
    numbers = clips["pitch"].drop_duplicates().sort_values()
    octaves = dict(zip(numbers.astype(str), pitch.octave(numbers).astype(str), strict=True))
    there = set(clips["chroma"])
    return (
        Labeling("pitch", "pitch", tuple(octaves), taxonomy=octaves, **near),
        Labeling.of(clips, "octave", **near),
        Labeling("chroma", "chroma", tuple(name for name in pitch.CHROMA if name in there), **near),
        Labeling.of(clips, "category", **near),
        Labeling.of(clips, "bank", **near),
        Labeling.of(clips, "preset"),
    )
