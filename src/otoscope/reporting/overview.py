"""The table at the head of a report: one row a model and labeling, every figure beside its chance level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from otoscope.reporting.collect import Recorded
from otoscope.reporting.wording import short_model

MEASURES = {
    "neurons": "class-specific neurons",
    "coverage": "coverage (share of classes)",
    "depth": "depth (nats)",
    "probe": "probe accuracy",
}
"""The measures of the table, with their unit, in reading order."""


def overview_table(recorded: Sequence[Recorded]) -> pd.DataFrame:
    """One row per selection, or per probed labeling without one.

    Returns:
        Columns `store, model, task, label, preset, classes, clips`, then for `neurons`, `coverage` and
        `depth` the value and its distribution under permuted labels (`_chance` the mean, `_low` and `_high`
        the central 95 %), `pairs`, `depth_p`, how the permutation was done (`design, permutations,
        distinct`), and the probe's accuracy (`probe`) with its 95 % interval (`probe_low`, `probe_high`) and
        that of always naming the most frequent class (`probe_chance`). Missing where nothing was computed.
    """
    rows = [row for each in recorded for row in _rows(each)]
    asked = list(dict.fromkeys((row["task"], row["label"]) for row in rows))
    # Models side by side: a labeling's rows together, in the order of the stores.
    rows.sort(key=lambda row: asked.index((row["task"], row["label"])))
    return pd.DataFrame(rows, columns=list(_row(None, "", {}, {})))


def measure_table(overview: pd.DataFrame) -> pd.DataFrame:
    """The overview as `plots.overview` takes it: one row a measure, labeling and model."""
    rows = []
    several = overview["task"].nunique() > 1
    for measure, title in MEASURES.items():
        known = overview[overview[measure].notna() & overview[f"{measure}_low"].notna()]
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
    rows = [
        _row(recorded, selection.label, selection.document(), recorded.probes.get(selection.label, {}))
        for selection in recorded.selections
    ]
    chosen = {selection.label for selection in recorded.selections}
    return rows + [
        _row(recorded, label, {}, probe) for label, probe in recorded.probes.items() if label not in chosen
    ]


def _row(
    recorded: Recorded | None, label: str, selection: dict[str, Any], probe: dict[str, Any]
) -> dict[str, Any]:
    chance = selection.get("chance") or {}
    row: dict[str, Any] = {
        "store": recorded and recorded.name,
        "model": recorded and recorded.model,
        "task": recorded and recorded.task,
        "label": label,
        "preset": selection.get("preset"),
        "classes": len(selection["classes"]) if selection else None,
        "clips": recorded and int((recorded.store.tokens > 0).sum()),
        "pairs": selection.get("pairs"),
    }
    for measure in ("neurons", "coverage", "depth"):
        spread = chance.get(measure) or {}
        row[measure] = selection.get(measure)
        row |= {f"{measure}_{name}": spread.get(key) for name, key in _SPREAD.items()}
    row["depth_p"] = (chance.get("depth") or {}).get("p")
    row |= {key: chance.get(key) for key in ("design", "permutations")}
    # A number, or where it is beyond counting a power of ten: as text, so that a column has one type.
    row["distinct"] = str(chance["distinct"]) if chance else None
    low, high = probe.get("interval") or (None, None)
    accuracy = {"probe": probe.get("accuracy"), "probe_low": low, "probe_high": high}
    return row | accuracy | {"probe_chance": probe.get("chance")}


_SPREAD = {"chance": "mean", "low": "low", "high": "high"}
