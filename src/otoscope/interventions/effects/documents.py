"""An ablation as JSON has it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.interventions.targets.target import Target

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["OWN_KEYS", "document_of", "targets_in", "wide_of"]

OWN_KEYS = (
    "label", "classes", "multilabel", "measures", "primary", "sentences", "notes", "results",
    "by_probe", "baseline", "diagonal", "provenance",
)  # fmt: skip
"""Keys of the document that are not settings."""


def document_of(ablation: "Ablation") -> dict[str, Any]:
    """One JSON document: everything but the single control sets and confusions."""
    figures = _figures(ablation)
    others = [probe for probe in figures if probe != ablation.probe]
    return {
        "label": ablation.label,
        "classes": list(ablation.classes),
        "multilabel": ablation.multilabel,
        "measures": list(ablation.measures),
        "primary": ablation.primary,
        **ablation.settings,
        "sentences": list(ablation.sentences),
        "notes": list(ablation.notes),
        "results": [
            _target(ablation, target, figures.get(ablation.probe, {})) for target in ablation.targets
        ],
        "by_probe": {probe: figures[probe] for probe in others},
        "baseline": ablation.baseline.to_dict("records"),
        "diagonal": ablation.diagonal.to_dict("records"),
        "provenance": ablation.provenance,
    }


def targets_in(results: list[dict[str, Any]]) -> tuple[Target, ...]:
    """The targets of a document's `results`."""
    return tuple(
        Target(
            each["target"],
            tuple(each["categories"]),
            tuple((int(layer), int(unit)) for layer, unit in each["addresses"]),
            float(each["level"]),
            each["series"],
            each["of"],
            each["at"],
        )
        for each in results
    )


def _target(ablation: "Ablation", target: Target, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "target": target.name,
        "categories": list(target.categories),
        "neurons": len(target.neurons),
        "by_layer": target.by_layer,
        "addresses": [list(address) for address in target.neurons],
        "level": target.level,
        "series": target.series,
        "of": target.of,
        "at": target.at,
        "by_category": figures.get(target.name, {}),
        "any_class_p": {measure: ablation.any_class_p(target.name, measure) for measure in ablation.measures},
    }


def _figures(ablation: "Ablation") -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """By probe, target and class: the test clips, and each measure's figures."""
    beside: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for row in ablation.against.to_dict("records"):
        key = tuple(str(row.pop(name)) for name in ("probe", "target", "category", "measure"))
        beside.setdefault(key, {})[str(row.pop("match"))] = {str(name): value for name, value in row.items()}
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for row in ablation.effects.to_dict("records"):
        probe, target, category, measure = (
            str(row[name]) for name in ("probe", "target", "category", "measure")
        )
        of_class = found.setdefault(probe, {}).setdefault(target, {}).setdefault(category, {})
        of_class["clips"] = row["clips"]
        of_class[measure] = _measure(
            row, beside.get((probe, target, category, measure), {}), ablation.primary
        )
    for row in ablation.paired.to_dict("records"):
        words = ("right", "lost", "gained", "mcnemar_p")
        place = found[str(row["probe"])][str(row["target"])][str(row["category"])]
        place["accuracy"] |= {name: row[name] for name in words}
    return found


def _measure(row: Mapping[Any, Any], beside: dict[str, dict[str, Any]], primary: str) -> dict[str, Any]:
    """One measure of one class; the control sets' figures in the unit of `ablated`."""
    chosen = beside.get(primary, {})
    nothing = float("nan")
    return {
        **{name: row[name] for name in ("baseline", "ablated", "change")},
        "interval": [row["low"], row["high"]],
        "seed_sd": row["seed_sd"],
        "controls": {name: row["baseline"] + chosen.get(name, nothing) for name in ("mean", "low", "high")},
        "p": chosen.get("p", nothing),
        "p_adjusted": chosen.get("p_adjusted", nothing),
        "by_match": beside,
    }


def wide_of(ablation: "Ablation") -> pd.DataFrame:
    """One row per target and class of the probe that counts, as `Ablation.summary` has them."""
    keys = ["target", "category", "measure"]
    effects = ablation.effects[ablation.effects["probe"] == ablation.probe]
    against = ablation.against[
        (ablation.against["probe"] == ablation.probe) & (ablation.against["match"] == ablation.primary)
    ]
    names = {"mean": "controls_mean", "low": "controls_low", "high": "controls_high"}
    beside = against[[*keys, *names, "p", "p_adjusted"]].rename(columns=names)
    long = effects.merge(beside, on=keys, how="left")
    for name in names.values():
        long[name] += long["baseline"]
    figures = ["baseline", "ablated", "change", "low", "high", *names.values(), "p", "p_adjusted"]
    first = effects[["target", "category", "clips"]].drop_duplicates(ignore_index=True)
    for measure in ablation.measures:
        part = long[long["measure"] == measure].set_index(["target", "category"])[figures]
        first = first.join(part.add_prefix(f"{measure}_"), on=["target", "category"])
    return first
