"""Figures of models compared: how well each tells every class, and by how much one exceeds another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.drawing import CONTROL, SERIES, area, axes_for, finish, legend_name, need, plain, pt, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["compared_differences", "compared_models"]

_MARKERS = ("o", "s", "^", "D", "v", "P")


def compared_models(effects: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The AUROC of each model on each class, with its interval; that of its twins in grey, without.

    Args:
        effects: one row per model and class: `model`, `of` (for a twin the model it is one of, else ""),
            `category` ("" for the mean over classes, which is on top), `auroc`, `low`, `high`.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.
    """
    need(effects, "compared_models", ("model", "of", "category", "auroc", "low", "high"))
    names = list(effects.loc[effects["of"] == "", "model"].unique())
    classes = list(effects["category"].unique())
    ax = _rows(classes, len(names), ax)
    twins = effects[effects["of"].isin(names)]
    if len(twins):
        lower = np.array([_lower(names.index(of), len(names)) for of in twins["of"]])
        ax.scatter(
            twins["auroc"],
            _places(classes, twins) + lower,
            area(14),
            color=CONTROL,
            marker="|",
            label="its twins",
        )
    for number, name in enumerate(names):
        own = effects[(effects["model"] == name) & (effects["of"] == "")]
        _marks(ax, own, "auroc", _places(classes, own) + _lower(number, len(names)), number, name)
    ax.axvline(0.5, color=CONTROL, linewidth=pt(1), linestyle=":")
    ax.set_xlabel("AUROC on unseen clips (0.5: knows nothing)")
    finish(ax, grid="x", legend=2)
    return ax


def compared_differences(differences: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Differences in AUROC on each class, with their intervals; right of the line the first is better.

    Args:
        differences: one row per two models and class: `first`, `second`, `category` ("" for the mean over
            classes, which is on top), `difference`, `low`, `high`.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.
    """
    need(differences, "compared_differences", ("first", "second", "category", "difference", "low", "high"))
    names = list(dict.fromkeys(zip(differences["first"], differences["second"], strict=True)))
    classes = list(differences["category"].unique())
    ax = _rows(classes, len(names), ax)
    for number, (first, second) in enumerate(names):
        own = differences[(differences["first"] == first) & (differences["second"] == second)]
        place = _places(classes, own) + _lower(number, len(names))
        _marks(ax, own, "difference", place, number, f"{first} − {second}")
    ax.axvline(0, color=CONTROL, linewidth=pt(1))
    ax.set_xlabel("difference in AUROC on unseen clips")
    finish(ax, grid="x", legend=1)
    return ax


def _rows(classes: list[str], series: int, ax: Axes | None) -> Axes:
    """Axes with a row for each class, and one for their mean."""
    ax = axes_for(ax, (7.0, min(1.6 + len(classes) * (0.16 + 0.14 * series), 16.0)))
    ax.set_yticks(range(len(classes)))
    for name, text in zip(classes, plain(ax.set_yticklabels(shown(map(_title, classes)))), strict=True):
        text.set_fontweight("normal" if name else "bold")
    ax.set_ylim(len(classes) - 0.5, -0.5)
    return ax


def _title(category: str) -> str:
    return category or "mean over classes"


def _places(classes: list[str], rows: pd.DataFrame) -> np.ndarray:
    return np.array([classes.index(name) for name in rows["category"]], dtype=float)


def _lower(number: int, count: int) -> float:
    """How far below the middle of its row a series lies."""
    return (number - (count - 1) / 2) * 0.7 / max(count, 1)


def _marks(ax: Axes, rows: pd.DataFrame, what: str, place: np.ndarray, number: int, name: str) -> None:
    colour = SERIES[number % len(SERIES)]
    ax.hlines(place, rows["low"], rows["high"], color=colour, linewidth=pt(2))
    marker = _MARKERS[number % len(_MARKERS)]
    ax.scatter(rows[what], place, area(26), color=colour, marker=marker, zorder=3, label=legend_name(name))
