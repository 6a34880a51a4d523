"""`esc50:DIR`: ESC-50, 2,000 environmental sounds of 5 s in 50 classes and five folds.

DIR is `ESC-50-master`, or the folder it was unpacked in. One labeling, "category": the 50 classes in the
order of their targets, with the five major categories as taxonomy. Clips cut from one recording are a group.
The split is the official folds.
"""

from collections.abc import Sequence

import pandas as pd

from otoscope.tasks.base import Task
from otoscope.tasks.labeling import Labeling, TaskError
from otoscope.tasks.reader import Reader, find_root
from otoscope.tasks.tables import integers, need_columns, read_table

__all__ = ["MAJOR", "READER", "load"]

MAJOR = ("animals", "natural", "human", "interior", "exterior")
"""The major categories: ten consecutive targets each."""

_TABLE = "meta/esc50.csv"
_COLUMNS = ("filename", "fold", "target", "category", "src_file")
_OBTAIN = "get it from https://github.com/karolpiczak/ESC-50"


def load(place: str, labels: Sequence[str] = ()) -> Task:
    """Read ESC-50 from its official folder.

    Raises:
        TaskError: no such folder, or its table lacks a column.
    """
    root = find_root(place, _TABLE, _OBTAIN)
    table = read_table(root / _TABLE)
    need_columns(table, _COLUMNS, root / _TABLE)
    target = integers(table["target"], root / _TABLE)
    beyond = target[~target.between(0, 49)]
    if len(beyond):
        raise TaskError(
            f"{root / _TABLE}: row {beyond.index[0]} has target {beyond.iloc[0]}; expected 0 to 49"
        )
    clips = pd.DataFrame(
        {
            "clip": "audio/" + table["filename"],
            "path": [str(root / "audio" / name) for name in table["filename"]],
            "fold": integers(table["fold"], root / _TABLE),
            "category": table["category"],
            # Should one recording serve two classes, it counts as two sources: labels must not vary within a
            # group.
            "source": table["src_file"] + "-" + table["target"],
        }
    )
    # Of classes that share a target (a fork's edit), each keeps its name.
    order = sorted(set(zip(target, table["category"], strict=True)))
    taxonomy = {name: MAJOR[number // 10] for number, name in order}
    labeling = Labeling(
        "category", "category", tuple(taxonomy), group="source", split="fold", taxonomy=taxonomy
    )
    return Task("esc50", clips, (labeling,)).only(labels)


READER = Reader(
    name="esc50:DIR",
    about="ESC-50: environmental sounds, 50 classes, five folds",
    needs="ESC-50-master/ with audio/ and meta/esc50.csv",
    labelings=("category",),
    load=load,
    clips=2000,
    obtain=_OBTAIN,
    citation="K. J. Piczak. ESC: Dataset for Environmental Sound Classification. ACM Multimedia, 2015.",
    licence="CC BY-NC 3.0 (the ESC-10 subset: CC BY)",
)
