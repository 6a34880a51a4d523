"""What is selected again and again when all classes have the same size."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.evidence.size_bias import equalised
from otoscope.neurons.pairs import Pairs, pairs_of
from otoscope.neurons.probability import Recording
from otoscope.neurons.selecting import select

__all__ = ["equalised_counts"]


def equalised_counts(
    store: Recording,
    label: str,
    selector: str | Callable[[NDArray[np.bool_]], Pairs] = "aape",
    *,
    draws: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """How often each neuron is selected for each class when all classes have the same size.

    One draw leaves out most clips of the large classes; what is selected in many draws does not hang on it.

    Args:
        store: a recording.
        label: name of a labeling whose clips bear one class each.
        selector: a preset of `select`, or a function of the clips to use (a boolean mask of shape (clips,)).
        draws: how many times to draw the clips.
        seed: of the draws.

    Returns:
        Columns `layer`, `unit`, `category` and `chosen`, the share of the draws that select the pair, above 0
        to 1; the most often chosen first, then in the order of layer, unit and class.

    Raises:
        UsageError: no draw asked for, an unknown preset, or a multi-label labeling.

    >>> from otoscope import world
    >>> counts = equalised_counts(world(classes=2, class_sizes=[40, 20]), "class", draws=3)
    >>> list(counts.columns), bool(counts["chosen"].between(0, 1).all())
    (['layer', 'unit', 'category', 'chosen'], True)
    """
    if draws < 1:
        raise UsageError(f"draws is {draws}; expected 1 or more, for example 20")
    tables = []
    for child in np.random.default_rng(seed).spawn(draws):
        mask = equalised(store, label, seed=int(child.integers(2**32)))
        if isinstance(selector, str):
            tables.append(
                pairs_of(select(store, label, preset=selector, clips=mask, permutations=0, twins=False))
            )
        else:
            tables.append(pairs_of(selector(mask)))
    columns = ["layer", "unit", "category"]
    counts = pd.concat(tables).groupby(columns).size().div(draws).rename("chosen").reset_index()
    return counts.sort_values(["chosen", *columns], ascending=[False, True, True, True], ignore_index=True)
