"""EVAR's metadata CSV and working folders, as someone who set up EVAR has them."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.tasks.base import RESERVED, Task
from otoscope.tasks.cells import some
from otoscope.tasks.guessing import cut, labelings
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.lengths import PLACE
from otoscope.tasks.reader import Reader, Request, told
from otoscope.tasks.tables import integers, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree, is_file, is_folder, located

__all__ = ["Evar"]

SECONDS = {
    "us8k": 4.0,
    "esc50": 5.0,
    "fsd50k": 7.6358,
    "fsdnoisy18k": 8.25,
    "gtzan": 30.0,
    "nsynth": 4.0,
    "nspitch": 4.0,
    "nsvelocity": 4.0,
    "cremad": 2.5,
    "cremad_gender": 2.5,
    "spcv1": 1.0,
    "spcv2": 1.0,
    "surge": 4.0,
    "vc1": 8.2,
    "vocalsound": 4.18,
    "voxforge": 5.8,
    "as20k": 10.0,
    "as": 10.0,
}
"""To what length EVAR crops and pads the clips of its tasks."""

FOLDERS = {"nspitch": "nsynth", "nsvelocity": "nsynth", "cremad_gender": "cremad", "as20k": "as"}
"""The audio folder of the tasks that do not have one of their own name."""

_RATES = ("48k", "44k", "32k", "22k", "16k")
_ORIGINALS = {
    "us8k": "UrbanSound8K",
    "esc50": "ESC-50-master",
    "as": "AudioSet",
    "vocalsound": "vocalsound_44k/data_44k",
}
_GROUPS = ("speaker_id", "spk_id", "src_file", "fsID")
# Columns that would mean something else here: UrbanSound8K's start and end lie in the recording that a clip
# was cut from, not in the clip.
_NOT_OURS = {"clip", "path", "start", "stop", PLACE, *RESERVED}


class Evar(Reader):
    """A task of EVAR: its metadata CSV, and the sound in EVAR's folder `work`.

    FILE is the table, as `evar/metadata/cremad.csv`. WORK is EVAR's folder `work` or the folder of one rate
    in it; by default it is `work` beside the package `evar`, or in the folder that the environment variable
    EVAR names. Of several rates with the task's sound the highest is taken, and `work/original` if there is
    none.

    The labeling is called "label"; `labels` may name other columns. A table with splits has the classes of
    its training clips: a label that only others have counts as missing, and is told. A task is multi-label
    if a comma stands in any label of the table, where EVAR asks this of each part by itself and numbers the
    classes of each part anew. Labels that are numbers are whole numbers, "021" is 21. Rows of no part of the
    split are left out and told. Clips of one speaker or source recording are a group if the table tells them.
    """

    name = "evar:FILE[@WORK]"
    about = "a task of EVAR: its metadata CSV and its working folder"
    needs = "evar/metadata/TASK.csv, and the sound in work/16k/TASK/ (or another rate)"
    layout = "evar/metadata/cremad.csv ...\nwork/16k/cremad/1001_DFA_ANG_XX.wav ..."
    labelings = {"label": 0}
    splits = "the table's split, or else its folds"
    obtain = "try `evar:FILE@WORK` with EVAR's folder `work`, or the environment variable EVAR"

    def load(self, request: Request) -> Task:
        """Read a task of EVAR."""
        file, work = _parted(request.place)
        if file.is_dir():
            raise _ambiguous(file)
        table = read_table(file)
        need_columns(table, ("file_name", *(request.labels or ["label"])), file)
        split = _split(table, file)
        clips = self._with_paths(_in_parts(table, split, file), file, work, request.place)
        columns = list(request.labels) or ["label"]
        clips = clips.assign(**{column: _whole(clips[column]) for column in columns})
        clips = cut(clips, columns, request.separator)
        group = next((column for column in _GROUPS if column in clips), None)
        made = []
        for labeling in labelings(clips, columns, group, split, request.separator):
            if labeling.split == "split" and not labeling.multilabel:
                clips, labeling = _learnt(clips, labeling, file)
            made.append(labeling)
        return Task(_task(file), clips, tuple(made))

    def evar_length(self, place: str) -> float:
        """To what length EVAR crops and pads the clips of a table, in seconds; 0 for a table not EVAR's."""
        return SECONDS.get(_task(_parted(place)[0]), 0)

    def _with_paths(self, rows: pd.DataFrame, file: Path, work: Path | None, place: str) -> pd.DataFrame:
        """The table of clips, with the sound where it first is found."""
        names = rows["file_name"]
        if names.isna().any():
            raise TaskError(f"{file}: there is a row without a file_name; expected one in every row")
        folders = _folders(file, work)
        for folder in filter(is_folder, folders):
            tree = Tree.at(folder)
            if any(name in tree for name in names):
                told(tree)
                unwanted = [name for name in rows if name in _NOT_OURS or str(name).startswith("Unnamed")]
                paths = [tree.path(name) for name in names]
                rest = rows.drop(columns=[*unwanted, "file_name"])
                return pd.DataFrame({"clip": names, "path": paths}).join(rest)
        listed = some([str(folder) for folder in folders], 20)
        raise self.refuse(place, f"none of its {len(names)} files ({names.iloc[0]} ...) is in {listed}")


