"""Power curves: how much of what is there is found, over numbers of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.drawing import CONTROL, SERIES, axes_for, finish, need, pt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["power_curves"]

_MARKERS = "osD^vP"


def power_curves(
    table: pd.DataFrame, ax: Axes | None = None, *, label: str = "groups of each class", legend: bool = True
) -> Axes:
    """Recall over groups, a curve for each strength, with what numbers of groups alone predict (dashed).

    Args:
        table: one row a setting: `groups`, `strength`, `recall`, the ends `low` and `high` of its interval,
            and `predicted` (NaN for none), the last four in [0, 1].
        ax: where to draw; a new figure by default.
        label: what is counted on the horizontal axis.
        legend: whether to say which curve is which.

    Raises:
        UsageError: a column is missing.
    """
    need(table, "power_curves", ["groups", "strength", "recall", "low", "high", "predicted"])
    ax = axes_for(ax, (5.0, 3.6))
    for number, (strength, rows) in enumerate(table.groupby("strength")):
        rows = rows.sort_values("groups")
        colour = SERIES[number % len(SERIES)]
        error = np.stack([rows["recall"] - rows["low"], rows["high"] - rows["recall"]]).clip(0)
        ax.errorbar(
            rows["groups"],
            rows["recall"],
            error,
            color=colour,
            marker=_MARKERS[number % len(_MARKERS)],
            capsize=pt(2),
            label=f"shift {strength:g} sd",
        )
        ax.plot(rows["groups"], rows["predicted"], color=colour, linestyle="--", linewidth=pt(1.2), alpha=0.8)
    ax.plot([], [], color=CONTROL, linestyle="--", linewidth=pt(1.2), label="predicted")
    ax.set_xscale("log", base=2)
    ticks = sorted(table["groups"].unique())
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel(label)
    ax.set_ylabel("recall")
    finish(ax, grid="y", legend=2 if legend else 0)
    return ax
