"""UrbanSound8K: sounds of the street."""

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import integers, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["SALIENCE", "UrbanSound8K"]

SALIENCE = {1: "foreground", 2: "background"}
"""What the numbers in the table's column `salience` mean."""

_TABLE = "metadata/UrbanSound8K.csv"
_COLUMNS = ("slice_file_name", "fsID", "salience", "fold", "classID", "class")


class UrbanSound8K(Reader):
    """8,732 slices of field recordings, at most 4 s each, in ten folds.

    "class" has the ten classes in the order of their ids; "salience" tells whether the sound stands in the
    foreground or in the background. Slices of one Freesound recording are a group. The official folds are
    kept, although five recordings lie in more than one of them, which a warning names.

    The table decides which files are clips; others in the folders are named in a warning. The columns
    `start` and `end` of the official table tell where in its recording a slice was cut: each slice is a file
    of its own and is read whole. Sample rates, channels and bit depths differ from file to file, and the
    shortest slice lasts 0.05 s.
    """

    name = "urbansound8k:DIR"
    also = ("us8k",)
    about = "UrbanSound8K: sounds of the street, 10 classes, ten folds"
    needs = "UrbanSound8K/ with audio/fold1/ to fold10/ and metadata/UrbanSound8K.csv"
    layout = (
        "UrbanSound8K/\n"
        "  audio/fold1/101415-3-0-2.wav ...\n"
        "  audio/fold10/100648-1-0-0.wav ...\n"
        "  metadata/UrbanSound8K.csv"
    )
    labelings = {"class": 10, "salience": 2}
    splits = "ten folds"
    clips = 8732
    evar_seconds = 4.0
    obtain = "get it from https://urbansounddataset.weebly.com/urbansound8k.html"
    citation = (
        "J. Salamon, C. Jacoby, J. P. Bello. A Dataset and Taxonomy for Urban Sound Research. "
        "ACM Multimedia, 2014."
    )
    licence = "CC BY-NC 3.0 (attributions in FREESOUNDCREDITS.txt)"

    def load(self, request: Request) -> Task:
        """Read UrbanSound8K from its official folder."""
        tree = self.find(request.place, _TABLE)
        where = tree.path(_TABLE)
        table = read_table(where)
        if "class" not in table:
            table = table.rename(columns={"class_name": "class"})
        need_columns(table, _COLUMNS, where)
        if not len(table):
            raise TaskError(f"{where}: names no clips; try getting the table again")
        _need_values(table, ("slice_file_name", "fsID"), where)
        fold = _between(table["fold"], 1, 10, where)
        names = [f"audio/fold{n}/{name}" for n, name in zip(fold, table["slice_file_name"], strict=True)]
        if not any(name in tree for name in names):
            raise self.refuse(request.place, f"{_TABLE} names {some(names)}, and none of its files is there")
        clips = pd.DataFrame(
            {
                "clip": names,
                "path": [tree.path(name) for name in names],
                "fold": fold,
                "class": table["class"],
                "salience": _salience(table["salience"], where),
                "source": table["fsID"],
            }
        )
        _tell_unlabelled(clips, where)
        _tell_sources(clips, where)
        _tell_unlisted(tree, names)
        return Task(
            "urbansound8k",
            clips,
            (
                Labeling("class", "class", _classes(table, where), False, "source", "fold"),
                Labeling("salience", "salience", _met(clips["salience"]), False, "source", "fold"),
            ),
        )


def _need_values(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    for column in columns:
        empty = table.index[table[column].isna()]
        if len(empty):
            raise TaskError(f"{where}: row {empty[0]} has no {column}; try getting the table again")


def _between(column: "pd.Series[str]", least: int, most: int, where: str) -> "pd.Series[int]":
    """A column of whole numbers in a range."""
    numbers = integers(column, where)
    beyond = numbers[~numbers.between(least, most)]
    if len(beyond):
        raise TaskError(
            f"{where}: row {beyond.index[0]} has {column.name} {beyond.iloc[0]}; expected {least} to {most}"
        )
    return numbers


def _classes(table: pd.DataFrame, where: str) -> tuple[str, ...]:
    """The names of the classes in the order of their ids."""
    named = table.dropna(subset=["class"])
    order = sorted(set(zip(_between(named["classID"], 0, 9, where), named["class"], strict=True)))
    return tuple(dict.fromkeys(name for _, name in order))


def _salience(column: "pd.Series[str]", where: str) -> "pd.Series[str]":
    """Each clip's salience by name; missing where the cell is empty."""
    return _between(column.dropna(), 1, 2, where).map(SALIENCE).reindex(column.index)


def _met(column: "pd.Series[str]") -> tuple[str, ...]:
    return tuple(name for name in SALIENCE.values() if (column == name).any())


def _tell_unlabelled(clips: pd.DataFrame, where: str) -> None:
    for column in ("class", "salience"):
        empty = clips["clip"][clips[column].isna()]
        if len(empty):
            warn(f"{where}: clips without a {column}: {len(empty)} ({some(empty)})")


def _tell_sources(clips: pd.DataFrame, where: str) -> None:
    folds = clips.groupby("source")["fold"].nunique()
    several = list(folds.index[folds > 1])
    if several:
        n = int(clips["source"].isin(several).sum())
        warn(
            f"{where}: source recordings in more than one fold: {len(several)} ({some(several)}), with {n} "
            "clips; the official folds are kept"
        )


def _tell_unlisted(tree: Tree, names: list[str]) -> None:
    listed = set(names)
    unlisted = [name for name in tree.below("audio").audio if f"audio/{name}" not in listed]
    if unlisted:
        warn(f"{tree.path('audio')}: left out files not in {_TABLE}: {len(unlisted)} ({some(unlisted)})")
