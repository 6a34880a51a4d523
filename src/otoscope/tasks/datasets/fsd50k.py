"""FSD50K: sound events from Freesound."""

import csv
from collections.abc import Sequence

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some, texts
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import need_columns, read_document, read_lines, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["LONG", "Fsd50k"]

LONG = frozenset(
    {
        *("83298", "83299", "121351", "121426", "121471", "121472"),
        *("124796", "124797", "124800", "124834", "124858", "397150"),
    }
)
"""Clips of the development set that last 30 s or more, because their metadata were wrong."""

_TABLES = {part: f"FSD50K.ground_truth/{part}.csv" for part in ("dev", "eval")}
_VOCABULARY = "FSD50K.ground_truth/vocabulary.csv"
_SPLITS = {"train": "train", "val": "valid"}
_COLUMNS = ["clip", "id", "labels", "split", "part"]


class Fsd50k(Reader):
    """51,197 recordings of 0.3 to 30 s with several labels each.

    "label" is multi-label: 200 classes in the order of vocabulary.csv. The labels are as distributed, with
    the ancestors in the AudioSet ontology: a bark is also a dog's, a pet's and an animal's sound. Those of
    the development set (train, valid) may be incomplete; those of the evaluation set (test) are exhaustive.

    Clips of one Freesound uploader are a group. The uploaders are told by FSD50K.metadata/, which is
    optional: without it a warning says so and there are no groups. A clip whose uploader it does not tell is
    a group of its own. Development and evaluation set share no uploader; where train and valid do, a warning
    counts them and the official split is kept.

    Twelve clips of the development set last 30 s or more because their metadata were wrong. EVAR keeps them,
    and so does this reader, with a warning; HEAR leaves them out. If none of the sound of the development
    set is on disk, or none of the evaluation set's, that half is left out with a warning.
    """

    name = "fsd50k:DIR"
    about = "FSD50K: sound events, 200 classes, several a clip"
    needs = "a folder with FSD50K.dev_audio/, FSD50K.eval_audio/ and FSD50K.ground_truth/"
    layout = (
        "FSD50K/\n"
        "  FSD50K.dev_audio/64760.wav ...\n"
        "  FSD50K.eval_audio/37199.wav ...\n"
        "  FSD50K.ground_truth/dev.csv, eval.csv, vocabulary.csv\n"
        "  FSD50K.metadata/dev_clips_info_FSD50K.json, eval_clips_info_FSD50K.json (uploaders, optional)"
    )
    labelings = {"label": 200}
    splits = "train, valid (development set) and test (evaluation set)"
    clips = 51197
    evar_seconds = 7.6358
    obtain = (
        "get it from https://zenodo.org/records/4060432 (join the parts of the archives, then unpack them)"
    )
    citation = (
        "E. Fonseca, X. Favory, J. Pons, F. Font, X. Serra. FSD50K: An Open Dataset of Human-Labeled Sound "
        "Events. IEEE/ACM Transactions on Audio, Speech, and Language Processing 30, 2022."
    )
    licence = "CC BY 4.0; each clip has its own: CC0, CC BY, CC BY-NC or CC Sampling+"

    def load(self, request: Request) -> Task:
        """Read FSD50K from the folder with its unpacked archives."""
        tree = self.find(request.place, _TABLES["dev"])
        tables = {part: _table(tree, part) for part in _TABLES}
        there = [part for part, table in tables.items() if table["clip"].map(tree.__contains__).any()]
        if not there:
            raise self.refuse(
                request.place,
                f"the ground truth names {some(tables['dev']['clip'])}, and none of its files is there",
            )
        for part in set(tables) - set(there):
            warn(
                f"{request.place}: no file of FSD50K.{part}_audio is there: "
                f"its {len(tables[part])} clips are left out"
            )
        table = pd.concat([tables[part] for part in there], ignore_index=True)
        classes = _vocabulary(tree)
        labels = _labels(tree, table, set(classes))
        clips = pd.DataFrame(
            {
                "clip": table["clip"],
                "path": [tree.path(name) for name in table["clip"]],
                "split": table["split"],
                "label": pd.Series(labels, dtype=object),
            }
        )
        uploader = _uploaders(tree, table, there)
        if uploader is not None:
            clips["uploader"] = uploader
        _tell_clips(tree, clips, table)
        _tell_uploaders(tree, clips)
        met = {label for row in labels for label in row}
        borne = tuple(name for name in classes if name in met)
        group = None if uploader is None else "uploader"
        return Task("fsd50k", clips, (Labeling("label", "label", borne, True, group, "split"),))


