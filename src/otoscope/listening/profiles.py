"""How often neurons fire for each class, beside what permuted labels give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.listening.card import Profile
from otoscope.listening.examples import Column
from otoscope.neurons.chance import ignored_groups
from otoscope.neurons.designs import Design, design_of
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips

__all__ = ["profiles_of"]

_CENTRAL = (0.025, 0.975)


def profiles_of(
    store: Recording, label: str, columns: Sequence[Column], *, permutations: int = 200, seed: int = 0
) -> list[Profile]:
    """The profile of every neuron over the classes of a labeling, with its band under permuted labels.

    All neurons are held against the same permutations.

    Args:
        store: the recording.
        label: one of its labelings.
        columns: what the recording holds of the neurons.
        permutations: of the labels, as the labeling's groups allow.
        seed: of the permutations.

    Raises:
        OtoscopeError: the labeling has fewer than two classes, or one without a clip.
    """
    clips = labelled_clips(store, label)
    fired = np.stack([column.fired[clips.rows] for column in columns], axis=1).astype(np.float64)
    tokens = np.stack([column.tokens[clips.rows] for column in columns], axis=1).astype(np.float64)
    p = _probabilities(clips.membership, fired, tokens)
    permuted, note = _permuted(clips, fired, tokens, permutations, seed)
    entropies = class_entropy(p)
    bands = _bands(permuted, p)
    return [
        Profile(
            label,
            float(entropies[place]),
            float(np.log(len(clips.classes))),
            pd.DataFrame(
                {
                    "category": list(clips.classes),
                    "clips": clips.membership.sum(axis=0),
                    "probability": p[:, place],
                    **{name: values[:, place] for name, values in bands.items()},
                }
            ),
            note,
        )
        for place in range(len(columns))
    ]


def _probabilities(
    membership: NDArray[np.bool_], fired: NDArray[np.float64], tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Firing probabilities of shape (classes, neurons); sums of integers, which doubles hold exactly."""
    member = membership.T.astype(np.float64)
    p: NDArray[np.float64] = (member @ fired) / (member @ tokens)
    return p


def _permuted(
    clips: LabelledClips,
    fired: NDArray[np.float64],
    tokens: NDArray[np.float64],
    permutations: int,
    seed: int,
) -> tuple[list[NDArray[np.float64]], str]:
    """The probabilities of every permutation, and how it was done, or why not."""
    try:
        design = design_of(clips.membership, clips.groups, label=clips.labeling.name)
    except OtoscopeError as error:
        return [], f"No band: {error}."
    random = np.random.default_rng(seed)
    drawn = [design.permuted(random)[design.unit] for _ in range(permutations)]
    known = [each for each in drawn if each.any(axis=0).all()]
    note = _told(design, len(known))
    ignored = ignored_groups(clips, design)
    return [_probabilities(each, fired, tokens) for each in known], " ".join(filter(None, (note, ignored)))


def _bands(
    permuted: Sequence[NDArray[np.float64]], like: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Mean and central 95 % of permutations, each of shape (classes, neurons)."""
    if not permuted:
        return dict.fromkeys(("mean", "low", "high"), np.full_like(like, np.nan))
    values = np.stack(permuted)
    low, high = np.quantile(values, _CENTRAL, axis=0)
    return {"mean": values.mean(axis=0), "low": low, "high": high}


def _told(design: Design, permutations: int) -> str:
    units = {
        "ungrouped": "between clips",
        "nested": "between groups, since a group has one label",
        "crossed": "within groups",
    }
    few = "" if design.log10_distinct >= 2 else f" There are only {design.distinct} distinct permutations."
    return f"Band: 95 % of {permutations} permutations of the labels {units[design.name]}.{few}"
