"""The figures of one preset: what it selects beside chance and twins, and whether halves agree."""

from collections.abc import Callable
from typing import Any

import numpy as np

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.chance import Spread
from otoscope.neurons.designs import Design
from otoscope.neurons.evidence.relabelling import permuted
from otoscope.neurons.evidence.stability import chosen_by_halves
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.selecting import RECOMMENDED
from otoscope.neurons.selection import Selection
from otoscope.neurons.sharing.testing import few

__all__ = ["FIGURES", "agreement_of", "counts_of"]

_RELABELLED = 19  # permutations behind the agreement of halves: the fewest for a p of 0.05

_DESCRIBED = ("neurons", "coverage", "depth")

FIGURES = (
    *(f"{name}{end}" for name in _DESCRIBED for end in ("", "_chance", "_low", "_high")),
    "neurons_p", "depth_p", "excess", "excess_p", "twins_random", "twins_shuffled", "twins_most", "held_out",
    "held_out_low", "held_out_high", "held_out_twins", "held_out_twins_most", "beyond_twins_low",
    "stability", "stability_chance", "stability_chance_most", "follows", "size_bias",
)  # fmt: skip
"""Columns of the table of `Evidence` that are numbers."""


def counts_of(selection: Selection) -> dict[str, float]:
    """What was selected, beside its distribution under permutation and the twins."""
    row: dict[str, Any] = {
        "neurons": len(selection.neurons),
        "coverage": selection.coverage,
        "depth": selection.depth,
    }
    chance = selection.chance
    if chance is not None:
        for name in _DESCRIBED:
            spread: Spread = getattr(chance, name)
            row |= {f"{name}_chance": spread.mean, f"{name}_low": spread.low, f"{name}_high": spread.high}
        # The filters keep a fixed share: how many pass them is described, not tested.
        if selection.preset == RECOMMENDED and not few(chance.distinct):
            many = int((chance.values["neurons"] >= row["neurons"]).sum())
            row["neurons_p"] = (1 + many) / (1 + chance.permutations)
        row |= {"depth_p": chance.depth.p, "excess": chance.found_excess, "excess_p": chance.excess.p}
    if selection.twins is not None and len(selection.twins.table):
        counts = selection.twins.table.groupby("kind")["neurons"].mean()
        row |= {f"twins_{kind}": counts.get(kind, np.nan) for kind in ("random", "shuffled")}
        row["twins_most"] = selection.twins.table["neurons"].max()
    return row


def agreement_of(
    store: Recording,
    chosen: LabelledClips,
    design: Design,
    choose: Callable[..., Selection],
    splits: int,
    seed: int,
) -> dict[str, float]:
    """Agreement of complementary halves, and the same under permuted labels; none where halves are too few.

    How alike random sets would be says little: neurons that fire seldom are chosen again whatever the labels.
    """
    label = chosen.labeling.name

    def agreement(recording: Recording, times: int, number: int) -> float:
        alike = [
            (len(one.merge(other)), len(one) + len(other))
            for one, other in chosen_by_halves(
                recording, label, lambda mask: choose(recording, mask=mask), splits=times, seed=number
            )
        ]
        # Halves of which neither chooses anything do not agree; if none ever does, nothing is known.
        if not any(chosen for _, chosen in alike):
            return float("nan")
        return float(np.mean([shared / max(chosen - shared, 1) for shared, chosen in alike]))

    random = np.random.default_rng([seed, 3])
    chance = []
    try:
        found = agreement(store, splits, seed)
        for number in range(_RELABELLED):
            again = agreement(permuted(store, chosen, design, random), 1, seed + 1 + number)
            chance.append(0.0 if np.isnan(again) else again)
    except OtoscopeError as error:
        if isinstance(error, UsageError):
            raise
        return {}  # the same reason as on unseen clips, which a note tells
    return {
        "stability": found,
        "stability_chance": float(np.mean(chance)),
        "stability_chance_most": max(chance),
    }
