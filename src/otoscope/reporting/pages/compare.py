"""The page Compare: two selections side by side, of two models or of two tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.reporting.charts import PLOTLY, escaped
from otoscope.reporting.collect import Recorded
from otoscope.reporting.overview import overview_table
from otoscope.reporting.site import Page, Site
from otoscope.reporting.wording import band, number, percent, short_model

if TYPE_CHECKING:
    from otoscope.neurons import Selection

__all__ = ["document", "page"]


def page(site: Site) -> Page:
    """The page; with fewer than two selections it says what a comparison needs."""
    entries = document(site)
    content = {
        "entries": [(entry["key"], entry["title"]) for entry in entries],
        "first": _first(entries),
        "without": [
            _title(each, selection)
            for each in site.recorded
            for selection in each.selections
            if selection.chance is None
        ],
        "missing": [
            f"otoscope select {each.name} --label {label}"
            for each in site.recorded
            for label in each.store.labelings
        ],
    }
    scripts: tuple[str, ...] = ()
    if len(entries) > 1:
        data = site.shelf.add("compare", entries)
        scripts = (data, PLOTLY, "assets/charts.js", "assets/compare.js")
    return Page("compare", "Compare", "report/compare.html.jinja", content, scripts)


def document(site: Site) -> list[dict[str, Any]]:
    """Every selection that has a chance level, as the page's script takes it."""
    entries = []
    for each in site.recorded:
        overview = overview_table([each])
        for selection in each.selections:
            if selection.chance is not None:
                entries.append(_entry(site, each, selection, overview))
    return entries


def _title(recorded: Recorded, selection: Selection) -> str:
    return f"{short_model(recorded.model)} on {recorded.task}, {selection.label} ({selection.preset})"


def _entry(site: Site, recorded: Recorded, selection: Selection, overview: pd.DataFrame) -> dict[str, Any]:
    assert selection.chance is not None
    chance = selection.chance.by_layer.set_index("layer").reindex(np.arange(selection.layers))
    classes = [str(name) for name in selection.classes]
    counts = {str(name): int(count) for name, count in selection.by_category.items()}
    title = _title(recorded, selection)
    return {
        "key": f"{recorded.number}-{selection.label}-{selection.preset}",
        "title": title,
        "shown": escaped(title),
        "number": recorded.number,
        "model": short_model(recorded.model),
        # Neurons are the same only where the weights are.
        "weights": recorded.store.info["model"]["fingerprint"],
        "task": recorded.task,
        "label": selection.label,
        "preset": selection.preset,
        "facts": _facts(selection, overview),
        "layers": [int(count) for count in selection.by_layer],
        "chance": [round(float(mean), 3) for mean in chance["mean"]],
        "classes": [[name, counts[name]] for name in classes],
        "neurons": [
            [f"{layer}.{unit}", site.href(recorded.number, int(layer), int(unit))]
            for layer, unit in selection.neurons.itertuples(index=False)
        ],
        "covered": f"{len([name for name in classes if counts[name]])} of {len(classes)} classes (chance "
        f"{percent(selection.chance.coverage.mean)})",
        "compared": _compared(recorded, selection),
    }


def _facts(selection: Selection, overview: pd.DataFrame) -> list[list[str]]:
    """What stands in the table, each figure beside its chance level: (word, value, beside)."""
    rows = overview[(overview["label"] == selection.label) & (overview["preset"] == selection.preset)]
    row = rows.iloc[0]
    facts = [
        ("class-specific neurons", number(row["neurons"]), _chance(row, "neurons"), row["twins"]),
        (
            "coverage: classes with a neuron",
            percent(row["coverage"]),
            _chance(row, "coverage"),
            row["twins_coverage"],
        ),
    ]
    if selection.filters is not None:
        depth = _chance(row, "depth")
        facts.append(("depth: how selective, in nats", number(row["depth"]), depth, ""))
    if pd.notna(row["held_out"]):
        best = row["held_out_twins_most"]
        twin = f"best twin {best:.2f}" if pd.notna(best) else "no twin"
        word = "AUROC on unseen clips: 0.5 is guessing"
        facts.append((word, number(row["held_out"], 2), twin, ""))
    if pd.notna(row["stability"]):
        word = "agreement of two halves (Jaccard index)"
        chance = f"chance {number(row['stability_chance'], 2)}"
        facts.append((word, number(row["stability"], 2), chance, ""))
    if pd.notna(row["probe"]):
        interval = f"95 % interval {band(row['probe_low'], row['probe_high'])}"
        chance = f"most frequent class {percent(row['probe_chance'])}"
        facts.append(("probe: a linear classifier, accuracy", percent(row["probe"]), interval, chance))
    return [[word, value, "; ".join(filter(None, beside))] for word, value, *beside in facts]


def _chance(row: pd.Series[Any], measure: str) -> str:
    mean, low, high = (row[f"{measure}_{end}"] for end in ("chance", "low", "high"))
    if pd.isna(mean):
        return "no chance level"
    if measure == "coverage":
        return f"chance {percent(mean)} ({band(low, high)})"
    return f"chance {number(mean)} ({number(low)} to {number(high)})"


def _compared(recorded: Recorded, selection: Selection) -> list[dict[str, str]]:
    """What `otoscope compare` found between this model and others, on the same unseen clips, in sentences."""
    found = recorded.comparisons.get(selection.label)
    if found is None:
        return []
    means = found.differences[found.differences["category"] == ""]
    return [
        {
            "models": "\n".join(sorted(short_model(row[side]) for side in ("first", "second"))),
            "text": f"{row['measure']} neurons on unseen clips: {short_model(row['first'])} against "
            f"{short_model(row['second'])} {row['difference']:+.3f} in AUROC (95 % "
            f"{row['low']:+.3f} to {row['high']:+.3f}, {found.preset}).",
        }
        for row in means.to_dict("records")
    ]


def _first(entries: list[dict[str, Any]]) -> tuple[str, str]:
    """What is shown first: one labeling by one preset in two models; else the first two."""
    for place, one in enumerate(entries):
        for other in entries[place + 1 :]:
            same = all(one[key] == other[key] for key in ("task", "label", "preset"))
            if same and one["weights"] != other["weights"]:
                return one["key"], other["key"]
    keys = [entry["key"] for entry in entries[:2]] + ["", ""]
    return keys[0], keys[1]
