"""RQ3: does switching off the neurons of a class lower that class, and more than matched controls do?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from otoscope.study.questions.judging import AGREES, CANNOT_TELL, DISAGREES, Finding, by_p, untold
from otoscope.study.questions.shared import EMOTIONS

if TYPE_CHECKING:
    from otoscope.interventions import Ablation

__all__ = ["ablations_of", "switched_findings"]

SOURCE = "Kawamura et al. 2026, RQ3"
MEASURE = "margin"
"""What is judged by: accuracy is at its ceiling for many classes, the margin of the logits is not."""
PAIRS = {"anger-happiness": ("anger", "happiness"), "jazz-classical": ("classical", "jazz")}
"""The two sets that the paper switched off."""

_CLAIMS = {
    "diagonal": f"Switching off a class's neurons lowers that class and spares the others ({SOURCE}).",
    "controls": f"It lowers its classes by more than other neurons of the same number do ({SOURCE}).",
    "dose": "Ours, after the paper: the weaker the neurons, the lower their classes.",
}


def ablations_of(place: Path) -> "list[tuple[str, Ablation]]":
    """The finished ablations of a store, each with the name of its folder."""
    found = sorted(each.parent for each in (place / "results").glob("ablate-*/ablation.json"))
    if not found:
        return []
    from otoscope.interventions import Ablation  # loads torch: only where there is one to read

    return [(each.name, Ablation.load(each)) for each in found]


def switched_findings(stores: Mapping[tuple[str, str], Path]) -> Iterator[Finding]:
    """The findings of RQ3: every ablation of the study, and the paper's two sets."""
    pairs: dict[str, list[Finding]] = {name: [] for name in PAIRS}
    found: list[Finding] = []
    for (model, task), place in stores.items():
        for folder, ablation in ablations_of(place):
            tables = f"stores/{place.name}/results/{folder}/summary.csv"
            where = f"{task}, {ablation.label}"
            name = _pair_in(ablation)
            if name:
                pairs[name].append(_set(name, model, tables, ablation))
            else:
                found += [
                    replace(each, here=f"{where}: {each.here}")
                    for each in _of(model, f"{task}-{ablation.label}", tables, ablation)
                ]
    yield from found
    for finding, claim in _CLAIMS.items():
        if not any(each.finding.startswith(finding) for each in found):
            yield untold(Finding("RQ3", finding, claim, ""), "the study has no such ablation")
    for name, each in pairs.items():
        yield from each or [untold(_of_pair(name, ""), "the study does not switch the two sets off together")]


def _of(model: str, which: str, tables: str, ablation: "Ablation") -> Iterator[Finding]:
    def start(name: str) -> Finding:
        return Finding("RQ3", f"{name}-{which}", _CLAIMS[name], model, tables=tables)

    if MEASURE not in ablation.measures:
        return
    if len(ablation.diagonal):
        yield _diagonal(start("diagonal"), ablation)
    every = [each for each in ablation.targets if not each.series and len(each.categories) > 1]
    if every and ablation.primary:
        yield _controls(start("controls"), ablation, every[0].name, every[0].categories)
    if (ablation.curves["series"] == "gain").any():
        yield _dose(start("dose"), ablation)


def _diagonal(start: Finding, ablation: "Ablation") -> Finding:
    table = ablation.diagonal
    row = table[(table["probe"] == ablation.probe) & (table["measure"] == MEASURE)].iloc[0]
    value, p = float(row["difference"]), float(row["p"])
    here = (
        f"margins change by {row['self']:+.2f} logits in a class without its neurons and by "
        f"{row['cross']:+.2f} without those of others (difference {value:+.2f}, p = {p:.3f})."
    )
    why = "agrees if p <= 0.05 (names of targets permuted, two-sided) and the difference is below 0"
    verdict = by_p(value, p, sign=-1, two_sided=True)
    numbers: dict[str, Any] = {"value": value, "chance": 0.0, "p": p, "n": int(row["classes"])}
    return replace(start, here=here, why=why, verdict=verdict, **numbers)


