"""Where a report's numbers come from: models, data, settings and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from otoscope.neurons.addresses import modules, sizes
from otoscope.reporting.collect import Recorded


def provenance_table(recorded: Sequence[Recorded]) -> pd.DataFrame:
    """All that is known of how stores and results were made: columns `store, result, setting, value`."""
    rows = []
    for each in recorded:
        rows += [(each.name, "recording", *pair) for pair in _flat(each.store.info)]
        for selection in each.selections:
            facts: dict[str, Any] = {**selection.provenance, **(selection.document()["filters"] or {})}
            facts |= {"preset": selection.preset, "recording": None}
            if selection.chance is not None:
                facts |= {"permutations": selection.chance.permutations, "design": selection.chance.design}
            rows += [(each.name, f"select {selection.label}", *pair) for pair in _flat(facts)]
        for ablation in each.ablations:
            rows += [(each.name, f"ablate {ablation.label}", *pair) for pair in _flat(ablation.settings)]
        for label, probe in each.probes.items():
            facts = {key: probe[key] for key in ("probe", "splits", "n")}
            rows += [(each.name, f"probe {label}", *pair) for pair in _flat(facts)]
    return pd.DataFrame(rows, columns=["store", "result", "setting", "value"]).astype("str")


def sources(recorded: Sequence[Recorded]) -> list[dict[str, Any]]:
    """For each store what the page shows of its making: `store`, and `facts` as (word, value) pairs."""
    found = []
    for each in recorded:
        info = each.store.info
        model, task, layers = info["model"], info["task"], each.store.layers
        facts = [
            ("model", each.model),
            ("fingerprint of the weights", model["fingerprint"]),
            ("neurons", f"{sizes(layer.units for layer in layers)}, at {modules(it.name for it in layers)}"),
            ("task", each.task),
            ("hash of the manifest", task["fingerprint"]),
            ("settings", ", ".join(f"{key} {value}" for key, value in _flat(info["settings"]))),
            ("recorded with", _versions(info)),
            ("citation", task.get("citation")),
            ("licence of the data", task.get("licence")),
        ]
        found.append({"store": each.name, "facts": [(word, str(value)) for word, value in facts if value]})
    return found


def _versions(info: Mapping[str, Any]) -> str:
    versions = info.get("versions") or {"otoscope": info.get("version", "")}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _flat(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings as (dotted name, text) pairs; what is None or a long list is left out."""
    pairs = []
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{name}.")
        elif value is not None and not (isinstance(value, (list, tuple)) and len(str(value)) > 200):
            pairs.append((name, str(value)))
    return pairs
