"""The long tables: what every condition came to, and what was switched in it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.interventions.changes import Change, Clamp, Directions, Gain, Patch
from otoscope.interventions.effects.measuring import Measured

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["sets_of", "table_of"]


def table_of(heard: "Heard", measured: Measured) -> pd.DataFrame:
    """One row per target, condition, probe, seed and class, as `Ablation.table` has them."""
    about = _about(heard)
    # The unmodified model has rows under each target, before the target's own.
    parts = [
        np.flatnonzero((about["target"] == target.name) | (about["condition"] == "baseline"))
        for target in heard.targets
    ]
    number = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    names = np.repeat([target.name for target in heard.targets], [len(part) for part in parts])
    probes, classes = len(heard.probes), len(measured.tested)
    each = probes * classes
    rows = about.iloc[np.repeat(number, each)].reset_index(drop=True)
    rows["target"] = np.repeat(np.asarray(names, dtype=object), each).astype(str)
    rows["probe"] = np.tile(np.repeat([probe.name for probe in heard.probes], classes), len(number))
    rows["seed"] = np.tile(np.repeat([probe.seed for probe in heard.probes], classes), len(number))
    rows["category"] = np.tile([heard.classes[k] for k in measured.tested], len(number) * probes)
    rows["clips"] = np.tile(measured.clips, len(number) * probes)
    for name, values in zip(measured.measures, measured.values, strict=True):
        rows[name] = values[number].ravel()
    return rows


def sets_of(heard: "Heard") -> pd.DataFrame:
    """One row per condition but the unmodified model, as `Ablation.sets` has them."""
    moved = heard.outcomes["displacement"].transpose("condition", "clip").to_numpy()
    about = _about(heard).assign(
        neurons=[sum(map(_switched, each.changes)) for each in heard.conditions],
        displacement=moved.mean(axis=1, dtype=np.float64),
    )
    sets = about[about["condition"] != "baseline"].reset_index(drop=True)
    aimed = sets[sets["condition"] == "target"].set_index("target")["displacement"]
    own = sets["target"].map(aimed).astype(float)
    return sets.assign(relative=sets["displacement"] / own.where(own > 0))


def _about(heard: "Heard") -> pd.DataFrame:
    words: list[dict[str, Any]] = []
    for each in heard.conditions:
        control = each.kind not in ("intact", "target")
        condition = "control" if control else "baseline" if each.kind == "intact" else "target"
        match = each.kind if control else ""
        words.append({"target": each.target, "condition": condition, "match": match, "draw": each.draw})
    return pd.DataFrame(words, columns=["target", "condition", "match", "draw"])


def _switched(change: Change) -> int:
    """Number of neurons that a change switches, or of directions that it weakens."""
    match change:
        case Gain(factors=factors):
            return len(factors)
        case Clamp(values=values):
            return len(values)
        case Patch(neurons=neurons):
            return len(neurons)
        case Directions(bases=bases):
            return sum(len(basis) for basis in bases.values())
        case _:
            return 0
