"""What switching neurons off does: by class, over doses, in a matrix, and against the size of the push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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
    heat_of_changes,
    integers,
    name_classes,
    need,
    panels,
    plain,
    pt,
    shown,
)
from otoscope.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ablation", "displacement", "dose_response", "self_cross"]

_MOST_WRITTEN = 24  # classes a side: beyond this, numbers in a matrix are too small to read


class _Mark(NamedTuple):
    """How control sets of one kind are drawn."""

    label: str
    marker: str
    colour: str
    alpha: float
    size: float = 13


_CONTROLS: Mapping[str, _Mark] = {
    "layer": _Mark("layer-matched", "o", CONTROL, 0.5),
    "rate": _Mark("rate-matched", "^", SERIES[4], 0.75),
    "displacement": _Mark("displacement-matched", "s", SERIES[3], 0.95),
    "neighbour": _Mark("neighbours", "x", SERIES[2], 1.0, 24),
    "directions": _Mark("random directions", "v", SERIES[5], 0.75),
    "components": _Mark("principal components", "P", SERIES[5], 0.9, 20),
}
"""By way of matching: the plainest sets are pale, those that push as hard as the target are not."""

_SERIES = {
    "gain": "gain (1: as they are)",
    "count": "number of neurons",
    "layer": "layer (0 = nearest the input)",
    "selector": "",
}
"""What varies over a series, as its axis has it."""


def ablation(
    summary: pd.DataFrame,
    ax: Axes | None = None,
    *,
    controls: pd.DataFrame | None = None,
    targets: Sequence[str] = (),
    label: str = "change in accuracy (percentage points)",
) -> Axes:
    """What switching neurons off does to each class, over what control sets do, each a dot.

    Args:
        summary: one row a class: `category`, `change` (the target against the unmodified model) and its
            interval `low`, `high` (NaN for none), in the unit that `label` names.
        ax: where to draw; a new figure by default.
        controls: one row per control set and class: `category`, `change` and `match`, how the set was
            matched. Each way of matching has a lane of its own beside the class.
        targets: the classes whose neurons were switched off; named in bold and marked with a diamond.
        label: the axis label, with its unit.

    Raises:
        UsageError: a column is missing, or a way of matching is unknown.

    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"category": ["a", "b"], "change": [-9, 0], "low": [-12, -1], "high": [-6, 1]})
    >>> [text.get_text() for text in ablation(frame, Figure().subplots()).get_yticklabels()]
    ['a', 'b']
    """
    need(summary, "ablation", ("category", "change", "low", "high"))
    names = [str(name) for name in summary["category"]]
    ax = axes_for(ax, (7.0, 1.5 + 0.36 * len(names)))
    rows = np.arange(len(names), dtype=float)
    ax.axvline(0.0, color=CONTROL, linewidth=pt(1))
    for row in rows[1::2]:
        ax.axhspan(row - 0.5, row + 0.5, color=CONTROL, alpha=0.07, linewidth=0)
    kinds = 0
    if controls is not None and len(controls):
        need(controls, "ablation: controls", ("category", "change", "match"))
        kinds = _control_dots(ax, controls, names)
    _target_marks(ax, summary, rows - (0.24 if kinds else 0.0), np.isin(names, list(targets)))
    ax.set_yticks(rows)
    small = pt(8) if len(names) > 24 else None
    for text, name in zip(plain(ax.set_yticklabels(shown(names), fontsize=small)), names, strict=True):
        text.set_fontweight("bold" if name in targets else "normal")
    ax.set_ylim(len(names) - 0.5, -0.5)
    if max(map(abs, ax.dataLim.intervalx)) == 0:  # nothing changes: no scale of nothing
        ax.set_xlim(-1, 1)
    ax.set_xlabel(label)
    finish(ax, grid="x", legend=2)
    return ax


def _control_dots(ax: Axes, controls: pd.DataFrame, names: Sequence[str]) -> int:
    """Dots in lanes, one a way of matching, below the target's place; how many ways there are."""
    place = controls["category"].astype(str).map({name: row for row, name in enumerate(names)})
    kinds = _matches(controls)
    width = 0.5 / max(len(kinds), 1)
    for lane, kind in enumerate(kinds):
        mine = (controls["match"] == kind).to_numpy()
        within = controls[mine].groupby("category", sort=False).cumcount()
        # Spread by a fixed sequence, not by chance: the same result gives the same picture.
        spread = ((within * 0.618) % 1.0 - 0.5) * 0.6 * width
        at = place[mine] - 0.08 + (lane + 0.5) * width + spread
        _dots(ax, controls.loc[mine, "change"], at, kind)
    return len(kinds)


