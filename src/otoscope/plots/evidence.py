"""The figure of the evidence: what a model's neurons and its twins' tell of each class on unseen clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.drawing import CONTROL, SERIES, area, axes_for, finish, legend_name, need, plain, pt, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["evidence"]

_MARKERS = ("o", "s", "^", "D", "v", "P")


def evidence(effects: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Held-out AUROC of each class: the trained model by preset, over its twins in grey, with intervals.

    Args:
        effects: one row per preset, model and class: `preset`, `model` ("trained" or a twin), `category`,
            `auroc`, `low` and `high` (NaN where nothing was measured).
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.
    """
    need(effects, "evidence", ("preset", "model", "category", "auroc", "low", "high"))
    known = effects[effects["auroc"].notna()]
    classes, presets = list(effects["category"].unique()), list(known["preset"].unique())
    ax = axes_for(ax, (7.0, min(1.6 + len(classes) * (0.12 + 0.16 * len(presets)), 16.0)))
    for number, preset in enumerate(presets):
        own = known[known["preset"] == preset]
        place = np.array([classes.index(name) for name in own["category"]], dtype=float)
        place += (number - (len(presets) - 1) / 2) * 0.7 / len(presets)
        trained = (own["model"] == "trained").to_numpy()
        twins = own[~trained]
        ax.hlines(place[~trained], twins["low"], twins["high"], color=CONTROL, linewidth=pt(1), alpha=0.6)
        name = None if number else "its twins"
        ax.scatter(twins["auroc"], place[~trained], area(16), color=CONTROL, marker="|", label=name, zorder=2)
        model, colour = own[trained], SERIES[number % len(SERIES)]
        ax.hlines(place[trained], model["low"], model["high"], color=colour, linewidth=pt(2), zorder=3)
        marker = _MARKERS[number % len(_MARKERS)]
        ax.scatter(
            model["auroc"],
            place[trained],
            area(26),
            color=colour,
            marker=marker,
            zorder=4,
            label=legend_name(preset),
        )
    ax.axvline(0.5, color=CONTROL, linewidth=pt(1), linestyle=":")
    ax.set_yticks(range(len(classes)))
    plain(ax.set_yticklabels(shown(classes)))
    ax.set_ylim(len(classes) - 0.5, -0.5)
    ax.set_xlabel("AUROC on unseen clips (0.5: tells nothing)")
    finish(ax, grid="x", legend=min(len(presets) + 1, 4))
    return ax
