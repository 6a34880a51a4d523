"""What the unmodified model's probe tells, against naming the most frequent class: can anything drop?"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.interventions.effects.bootstrap import Redrawn
from otoscope.interventions.effects.changes import frame
from otoscope.interventions.effects.layout import Layout, over_seeds
from otoscope.interventions.effects.measures import member_of
from otoscope.interventions.effects.measuring import Measured

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["baseline_of"]

BASELINE = {
    **dict.fromkeys(("probe", "category"), "str"),
    "clips": "int64",
    **dict.fromkeys(("value", "low", "high", "chance"), "float64"),
}


def baseline_of(heard: "Heard", layout: Layout, measured: Measured, redrawn: Redrawn) -> pd.DataFrame:
    """One row per probe and class, and with the category "" for all, as `Ablation.baseline` has them."""
    member = member_of(heard)[:, list(measured.tested)]
    single = heard.truth.ndim == 1
    shares = member.mean(axis=0)
    rows = []
    for at, probe in enumerate(layout.probes):
        if single:
            rows.append(_overall(heard, layout, redrawn, at, probe) | {"chance": shares.max(initial=0.0)})
        for place, k in enumerate(measured.tested):
            rows.append(
                {
                    "probe": probe,
                    "category": heard.classes[k],
                    "clips": int(measured.clips[place]),
                    **_interval(measured.means[0, 0, at, place], measured.level[0, at, place]),
                    "chance": shares.max() if single else shares[place],
                }
            )
    return frame(rows, BASELINE)


def _overall(heard: "Heard", layout: Layout, redrawn: Redrawn, at: int, probe: str) -> dict[str, Any]:
    named = heard.outcomes["predicted"].transpose("condition", "probe", "clip")[:1].to_numpy()
    right = over_seeds((named == heard.truth).astype(np.float64), layout)[0, at]
    groups = len(np.unique(heard.groups))
    half = redrawn.half_widths(right, np.arange(len(right)), groups - 1)
    return {"probe": probe, "category": "", "clips": len(right), **_interval(right.mean(), half)}


def _interval(value: Any, half: Any) -> dict[str, float]:
    """A share with its interval, within 0 and 1."""
    low, high = np.clip([value - half, value + half], 0.0, 1.0)
    return {"value": float(value), "low": float(low), "high": float(high)}
