"""Figures of results, from data frames and arrays that are already computed.

Every function takes an optional `ax` and returns the axes it drew on. Without `ax` a new figure is made
through pyplot, so that a notebook shows it; with `ax` pyplot is never imported. Ink (text, spines, grid)
follows the Matplotlib settings in force, so a dark style gives a dark figure; data colours are mid-tones that
hold on both light and dark grounds and stay apart for readers who lack one kind of cone; series differ by
marker too. Type, lines and marks follow `font.size`: with that of a paper, a figure fits its column.
Nothing global is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.drawing import (
    CONTROL,
    OBSERVED,
    SERIES,
    TARGET,
    annotate,
    area,
    axes_for,
    colour_bar,
    finish,
    heat,
    heat_of_changes,
    integers,
    legend_name,
    name_classes,
    name_columns,
    need,
    panels,
    plain,
    pt,
    shown,
    written_change,
)
from otoscope.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ("o", "s", "^", "D", "v", "P")
_MOST_ANNOTATED = 24  # classes a side: beyond this, numbers in a matrix are too small to read
_MOST_NAMED = 60  # rows: beyond this, names run into one another


def layers(by_layer: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Number of class-specific neurons in each layer, over the band that permuted labels give.

    Args:
        by_layer: one row a layer, columns `layer` (0 is nearest the input) and `count`; optionally
            `chance_low` and `chance_high`, the central 95 % of the counts under permuted labels.
        ax: where to draw; a new figure by default.

    Raises:
        UsageError: a column is missing.

    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"layer": [0, 1], "count": [3, 9], "chance_low": [4, 4], "chance_high": [7, 8]})
    >>> layers(frame, Figure().subplots()).get_ylabel()
    'class-specific neurons'
    """
    need(by_layer, "layers", ("layer", "count"))
    ax = axes_for(ax, (7.0, 3.4))
    where = by_layer["layer"].to_numpy()
    if {"chance_low", "chance_high"} <= set(by_layer.columns):
        low, high = (by_layer[name].to_numpy(dtype=float) for name in ("chance_low", "chance_high"))
        # A band of no height is still a statement: "always this many".
        thin = 0.004 * max(float(np.nanmax(high, initial=0)), float(by_layer["count"].max()), 1.0)
        ax.bar(
            where,
            np.maximum(high - low, thin),
            0.9,
            bottom=low,
            color=CONTROL,
            alpha=0.45,
            label="permuted labels, 95 %",
        )
    ax.bar(where, by_layer["count"], 0.5, color=OBSERVED, label="observed")
    ax.set_xticks(where)
    ax.set_xlabel("layer (0 = nearest the input)")
    ax.set_ylabel("class-specific neurons")
    integers(ax.yaxis)
    finish(ax, grid="y", legend=2 if "chance_low" in by_layer else 0)
    return ax


