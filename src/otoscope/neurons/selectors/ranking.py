"""Rank neurons by a selector: each by the class that suits it best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.block import blocks_of
from otoscope.neurons.selectors.registry import named

__all__ = ["Ranking", "best_neurons", "rank", "rankings"]

_TIE = 1e-9  # relative: scores closer than this are tied; only the rounding of sums sets them apart


@dataclass(frozen=True, eq=False)
class Ranking:
    """What a selector makes of every neuron.

    Attributes:
        score: for the neuron's best class; NaN for one that cannot be selected. Shape (neurons,).
        category: that class; the first of equals; 0 where the score is NaN. Shape (neurons,).
        classes: number of classes.
    """

    score: NDArray[np.float64]
    category: NDArray[np.int64]
    classes: int


def rank(
    store: Recording,
    label: str,
    name: str,
    *,
    share: float = 0.01,
    per_class: bool = False,
    clips: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """The share of all neurons that a selector scores highest, each with its best class.

    Args:
        store: a recording.
        label: name of one of its labelings.
        name: a selector; `available` lists them.
        share: share of all neurons to take, in [0, 1].
        per_class: give every class as many places, round(neurons x share / classes) and at least one; a class
            that is best for fewer neurons leaves its places empty. By default one class may take them all.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.

    Returns:
        Columns `layer`, `unit`, `category` and `score`, best first; ties in the order of the addresses. Fewer
        rows than the share where fewer neurons can be selected.

    Raises:
        UsageError: an unknown selector or labeling, a share outside [0, 1].
        OtoscopeError: a class without a clip.
    """
    (chosen,) = named([name])
    check_share(share)
    used = labelled_clips(store, label, clips)
    ranking = rankings(store, used, [chosen])[name]
    neurons = best_neurons(ranking, share, per_class)
    layer, unit = positions(store.layers)
    return pd.DataFrame(
        {
            "layer": layer[neurons],
            "unit": unit[neurons],
            "category": pd.Series([used.classes[k] for k in ranking.category[neurons]], dtype="str"),
            "score": ranking.score[neurons],
        }
    )


def rankings(
    store: Recording, clips: LabelledClips, chosen: Sequence[Selector], size: int | None = None
) -> Mapping[str, Ranking]:
    """What each of several selectors makes of every neuron, in one pass over the recording."""
    total = sum(layer.units for layer in store.layers)
    found = {
        each.name: Ranking(np.full(total, np.nan), np.zeros(total, np.int64), len(clips.classes))
        for each in chosen
    }
    for block in blocks_of(store, clips, size):
        for each in chosen:
            scores = each(block)
            filled = np.where(np.isnan(scores), -np.inf, scores)
            top = filled.max(axis=0)
            # Not argmax: the last bit must not decide between equals.
            with np.errstate(invalid="ignore"):
                category = np.argmax((filled >= top - _TIE * np.abs(top)) | (filled == top), axis=0)
            none = np.isnan(scores).all(axis=0)
            ranking = found[each.name]
            ranking.score[block.part] = np.where(none, np.nan, top)
            ranking.category[block.part] = np.where(none, 0, category)
    return found


def best_neurons(ranking: Ranking, share: float, per_class: bool = False) -> NDArray[np.int64]:
    """Flat numbers of the best neurons, best first.

    At most round(neurons x share) of them; per class see `rank`.
    """
    there = np.flatnonzero(~np.isnan(ranking.score))
    order = there[_ranked(ranking.score[there])]
    if not per_class:
        return order[: round(len(ranking.score) * share)]
    quota = max(round(len(ranking.score) * share / ranking.classes), 1) if share > 0 else 0
    category = ranking.category[order]
    place = np.empty(len(order), np.int64)  # among the neurons of its class
    for k in range(ranking.classes):
        place[category == k] = np.arange(int((category == k).sum()))
    return order[place < quota]


def check_share(share: float) -> None:
    """Refuse what is no share."""
    if not 0 <= share <= 1:
        raise UsageError(f"share is {share}; expected a share of all neurons from 0 to 1, for example 0.01")


def _ranked(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places in the order of scores, highest first; ties in ascending order."""
    order = np.argsort(-score, kind="stable")
    high, low = score[order][:-1], score[order][1:]
    with np.errstate(invalid="ignore"):  # two infinite scores are tied
        below = low < high - _TIE * np.abs(low)
    tie = np.concatenate([[0], np.cumsum(below)])[: len(order)]
    return order[np.lexsort((order, tie))]