def _controls(start: Finding, ablation: "Ablation", target: str, classes: tuple[str, ...]) -> Finding:
    """The mean excess over the controls, and the one test for all classes."""
    from otoscope.interventions.effects.overlap import MOST_SHARED

    against = ablation.against
    mine = (against["target"] == target) & (against["measure"] == MEASURE)
    mine &= (against["probe"] == ablation.probe) & (against["match"] == ablation.primary)
    rows = against[mine & against["category"].isin(classes)]
    if rows.empty:
        return untold(start, "no control sets were drawn")
    value, p = float(rows["excess"].mean()), ablation.any_class_p(target, MEASURE)
    shared = float(rows["shared"].iloc[0])
    farthest = rows.sort_values("p_adjusted", kind="stable").iloc[0]
    verdict = by_p(float(farthest["excess"]), p, sign=-1, two_sided=True)
    here = (
        f"margins change by {value:+.2f} logits more than under {int(rows['controls'].iloc[0])} control sets "
        f"matched by {ablation.primary}; farthest from them is {farthest['category']}, "
        f"{float(farthest['excess']):+.2f} (all classes at once, {'no test' if p != p else f'p = {p:.3f}'})."
    )
    why = "agrees if p <= 0.05 for all classes at once and the class farthest from its controls falls"
    if shared > MOST_SHARED:
        verdict, why = CANNOT_TELL, f"control sets have {shared:.0%} of their neurons in common: no test"
    numbers: dict[str, Any] = {"value": value, "chance": 0.0, "p": p, "n": int(rows["controls"].iloc[0])}
    return replace(start, here=here, why=why, verdict=verdict, **numbers)


def _dose(start: Finding, ablation: "Ablation") -> Finding:
    """In how many classes does every lower gain give a lower margin, from the unmodified model down?"""
    curves = ablation.curves
    rows = curves[(curves["series"] == "gain") & (curves["measure"] == MEASURE) & (curves["x"] < 1)]
    aimed = {name for each in ablation.targets if each.series == "gain" for name in each.categories}
    rows = rows[rows["category"].isin(aimed)]
    wide = rows.pivot_table(index="category", columns="x", values="change").sort_index(axis=1)
    if wide.shape[1] < 2:
        return untold(start, "fewer than two gains below 1")
    steps = np.diff(wide.assign(unmodified=0.0).to_numpy(), axis=1)
    falls, rises = int((steps > 0).all(axis=1).sum()), int((steps < 0).all(axis=1).sum())
    p = float(binomtest(falls, falls + rises).pvalue) if falls + rises else 1.0
    here = (
        f"with every lower gain the margin falls in {falls} and rises in {rises} of {len(wide)} classes "
        f"(p = {p:.3f})."
    )
    why = "agrees if p <= 0.05 (two-sided sign test, classes taken as independent) and more classes fall"
    verdict = by_p(falls - rises, p, two_sided=True)
    numbers: dict[str, Any] = {
        "value": falls / len(wide),
        "chance": rises / len(wide),
        "p": p,
        "n": len(wide),
    }
    return replace(start, here=here, why=why, verdict=verdict, **numbers)


def _pair_in(ablation: "Ablation") -> str:
    """Which of the paper's two sets an ablation is of; "" for none."""
    for name, pair in PAIRS.items():
        for target in ablation.targets:
            if tuple(sorted(EMOTIONS.get(each, each) for each in target.categories)) == pair:
                return name
    return ""


def _of_pair(name: str, model: str) -> Finding:
    one, other = PAIRS[name]
    claim = f"Switching off the neurons of {one} and {other} lowers them ({SOURCE})."
    return Finding("RQ3", name, claim, model)


def _set(name: str, model: str, tables: str, ablation: "Ablation") -> Finding:
    """Do both classes of the set fall, each beyond its interval and beyond the controls?"""
    start = replace(_of_pair(name, model), tables=tables)
    target = next(
        each
        for each in ablation.targets
        if tuple(sorted(EMOTIONS.get(one, one) for one in each.categories)) == PAIRS[name]
    )
    rows = ablation.summary[
        (ablation.summary["target"] == target.name) & ablation.summary["category"].isin(target.categories)
    ]
    if rows.empty or f"{MEASURE}_change" not in rows:
        return untold(start, "no margin was measured")
    changes = rows[f"{MEASURE}_change"].to_numpy(float)
    p = pd.to_numeric(rows[f"{MEASURE}_p_adjusted"]).to_numpy(float)
    fall = (rows[f"{MEASURE}_high"] < 0).all() and (p <= 0.05).all()
    rise = (rows[f"{MEASURE}_low"] > 0).all() and (p <= 0.05).all()
    said = [
        f"{row['category']} {row[f'{MEASURE}_change']:+.2f} ({row[f'{MEASURE}_low']:+.2f} to "
        f"{row[f'{MEASURE}_high']:+.2f})"
        for row in rows.to_dict("records")
    ]
    here = f"with {len(target.neurons)} neurons off, margins change by {' and '.join(said)} logits."
    why = "agrees if both classes fall, their intervals below 0 and p <= 0.05 against the controls"
    numbers: dict[str, Any] = {
        "value": float(changes.mean()),
        "chance": 0.0,
        "p": float(p.max()),
        "n": len(rows),
    }
    verdict = AGREES if fall else DISAGREES if rise else CANNOT_TELL
    return replace(start, here=here, why=why, verdict=verdict, **numbers)