def _target_marks(ax: Axes, summary: pd.DataFrame, at: np.ndarray, own: np.ndarray) -> None:
    for aimed, marker, text in ((True, "D", "own neurons off"), (False, "o", "others' neurons off")):
        mask = own == aimed
        if mask.any():
            colour = TARGET if aimed else OBSERVED
            low, high = (summary[end].to_numpy(dtype=float)[mask] for end in ("low", "high"))
            ax.hlines(at[mask], low, high, color=colour, linewidth=pt(2), zorder=3)
            values = summary["change"].to_numpy(dtype=float)[mask]
            ax.scatter(values, at[mask], area(40), color=colour, marker=marker, label=text, zorder=4)


def dose_response(
    curves: pd.DataFrame, axes: Sequence[Axes] | None = None, *, label: str = "change in margin (logits)"
) -> list[Axes]:
    """How a change grows over a series of targets, a panel a class, over the band of control sets.

    Args:
        curves: one row per place in the series and panel: `series` (what varies: "gain", "count", "layer" or
            "selector"), `at` (the place, as text), `x` (as a number, NaN where it is none), `panel` (its
            title), `change` with its interval `low`, `high`, and under control sets `controls_mean`,
            `controls_low`, `controls_high` (their central 95 %; NaN for none).
        axes: one a panel, in their order; a new figure by default.
        label: what changes, with its unit.

    Raises:
        UsageError: a column is missing, or there are fewer axes than panels.
    """
    controls = [f"controls_{end}" for end in ("mean", "low", "high")]
    need(curves, "dose_response", ("series", "at", "x", "panel", "change", "low", "high", *controls))
    axes = list(axes) if axes is not None else panels(max(curves["panel"].nunique(), 1), (7.0, 3.4))
    for ax, name, rows in _per_panel(curves, axes, "dose_response"):
        _curve(ax, rows)
        ax.set_title(name, fontsize="medium", parse_math=False)
        ax.set_xlabel(_SERIES.get(str(rows["series"].iloc[0]), str(rows["series"].iloc[0])))
        finish(ax, grid="y", legend=0)
    return _with_legend(axes, label)


def _curve(ax: Axes, rows: pd.DataFrame) -> None:
    """One class over the series; places that are no numbers stand side by side, without a line."""
    numeric = bool(rows["x"].notna().all())
    rows = rows.sort_values("x") if numeric else rows
    x = rows["x"].to_numpy(dtype=float) if numeric else np.arange(len(rows), dtype=float)
    ax.axhline(0.0, color=CONTROL, linewidth=pt(1))
    low, mean, high = (rows[f"controls_{end}"].to_numpy(dtype=float) for end in ("low", "mean", "high"))
    if np.isfinite(low).any():
        if numeric and len(x) > 1:
            ax.fill_between(x, low, high, color=CONTROL, alpha=0.35, linewidth=0, label="controls, 95 %")
            ax.plot(x, mean, color=CONTROL, linestyle="--", linewidth=pt(1.4), label="controls, mean")
        else:
            ax.bar(x, high - low, 0.5, bottom=low, color=CONTROL, alpha=0.35, label="controls, 95 %")
            ax.hlines(mean, x - 0.25, x + 0.25, color=CONTROL, linewidth=pt(1.4), label="controls, mean")
    values, ends = rows["change"].to_numpy(dtype=float), (rows["low"], rows["high"])
    ax.vlines(x, *ends, color=TARGET, linewidth=pt(1.8))
    line = "-" if numeric else "none"
    ax.plot(x, values, color=TARGET, marker="D", markersize=pt(5), linestyle=line, label="target, 95 %")
    if numeric and x.min() > 0 and x.max() / x.min() > 20:
        ax.set_xscale("log")
    if not numeric or len(x) <= 7:
        ax.set_xticks(x, [])
        slant = 0 if numeric else 40
        plain(ax.set_xticklabels(shown(rows["at"], 14), rotation=slant, ha="right" if slant else "center"))
        ax.minorticks_off()
    elif (x % 1 == 0).all():
        integers(ax.xaxis)


def self_cross(
    values: pd.DataFrame, ax: Axes | None = None, *, label: str = "change in margin (logits)"
) -> Axes:
    """The neurons of each class off (rows), every class measured (columns): changes, a class's own framed.

    Args:
        values: rows and columns are classes; NaN is left blank.
        ax: where to draw; a new figure by default.
        label: what changes, with its unit.
    """
    rows, columns = values.shape
    ax = axes_for(ax, (min(2.8 + 0.5 * columns, 11.0), min(1.8 + 0.5 * rows, 10.0)))
    cells = values.to_numpy(dtype=float, na_value=np.nan)
    largest = float(np.abs(cells[np.isfinite(cells)]).max(initial=0.0))
    image = heat_of_changes(ax, cells if largest else np.ones_like(cells))
    image.set_data(cells)
    name_classes(ax, values.rename_axis(index="neurons off", columns="class measured"))
    if max(rows, columns) <= _MOST_WRITTEN:
        # In narrow cells what rounds to 0 is best read as 0.
        digits = 0 if largest >= 100 else 1 if largest >= 5 or (columns > 8 and largest >= 0.5) else 2
        texts = np.array([[_written(cell, digits) for cell in row] for row in cells], dtype=object)
        annotate(ax, image, cells, texts.reshape(cells.shape), size=10 if columns <= 8 else 8)
    _frame_own(ax, values)
    colour_bar(ax, image, label)
    return ax


