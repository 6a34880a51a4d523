"""EVAR's cropping and padding: every clip as long as EVAR makes it, and of longer clips the stretch it hears.

Shorter clips get zeros at the end. Of longer ones, test clips give their beginning, and training and
validation clips a random stretch. EVAR draws it anew in every run; here it follows from the clip's name, so
that whoever reads the clip again hears the same. The draws of a run of EVAR cannot be had back. In tasks with
folds, where a clip is for training or for testing by turns, every clip gives its beginning.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from otoscope.audio import Crop
from otoscope.tasks.cells import texts
from otoscope.tasks.labeling import Labeling

__all__ = ["PLACE", "crop", "places"]

PLACE = "evar_place"
"""The column of the table of clips that tells where in a clip its stretch lies: from 0 to below 1."""


def crop(clip: "pd.Series[Any]", seconds: float | None, evar_lengths: bool) -> Crop | None:
    """How a clip is cropped or padded.

    Args:
        clip: its row in the table of clips.
        seconds: the task's length of clips; None where they stay whole.
        evar_lengths: whether the length is EVAR's.
    """
    if seconds is None:
        return None
    return Crop(seconds, float(clip[PLACE]), truncated=True) if evar_lengths else Crop(seconds)


def places(clips: pd.DataFrame, labelings: Sequence[Labeling]) -> "pd.Series[float]":
    """Where in each clip EVAR's stretch lies.

    Clips are for training, validation or test by the first labeling that parts them so.

    >>> table = pd.DataFrame({"clip": ["a", "b"], "pet": ["cat", "cat"], "split": ["train", "test"]})
    >>> places(table, [Labeling.of(table, "pet", split="split")]).round(3).tolist()
    [0.791, 0.0]
    """
    column = next((one.split for one in labelings if one.split and _named(clips[one.split])), None)
    if column is None:
        return pd.Series(0.0, index=clips.index)
    drawn = [
        _draw(name) if part in ("train", "valid") else 0.0
        for name, part in zip(clips["clip"], clips[column], strict=True)
    ]
    return pd.Series(drawn, index=clips.index)


def _named(split: "pd.Series[Any]") -> bool:
    """Whether the parts are called train, valid and test; those of folds are numbers."""
    return {part for row in texts(split, multilabel=False) for part in row} <= {"train", "valid", "test"}


def _draw(name: str) -> float:
    """A number from 0 to below 1, uniform over names, and for each name the same for ever."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
