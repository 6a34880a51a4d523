"""A sub-folder per class, as one sorts sounds by hand."""

import pandas as pd

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling
from otoscope.tasks.reader import Reader, Request
from otoscope.tasks.tables import SPLITS
from otoscope.tasks.telling import warn
from otoscope.tasks.tree import Tree

__all__ = ["Folder"]


class Folder(Reader):
    """Your own sounds, sorted into a folder per class; the folder may be a ZIP or TAR archive.

    The labeling is called "class". Hidden files are left alone; files that are not audio by their suffix, and
    links that lead out of the folder, are left out and named in a warning. Where the sub-folders are called
    train, valid and test (or val, dev, eval ...), they are the split and the classes lie one level below.
    """

    name = "folder:DIR"
    about = "your own sounds, a sub-folder per class"
    needs = f"DIR/class/clip with {', '.join(SUFFIXES)}; DIR may be a ZIP or TAR"
    layout = "DIR/\n  cat/1.wav ...\n  dog/1.wav ..."
    labelings = {"class": 0}
    splits = "sub-folders called train, valid, test, if there are"
    obtain = "try `manifest:` if a table tells the classes"

    def load(self, request: Request) -> Task:
        """Read a folder with a sub-folder per class."""
        tree = Tree.at(request.place)
        split = len(tree.top) > 1 and all(name.lower() in SPLITS for name in tree.top)
        depth = 2 if split else 1
        rows: list[dict[str, str]] = []
        for name in tree.audio:
            above = name.split("/")[:-1]
            if len(above) >= depth:
                row = {"clip": name, "path": tree.path(name), "class": above[depth - 1]}
                rows.append(row | ({"split": SPLITS[above[0].lower()]} if split else {}))
        if not rows:
            raise self.refuse(request.place, f"no sub-folder holds audio ({', '.join(SUFFIXES)})")
        taken = {row["clip"] for row in rows}
        strangers = [name for name in tree.files if name not in taken] + [
            f"{name} ({reason})" for name, reason in tree.left_out.items()
        ]
        if strangers:
            left_out = f"left out {len(strangers)} files, not audio or in no class"
            warn(f"{request.place}: {left_out}: {some(strangers)}")
        # A class whose folder is empty is kept, so that the check can name it.
        names = {name.split("/")[-1] for name in tree.folders if name.count("/") == depth - 1}
        labeling = Labeling("class", "class", tuple(sorted(names)), split="split" if split else None)
        return Task(tree.name, pd.DataFrame(rows), (labeling,))
