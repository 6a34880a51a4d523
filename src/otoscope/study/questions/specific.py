"""RQ1: are there class-specific neurons, for nearly all classes, and more in a self-supervised model?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, t

from otoscope.activations import open_store
from otoscope.neurons.evidence.evidence_result import Evidence
from otoscope.study.plan import Study
from otoscope.study.questions.judging import AGREES, ALPHA, CANNOT_TELL, Finding, by_interval, untold

__all__ = ["labelings", "specific_findings"]

SOURCE = "Kawamura et al. 2026, RQ1"
NEARLY_ALL = 0.9
"""The share of classes that "nearly all" is taken for."""
TAUGHT = {"mini:supervised": ("event", "family", "language")}
"""Labelings that a supervised model was taught in broader classes: left out where it is compared."""
_LEAST_TASKS = 3
_FOUND = ("neurons", "coverage", "depth")
_COLUMNS = (
    *(f"{name}{end}" for name in _FOUND for end in ("", "_chance", "_low", "_high")),
    *("neurons_p", "depth_p", "twins_random", "held_out", "held_out_low", "held_out_high"),
    *("beyond_twins_low", "stability", "stability_chance"),
)


def labelings(plan: Study, stores: Mapping[tuple[str, str], Path]) -> pd.DataFrame:
    """Every labeling by every model and preset: one row each, none left out.

    Returns:
        Columns `task, labeling, model, role, preset, classes, design, refused` (why there are no numbers, or
        ""), the columns of `Evidence.table`, and `by_layer`: neurons in each layer, separated by blanks.
    """
    rows = []
    for (model, task), place in stores.items():
        start = {"task": task, "labeling": "", "model": model, "role": plan.models[model].role}
        if not place.is_dir():
            rows.append(start | {"preset": "", "refused": "not recorded"})
            continue
        known = {each.label: each for each in map(Evidence.load, _folders(place))}
        for label in plan.tasks[task].labelings or tuple(open_store(place).labelings):
            rows += _rows(start | {"labeling": label}, known.get(label))
    head = ["task", "labeling", "model", "role", "preset", "classes", "design", "refused"]
    table = pd.DataFrame(rows, columns=[*head, *_COLUMNS, "by_layer"])
    order = ["task", "labeling", "preset"]
    numbers = dict.fromkeys(("classes", *_COLUMNS), float)
    words = ("design", "refused", "by_layer")
    table = table.assign(**{name: table[name].astype(object).fillna("") for name in words})
    return table.sort_values(order, kind="stable", ignore_index=True).astype(numbers)


def _folders(place: Path) -> list[Path]:
    return sorted(each for each in (place / "results").glob("evidence-*") if each.is_dir())


def _rows(start: dict[str, Any], found: Evidence | None) -> Iterator[dict[str, Any]]:
    if found is None:
        yield start | {"preset": "", "refused": "no evidence was gathered"}
        return
    for row in found.table.to_dict("records"):
        chosen = found.selections.get(row["preset"])
        layers = "" if chosen is None else " ".join(f"{count:d}" for count in chosen.by_layer)
        about = {"classes": len(found.classes), "design": found.design, "by_layer": layers}
        yield {**start, **about, **{str(key): value for key, value in row.items()}}


def specific_findings(plan: Study, table: pd.DataFrame) -> Iterator[Finding]:
    """The findings of RQ1 from the table of `labelings`."""
    for model in plan.models:
        mine = table[table["model"] == model]
        for preset in ("aape", "specific"):
            yield _coverage(mine[mine["preset"] == preset], model, preset)
        yield _depth(mine[mine["preset"] == "aape"], model)
    roles: dict[str, str] = {str(entry.role): name for name, entry in reversed(plan.models.items())}
    for other in ("supervised", "untrained"):
        for preset in ("aape", "specific"):
            taught = TAUGHT.get(plan.models[roles[other]].spec, ()) if other in roles else ()
            chosen = (table["preset"] == preset) & ~table["labeling"].isin(taught)
            yield _more(table[chosen], roles, other, preset, taught)


def _coverage(rows: pd.DataFrame, model: str, preset: str) -> Finding:
    """Are there class-specific neurons for nearly all classes?"""
    claim = f"Class-specific neurons are found for nearly all classes ({SOURCE})."
    start = Finding("RQ1", f"coverage-{preset}", claim, model, tables="labelings.csv")
    rows = rows[rows["coverage"].notna()]
    if rows.empty:
        return untold(start, f"no selection by {preset}")
    value, low, high, tasks = _over_tasks(rows, rows["coverage"])
    low, high = np.clip([low, high], 0, 1).tolist()
    chance = rows["coverage_chance"].mean()
    why = (
        f"agrees if the interval over tasks lies above {NEARLY_ALL:g}, disagrees if below; and nothing is "
        "told where permuted labels cover as much"
    )
    verdict = by_interval(low, high, NEARLY_ALL) if tasks >= _LEAST_TASKS else CANNOT_TELL
    if verdict == AGREES and not chance < low:
        verdict = CANNOT_TELL
    here = (
        f"{preset} covers {value:.2f} of the classes ({_band(low, high)}) of {len(rows)} labelings; permuted "
        f"labels cover {chance:.2f}."
    )
    numbers: dict[str, Any] = {"value": value, "low": low, "high": high, "chance": chance, "n": len(rows)}
    return replace(start, here=here, verdict=verdict, why=why, **numbers)


def _depth(rows: pd.DataFrame, model: str) -> Finding:
    """Are the chosen neurons more selective than permuted labels make them?"""
    claim = f"Neurons of low entropy respond to few classes ({SOURCE})."
    start = Finding("RQ1", "depth", claim, model, tables="labelings.csv")
    rows = rows[rows["depth_p"].notna()]
    if rows.empty:
        return untold(start, "no labeling has a test of depth")
    adjusted = false_discovery_control(rows["depth_p"], method="by")
    passed = int((adjusted <= ALPHA).sum())
    here = (
        f"the depth of aape is {rows['depth'].mean():.3f} nats, permuted labels give "
        f"{rows['depth_chance'].mean():.3f}; beyond chance in {passed} of {len(rows)} labelings."
    )
    return replace(
        start,
        here=here,
        value=rows["depth"].mean(),
        chance=rows["depth_chance"].mean(),
        p=float(adjusted.max()),
        n=len(rows),
        verdict=AGREES if passed == len(rows) else CANNOT_TELL,
        why="agrees if p <= 0.05 in every labeling tested (Benjamini-Yekutieli); p is the largest",
    )


def _more(
    rows: pd.DataFrame, roles: Mapping[str, str], other: str, preset: str, taught: tuple[str, ...]
) -> Finding:
    """Does the self-supervised model cover more classes than another?"""
    names = [roles.get(role, role) for role in ("self-supervised", other)]
    claim = f"The self-supervised model has neurons for more classes than the supervised one ({SOURCE})."
    if other == "untrained":
        claim = "Ours, not the paper's: what the self-supervised model covers is learned."
    start = Finding("RQ1", f"more-than-{other}-{preset}", claim, " - ".join(names), tables="labelings.csv")
    keys = ["task", "labeling"]
    sides = [rows[rows["model"] == name].set_index(keys)["coverage"] for name in names]
    both = pd.concat(sides, axis=1, keys=("one", "two"), join="inner").dropna().reset_index()
    if both["task"].nunique() < _LEAST_TASKS:
        return untold(start, f"{both['task'].nunique()} tasks with both models; expected {_LEAST_TASKS}")
    value, low, high, tasks = _over_tasks(both, both["one"] - both["two"])
    here = (
        f"by {preset} {names[0]} covers {both['one'].mean():.2f} of the classes and {names[1]} "
        f"{both['two'].mean():.2f}: a difference of {value:+.2f} ({low:+.2f} to {high:+.2f}) over "
        f"{len(both)} labelings."
    )
    why = f"interval of the mean difference over {tasks} tasks (Student's t), training runs not covered"
    why += f"; without {', '.join(taught)}, taught to {names[1]} in broader classes" if taught else ""
    numbers: dict[str, Any] = {"value": value, "low": low, "high": high, "chance": 0.0, "n": len(both)}
    return replace(start, here=here, verdict=by_interval(low, high), why=why, **numbers)


def _over_tasks(rows: pd.DataFrame, values: "pd.Series[float]") -> tuple[float, float, float, int]:
    """Mean over tasks with its 95 % interval, labelings of the same clips together; and how many tasks."""
    means = values.groupby(rows["task"]).mean().to_numpy()
    count, mean = len(means), float(means.mean())
    if count < 2:
        return mean, float("nan"), float("nan"), count
    reach = float(t.ppf(1 - ALPHA / 2, count - 1) * means.std(ddof=1) / np.sqrt(count))
    return mean, mean - reach, mean + reach, count


def _band(low: float, high: float) -> str:
    return "one task, no interval" if np.isnan(low) else f"{low:.2f} to {high:.2f}"