def _frame_own(ax: Axes, values: pd.DataFrame) -> None:
    from matplotlib import rcParams
    from matplotlib.patches import Rectangle

    names = list(values.columns)
    for row, name in enumerate(values.index):
        if name in names:
            corner = names.index(name) - 0.46, row - 0.46
            ink = rcParams["text.color"]
            ax.add_patch(
                Rectangle(corner, 0.92, 0.92, fill=False, edgecolor=ink, linewidth=pt(1.8), zorder=3)
            )


def _written(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}".replace("-", "−")
    return "" if not np.isfinite(value) else "0" if float(f"{value:.{digits}f}") == 0 else text


def displacement(
    points: pd.DataFrame, axes: Sequence[Axes] | None = None, *, label: str = "change in margin (logits)"
) -> list[Axes]:
    """Does the size of the push explain the effect? The change against how far embeddings move, set by set.

    Args:
        points: one row per set of neurons: `panel` (its title), `match` (how a control set was matched; ""
            for a target, drawn as a star), `displacement` (mean distance that the standardised embedding of
            a clip moves), `change`, and `name` (written beside a target; "" for nothing).
        axes: one a panel, in their order; a new figure by default.
        label: what changes, with its unit.

    Raises:
        UsageError: a column is missing, a way of matching is unknown, or there are fewer axes than panels.
    """
    need(points, "displacement", ("panel", "match", "displacement", "change", "name"))
    axes = list(axes) if axes is not None else panels(max(points["panel"].nunique(), 1), (5.6, 3.6))
    for ax, name, rows in _per_panel(points, axes, "displacement"):
        ax.axhline(0.0, color=CONTROL, linewidth=pt(1))
        for kind in _matches(rows[rows["match"] != ""]):
            mine = rows[rows["match"] == kind]
            _dots(ax, mine["displacement"], mine["change"], kind)
        aimed = rows[rows["match"] == ""]
        ax.scatter(
            aimed["displacement"],
            aimed["change"],
            area(120),
            color=TARGET,
            marker="*",
            label="target",
            zorder=4,
        )
        for row in aimed[aimed["name"] != ""].itertuples():
            place: Any = (row.displacement, row.change)
            text = ax.annotate(
                str(row.name), place, (pt(6), pt(3)), textcoords="offset points", fontsize=pt(8.5)
            )
            text.set_parse_math(False)
        ax.set_title(name, fontsize="medium", parse_math=False)
        ax.set_xlim(left=0)
        ax.set_xlabel(
            "mean displacement (sd)" if len(axes) > 1 else "mean displacement of the embedding (sd)"
        )
        finish(ax, grid="y", legend=0)
    return _with_legend(axes, label)


def _matches(controls: pd.DataFrame) -> list[str]:
    """The ways of matching that occur, in the order in which they are drawn."""
    there = set(controls["match"])
    if unknown := sorted(there - set(_CONTROLS)):
        raise UsageError(f"no way of matching is called {unknown[0]!r}; expected {', '.join(_CONTROLS)}")
    return [kind for kind in _CONTROLS if kind in there]


def _dots(ax: Axes, x: pd.Series[Any], y: pd.Series[Any], kind: str) -> None:
    mark = _CONTROLS[kind]
    look: dict[str, Any] = {} if mark.marker == "x" else {"linewidths": 0}
    colour, marker, label = mark.colour, mark.marker, mark.label
    ax.scatter(
        x, y, area(mark.size), color=colour, marker=marker, alpha=mark.alpha, label=label, zorder=2, **look
    )


def _per_panel(
    frame: pd.DataFrame, axes: Sequence[Axes], what: str
) -> Iterator[tuple[Axes, str, pd.DataFrame]]:
    names = list(dict.fromkeys(frame["panel"]))
    if len(axes) < len(names):
        raise UsageError(f"{what}: {len(axes)} axes for {len(names)} panels; expected one each")
    for ax, name in zip(axes, names, strict=False):
        yield ax, str(name), frame[frame["panel"] == name]
    for ax in axes[len(names) :]:
        ax.set_axis_off()


def _with_legend(axes: list[Axes], label: str) -> list[Axes]:
    """One legend for all panels, with every mark that any of them has, and one label of their height."""
    figure = axes[0].figure
    figure.supylabel(label, fontsize="medium")
    marks = {name: it for ax in axes for it, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    if marks:
        columns = 2 if len(axes) == 1 else 6
        legend = figure.legend(
            marks.values(), marks, loc="outside lower center", ncols=columns, frameon=False
        )
        plain(legend.get_texts())
    return axes