def _table(tree: Tree, part: str) -> pd.DataFrame:
    """The clips of the development or the evaluation set: clip, id, labels (comma-joined), split, part."""
    where = tree.path(_TABLES[part])
    table = read_table(where)
    need_columns(table, ("fname", "labels", *(["split"] if part == "dev" else [])), where)
    if not len(table):
        raise TaskError(f"{where}: names no clips; try getting the table again")
    nameless = table.index[table["fname"].isna()]
    if len(nameless):
        raise TaskError(f"{where}: row {nameless[0]} has no fname; try getting the table again")
    split = table["split"].map(_SPLITS) if part == "dev" else pd.Series("test", table.index)
    if split.isna().any():
        row = split.index[split.isna()][0]
        raise TaskError(
            f"{where}: row {row} has split {table['split'][row]!r}; expected {' or '.join(_SPLITS)}"
        )
    clip = f"FSD50K.{part}_audio/" + table["fname"] + ".wav"
    columns = (clip, table["fname"], table["labels"], split, pd.Series(part, table.index))
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _vocabulary(tree: Tree) -> list[str]:
    """The names of the classes in their official order."""
    where = tree.path(_VOCABULARY)
    names = []
    for number, row in enumerate(csv.reader(read_lines(where)), 1):
        if len(row) != 3 or not row[0].isdigit():
            raise TaskError(f"{where}: line {number} is {','.join(row)!r}; expected index,label,mid")
        names.append(row[1].strip())
    return names


def _labels(tree: Tree, table: pd.DataFrame, classes: set[str]) -> list[list[str]]:
    """The labels of each clip, all of them in the vocabulary; none where the cell is empty."""
    rows = texts(table["labels"], multilabel=True)
    for position, row in enumerate(rows):
        if strangers := [label for label in row if label not in classes]:
            raise TaskError(
                f"{tree.path(_TABLES[table['part'][position]])}: clip {table['id'][position]} has the label "
                f"{some(strangers)}, not in {_VOCABULARY}; try getting both again"
            )
    return rows


def _uploaders(tree: Tree, table: pd.DataFrame, parts: Sequence[str]) -> list[str] | None:
    """Who uploaded each clip; None, with a warning, where the metadata are not there."""
    names = {part: f"FSD50K.metadata/{part}_clips_info_FSD50K.json" for part in parts}
    missing = [name for name in names.values() if name not in tree]
    if missing:
        warn(f"{tree.place}: no {' and no '.join(missing)}: uploaders are unknown, and clips have no groups")
        return None
    found: dict[tuple[str, str], str] = {}
    for part, name in names.items():
        document = read_document(tree.path(name))
        if not isinstance(document, dict):
            raise TaskError(f"{tree.path(name)}: holds no clips by their ids; try getting it again")
        for clip, about in document.items():
            if isinstance(about, dict) and about.get("uploader"):
                found[part, clip] = str(about["uploader"])
    told = [found.get(key, "") for key in zip(table["part"], table["id"], strict=True)]
    unknown = [clip for clip, name in zip(table["clip"], told, strict=True) if not name]
    if unknown:
        warn(
            f"{tree.path('FSD50K.metadata')}: clips without an uploader: {len(unknown)} ({some(unknown)}); "
            "each is a group of its own"
        )
    return [name or f"unknown, clip {clip}" for name, clip in zip(told, table["id"], strict=True)]


def _tell_clips(tree: Tree, clips: pd.DataFrame, table: pd.DataFrame) -> None:
    """Tell what is known to be amiss with the clips, and what of the sound is not among them."""
    without = clips["clip"][clips["label"].map(len) == 0]
    if len(without):
        warn(f"{tree.place}: clips without a label: {len(without)} ({some(without)})")
    long = clips["clip"][(table["part"] == "dev") & table["id"].isin(LONG)]
    if len(long):
        warn(
            f"{tree.place}: clips of 30 s or more, from wrong metadata, are kept: {len(long)} ({some(long)})"
        )
    listed = set(clips["clip"])
    unlisted = [
        name
        for part in table["part"].unique()
        for name in tree.below(f"FSD50K.{part}_audio").audio
        if f"FSD50K.{part}_audio/{name}" not in listed
    ]
    if unlisted:
        warn(f"{tree.place}: left out sound not in the ground truth: {len(unlisted)} ({some(unlisted)})")


def _tell_uploaders(tree: Tree, clips: pd.DataFrame) -> None:
    """Tell which uploaders have clips on both sides of the official split."""
    if "uploader" in clips:
        parts = clips.groupby("uploader")["split"].nunique()
        several = parts.index[parts > 1]
        if len(several):
            warn(
                f"{tree.place}: uploaders with clips in more than one part of the split: {len(several)} "
                f"({some(list(several))}); the official split is kept"
            )
