"""Figures of results, from data frames and arrays that are already computed.

Every function takes an optional `ax` and returns the axes it drew on. Without `ax` a new figure is made
through pyplot, so that a notebook shows it; with `ax` pyplot is never imported. Ink (text, spines, grid)
follows the Matplotlib settings in force, so a dark style gives a dark figure; data colours are mid-tones that
hold on both light and dark grounds and differ in lightness as well as in hue, for readers who do not see hue.
Nothing global is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from otoscope.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

OBSERVED = "#2b83c6"
"""Colour of what was measured with the true labels, or without an intervention (blue)."""
CONTROL = "#8c9096"
"""Colour of chance and of controls (grey)."""
TARGET = "#d9600a"
"""Colour of what was done on purpose: a targeted set, or a class under ablation (vermilion)."""
SERIES = (OBSERVED, TARGET, "#079a70", "#c2649b", "#a1821b", "#5d6fb8")
"""Colours of series, in order; markers differ too, so that no reader depends on them."""

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
    _need(by_layer, "layers", ("layer", "count"))
    ax = _axes(ax, (7.0, 3.4))
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
    _integers(ax.yaxis)
    _finish(ax, grid="y", legend=2 if "chance_low" in by_layer else 0)
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
    ax = _axes(ax, (min(2.6 + 0.42 * columns, 12.0), min(2.2 + 0.12 * rows, 7.0)))
    if not rows or not columns:
        ax.text(0.5, 0.5, "no neurons to show", ha="center", va="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    filled = p.to_numpy(dtype=float, na_value=np.nan)
    known = np.nan_to_num(filled, nan=-1.0)
    order = np.lexsort((-known.max(axis=1), known.argmax(axis=1)))
    image = _heat(ax, filled[order])
    ax.set_xticks(range(columns))
    _plain(ax.set_xticklabels(_shown(p.columns), rotation=_slant(p.columns)))
    ax.set_xlabel(str(p.columns.name or "class"), parse_math=False)
    if rows <= _MOST_NAMED // 2:
        ax.set_yticks(range(rows))
        _plain(ax.set_yticklabels(_shown(p.index[order])))
        ax.set_ylabel("neuron (layer.unit)")
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{rows:,} neurons, by the class they fire most for")
    _bar(ax, image, "firing probability p(k)\n(share of tokens)")
    return ax


def matrix(
    values: pd.DataFrame,
    ax: Axes | None = None,
    *,
    counts: pd.DataFrame | None = None,
    within: bool = False,
    title: str = "",
    label: str = "Jaccard index",
) -> Axes:
    """A class-by-class matrix: colour is the value, the number in a cell the count (or the value itself).

    Values of both signs are changes: their colours diverge from 0, blue above and vermilion below.

    Args:
        values: rows and columns are classes; the names of index and columns label the axes.
        ax: where to draw; a new figure by default.
        counts: whole numbers of the same shape to write into the cells. Large matrices go without.
        within: rows and columns are the same classes; the diagonal, a class with itself, is left without
            colour and out of the colour scale.
        title: heading of the axes.
        label: what the colour means.

    Raises:
        UsageError: `counts` has another shape than `values`.
    """
    if counts is not None and counts.shape != values.shape:
        raise UsageError(f"matrix: counts are {counts.shape}, values {values.shape}; expected the same shape")
    rows, columns = values.shape
    ax = _axes(ax, (min(2.8 + 0.5 * columns, 11.0), min(1.8 + 0.5 * rows, 10.0)))
    shown = values.to_numpy(dtype=float, na_value=np.nan).copy()
    if within:
        np.fill_diagonal(shown, np.nan)
    changes = bool((shown < 0).any())
    image = _heat_of_changes(ax, shown) if changes else _heat(ax, shown, low=0.0)
    _names(ax, values)
    if max(rows, columns) <= _MOST_ANNOTATED:
        form = "{:+.1f}" if changes else "{:.2f}"
        texts = values.map(form.format) if counts is None else counts.map("{:,.0f}".format)
        _annotate(ax, image, shown, texts.to_numpy(), size=11 if max(rows, columns) <= 12 else 8)
    ax.set_title(title, parse_math=False)
    _bar(ax, image, label)
    return ax


def ablation(
    summary: pd.DataFrame,
    ax: Axes | None = None,
    *,
    controls: pd.DataFrame | None = None,
    targets: Sequence[str] = (),
    label: str = "change in accuracy (percentage points)",
) -> Axes:
    """What switching neurons off does to each class, against what matched control sets do.

    Args:
        summary: one row a class: `category`, `change` (targeted set against the unmodified model) and `low`,
            `high` (central 95 % of the controls' changes), all in the unit that `label` names.
        ax: where to draw; a new figure by default.
        controls: one row per control set and class, `category` and `change`: drawn as points.
        targets: the classes whose neurons were switched off; named in bold and marked with a diamond.
        label: the axis label, with its unit.

    Raises:
        UsageError: a column is missing.
    """
    _need(summary, "ablation", ("category", "change", "low", "high"))
    names = [str(name) for name in summary["category"]]
    ax = _axes(ax, (7.0, 1.5 + 0.36 * len(names)))
    rows = np.arange(len(names))
    ax.axvline(0.0, color=CONTROL, linewidth=1)
    low, high = summary["low"].to_numpy(dtype=float), summary["high"].to_numpy(dtype=float)
    ax.barh(rows, high - low, 0.62, left=low, color=CONTROL, alpha=0.35, label="controls, 95 %")
    if controls is not None:
        _need(controls, "ablation: controls", ("category", "change"))
        place = controls["category"].astype(str).map(dict(zip(names, rows, strict=True)))
        within = controls.groupby("category", sort=False).cumcount()
        # Spread by a fixed sequence, not by chance: the same result gives the same picture.
        jitter = ((within * 0.618) % 1.0 - 0.5) * 0.5
        ax.scatter(controls["change"], place + jitter, 9, color=CONTROL, linewidths=0, label="control sets")
    for aimed, marker, text in (
        (True, "D", "own neurons off"),
        (False, "o", "neurons of others off"),
    ):
        mask = np.array([(name in targets) == aimed for name in names], dtype=bool)
        if mask.any():
            colour = TARGET if aimed else OBSERVED
            ax.scatter(
                summary["change"][mask], rows[mask], 64, color=colour, marker=marker, label=text, zorder=3
            )
    ax.set_yticks(rows)
    for text, name in zip(_plain(ax.set_yticklabels(_shown(names))), names, strict=True):
        text.set_fontweight("bold" if name in targets else "normal")
    ax.invert_yaxis()
    ax.set_xlabel(label)
    _finish(ax, grid="x", legend=2)
    return ax


def curve(frame: pd.DataFrame, ax: Axes | None = None, *, label: str = "loss", unit: str = "step") -> Axes:
    """Values over training steps, one line a series, its name at its end.

    Args:
        frame: columns `step`, `value` and `series`.
        ax: where to draw; a new figure by default.
        label: what the values are, with their unit.
        unit: what is counted along the horizontal axis.

    Raises:
        UsageError: a column is missing.
    """
    _need(frame, "curve", ("step", "value", "series"))
    ax = _axes(ax, (7.0, 3.6))
    many = frame["series"].nunique() > 1
    for number, (name, part) in enumerate(frame.groupby("series", sort=False)):
        part = part.sort_values("step")
        style: dict[str, Any] = {"color": SERIES[number % len(SERIES)], "linewidth": 2}
        if len(part) <= 40:
            style |= {"marker": _MARKERS[number % len(_MARKERS)], "markersize": 5}
        ax.plot(part["step"], part["value"], label=_legend_name(name), **style)
    ax.set_xlabel(unit)
    ax.set_ylabel(label)
    _finish(ax, grid="y", legend=4 if many else 0)
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
    ax = _axes(ax, (7.0, 2.8))
    null = np.asarray(values, dtype=float)
    null = null[np.isfinite(null)]
    ax.hist(null, bins=min(max(len(null) // 5, 5), 30), color=CONTROL, alpha=0.7, label="permuted labels")
    ax.axvline(observed, color=OBSERVED, linewidth=3, label="true labels")
    ax.set_xlabel(label)
    ax.set_ylabel("permutations")
    _integers(ax.yaxis)
    _finish(ax, grid="y", legend=2)
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
    ax = _axes(ax, (7.0, 3.2))
    found = np.asarray(values, dtype=float)
    alive = found[np.isfinite(found)]
    silent = found.size - alive.size
    ax.hist(alive, bins=60, color=OBSERVED, log=True, label="observed")
    ax.axvline(np.log(classes), color=CONTROL, linewidth=1.5, label=f"log {classes}: no preference")
    if permuted is not None:
        middle = float(np.nanmedian(np.asarray(permuted, dtype=float)))
        ax.axvline(middle, color=TARGET, linestyle="--", linewidth=2, label="permuted median")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("entropy over classes (nats)" + (f"; {silent:,} silent neurons left out" if silent else ""))
    ax.set_ylabel("neurons (log scale)")
    _finish(ax, grid="y", legend=3)
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
    _need(rows, "overview", ("measure", "labeling", "model", "value", "low", "high", "band"))
    from matplotlib.ticker import MaxNLocator

    measures, names, models = (list(rows[column].unique()) for column in ("measure", "labeling", "model"))
    if axes is None:
        height = 1.6 + len(names) * (0.2 + 0.2 * len(models))
        axes = _panels(len(measures), (2.2 + 3.0 * len(measures), height))
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
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.set_yticks(range(len(names)))
        _plain(ax.set_yticklabels(_shown(names, 32) if ax is axes[0] else []))
        ax.set_ylim(len(names) - 0.5, -0.5)
        _finish(ax, grid="x", legend=0)
    if models:
        handles, labels = axes[0].get_legend_handles_labels()
        legend = axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        _plain(legend.get_texts())
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
            linewidth=1.5,
            edgecolor=CONTROL,
        )
    else:
        ax.hlines(place, low, high, color=colour, linewidth=2)
    marker = _MARKERS[number % len(_MARKERS)]
    ax.scatter(value, place, 42, color=colour, marker=marker, zorder=3, label=_legend_name(model))


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return _panels(1, size)[0] if ax is None else ax


def _panels(number: int, size: tuple[float, float]) -> list[Axes]:
    import matplotlib.pyplot as plt  # only here: a caller who brings axes needs no pyplot and no backend

    _, axes = plt.subplots(1, number, figsize=size, layout="constrained", squeeze=False)
    return list(axes[0])


def _need(frame: pd.DataFrame, what: str, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UsageError(
            f"{what}: column {missing[0]!r} not found; given {list(frame.columns)}, expected {columns}"
        )


def _finish(ax: Axes, *, grid: Literal["x", "y"], legend: int) -> None:
    """Grid, spines, and a legend of so many columns (0: none)."""
    ax.set_axisbelow(True)
    ax.grid(axis=grid, color=CONTROL, alpha=0.25, linewidth=0.8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if legend:
        # Outside, so that it never covers data.
        drawn = ax.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=legend,
            frameon=False,
            borderaxespad=0.2,
            columnspacing=1.2,
        )
        _plain(drawn.get_texts())


def _shown(names: Iterable[object], longest: int = 22) -> list[str]:
    """Names as labels: one of any length would leave no room for the data."""
    return [text if len(text) <= longest else text[: longest - 1] + "…" for text in map(str, names)]


def _plain(texts: list[Any]) -> list[Any]:
    """Take labels as they are: a dollar sign in a class name is no formula."""
    for text in texts:
        text.set_parse_math(False)
    return texts


def _legend_name(name: object) -> str:
    # Matplotlib leaves names that begin with an underscore out of legends.
    return str(name).lstrip("_") or "(none)"


def _slant(names: pd.Index[Any]) -> int:
    longest = max((len(str(name)) for name in names), default=0)
    return 0 if longest <= 4 and len(names) <= 14 else 90 if len(names) > 14 else 40


def _integers(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _shades(below: bool = False) -> Colormap:
    """Shades from the ground's own to a full hue, by whether the ink in force is dark or light.

    Args:
        below: put another hue, of negative values, on the other side of the ground's shade.
    """
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    light_ink = sum(to_rgb(mpl.rcParams["text.color"])) > 1.5
    stops = ["#1d2733", "#24639a", "#8ecbff"] if light_ink else ["#eef3f8", "#79b2df", "#0b3f70"]
    negative = ["#ffb071", "#b4530f"] if light_ink else ["#7a2f00", "#e79a5f"]
    return LinearSegmentedColormap.from_list("otoscope", [*negative, *stops] if below else stops)


def _heat(ax: Axes, values: np.ndarray, low: float | None = None) -> Any:
    finite = values[np.isfinite(values)]
    bottom = (finite.min() if finite.size else 0.0) if low is None else low
    top = finite.max() if finite.size and finite.max() > bottom else bottom + 1.0
    return ax.imshow(values, aspect="auto", cmap=_shades(), vmin=bottom, vmax=top, interpolation="nearest")


def _heat_of_changes(ax: Axes, values: np.ndarray) -> Any:
    largest = float(np.nanmax(np.abs(values)))
    shades = _shades(below=True)
    return ax.imshow(values, aspect="auto", cmap=shades, vmin=-largest, vmax=largest, interpolation="nearest")


def _names(ax: Axes, values: pd.DataFrame) -> None:
    size = 10 if max(values.shape) <= 24 else 7
    ax.set_xticks(range(values.shape[1]))
    _plain(ax.set_xticklabels(_shown(values.columns), rotation=_slant(values.columns), fontsize=size))
    ax.set_yticks(range(values.shape[0]))
    _plain(ax.set_yticklabels(_shown(values.index), fontsize=size))
    ax.set_xlabel(str(values.columns.name or ""), parse_math=False)
    ax.set_ylabel(str(values.index.name or ""), parse_math=False)


def _annotate(ax: Axes, image: Any, values: np.ndarray, texts: np.ndarray, size: int) -> None:
    for row, column in np.ndindex(values.shape):
        colour: str | None = None
        if np.isfinite(values[row, column]):
            red, green, blue, _ = image.cmap(image.norm(values[row, column]))
            colour = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
        extra: dict[str, Any] = {} if colour is None else {"color": colour}
        ax.text(column, row, str(texts[row, column]), ha="center", va="center", fontsize=size, **extra)


def _bar(ax: Axes, image: Any, label: str) -> None:
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, aspect=24, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.tick_params(length=0)
