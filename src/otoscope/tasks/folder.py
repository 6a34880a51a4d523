"""`folder:DIR`: a sub-folder per class, as one sorts sounds by hand.

The labeling is called "class". Hidden files are left alone; files that are not audio by their suffix are left
out and named in a warning. Where the sub-folders are called train, valid and test (or val, dev, eval ...),
they are the split and the classes lie one level below.
"""

from collections.abc import Sequence

import pandas as pd

from otoscope.audio import SUFFIXES
from otoscope.tasks.base import Task
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, audio_files, folders, visible, warn
from otoscope.tasks.tables import SPLITS

__all__ = ["READER", "load"]


def load(place: str, labels: Sequence[str] = ()) -> Task:
    """Read a folder with a sub-folder per class.

    Raises:
        TaskError: no such folder, or no sub-folder with audio.
    """
    root, *children = folders(place)
    split = len(children) > 1 and all(child.name.lower() in SPLITS for child in children)
    classes = [folder for child in children for folder in (folders(str(child))[1:] if split else [child])]
    rows: list[dict[str, str]] = []
    strangers = [child.name for child in visible(root) if child.is_file()]
    for folder in classes:
        audio, others = audio_files(folder)
        strangers += [file.relative_to(root).as_posix() for file in others]
        for file in audio:
            row = {"clip": file.relative_to(root).as_posix(), "path": str(file), "class": folder.name}
            rows.append(row | ({"split": SPLITS[folder.parent.name.lower()]} if split else {}))
    if not rows:
        raise TaskError(
            f"{place}: no sub-folder holds audio ({', '.join(SUFFIXES)}); expected a sub-folder per class, "
            "like dog/1.wav and cat/1.wav; try `manifest:` if a table tells the classes"
        )
    if strangers:
        warn(f"{place}: left out {len(strangers)} files, not audio or in no class: {some(strangers)}")
    # A class whose folder is empty is kept, so that the check can name it.
    names = tuple(sorted({folder.name for folder in classes}))
    labeling = Labeling("class", "class", names, split="split" if split else None)
    return Task(root.resolve().name, pd.DataFrame(rows), (labeling,)).only(labels)


READER = Reader(
    name="folder:DIR",
    about="your own sounds, a sub-folder per class",
    needs=f"DIR/class/clip with {', '.join(SUFFIXES)}",
    labelings=("class",),
    load=load,
)
