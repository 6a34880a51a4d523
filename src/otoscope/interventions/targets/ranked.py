"""What selectors make of every neuron, class by class, on the learning clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.changes import Address
from otoscope.interventions.targets.target import Learning
from otoscope.neurons.addresses import positions
from otoscope.neurons.probability import LabelledClips, labelled_clips
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.block import blocks_of
from otoscope.neurons.selectors.ranking import Ranking, best_neurons
from otoscope.neurons.selectors.registry import named
from otoscope.neurons.selectors.whole import SPECIFIC, specific_ranking

__all__ = ["Ranks", "named_selectors", "ranked"]


@dataclass(frozen=True, eq=False)
class Ranks:
    """How specific a selector finds every neuron to be to every class.

    Attributes:
        scores: higher is more specific, NaN cannot be selected. Shape (classes, neurons).
        classes: their names.
        layer: of each neuron. Shape (neurons,).
        unit: of each neuron. Shape (neurons,).
    """

    scores: NDArray[np.float64]
    classes: tuple[str, ...]
    layer: NDArray[np.int64]
    unit: NDArray[np.int64]

    def first(self, categories: Sequence[str] = ()) -> list[Address]:
        """Neurons by their best score for one of these classes, or for any, best first; ties by address.

        Those that have no score for any of them are left out.
        """
        rows = [self.classes.index(name) for name in categories] or list(range(len(self.classes)))
        scores = np.fmax.reduce(self.scores[rows], axis=0)
        every = Ranking(scores, np.zeros(len(scores), np.int64), len(self.classes))
        order = best_neurons(every, 1.0)
        return list(zip(self.layer[order].tolist(), self.unit[order].tolist(), strict=True))


def ranked(learning: Learning, names: Sequence[str]) -> dict[str, Ranks]:
    """What each of these selectors makes of every neuron on the learning clips, in one pass over them.

    Args:
        learning: the clips.
        names: selectors; "specific" gives the neurons that it selects a score, for one class each.

    Raises:
        UsageError: an unknown selector.
        OtoscopeError: a class without a learning clip; a labeling that "specific" refuses.
    """
    store = learning.store
    clips = labelled_clips(store, learning.labeling.name, learning.mask)
    layer, unit = positions(store.layers)
    chosen = named_selectors(names)
    scores = {each.name: np.full((len(clips.classes), len(layer)), np.nan) for each in chosen}
    for block in blocks_of(store, clips) if chosen else ():
        for each in chosen:
            scores[each.name][:, block.part] = each(block)
    if SPECIFIC.name in names:
        scores[SPECIFIC.name] = _of_specific(learning, clips)
    return {name: Ranks(scores[name], clips.classes, layer, unit) for name in dict.fromkeys(names)}


def named_selectors(names: Sequence[str]) -> list[Selector]:
    """The selectors of these names that score neurons; "specific", which selects only, is left out.

    Raises:
        UsageError: no name, or an unknown one.
    """
    if set(names) == {SPECIFIC.name}:
        return []
    return named([name for name in names if name != SPECIFIC.name])


def _of_specific(learning: Learning, clips: LabelledClips) -> NDArray[np.float64]:
    """1 - p of the neurons that `specific` selects, for the class that they go to."""
    ranking = specific_ranking(learning.store, clips)
    mine = ranking.category == np.arange(ranking.classes)[:, None]
    return np.where(mine, ranking.score, np.nan)