def profile(p: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Class profile of neurons: a heat map of the firing probability p(k), one row a neuron.

    Rows are put in the order of the class each neuron fires most for, and within a class by how much it does.

    Args:
        p: firing probabilities in [0, 1]; rows are neurons (the index their addresses), columns classes in
            their order. NaN is left blank.
        ax: where to draw; a new figure by default.
    """
    rows, columns = p.shape
    ax = axes_for(ax, (min(2.6 + 0.42 * columns, 12.0), min(2.2 + 0.12 * rows, 7.0)))
    if not rows or not columns:
        ax.text(0.5, 0.5, "no neurons to show", ha="center", va="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    filled = p.to_numpy(dtype=float, na_value=np.nan)
    known = np.nan_to_num(filled, nan=-1.0)
    order = np.lexsort((-known.max(axis=1), known.argmax(axis=1)))
    image = heat(ax, filled[order])
    name_columns(ax, p.columns)
    ax.set_xlabel(str(p.columns.name or "class"), parse_math=False)
    if rows <= _MOST_NAMED // 2:
        ax.set_yticks(range(rows))
        plain(ax.set_yticklabels(shown(p.index[order])))
        ax.set_ylabel("neuron (layer.unit)")
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{rows:,} neurons")
    colour_bar(ax, image, "firing probability p(k)\n(share of tokens)")
    return ax


def matrix(
    values: pd.DataFrame,
    ax: Axes | None = None,
    *,
    counts: pd.DataFrame | None = None,
    marks: pd.DataFrame | None = None,
    within: bool = False,
    title: str = "",
    label: str = "Jaccard index",
) -> Axes:
    """A class-by-class matrix: colour is the value, the number in a cell the count (or the value itself).

    Values of which some are below 0 are changes: their colours diverge from 0, blue above, vermilion below.

    Args:
        values: rows and columns are classes; the names of index and columns label the axes.
        ax: where to draw; a new figure by default.
        counts: whole numbers of the same shape to write into the cells. Large matrices go without.
        marks: which cells get a star, booleans of the same shape.
        within: rows and columns are the same classes; the diagonal, a class with itself, is left without
            colour and out of the colour scale.
        title: heading of the axes.
        label: what the colour means.

    Raises:
        UsageError: `counts` or `marks` has another shape than `values`.
    """
    for name, given in (("counts", counts), ("marks", marks)):
        if given is not None and given.shape != values.shape:
            raise UsageError(
                f"matrix: {name} are {given.shape}, values {values.shape}; expected the same shape"
            )
    rows, columns = values.shape
    ax = axes_for(ax, (min(2.8 + 0.5 * columns, 11.0), min(1.8 + 0.5 * rows, 10.0)))
    shown = values.to_numpy(dtype=float, na_value=np.nan).copy()
    if within:
        np.fill_diagonal(shown, np.nan)
    changes = bool((shown < 0).any())
    image = heat_of_changes(ax, shown) if changes else heat(ax, shown)
    name_classes(ax, values)
    stars = np.full(values.shape, "") if marks is None else np.where(marks, "*", "")
    if max(rows, columns) <= _MOST_ANNOTATED:
        write = written_change if changes else "{:.2f}".format
        texts = values.map(write) if counts is None else counts.map("{:,.0f}".format)
        annotate(
            ax,
            image,
            shown,
            texts.to_numpy() + stars.astype(object),
            size=11 if max(rows, columns) <= 8 else 8,
        )
    elif stars.any():
        annotate(ax, image, shown, stars.astype(object), size=8)
    ax.set_title(title, parse_math=False)
    colour_bar(ax, image, label)
    return ax


def chance(
    values: Sequence[float] | np.ndarray,
    observed: float,
    ax: Axes | None = None,
    *,
    label: str = "depth (nats)",
) -> Axes:
    """A measure under permuted labels, as a histogram, with what the true labels give as a line.

    Args:
        values: the measure in each permutation; those that are not finite are left out.
        observed: the measure with the true labels.
        ax: where to draw; a new figure by default.
        label: what is measured, with its unit.
    """
    ax = axes_for(ax, (7.0, 2.8))
    null = np.asarray(values, dtype=float)
    null = null[np.isfinite(null)]
    ax.hist(null, bins=min(max(len(null) // 5, 5), 30), color=CONTROL, alpha=0.7, label="permuted labels")
    ax.axvline(observed, color=OBSERVED, linewidth=pt(3), label="true labels")
    ax.set_xlabel(label)
    ax.locator_params(axis="x", nbins=5)
    ax.set_ylabel("permutations")
    integers(ax.yaxis)
    finish(ax, grid="y", legend=2)
    return ax


def entropy(
    values: Sequence[float] | np.ndarray,
    ax: Axes | None = None,
    *,
    classes: int,
    permuted: Sequence[float] | np.ndarray | None = None,
) -> Axes:
    """How selective all neurons are: a histogram of their entropy, the largest possible being log(classes).

    Args:
        values: entropy of every neuron in nats, NaN for one that never fires (left out, and counted in the
            label).
        ax: where to draw; a new figure by default.
        classes: number of classes.
        permuted: entropies of the same neurons under permuted labels; their median is drawn as a dashed line.
    """
    ax = axes_for(ax, (7.0, 3.2))
    found = np.asarray(values, dtype=float)
    alive = found[np.isfinite(found)]
    silent = found.size - alive.size
    ax.hist(alive, bins=60, color=OBSERVED, log=True, label="observed")
    ax.axvline(np.log(classes), color=CONTROL, linewidth=pt(1.5), label=f"log {classes}: no preference")
    if permuted is not None:
        middle = float(np.nanmedian(np.asarray(permuted, dtype=float)))
        ax.axvline(middle, color=TARGET, linestyle="--", linewidth=pt(2), label="permuted median")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("entropy over classes (nats)" + (f"; {silent:,} silent neurons left out" if silent else ""))
    ax.set_ylabel("neurons (log scale)")
    finish(ax, grid="y", legend=3)
    return ax


def overview(rows: pd.DataFrame, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Several measures side by side, one panel each: what each model shows for each labeling, and its band.

    Args:
        rows: columns `measure` (panel title, with its unit), `labeling` (row of the panel), `model` (marker),
            `value`, `low`, `high`, and `band`: "chance" draws low..high as a grey bar that the value should
            leave, "interval" as error bars around the value.
        axes: one a measure, in their order; a new figure by default.

    Raises:
        UsageError: a column is missing, or there are fewer axes than measures.
    """
    need(rows, "overview", ("measure", "labeling", "model", "value", "low", "high", "band"))
    from matplotlib.ticker import MaxNLocator

    measures, names, models = (list(rows[column].unique()) for column in ("measure", "labeling", "model"))
    if axes is None:
        height = 1.6 + len(names) * (0.2 + 0.2 * len(models))
        axes = panels(len(measures), (2.2 + 3.0 * len(measures), height))
    if len(axes) < len(measures):
        raise UsageError(f"overview: {len(axes)} axes for {len(measures)} measures; expected one each")
    step = 0.8 / max(len(models), 1)
    for ax, measure in zip(axes, measures, strict=False):
        for number, model in enumerate(models):
            part = rows[(rows["measure"] == measure) & (rows["model"] == model)]
            place = np.array([names.index(name) for name in part["labeling"]], dtype=float)
            _overview_marks(ax, part, place + (number - (len(models) - 1) / 2) * step, step, number, model)
        ax.set_title(str(measure), fontsize="medium", parse_math=False)
        ax.use_sticky_edges = False  # a mark on the edge of a band is not to be cut in two
        ax.margins(x=0.08)
        ax.autoscale_view()
        whole = not (rows.loc[rows["measure"] == measure, "value"] % 1).any()
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=whole, min_n_ticks=1))
        ax.set_yticks(range(len(names)))
        plain(ax.set_yticklabels(shown(names, 32) if ax is axes[0] else []))
        ax.set_ylim(len(names) - 0.5, -0.5)
        finish(ax, grid="x", legend=0)
    if models:
        handles, labels = axes[0].get_legend_handles_labels()
        legend = axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        plain(legend.get_texts())
    return list(axes[: len(measures)])


def _overview_marks(
    ax: Axes, part: pd.DataFrame, place: np.ndarray, step: float, number: int, model: str
) -> None:
    colour = SERIES[number % len(SERIES)]
    value, low, high = (part[name].to_numpy(dtype=float) for name in ("value", "low", "high"))
    if (part["band"] == "chance").all():
        ax.barh(
            place,
            high - low,
            0.8 * step,
            left=low,
            color=CONTROL,
            alpha=0.45,
            linewidth=pt(1.5),
            edgecolor=CONTROL,
        )
    else:
        ax.hlines(place, low, high, color=colour, linewidth=pt(2))
    marker = _MARKERS[number % len(_MARKERS)]
    ax.scatter(value, place, area(42), color=colour, marker=marker, zorder=3, label=legend_name(model))
