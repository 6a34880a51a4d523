"""What changes when a target is switched, by itself and against its control sets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.interventions.effects.layout import Layout
from otoscope.interventions.effects.measures import SHARES
from otoscope.interventions.effects.measuring import Measured
from otoscope.interventions.effects.overlap import shared_of
from otoscope.interventions.effects.ranks import adjusted_p, rank_p, t_of

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["AGAINST", "EFFECTS", "against_of", "effects_of", "frame"]

EFFECTS = {
    **dict.fromkeys(("target", "category", "probe", "measure"), "str"),
    "clips": "int64",
    **dict.fromkeys(("baseline", "ablated", "change", "low", "high", "seed_sd"), "float64"),
}
AGAINST = {
    **dict.fromkeys(("target", "category", "probe", "measure", "match"), "str"),
    "controls": "int64",
    "shared": "float64",
    **dict.fromkeys(("mean", "low", "high", "excess", "excess_low", "excess_high"), "float64"),
    **dict.fromkeys(("p", "p_adjusted", "t", "t_p"), "float64"),
}
_LEAST = {**dict.fromkeys(SHARES, 0.0), "cross_entropy": 0.0}
_MOST = dict.fromkeys(SHARES, 1.0)


def frame(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    """A data frame with these columns and types, also without rows."""
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def effects_of(heard: "Heard", layout: Layout, measured: Measured) -> pd.DataFrame:
    """One row per target, class, probe and measure, as `Ablation.effects` has them."""
    rows = []
    for target, number in layout.targets.items():
        for at, (probe, seeds) in enumerate(layout.probes.items()):
            for m, measure in enumerate(measured.measures):
                before, after = measured.means[m, 0, at], measured.means[m, number, at]
                by_seed = measured.values[m, number][seeds] - measured.values[m, 0][seeds]
                spread = by_seed.std(axis=0, ddof=1) if len(seeds) > 1 else np.full(len(before), np.nan)
                half = measured.changed[target][m, at]
                # A share stays within 0 and 1, whatever Student's t says.
                low = np.maximum(after - before - half, _LEAST.get(measure, -np.inf) - before)
                high = np.minimum(after - before + half, _MOST.get(measure, np.inf) - before)
                for k, place in enumerate(measured.tested):
                    rows.append(
                        {
                            "target": target,
                            "category": heard.classes[place],
                            "probe": probe,
                            "measure": measure,
                            "clips": int(measured.clips[k]),
                            "baseline": before[k],
                            "ablated": after[k],
                            "change": after[k] - before[k],
                            "low": low[k],
                            "high": high[k],
                            "seed_sd": spread[k],
                        }
                    )
    return frame(rows, EFFECTS)


def against_of(heard: "Heard", layout: Layout, measured: Measured) -> pd.DataFrame:
    """One row per target, class, probe, measure and way of matching, as `Ablation.against` has them."""
    rows, shared = [], shared_of(heard, layout)
    for target, own in layout.controls.items():
        for match, numbers in own.items():
            for at, probe in enumerate(layout.probes):
                for m, measure in enumerate(measured.measures):
                    means = measured.means[m][:, at]
                    change, controls = means[layout.targets[target]] - means[0], means[numbers] - means[0]
                    least = 1 / measured.clips if measure in SHARES else np.zeros(len(change))
                    half = measured.exceeded[target, match][m, at]
                    columns = _beside(change, controls, half, least)
                    if match == "neighbour":  # not drawn by chance: there is nothing to rank
                        nothing = np.full(len(change), np.nan)
                        columns |= dict.fromkeys(("p", "p_adjusted", "t", "t_p"), nothing)
                    for k, place in enumerate(measured.tested):
                        rows.append(
                            {
                                "target": target,
                                "category": heard.classes[place],
                                "probe": probe,
                                "measure": measure,
                                "match": match,
                                "controls": len(numbers),
                                "shared": shared[target, match],
                                **{name: values[k] for name, values in columns.items()},
                            }
                        )
    return frame(rows, AGAINST)


def _beside(
    change: np.ndarray, controls: np.ndarray, half: np.ndarray, least: np.ndarray
) -> dict[str, np.ndarray]:
    """A target's changes beside its control sets': each column of shape (classes,)."""
    mean = controls.mean(axis=0)
    low, high = np.quantile(controls, [0.025, 0.975], axis=0)
    t, t_p = t_of(change, controls)
    excess = change - mean
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "excess": excess,
        "excess_low": excess - half,
        "excess_high": excess + half,
        "p": rank_p(change, controls),
        "p_adjusted": adjusted_p(change, controls, least),
        "t": t,
        "t_p": t_p,
    }
