"""The tables of an ablation in a report."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from otoscope.reporting.impact_data import UNITS, classes_of
from otoscope.reporting.parts import Part
from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import MISSING, number, percent, signed

if TYPE_CHECKING:
    from otoscope.interventions import Ablation

__all__ = ["add_tables", "interval_text", "rows_of"]

_MOST_SHOWN = 40  # rows of a table on the page; beyond, the files hold it
_MOST_CONFUSIONS = 10


def add_tables(part: Part, stem: str, ablation: Ablation, cabinet: Cabinet) -> None:
    """Write every table of an ablation; on the page those that are short: what happens to own classes, the
    confusions that appear, how control sets match, and what the probes tell of the model as it is.
    """
    name = f"{stem}-ablation"
    rows = rows_of(ablation)
    own = _own(ablation, rows)
    part.tables += [
        cabinet.add(
            f"{name}-own",
            own,
            title="Ablation: own classes (p / adjusted for all classes)",
            shown=_few(own, _shown(ablation)),
        ),
        cabinet.add(name, rows, title="Ablation: every target and class"),
    ]
    if len(found := _confusions(ablation)):
        title = "Ablation: confusions that appear, the largest"
        part.tables.append(cabinet.add(f"{name}-confusions-top", found, title=title, shown=_CONFUSIONS))
    if len(ablation.confusions):
        title = "Ablation: all confusions that change"
        part.tables.append(cabinet.add(f"{name}-confusions", ablation.confusions, title=title))
    sets = _matches(ablation)
    part.tables += [
        cabinet.add(f"{name}-sets", sets, title="Ablation: sets of neurons", shown=_few(sets, _SETS)),
        cabinet.add(
            f"{name}-probes",
            _probes(ablation),
            title="Ablation: what the probes tell of the model as it is",
            shown=_PROBES,
        ),
        cabinet.add(f"{name}-draws", ablation.table, title="Ablation: every control set"),
        cabinet.add(f"{name}-against", ablation.against, title="Ablation: against control sets"),
    ]
    if len(ablation.diagonal):
        part.tables.append(
            cabinet.add(f"{name}-diagonal", ablation.diagonal, title="Ablation: self and cross")
        )
    if len(ablation.curves):
        part.tables.append(cabinet.add(f"{name}-curves", ablation.curves, title="Ablation: series"))


def rows_of(ablation: Ablation) -> pd.DataFrame:
    """One row per target, class and probe.

    Returns:
        Columns `target, category, probe, clips`; for each shown measure, with its name in front, `_change`,
        `_low`, `_high` (shares in percentage points) and for each way of matching `_p_layer` and
        `_p_adjusted_layer`, say; of a single-label labeling `right, lost, gained, mcnemar_p`.
    """
    keys = ["target", "category", "probe"]
    found = ablation.effects[[*keys, "clips"]].drop_duplicates(ignore_index=True)
    for measure in ablation.measures[:2]:
        effects = ablation.effects[ablation.effects["measure"] == measure].set_index(keys)
        found = found.join(
            effects[["change", "low", "high"]].mul(UNITS[measure][1]).add_prefix(f"{measure}_"), on=keys
        )
        for match in dict.fromkeys(ablation.against["match"]):
            mine = (ablation.against["measure"] == measure) & (ablation.against["match"] == match)
            beside = ablation.against[mine].set_index(keys)[["p", "p_adjusted"]]
            found = found.join(beside.add_prefix(f"{measure}_").add_suffix(f"_{match}"), on=keys)
    if len(ablation.paired):
        found = found.join(ablation.paired.drop(columns="clips").set_index(keys), on=keys)
    return found


def interval_text(change: float, low: float, high: float, digits: int) -> str:
    """A change with its interval, where it has one.

    >>> interval_text(-10.0, -21.2, 1.2, 1), interval_text(0.5, float("nan"), float("nan"), 2)
    ('−10.0 (−21.2 to +1.2)', '+0.50')
    """
    ends = f" ({signed(low, digits)} to {signed(high, digits)})"
    return signed(change, digits) + (ends if high - low > 1e-9 else "")


def _own(ablation: Ablation, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of classes whose neurons are switched, both probes under one another, with texts to show."""
    wanted = {each.name: classes_of(ablation, each) for each in ablation.targets}
    keep = [name in wanted[target] for target, name in zip(rows["target"], rows["category"], strict=True)]
    own = rows[keep].reset_index(drop=True)
    if len(own) > _MOST_SHOWN:  # the other probe is in the files
        own = own[own["probe"] == ablation.probe].reset_index(drop=True)
    for measure in ablation.measures[:2]:
        digits = 1 if UNITS[measure][1] == 100 else 2
        ends = zip(*(own[f"{measure}_{end}"] for end in ("change", "low", "high")), strict=True)
        own[measure] = [interval_text(change, low, high, digits) for change, low, high in ends]
        for match in dict.fromkeys(ablation.against["match"]):
            pairs = zip(own[f"{measure}_p_{match}"], own[f"{measure}_p_adjusted_{match}"], strict=True)
            own[f"{measure}_{match}"] = [_both(*pair) for pair in pairs]
    if "lost" in own:
        counts = zip(own["lost"], own["gained"], own["right"], strict=True)
        own["clips_changed"] = [f"{lost:.3g} / {gained:.3g} of {right:.3g}" for lost, gained, right in counts]
    return own


