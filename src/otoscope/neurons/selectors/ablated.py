"""What saved ablations say about selectors: how much of an ablated set each selector chooses.

An ablation measures a set of neurons, not a selector. Only where a selector chooses the whole set is its
effect the selector's; where it chooses a part, what the part does is not known. So the share is shown beside
the effect, and nothing is averaged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.files import path_of, read_json
from otoscope.neurons.addresses import Sized

__all__ = ["ablated_sets", "shares_of"]


def ablated_sets(store: Any, label: str) -> list[dict[str, Any]]:
    """The sets that were switched off under a labeling, those of series left out, as they were saved.

    Returns:
        For each `ablation` (its folder), `target`, `addresses`, and of the margins of the target's own
        classes, in logits, the mean `change` when the set is off and `controls_change`, when controls are
        (those that the ablation's verdicts rest on; NaN without any). A set without classes of its own (given
        by hand) has no change of its own: NaN.
    """
    results = getattr(store, "results", None)
    found = []
    for path in sorted(path_of(results).glob("ablate-*/ablation.json")) if results else ():
        document = read_json(path)
        if document["label"] != label:
            continue
        for each in document["results"]:
            if each.get("series"):  # a step of a curve, or what a selector chose
                continue
            own = [each["by_category"][name]["margin"] for name in each["categories"]]
            beside = [one for one in own if one["controls"]["mean"] is not None]
            found.append(
                {
                    "ablation": path.parent.name,
                    "target": each["target"],
                    "addresses": [(int(layer), int(unit)) for layer, unit in each["addresses"]],
                    "change": _mean([one["change"] for one in own]),
                    "controls_change": _mean([one["controls"]["mean"] - one["baseline"] for one in beside]),
                }
            )
    return found


def shares_of(
    sets: Mapping[str, NDArray[np.int64]], ablated: Sequence[Mapping[str, Any]], layers: Sequence[Sized]
) -> pd.DataFrame:
    """Of each ablated set, the share that each selector chooses.

    Args:
        sets: what each selector chooses, by flat numbers.
        ablated: what `ablated_sets` found.
        layers: of the model.

    Returns:
        Columns `ablation`, `target`, `neurons` (of the set), `selector`, `share` (in [0, 1]), `change`,
        `controls_change`.
    """
    below = np.concatenate([[0], np.cumsum([layer.units for layer in layers])])
    rows = []
    for each in ablated:
        flat = np.array([below[layer] + unit for layer, unit in each["addresses"]], dtype=np.int64)
        about = {"ablation": each["ablation"], "target": each["target"], "neurons": len(flat)}
        effect = {"change": each["change"], "controls_change": each["controls_change"]}
        for name, chosen in sets.items():
            rows.append(about | {"selector": name, "share": float(np.isin(flat, chosen).mean())} | effect)
    columns = ["ablation", "target", "neurons", "selector", "share", "change", "controls_change"]
    return pd.DataFrame(rows, columns=columns)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