def _parted(place: str) -> tuple[Path, Path | None]:
    """FILE and WORK; either may hold an "@" of its own."""
    for at in [len(place), *(at for at in range(len(place) - 1, 0, -1) if place[at] == "@")]:
        file, rest = located(place[:at]), place[at + 1 :]
        if is_file(file) or is_folder(file):
            return file, located(rest) if rest else None
    raise TaskError(
        f"{place}: no such file; expected FILE or FILE@WORK, with a table of EVAR's such as "
        "evar/metadata/cremad.csv; try its path again"
    )


def _ambiguous(folder: Path) -> TaskError:
    """The error for a folder in place of a table: it names the tables there are."""
    places = [folder / inner for inner in ("", "metadata", "evar/metadata")]
    tables = sorted(str(table) for place in places for table in place.glob("*.csv"))
    found = f"its tables are {some(tables, 30)}" if tables else "it holds no evar/metadata/*.csv"
    return TaskError(f"{folder}: is a folder; expected one of EVAR's tables; {found}")


def _task(file: Path) -> str:
    """EVAR's name of a task; its makers wrote nspitch.csv.csv by mistake."""
    return re.sub(r"(\.csv)+$", "", file.name)


def _folders(file: Path, work: Path | None) -> list[Path]:
    """Where the sound may be, best first."""
    task = _task(file)
    folder = FOLDERS.get(task, task)
    beside = [root / "work" for root in file.absolute().parents[2:3]]
    named = [located(os.environ["EVAR"]) / "work"] if os.environ.get("EVAR") else []
    return [
        root / inner
        for root in ([work] if work else [*beside, *named])
        for inner in (
            *(f"{rate}/{folder}" for rate in _RATES),
            folder,
            f"original/{_ORIGINALS.get(folder, folder)}",
        )
    ]


def _split(table: pd.DataFrame, file: Path) -> str:
    for column in ("split", "fold"):
        if column in table:
            return column
    raise TaskError(f"{file}: there is no column split or fold; it has {', '.join(map(str, table.columns))}")


def _in_parts(table: pd.DataFrame, split: str, file: Path) -> pd.DataFrame:
    """The rows that EVAR uses; folds become numbers."""
    used = table[split].isin(("train", "valid", "test")) if split == "split" else table[split].notna()
    expected = "train, valid or test" if split == "split" else "the number of a fold"
    if not used.any():
        raise TaskError(f"{file}: column {split!r} holds {some(table[split].unique())}; expected {expected}")
    if not used.all():
        warn(f"{file}: left out {(~used).sum()} of {len(used)} rows, whose {split} is not {expected}")
    rows = table[used].reset_index(drop=True)
    return rows if split == "split" else rows.assign(fold=integers(rows["fold"], file))


def _whole(labels: "pd.Series[Any]") -> "pd.Series[Any]":
    """Labels that all are whole numbers without needless zeros, as pandas would read them for EVAR."""
    there = labels.dropna().astype(str)
    if not there.str.fullmatch(r"[+-]?\d+").all():
        return labels
    return labels.map(lambda label: str(int(label)), na_action="ignore")


def _learnt(clips: pd.DataFrame, labeling: Labeling, file: Path) -> tuple[pd.DataFrame, Labeling]:
    """Only what occurs among the training clips is a class."""
    column = labeling.column
    training = clips[clips["split"] == "train"]
    known = Labeling.of(training if len(training) else clips, column).classes
    strange = clips[column].notna() & ~clips[column].isin(known)
    if strange.any():
        names = some(sorted(set(clips[column][strange])))
        warn(f"{file}: no training clip is {names}: {strange.sum()} clips without a {column}, as in EVAR")
    clips = clips.assign(**{column: clips[column].where(~strange)})
    return clips, Labeling(
        labeling.name, column, known, group=labeling.group, split=labeling.split, taxonomy=labeling.taxonomy
    )
