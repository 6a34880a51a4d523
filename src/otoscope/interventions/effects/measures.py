"""The measures of each class under every condition, as every probe has them."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["table_of"]


def table_of(heard: "Heard") -> pd.DataFrame:
    """One row per condition, probe and class.

    Columns: `target`, `condition` (`baseline`, `target` or `control`), `match` (of a control set; else ""),
    `draw` (of a control set, from 1; else 0), `probe`, `seed`, `category`, `clips` (in test), `accuracy` (0
    to 1), `margin` (mean over clips of the true class's logit minus the largest other) and `cross_entropy`.
    The unmodified model has rows under each target.
    """
    outcomes, truth = heard.outcomes, heard.truth
    tested = np.unique(truth)
    frames = []
    for probe_number, probe in enumerate(heard.probes):
        here = outcomes.isel(probe=probe_number)
        hit = here["predicted"].to_numpy() == truth
        values = {
            "accuracy": hit,
            "margin": here["margin"].to_numpy(),
            "cross_entropy": here["cross_entropy"].to_numpy(),
        }
        for k in tested:
            means = {name: each[:, truth == k].mean(axis=1) for name, each in values.items()}
            frames.append(
                pd.DataFrame(
                    {
                        "number": np.arange(len(heard.conditions)),
                        "probe": probe.name,
                        "seed": probe.seed,
                        "category": heard.classes[int(k)],
                        "clips": int((truth == k).sum()),
                        **means,
                    }
                )
            )
    measured = pd.concat(frames, ignore_index=True)
    about = pd.DataFrame(
        {
            "number": range(len(heard.conditions)),
            "target": [each.target for each in heard.conditions],
            "condition": [_word(each.kind) for each in heard.conditions],
            "match": [each.kind if _word(each.kind) == "control" else "" for each in heard.conditions],
            "draw": [each.draw for each in heard.conditions],
        }
    )
    intact = about[about["condition"] == "baseline"]
    repeated = [intact.assign(target=target.name) for target in heard.targets]
    table = pd.concat([*repeated, about[about["condition"] != "baseline"]]).merge(measured, on="number")
    order = {target.name: number for number, target in enumerate(heard.targets)}
    table["order"] = table["target"].map(order)
    table = table.sort_values(["order", "number"], kind="stable", ignore_index=True)
    return table.drop(columns=["order", "number"])


def _word(kind: str) -> str:
    return {"intact": "baseline", "target": "target"}.get(kind, "control")
