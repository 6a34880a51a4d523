"""The clips of a statistical world: classes, groups and split, and noise of which groups share a part."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.neurons.designs import DesignName, design_of

__all__ = ["Noise", "class_names_of", "clips_of"]

_TRAINING = 0.75  # share of each class's groups (or clips) that are in the split "train"


def class_names_of(classes: int) -> list[str]:
    """Names whose order is that of the classes' numbers."""
    width = len(str(classes - 1))
    return [f"class {number:0{width}d}" for number in range(classes)]


def clips_of(
    random: np.random.Generator, sizes: Sequence[int], groups: NDArray[np.int64], design: DesignName
) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.int64]]:
    """The table of clips, and the class and the group of each as an integer."""
    of_class = np.repeat(np.arange(len(sizes)), sizes)
    within = np.concatenate([np.arange(size) for size in sizes])
    parts = np.array(sizes)[of_class] if design == "ungrouped" else groups[of_class]
    part = within % parts
    group = part.copy()
    if design == "nested":
        group += np.concatenate([[0], np.cumsum(groups)[:-1]])[of_class]
    membership = of_class[:, None] == np.arange(len(sizes))
    drawn = design_of(membership, None if design == "ungrouped" else group, name=design)
    names = np.array(class_names_of(len(sizes)))
    table = pd.DataFrame(
        {
            "clip": [f"{number:05d}.wav" for number in range(len(of_class))],
            "class": names[of_class],
            "shuffled": names[drawn.permuted(random)[drawn.unit].argmax(axis=1)],
            "split": np.where(part < np.ceil(_TRAINING * parts), "train", "test"),
        }
    )
    if design != "ungrouped":
        table["group"] = [f"group {number}" for number in group]
    return table, of_class, group


class Noise:
    """Noise of unit variance, of which a share lies between groups."""

    def __init__(self, random: np.random.Generator, group: NDArray[np.int64], between: float) -> None:
        self.random, self.between = random, between
        self.group, self.groups = group, int(group.max()) + 1

    def drawn(self, columns: int) -> NDArray[np.float32]:
        """So many independent columns, shape (clips, columns)."""
        clips = self.random.standard_normal((len(self.group), columns), dtype=np.float32)
        if not self.between:
            return clips
        groups = self.random.standard_normal((self.groups, columns), dtype=np.float32)
        mixed: NDArray[np.float32] = np.sqrt(np.float32(1 - self.between)) * clips
        mixed += np.sqrt(np.float32(self.between)) * groups[self.group]
        return mixed
