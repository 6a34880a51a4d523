"""The table at the head of a report: one row a model and labeling, every figure beside chance and twins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.reporting.beside import twin_cells
from otoscope.reporting.collect import Recorded
from otoscope.reporting.wording import short_model

if TYPE_CHECKING:
    from otoscope.neurons import Selection

MEASURES = {
    "neurons": "class-specific neurons",
    "coverage": "coverage (share of classes)",
    "depth": "depth (nats)",
    "probe": "probe accuracy",
}
"""The measures of the table, with their unit, in reading order."""

_SPREAD = {"chance": "mean", "low": "low", "high": "high"}
_GATHERED = (
    "neurons_p",
    *("held_out", "held_out_low", "held_out_high", "held_out_twins", "held_out_twins_most"),
    *("beyond_twins_low", "stability", "stability_chance", "stability_chance_most", "follows", "size_bias"),
)
_COLUMNS = [
    *("store", "model", "task", "label", "preset", "classes", "clips", "refused"),
    *(
        f"{measure}{end}"
        for measure in ("neurons", "coverage", "depth")
        for end in ("", *(f"_{name}" for name in _SPREAD))
    ),
    *("twins", "twins_coverage", "twins_most", "pairs", "depth_p", "excess_p"),
    *("design", "permutations", "distinct", *_GATHERED),
    *("probe", "probe_low", "probe_high", "probe_chance"),
]


def overview_table(recorded: Sequence[Recorded]) -> pd.DataFrame:
    """One row per selection, also a refused one, or per probed labeling without any.

    Returns:
        Columns `store, model, task, label, preset, classes, clips, refused` (why the preset does not select),
        then for `neurons`, `coverage` and `depth` the value and its distribution under permuted labels
        (`_chance` the mean, `_low` and `_high` the central 95 %), `twins` and `twins_coverage` (the same
        selection in the twins, as text, or that there are none), `twins_most` (the largest of their counts),
        `pairs`, `depth_p`, `excess_p`, how the permutation was done (`design, permutations, distinct`), the
        columns of evidence from `neurons_p` to `size_bias` (see `Evidence.table`), and the probe's accuracy
        (`probe`) with its 95 % interval (`probe_low`, `probe_high`) and that of always naming the most
        frequent class (`probe_chance`). Missing where nothing was computed. A selection without permutations
        has no figures: a bare count says nothing.
    """
    rows = [row for each in recorded for row in _rows(each)]
    asked = list(dict.fromkeys((row["task"], row["label"]) for row in rows))
    # Models side by side: a labeling's rows together, in the order of the stores.
    rows.sort(key=lambda row: asked.index((row["task"], row["label"])))
    table = pd.DataFrame(rows, columns=_COLUMNS)
    words = ["store", "model", "task", "label", "preset", "refused", "twins", "twins_coverage", "design"]
    figures = [name for name in _COLUMNS if name not in [*words, "distinct"]]
    return table.astype({**dict.fromkeys(words, "str"), **dict.fromkeys(figures, "float")}) if rows else table


def measure_table(overview: pd.DataFrame) -> pd.DataFrame:
    """The overview as `plots.overview` takes it: one row a measure, labeling and model.

    One selection a labeling and model: that by the filters where there is one, which are what has a depth
    under permutation; the evidence of all presets is in figures of its own.
    """
    filtered = overview[overview["preset"] != "specific"] if len(overview) else overview
    one = filtered if len(filtered) else overview
    rows = []
    several = overview["task"].nunique() > 1
    for measure, title in MEASURES.items():
        known = one[one[measure].notna() & one[f"{measure}_low"].notna()]
        rows += [
            {
                "measure": title,
                "labeling": f"{row['task']} · {row['label']}" if several else row["label"],
                "model": short_model(row["model"]),
                "value": row[measure],
                "low": row[f"{measure}_low"],
                "high": row[f"{measure}_high"],
                "band": "interval" if measure == "probe" else "chance",
            }
            for row in known.to_dict("records")
        ]
    return pd.DataFrame(rows, columns=["measure", "labeling", "model", "value", "low", "high", "band"])


def _rows(recorded: Recorded) -> list[dict[str, Any]]:
    rows, place = [], list(recorded.store.labelings)
    for label in sorted(
        {*(each.label for each in recorded.selections), *recorded.evidence, *recorded.probes},
        key=lambda name: place.index(name) if name in place else len(place),
    ):
        start = _start(recorded, label)
        chosen = [each for each in recorded.selections if each.label == label]
        gathered = recorded.evidence.get(label)
        facts = {} if gathered is None else {row["preset"]: row for row in gathered.table.to_dict("records")}
        found = [start | _selected(recorded, each) | _gathered(facts.get(each.preset)) for each in chosen]
        known = {each.preset for each in chosen}
        refused = [
            start | {"preset": preset, "refused": row["refused"]}
            for preset, row in facts.items()
            if preset not in known and row["refused"]
        ]
        rows += [*refused, *found] or [start]
    return rows


def _start(recorded: Recorded, label: str) -> dict[str, Any]:
    """What is known of a labeling whatever was selected: the store, and the probe."""
    probe = recorded.probes.get(label, {})
    low, high = probe.get("interval") or (None, None)
    store = recorded.store
    return {
        "store": recorded.name,
        "model": recorded.model,
        "task": recorded.task,
        "label": label,
        "preset": "",
        "refused": "",
        "twins": "",
        "twins_coverage": "",
        "design": "",
        "classes": len(store.labeling(label).classes) if label in store.labelings else None,
        "clips": int((store.tokens > 0).sum()),
        "probe": probe.get("accuracy"),
        "probe_low": low,
        "probe_high": high,
        "probe_chance": probe.get("chance"),
    }


def _selected(recorded: Recorded, selection: Selection) -> dict[str, Any]:
    row: dict[str, Any] = {"preset": selection.preset, "classes": len(selection.classes)}
    row |= twin_cells(recorded, selection)
    if selection.chance is None:
        return row
    document, chance = selection.document(), selection.chance.document()
    for measure in ("neurons", "coverage", "depth"):
        row[measure] = document[measure]
        row |= {f"{measure}_{name}": chance[measure][key] for name, key in _SPREAD.items()}
    counts = [] if selection.twins is None else selection.twins.table["neurons"].tolist()
    return row | {
        "pairs": document["pairs"],
        "twins_most": max(counts, default=None),
        "depth_p": chance["depth"]["p"],
        "excess_p": chance["excess"]["p"],
        "design": chance["design"],
        "permutations": chance["permutations"],
        # A number, or where it is beyond counting a power of ten: as text, so that a column has one type.
        "distinct": str(chance["distinct"]),
    }


def _gathered(row: dict[Any, Any] | None) -> dict[str, Any]:
    return {} if row is None else {key: row[key] for key in _GATHERED}
