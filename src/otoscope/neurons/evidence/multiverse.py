"""Multiverse: how each finding of the filters fares over the choices that the paper leaves open.

Entropy divided by log(classes) is no such choice here: it orders the neurons as the entropy itself does, so
that every selection is the same, and the depth is divided by one number with true and with permuted labels.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.designs import DesignName
from otoscope.neurons.probability import Pooling, Recording, labelled_clips
from otoscope.neurons.selecting import select

__all__ = ["equalised", "multiverse", "size_bias"]

_FINDINGS = ("neurons", "coverage", "depth")


def multiverse(
    store: Recording,
    label: str,
    *,
    response: Sequence[float] = (0.9, 0.95, 0.99),
    share: Sequence[float] = (0.005, 0.01, 0.02),
    assignment: Sequence[float] = (0.9, 0.95, 0.99),
    pooling: Sequence[Pooling] = ("token", "clip"),
    clips: Mapping[str, NDArray[np.bool_]] | None = None,
    permutations: int = 20,
    design: DesignName | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Select once for every combination of choices.

    Args:
        store: a recording.
        label: name of one of its labelings.
        response: quantiles of the response filter, each in [0, 1].
        share: shares of the neurons that the selectivity filter keeps, each in [0, 1].
        assignment: quantiles of the assignment filter, each in [0, 1].
        pooling: "token", "clip" or both.
        clips: which clips to use, masks of shape (clips,) by name: {"all": ..., "train": ...} for example;
            all clips by default.
        permutations: of every combination; 0 for none.
        design: which labels may change places, as in `select`.
        seed: of the permutations, the same for every combination.

    Returns:
        One row a combination: `clips`, `pooling`, `response`, `share`, `assignment`; what is found,
        `neurons`, `coverage` (0 to 1) and `depth` (nats, NaN where nothing is kept); `chance_neurons`,
        `chance_coverage` and `chance_depth`, the means under permutation (NaN without permutations); `p` of
        the depth, NaN where it is not tested.

    Raises:
        UsageError: no value for a choice, or what `select` refuses.

    >>> from otoscope import world
    >>> table = multiverse(world(), "class", pooling=["token"], assignment=[0.95], permutations=2)
    >>> len(table), table["share"].unique().tolist()
    (9, [0.005, 0.01, 0.02])
    """
    masks = {"all": None} if clips is None else dict(clips)
    choices = {
        "clips": masks, "pooling": pooling, "response": response, "share": share, "assignment": assignment,
    }  # fmt: skip
    empty = [name for name, values in choices.items() if not len(values)]
    if empty:
        raise UsageError(f"{empty[0]} has no value; expected one or more to choose from")
    rows = []
    for part, pool, at, kept, above in product(masks, pooling, response, share, assignment):
        found = select(
            store, label, preset="aape", response=at, share=kept, assignment=above, pooling=pool,
            clips=masks[part], permutations=permutations, seed=seed, design=design, twins=False,
        )  # fmt: skip
        chance = found.chance
        rows.append(
            {
                **dict(zip(choices, (part, pool, at, kept, above), strict=True)),
                "neurons": len(found.neurons),
                "coverage": found.coverage,
                "depth": found.depth,
                **{f"chance_{name}": None if chance is None else getattr(chance, name).mean
                   for name in _FINDINGS},
                "p": None if chance is None else chance.depth.p,
            }
        )  # fmt: skip
    numbers = [*(f"chance_{name}" for name in _FINDINGS), "p"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))


def size_bias(by_category: "pd.Series[int]", store: Recording, label: str) -> float:
    """Rank correlation (Spearman) of the number of neurons of a class with its number of clips, -1 to 1.

    Far below 0: small classes are chosen more often than large ones. NaN where all classes have the same
    number of either.

    Args:
        by_category: number of neurons of each class, as `Selection.by_category` gives it.
        store: the recording.
        label: name of the labeling.

    Raises:
        UsageError: counts of other classes than the labeling's.
    """
    chosen = labelled_clips(store, label)
    if sorted(map(str, by_category.index)) != sorted(chosen.classes):
        raise UsageError(
            f"by_category counts the classes {list(by_category.index)[:5]}; expected those of {label!r}: "
            f"{list(chosen.classes)[:5]}"
        )
    sizes = pd.Series(chosen.membership.sum(axis=0), index=list(chosen.classes), dtype=float)
    ranks = sizes.rank().to_numpy(), by_category.reindex(sizes.index).rank().to_numpy()
    if any(np.ptp(each) == 0 for each in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def equalised(store: Recording, label: str, *, seed: int = 0) -> NDArray[np.bool_]:
    """A mask of clips in which every class has as many clips as the smallest one, drawn at random.

    Give it to `select` as `clips`, so that no class is chosen for being small.

    Args:
        store: a recording.
        label: name of a labeling whose clips bear one class each.
        seed: of the draw.

    Returns:
        Shape (clips,), boolean. Clips without a label, or without tokens, are False.

    Raises:
        UsageError: a multi-label labeling, whose classes cannot be drawn one by one.

    >>> from otoscope import world
    >>> int(equalised(world(classes=2, class_sizes=[30, 7]), "class").sum())
    14
    """
    chosen = labelled_clips(store, label)
    if (chosen.membership.sum(axis=1) > 1).any():
        raise UsageError(
            f"labeling {label!r} has clips of several classes; expected one class a clip, since drawing for "
            "one class changes the others; try a labeling of one class a clip"
        )
    random = np.random.default_rng(seed)
    smallest = int(chosen.membership.sum(axis=0).min())
    mask = np.zeros(len(store.tokens), dtype=bool)
    for member in chosen.membership.T:
        mask[random.choice(chosen.rows[member], smallest, replace=False)] = True
    return mask
