"""`specific` among the selectors: a procedure over the whole recording, which ranks only what it selects."""

import numpy as np

from otoscope.neurons.evidence.both_ways import flat_pairs
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.block import Block
from otoscope.neurons.selectors.ranking import Ranking
from otoscope.neurons.specific.procedure import specific

__all__ = ["SPECIFIC", "specific_ranking"]


def _no_score(block: Block) -> np.ndarray:
    """It looks at all neurons at once, and cannot score a block of them."""
    return np.full(block.p.shape, np.nan)


SPECIFIC = Selector(
    "specific",
    "passes a test on unseen groups; takes no fixed share",
    "otoscope, docs/concepts.md",
    _no_score,
)


def specific_ranking(store: Recording, clips: LabelledClips) -> Ranking:
    """The neurons that `specific` selects, by 1 - p; all others cannot be selected.

    One that is specific for several classes goes to that of largest probability.

    Raises:
        OtoscopeError: `specific` refuses the labeling, for want of groups for example.
    """
    mask = np.zeros(len(np.asarray(store.tokens)), dtype=bool)
    mask[clips.rows] = True
    table = specific(store, clips.labeling.name, clips=mask, permutations=0).table
    best = table.sort_values("probability", ascending=False, kind="stable").drop_duplicates(["layer", "unit"])
    total = sum(layer.units for layer in store.layers)
    ranking = Ranking(np.full(total, np.nan), np.zeros(total, np.int64), len(clips.classes))
    for k, (name, flat) in enumerate(zip(clips.classes, flat_pairs(best, store, clips.classes), strict=True)):
        ranking.category[flat] = k
        ranking.score[flat] = 1 - best.loc[best["category"] == name, "p"].to_numpy()
    return ranking
