"""The numbers of an ablation as its figures and tables take them; nothing is tested or estimated anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from otoscope.interventions import Ablation, Target

__all__ = ["UNITS", "changes", "classes_of", "label_of", "scaled", "short_label", "single"]

UNITS = {
    "accuracy": ("percentage points", 100.0),
    "average_precision": ("percentage points", 100.0),
    "margin": ("logits", 1.0),
}
"""What is shown: the unit of a measure's changes, and the factor to it."""


def label_of(measure: str) -> str:
    """The axis of a measure's changes.

    >>> label_of("average_precision")
    'change in average precision (percentage points)'
    """
    return f"change in {measure.replace('_', ' ')} ({UNITS[measure][0]})"


def short_label(measure: str) -> str:
    """The same, where there is little room."""
    return f"{measure.replace('_', ' ')}, {'points' if UNITS[measure][1] == 100 else 'logits'}"


def classes_of(ablation: Ablation, target: Target) -> list[str]:
    """The classes that an effect of a target is looked for in: its own; all that were tested, if none."""
    tested = list(dict.fromkeys(ablation.effects["category"]))
    return [name for name in target.categories if name in tested] or tested


def single(ablation: Ablation) -> list[Target]:
    """The targets of one class each, the first of each class, if there are two or more; a series has none."""
    found: dict[str, Target] = {}
    for target in ablation.targets:
        if not target.series and len(target.categories) == 1:
            found.setdefault(target.categories[0], target)
    return list(found.values()) if len(found) > 1 else []


def changes(ablation: Ablation) -> pd.DataFrame:
    """The change of every class under every set of neurons, by the probe that counts, mean over its seeds.

    Returns:
        Columns `target, condition, match, draw, category`, and for each shown measure the change, in the
        unit of `UNITS`; rows of targets and control sets.
    """
    keys, measures = ["target", "condition", "match", "draw", "category"], list(ablation.measures[:2])
    table = ablation.table[ablation.table["probe"] == ablation.probe]
    means = table.groupby(keys, sort=False)[measures].mean().reset_index()
    is_before = means["condition"] == "baseline"
    before = means.loc[is_before, ["target", "category", *measures]]
    after = means[~is_before].merge(before, on=["target", "category"], suffixes=("", "_before"))
    for measure in measures:
        after[measure] = (after[measure] - after[f"{measure}_before"]) * UNITS[measure][1]
    return after[[*keys, *measures]]


def scaled(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Rows of one measure of `Ablation.effects` or `Ablation.curves`, in the unit of `UNITS`."""
    mine = frame[frame["measure"] == measure]
    ends = ["change", "low", "high", *(f"controls_{end}" for end in ("mean", "low", "high"))]
    there = [name for name in ends if name in mine.columns]
    return mine.assign(**mine[there] * UNITS[measure][1])
