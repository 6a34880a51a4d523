"""Two halves of the clips that share no group: one to select on, one to look at what was selected."""

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.probability import LabelledClips

__all__ = ["halves", "unit_labels", "units_of"]


def halves(clips: LabelledClips, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split the groups of a labeling's clips in two (without groups: the clips).

    Groups that hold the same classes are dealt out in turn, so that each half has, to within one, as many of
    them as the other: in a nested design this splits the groups of every class.

    Args:
        clips: the clips and their labels.
        seed: of the split.

    Returns:
        The clips of the first half and those of the second: together all, none in both. Each of shape
        (clips,), over `clips.rows`; a mask over the recording has these at `clips.rows`.
    """
    unit = units_of(clips)
    alike = np.unique(unit_labels(clips.membership, unit), axis=0, return_inverse=True)[1].ravel()
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(alike)), alike))
    side = np.empty(len(alike), dtype=np.int64)
    side[order] = (np.arange(len(order)) + random.integers(2)) % 2
    return side[unit] == 0, side[unit] == 1


def units_of(clips: LabelledClips) -> NDArray[np.int64]:
    """The group of each clip, numbered from 0 without gaps; without groups the clip itself. (clips,)."""
    if clips.groups is None:
        return np.arange(len(clips.rows))
    return np.unique(clips.groups, return_inverse=True)[1].ravel()


def unit_labels(membership: NDArray[np.bool_], unit: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which group holds a clip of which class. Shape (groups, classes)."""
    held = np.zeros((int(unit.max(initial=-1)) + 1, membership.shape[1]), dtype=bool)
    clip, category = np.nonzero(membership)
    held[unit[clip], category] = True
    return held
