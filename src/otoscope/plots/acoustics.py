"""Figures of what neurons follow in the sound: correlations, before and after, what shared neurons follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.drawing import (
    CONTROL,
    OBSERVED,
    TARGET,
    area,
    axes_for,
    colour_bar,
    finish,
    heat_of_changes,
    name_columns,
    need,
    plain,
    pt,
    shown,
)
from otoscope.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["before_after", "following", "regression"]

_MOST_NAMED = 40  # rows: beyond this, names run into one another


def following(correlations: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Rank correlation of neurons with descriptors, as a picture in two hues.

    Args:
        correlations: in [-1, 1]; one row a neuron, named by the index, a column for each descriptor. NaN has
            no colour.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: an empty table.

    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"loudness_db": [0.8, -0.1]}, index=["3.17", "4.2"])
    >>> [text.get_text() for text in following(table, Figure().subplots()).get_yticklabels()]
    ['3.17', '4.2']
    """
    if not correlations.size:
        raise UsageError("following: the table is empty; expected a neuron and a descriptor at least")
    rows, columns = correlations.shape
    ax = axes_for(ax, (min(2.5 + 0.3 * columns, 15.0), min(1.8 + 0.26 * rows, 11.0)))
    values = correlations.to_numpy(dtype=float)
    image = heat_of_changes(ax, values)
    colour_bar(ax, image, "rank correlation")
    name_columns(ax, correlations.columns, 10 if columns <= 24 else 8)
    if rows <= _MOST_NAMED:
        ax.set_yticks(range(rows))
        plain(ax.set_yticklabels(shown(correlations.index), fontsize=pt(10 if rows <= 24 else 8)))
    else:
        ax.set_yticks([])
    ax.set_ylabel("neuron" if rows <= _MOST_NAMED else f"{rows} neurons")
    return ax


def before_after(neurons: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Class selectivity of neurons before and after the descriptors are regressed out.

    A neuron on the diagonal owes them nothing; one far below owes its selectivity to how the classes sound.

    Args:
        neurons: one row a neuron, columns `before` and `after` (eta squared, in [0, 1]), `after_chance` (its
            mean under permutation) and `follows` (a descriptor, or "").
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.

    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"before": [0.5], "after": [0.1], "after_chance": [0.02], "follows": ["f0_hz"]})
    >>> before_after(frame, Figure().subplots()).get_xlabel()
    'selectivity before (eta squared)'
    """
    need(neurons, "before_after", ("before", "after", "after_chance", "follows"))
    ax = axes_for(ax, (5.4, 5.0))
    told = neurons.dropna(subset=["before", "after"])
    top = 1.05 * max(float(told[["before", "after"]].to_numpy().max(initial=0.0)), 1e-3)
    ax.plot([0, top], [0, top], color=CONTROL, linewidth=pt(1), label="before = after")
    if len(told):
        level = float(told["after_chance"].mean())
        ax.axhline(level, color=CONTROL, linestyle=":", linewidth=pt(1.2), label="chance, after")
    followed = told["follows"].to_numpy() != ""
    for which, colour, marker, name in (
        (~followed, OBSERVED, "o", "follows nothing"),
        (followed, TARGET, "^", "follows a descriptor"),
    ):
        if which.any():
            part = told[which]
            ax.scatter(
                part["before"], part["after"], s=area(26), color=colour, marker=marker, alpha=0.75, label=name
            )
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    ax.set_xlabel("selectivity before (eta squared)")
    ax.set_ylabel("after the descriptors are regressed out")
    finish(ax, grid="y", legend=2)
    return ax


def regression(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Coefficients of a matrix regression: how shared neurons go along with distances between classes.

    Args:
        table: one row a predictor, columns `predictor`, `beta` (standardised coefficient) and `p`.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.

    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"predictor": ["acoustic"], "beta": [-0.4], "p": [0.01]})
    >>> regression(frame, Figure().subplots()).get_xlabel()
    'standardised coefficient'
    """
    need(table, "regression", ("predictor", "beta", "p"))
    ax = axes_for(ax, (6.0, 1.4 + 0.5 * len(table)))
    where = np.arange(len(table))[::-1]
    beta = table["beta"].to_numpy(dtype=float)
    ax.barh(where, beta, 0.55, color=OBSERVED)
    ax.axvline(0, color=CONTROL, linewidth=pt(1))
    reach = 1.45 * max(float(np.abs(beta).max(initial=0.0)), 0.1)
    ax.set_xlim(-reach, reach)
    for at, value, p in zip(where, beta, table["p"], strict=True):
        away, aligned = (1, "left") if value >= 0 else (-1, "right")
        ax.text(value + 0.03 * reach * away, at, f"p {p:.3f}", va="center", ha=aligned, fontsize=pt(9))
    ax.set_yticks(where)
    plain(ax.set_yticklabels(shown(table["predictor"])))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlabel("standardised coefficient")
    finish(ax, grid="x", legend=0)
    return ax