def _both(p: float, adjusted: float) -> str:
    return f"{number(p, 2)} / {number(adjusted, 2)}" if pd.notna(p) else MISSING


def _shown(ablation: Ablation) -> Shown:
    first, second = ablation.measures[:2]
    matches = [each for each in dict.fromkeys(ablation.against["match"]) if each != "neighbour"]
    shown: dict[str, tuple[str, object]] = {
        "target": ("switched", str),
        "category": ("class", str),
        "probe": ("probe", str),
        "clips": ("test clips", number),
        first: (f"{first.replace('_', ' ')}, points", str),
    }
    if len(ablation.paired):
        shown["clips_changed"] = ("lost / gained of right", str)
        shown["mcnemar_p"] = ("McNemar p", partial(number, digits=2))
    shown |= {f"{first}_{match}": (f"p, {match}", str) for match in matches}
    shown[second] = (f"{second}, logits", str)
    shown |= {f"{second}_{match}": (f"p, {match}", str) for match in matches}
    return shown  # type: ignore[return-value]


def _few(table: pd.DataFrame, shown: Shown) -> Shown | None:
    return shown if len(table) <= _MOST_SHOWN else None


def _confusions(ablation: Ablation) -> pd.DataFrame:
    """The confusions that appear or grow most, by the probe that counts."""
    mine = ablation.confusions[ablation.confusions["probe"] == ablation.probe]
    more = mine[mine["change"] > 0].sort_values("change", ascending=False, kind="stable")
    return more.head(_MOST_CONFUSIONS).reset_index(drop=True)


def _matches(ablation: Ablation) -> pd.DataFrame:
    """How many sets of each kind a target has, their size, and how hard they push beside the target."""
    sets = ablation.sets.groupby(["target", "match"], sort=False)
    table = sets.agg(
        sets=("neurons", "size"),
        neurons=("neurons", "mean"),
        displacement=("displacement", "mean"),
        relative=("relative", "mean"),
        relative_low=("relative", "min"),
        relative_high=("relative", "max"),
    ).reset_index()
    spans = zip(*(table[name] for name in ("relative", "relative_low", "relative_high")), strict=True)
    table["span"] = [
        f"{mean:.2f} ({low:.2f} to {high:.2f})" if high > low else f"{mean:.2f}" for mean, low, high in spans
    ]
    return table.assign(kind=table["match"].where(table["match"] != "", "target"))


def _probes(ablation: Ablation) -> pd.DataFrame:
    baseline = ablation.baseline
    ends = zip(baseline["low"], baseline["high"], strict=True)
    return baseline.assign(
        of=baseline["category"].where(baseline["category"] != "", "(all)"),
        interval=[f"{percent(low)} to {percent(high)}" for low, high in ends],
    )


_CONFUSIONS: Shown = {
    "target": ("switched", str),
    "category": ("class", str),
    "predicted": ("taken for", str),
    "before": ("clips before", partial(number, digits=2)),
    "after": ("clips after", partial(number, digits=2)),
    "change": ("change", signed),
}
_SETS: Shown = {
    "target": ("switched", str),
    "kind": ("matched by", str),
    "sets": ("sets", number),
    "neurons": ("neurons", number),
    "displacement": ("displacement, sd", number),
    "span": ("beside the target (least to most)", str),
}
_PROBES: Shown = {
    "probe": ("probe", str),
    "of": ("class", str),
    "clips": ("test clips", number),
    "value": ("right", percent),
    "interval": ("95 % interval", str),
    "chance": ("chance", percent),
}
