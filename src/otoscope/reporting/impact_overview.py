"""What switching neurons does, model beside model: one row per target of every ablation in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.interventions.effects.verdicts import is_beyond
from otoscope.reporting.collect import Recorded
from otoscope.reporting.impact_data import UNITS, classes_of
from otoscope.reporting.impact_tables import interval_text
from otoscope.reporting.tables import Shown
from otoscope.reporting.wording import counted, number, short_model, signed

if TYPE_CHECKING:
    from otoscope.interventions import Ablation, Target

__all__ = ["IMPACT", "NOT_COVERED", "impact_findings", "impact_table"]

NOT_COVERED = (
    "Intervals cover the choice of test clips and their groups, p that of the control neurons; neither "
    "covers training runs: of each model there is one, and what another would give is not known."
)

_MEASURES = ("share", "margin")
"""Accuracy or average precision, by labeling; and the margin."""
_COLUMNS = [
    *("store", "model", "task", "label", "target", "classes", "neurons", "measure"),
    *(
        f"{measure}_{end}"
        for measure in _MEASURES
        for end in ("change", "low", "high", "controls", "p", "p_adjusted", "beyond")
    ),
    *("match", "displacement", "relative"),
]


def impact_table(recorded: Sequence[Recorded]) -> pd.DataFrame:
    """One row per target, models beside one another; of a series of gains only the set that is switched off.

    Returns:
        Columns `store, model, task, label, target, classes` (its own, how many), `neurons`, `measure`
        (accuracy or average precision, called `share` in what follows); for `share` (percentage points) and
        `margin` (logits) the change of the own class, its interval `_low` and `_high`, the mean `_controls`
        of the primary control sets, `_p`, `_p_adjusted` and `_beyond` (own classes whose `_p_adjusted` is at
        most 0.05); `match` (how these were matched), `displacement`
        (of the target) and `relative` (theirs, in parts of it). Of several own classes changes are
        means, there is no interval, `_p` is missing and `_p_adjusted` is the smallest.
    """
    rows = [
        {"store": each.name, "model": each.model, "task": each.task, "label": ablation.label}
        | _row(ablation, target)
        for each in recorded
        for ablation in each.ablations
        for target in _off(ablation)
    ]
    keys = ("task", "label", "target")
    asked = list(dict.fromkeys(tuple(row[key] for key in keys) for row in rows))
    rows.sort(key=lambda row: asked.index(tuple(row[key] for key in keys)))
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return _written(table) if rows else table


def impact_findings(table: pd.DataFrame) -> list[str]:
    """What became of each set of neurons that was held against control sets, in a sentence a row.

    Args:
        table: what `impact_table` gives.
    """
    held = table[table["margin_controls"].notna()] if len(table) else table
    return [_told(row) for row in held.to_dict("records")]


def _told(row: Mapping[Any, Any]) -> str:
    classes = counted(int(row["classes"]), "class", "classes")
    return (
        f"{row['labeling']}, {short_model(row['model'])}: with {counted(int(row['neurons']), 'neuron')} of "
        f"{row['target']} switched off the margin of {classes} changes by "
        f"{signed(row['margin_change'], 2)} logits, with control sets (matched by {row['match']}) by "
        f"{signed(row['margin_controls'], 2)}; beyond them in {row['margin_beyond']:.0f} of {classes}."
    )


def _off(ablation: Ablation) -> list[Target]:
    """The targets by themselves, and of series of gains the sets that are off, if they are no such target."""
    alone = [target for target in ablation.targets if not target.series]
    known = {target.neurons for target in alone}
    off = [each for each in ablation.targets if each.series == "gain" and each.level == 0]
    return [*alone, *(target for target in off if target.neurons not in known)]


def _row(ablation: Ablation, target: Target) -> dict[str, Any]:
    own = classes_of(ablation, target)
    effects, against = (
        each[(each["probe"] == ablation.probe) & (each["target"] == target.name) & each["category"].isin(own)]
        for each in (ablation.effects, ablation.against)
    )
    against = against[against["match"] == ablation.primary]
    sets = ablation.sets[ablation.sets["target"] == target.name]
    row: dict[str, Any] = {"target": target.name, "classes": len(own), "neurons": len(target.neurons)}
    row |= {"measure": ablation.measures[0], "match": ablation.primary}
    for name, measure in zip(_MEASURES, ablation.measures[:2], strict=True):
        scale, alone = UNITS[measure][1], len(own) == 1
        mine, beside = (each[each["measure"] == measure] for each in (effects, against))
        row[f"{name}_change"] = scale * mine["change"].mean()
        row |= {f"{name}_{end}": scale * mine[end].mean() if alone else None for end in ("low", "high")}
        row[f"{name}_controls"] = scale * beside["mean"].mean()
        row[f"{name}_p"] = beside["p"].mean() if alone else None
        row[f"{name}_p_adjusted"] = beside["p_adjusted"].min()
        row[f"{name}_beyond"] = sum(is_beyond(dict(each)) for _, each in beside.iterrows())
    row["displacement"] = sets.loc[sets["condition"] == "target", "displacement"].mean()
    drawn = sets[(sets["condition"] == "control") & (sets["match"] == ablation.primary)]
    row["relative"] = drawn["relative"].mean()
    return row


def _written(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a type for every column, and the texts that the page shows."""
    figures = [
        name for name in _COLUMNS if name.startswith(_MEASURES) or name in ("displacement", "relative")
    ]
    table = table.astype(dict.fromkeys(figures, "float64"))
    alone = not (table.groupby("label")["task"].nunique() > 1).any()
    table["labeling"] = table["label"] if alone else table["label"] + " (" + table["task"] + ")"
    for name, digits in zip(_MEASURES, (1, 2), strict=True):
        columns = (table[f"{name}_{end}"] for end in ("change", "low", "high", "controls"))
        table[name] = [
            interval_text(change, low, high, digits) + (f"; {signed(mean, digits)}" if pd.notna(mean) else "")
            for change, low, high, mean in zip(*columns, strict=True)
        ]
        columns = (table[each] for each in (f"{name}_p_adjusted", f"{name}_beyond", "classes"))
        table[f"{name}_verdict"] = [_verdict(*each) for each in zip(*columns, strict=True)]
    pushes = zip(table["displacement"], table["relative"], table["match"], strict=True)
    table["push"] = [
        number(own) + (f"; {relative:.2f}\N{MULTIPLICATION SIGN} ({match})" if pd.notna(relative) else "")
        for own, relative, match in pushes
    ]
    return table


def _verdict(p: float, beyond: float, classes: int) -> str:
    """The p of one class; of several, how many are beyond the control sets.

    >>> _verdict(0.04, 1, 1), _verdict(0.04, 2, 6)
    ('0.040', '2 of 6')
    """
    return number(p, 2) if classes == 1 or pd.isna(p) else f"{beyond:.0f} of {classes}"


IMPACT: Shown = {
    "target": ("switched off", str),
    "labeling": ("labeling", str),
    "model": ("model", short_model),
    "neurons": ("neurons", number),
    "share": ("accuracy or AP, points", str),
    "share_verdict": ("p", str),
    "margin": ("margin, logits", str),
    "margin_verdict": ("p", str),
    "push": ("displacement", str),
}
