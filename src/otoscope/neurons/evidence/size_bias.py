"""Class size bias: small classes are chosen more often than large ones, until their sizes are made equal."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.halves import unit_labels, units_of
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips

__all__ = ["equalised", "rank_correlation", "size_bias"]


def size_bias(
    by_category: "pd.Series[int]", store: Recording, label: str, clips: NDArray[np.bool_] | None = None
) -> float:
    """Rank correlation (Spearman) of the number of neurons of a class with its number of clips, -1 to 1.

    Far below 0: small classes are chosen more often than large ones. NaN where all classes have the same
    number of either. In a multi-label labeling a clip counts for every class that it bears.

    Args:
        by_category: number of neurons of each class, as `Selection.by_category` gives it.
        store: the recording.
        label: name of the labeling.
        clips: which clips were used, a boolean mask of shape (clips,); all by default.

    Raises:
        UsageError: counts of other classes than the labeling's.
    """
    chosen = labelled_clips(store, label, clips)
    if sorted(map(str, by_category.index)) != sorted(chosen.classes):
        raise UsageError(
            f"by_category counts the classes {list(by_category.index)[:5]}; expected those of {label!r}: "
            f"{list(chosen.classes)[:5]}"
        )
    return rank_correlation(
        chosen.membership.sum(axis=0), by_category.reindex(list(chosen.classes)).to_numpy()
    )


def rank_correlation(first: NDArray[np.integer], second: NDArray[np.integer]) -> float:
    """Spearman's correlation of two rows of numbers; NaN where one does not vary.

    >>> round(rank_correlation(np.array([1, 2, 3]), np.array([7, 9, 8])), 3)
    0.5
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    ranks = pd.DataFrame({"first": first, "second": second}).rank().to_numpy()
    return float(np.corrcoef(ranks.T)[0, 1])


def equalised(store: Recording, label: str, *, seed: int = 0) -> NDArray[np.bool_]:
    """A mask of clips in which every class has as many clips as any other, drawn at random.

    Give it to `select` as `clips`, so that no class is chosen for being small. Where a group holds one class
    only (a nested design: gender in speaker), a class is small when it has few groups, since clips of one
    group are alike. Every class then gets as many groups as the class of fewest, whole groups being drawn,
    and of these as many clips as the class of fewest clips, dealt out so that every group keeps some. In any
    other design it is the clips that are drawn.

    Args:
        store: a recording.
        label: name of a labeling whose clips bear one class each.
        seed: of the draw.

    Returns:
        Shape (clips,), boolean. Clips without a label, or without tokens, are False.

    Raises:
        UsageError: a multi-label labeling, whose classes cannot be drawn one by one.

    >>> from otoscope import world
    >>> int(equalised(world(classes=2, class_sizes=[30, 7], design="ungrouped"), "class").sum())
    14
    """
    chosen = labelled_clips(store, label)
    if (chosen.membership.sum(axis=1) > 1).any():
        raise UsageError(
            f"labeling {label!r} has clips of several classes; expected one class a clip, since drawing for "
            "one class changes the others; try a labeling of one class a clip"
        )
    random = np.random.default_rng(seed)
    unit = _units(chosen)
    of_class = [np.flatnonzero(member) for member in chosen.membership.T]
    fewest = min(len(np.unique(unit[clips])) for clips in of_class)
    drawn = [
        clips[np.isin(unit[clips], random.choice(np.unique(unit[clips]), fewest, replace=False))]
        for clips in of_class
    ]
    smallest = min(map(len, drawn))
    mask = np.zeros(len(store.tokens), dtype=bool)
    for clips in drawn:
        mask[chosen.rows[clips[_in_turn(unit[clips], random)[:smallest]]]] = True
    return mask


def _units(clips: LabelledClips) -> NDArray[np.int64]:
    """The group of each clip in a nested design, the clip itself in any other."""
    unit = units_of(clips)
    one_class = unit_labels(clips.membership, unit).sum(axis=1) == 1
    return unit if one_class.all() else np.arange(len(unit))


def _in_turn(unit: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Clips in random order, but the first clips of all units before their second ones, and so on."""
    order = np.lexsort((random.random(len(unit)), unit))
    place = pd.Series(unit[order]).groupby(unit[order]).cumcount().to_numpy()
    turned: NDArray[np.int64] = order[np.lexsort((random.random(len(unit)), place))]
    return turned
