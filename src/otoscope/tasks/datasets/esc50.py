"""ESC-50: environmental sounds."""

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import integers, need_columns, read_table
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["MAJOR", "Esc50"]

MAJOR = ("animals", "natural", "human", "interior", "exterior")
"""The major categories: ten consecutive targets each."""

_TABLE = "meta/esc50.csv"
_COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file")


class Esc50(Reader):
    """2,000 environmental sounds of 5 s.

    "category" has the 50 classes in the order of their targets, with the five major categories as taxonomy;
    "esc10" the ten classes of the subset ESC-10, for its clips only. Clips cut from one recording are a
    group. The folds keep them together.
    """

    name = "esc50:DIR"
    about = "ESC-50: environmental sounds, 50 classes, five folds"
    needs = "ESC-50-master/ with audio/ and meta/esc50.csv"
    layout = "ESC-50-master/\n  audio/1-100032-A-0.wav ...\n  meta/esc50.csv"
    labelings = {"category": 50, "esc10": 10}
    splits = "five folds"
    clips = 2000
    evar_seconds = 5.0
    obtain = "get it from https://github.com/karolpiczak/ESC-50"
    citation = "K. J. Piczak. ESC: Dataset for Environmental Sound Classification. ACM Multimedia, 2015."
    licence = "CC BY-NC 3.0 (the ESC-10 subset: CC BY)"

    def load(self, request: Request) -> Task:
        """Read ESC-50 from its official folder."""
        tree = self.find(request.place, _TABLE)
        where = tree.path(_TABLE)
        table = read_table(where)
        need_columns(table, _COLUMNS, where)
        nameless = table.index[table["filename"].isna()]
        if len(nameless):
            raise TaskError(f"{where}: row {nameless[0]} has no filename; try getting the table again")
        target = integers(table["target"], where)
        beyond = target[~target.between(0, 49)]
        if len(beyond):
            raise TaskError(f"{where}: row {beyond.index[0]} has target {beyond.iloc[0]}; expected 0 to 49")
        names = "audio/" + table["filename"]
        if not any(name in tree for name in names):
            raise self.refuse(
                request.place, f"{_TABLE} names {len(names)} clips ({some(names)}), and none of them is there"
            )
        clips = pd.DataFrame(
            {
                "clip": names,
                "path": [tree.path(name) for name in names],
                "fold": integers(table["fold"], where),
                "category": table["category"],
                "esc10": table["category"].where(table["esc10"].str.casefold() == "true"),
                # Should one recording serve two classes, it counts as two sources: labels must not vary
                # within a group.
                "source": table["src_file"] + "-" + table["target"],
            }
        )
        _tell(tree, clips, where)
        # Of classes that share a target (a fork's edit), each keeps its name.
        order = sorted({pair for pair in zip(target, table["category"], strict=True) if pd.notna(pair[1])})
        taxonomy = {name: MAJOR[number // 10] for number, name in order}
        subset = set(clips["esc10"].dropna())
        return Task(
            "esc50",
            clips,
            (
                Labeling("category", "category", tuple(taxonomy), False, "source", "fold", taxonomy),
                Labeling(
                    "esc10", "esc10", tuple(c for c in taxonomy if c in subset), False, "source", "fold"
                ),
            ),
        )


def _tell(tree: Tree, clips: pd.DataFrame, where: str) -> None:
    """Tell of clips without a label, and of sound that the table does not name."""
    without = clips["clip"][clips["category"].isna()]
    if len(without):
        warn(f"{where}: clips without a category: {len(without)} ({some(without)})")
    listed = set(clips["clip"])
    unlisted = [name for name in tree.audio if name.startswith("audio/") and name not in listed]
    if unlisted:
        warn(f"{tree.place}: left out sound that {_TABLE} does not name: {len(unlisted)} ({some(unlisted)})")
