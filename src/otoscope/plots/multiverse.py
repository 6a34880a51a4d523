"""Figures of a multiverse: the specification curve of a finding, and the finding over the thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.drawing import (
    CONTROL,
    OBSERVED,
    TARGET,
    annotate,
    area,
    colour_bar,
    finish,
    heat,
    need,
    panels,
    plain,
    pt,
)
from otoscope.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["specification_curve", "threshold_heat"]

_ALPHA = 0.05
_GRID = ("response", "share", "assignment")


def specification_curve(
    table: pd.DataFrame,
    choices: Mapping[str, Sequence[Any]],
    finding: str = "depth",
    axes: Sequence[Axes] | None = None,
    *,
    label: str = "",
) -> list[Axes]:
    """A finding under every combination of choices, in the order of its size, over the choices made.

    The upper panel has a point for each combination, filled where the column `p` is 0.05 or less, over the
    central 95 % under permuted labels. Below it each choice has a row for each value, with a mark where a
    combination made it. The paper's presets stand out in both.

    Args:
        table: one row a combination, with the column of the finding and one for each choice; if known,
            `chance_` + finding + `_low` and `_high`, `p`, and `preset` ("" for none): what
            `Multiverse.table` holds. Combinations without the finding are left out, and counted below.
        choices: the values of each choice, as `Multiverse.choices` gives them.
        finding: the column to draw.
        axes: two, the upper panel and the lower; a new figure by default.
        label: axis label, with its unit; the name of the finding by default.

    Raises:
        UsageError: a column is missing, there are fewer than two axes, or no choice has several values.

    Source: Simonsohn, Simmons and Nelson 2020, doi:10.1038/s41562-020-0912-z.

    >>> from matplotlib.figure import Figure
    >>> rows = pd.DataFrame({"depth": [0.3, 0.1], "share": [0.01, 0.02]})
    >>> curve, made = specification_curve(rows, {"share": [0.01, 0.02]}, axes=Figure().subplots(2))
    >>> curve.collections[1].get_offsets()[:, 1].tolist()
    [0.1, 0.3]
    """
    need(table, "specification_curve", (finding, *choices))
    if not choices:
        raise UsageError("specification_curve: no choice has several values; expected one or more to compare")
    rows = [(name, value) for name, values in choices.items() for value in values]
    curve, made = _stacked(len(rows), len(table)) if axes is None else _two(axes)
    known = table[table[finding].notna()].sort_values(finding, kind="stable", ignore_index=True)
    _draw_curve(curve, known, finding)
    curve.set_ylabel(label or finding)
    _draw_choices(made, known, rows)
    absent = len(table) - len(known)
    left_out = f"; {absent} without a value left out" if absent else ""
    made.set_xlabel(f"{len(known)} combinations of choices, by {finding.replace('_', ' ')}{left_out}")
    return [curve, made]


def _two(axes: Sequence[Axes]) -> tuple[Axes, Axes]:
    if len(axes) < 2:
        raise UsageError(f"specification_curve: {len(axes)} axes; expected 2, the curve's and the choices'")
    return axes[0], axes[1]


def _stacked(rows: int, combinations: int) -> tuple[Axes, Axes]:
    """Two panels, one above the other, in a new figure."""
    import matplotlib.pyplot as plt  # only here: a caller who brings axes needs no pyplot and no backend

    lower = 0.6 + 0.19 * rows
    width = float(np.clip(combinations / 40, 7.5, 12.0))
    figure, (curve, made) = plt.subplots(
        2, 1, figsize=(width, 3.0 + lower), height_ratios=[3.0, lower], sharex=True
    )
    figure.set_layout_engine("constrained", hspace=0.02, h_pad=0.02)
    return curve, made


def _draw_curve(ax: Axes, known: pd.DataFrame, finding: str) -> None:
    place, values = np.arange(len(known)), known[finding].to_numpy(dtype=float)
    size = float(np.clip(1600 / max(len(known), 1), 5, 22))
    tested = known["p"] if "p" in known.columns else pd.Series(0.0, known.index)
    significant = (tested <= _ALPHA).to_numpy()
    for these, face, strength in ((~significant, "none", 0.5), (significant, OBSERVED, 1.0)):
        ax.scatter(
            place[these], values[these], area(size), facecolors=face, edgecolors=OBSERVED, linewidths=pt(0.8),
            alpha=strength, zorder=3,
        )  # fmt: skip
    handles = [_handle("o", OBSERVED, "true labels")]
    if "p" in known.columns and known["p"].notna().any():
        handles = [
            _handle("o", OBSERVED, f"true labels, depth's p ≤ {_ALPHA}"),
            _handle("o", OBSERVED, "p above, or not tested", hollow=True),
        ]
    if {f"chance_{finding}_low", f"chance_{finding}_high"} <= set(known.columns):
        low, high = known[f"chance_{finding}_low"], known[f"chance_{finding}_high"]
        width = float(np.clip(380 / max(len(known), 1), 0.9, 5.0))
        if low.notna().any():
            ax.vlines(place, low, high, color=CONTROL, alpha=0.45, linewidth=pt(width), zorder=1)
            handles.append(_handle("s", CONTROL, "permuted labels, central 95 %"))
    for number, (where, name) in enumerate(_presets(known)):
        ax.scatter([where], [values[where]], area(60), color=TARGET, marker="Dsv"[number % 3], zorder=4)
        handles.append(_handle("Dsv"[number % 3], TARGET, name))
    ax.margins(x=0.02)
    ax.tick_params(axis="x", bottom=False, labelbottom=False)
    finish(ax, grid="y", legend=0)
    drawn = ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.2,
        columnspacing=1.2, handletextpad=0.3, fontsize=pt(9),
    )  # fmt: skip
    plain(drawn.get_texts())


def _handle(marker: str, colour: str, text: str, hollow: bool = False) -> Any:
    from matplotlib.lines import Line2D

    face, strength = ("none", 0.5) if hollow else (colour, 1.0)
    return Line2D(
        [], [], linestyle="", marker=marker, markerfacecolor=face, markeredgecolor=colour, alpha=strength,
        label=text,
    )  # fmt: skip


def _presets(known: pd.DataFrame) -> list[tuple[int, str]]:
    """Place and names of the combinations that are presets, in the order of their names."""
    if "preset" not in known.columns:
        return []
    found = [(int(where), str(known["preset"][where])) for where in np.flatnonzero(known["preset"] != "")]
    return sorted(found, key=lambda each: each[1])


def _draw_choices(ax: Axes, known: pd.DataFrame, rows: Sequence[tuple[str, Any]]) -> None:
    """A row for each value of each choice, with a mark where a combination made it."""
    names = list(dict.fromkeys(name for name, _ in rows))
    height = float(np.clip(1600 / max(len(known), 1), 5, 22))
    presets = [where for where, _ in _presets(known)]
    for row, (name, value) in enumerate(rows):
        where = np.flatnonzero(known[name] == value)
        # An even tint behind every other choice tells where one ends.
        if names.index(name) % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color=CONTROL, alpha=0.13, linewidth=0)
        colours = np.where(np.isin(where, presets), TARGET, OBSERVED)
        level = np.full(len(where), row)
        ax.scatter(where, level, area(height), color=colours.tolist(), marker="|", linewidths=pt(0.9))
        if len(here := where[np.isin(where, presets)]):
            ax.scatter(here, np.full(len(here), row), area(26), color=TARGET, marker="D", zorder=3)
    ax.set_yticks(range(len(rows)), [_written(name, value) for name, value in rows], fontsize=pt(8.5))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.margins(x=0.02)
    ax.set_xticks([])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def _written(name: str, value: Any) -> str:
    """A choice and its value, for a row."""
    if isinstance(value, (bool, np.bool_)):
        return f"{name} {'counted' if value else 'not counted'}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def threshold_heat(
    table: pd.DataFrame,
    finding: str = "depth",
    axes: Sequence[Axes] | None = None,
    *,
    label: str = "",
) -> list[Axes]:
    """A finding over the grid of thresholds: a picture of response by share for each assignment.

    Each cell is the median over the other choices. A finding that is the same with every assignment, as the
    depth is, has one picture.

    Args:
        table: one row a combination, columns `response`, `share`, `assignment` and the finding; if there is
            `p`, the share of the combinations with 0.05 or less stands below the value of the depth.
        finding: the column to draw.
        axes: one a picture; a new figure by default.
        label: of the colour bar, with its unit; the name of the finding by default.

    Raises:
        UsageError: a column is missing, or there are fewer axes than pictures.

    >>> from matplotlib.figure import Figure
    >>> rows = pd.DataFrame({"response": 0.9, "share": [0.01, 0.02], "assignment": 0.95, "depth": [0.3, 0.1]})
    >>> [ax] = threshold_heat(rows, axes=[Figure().subplots()])
    >>> [text.get_text() for text in ax.texts]
    ['0.3', '0.1']
    """
    need(table, "threshold_heat", (*_GRID, finding))
    medians = table.groupby(list(_GRID))[finding].median().unstack("share")
    pictures = [part.droplevel("assignment") for _, part in medians.groupby("assignment")]
    titles = [f"assignment {value:g}" for value in medians.index.unique("assignment")]
    if all(each.equals(pictures[0]) for each in pictures):
        pictures, titles = pictures[:1], [""]
    tested = finding == "depth" and "p" in table.columns and bool(table["p"].notna().any())
    shares = _significant(table) if tested else None
    if axes is None:
        axes = panels(len(pictures), (2.0 + 2.9 * len(pictures), 1.6 + 0.5 * len(pictures[0])))
    if len(axes) < len(pictures):
        raise UsageError(f"threshold_heat: {len(axes)} axes for {len(pictures)} pictures; expected one each")
    scale = np.concatenate([each.to_numpy(dtype=float).ravel() for each in pictures])
    for number, (ax, values, title) in enumerate(zip(axes, pictures, titles, strict=False)):
        image = heat(ax, values.to_numpy(dtype=float))
        if np.isfinite(scale).any() and np.nanmin(scale) < np.nanmax(scale):
            image.set_clim(np.nanmin(scale), np.nanmax(scale))
        annotate(ax, image, values.to_numpy(dtype=float), _cells(values, shares), 8.5)
        ax.set_xticks(range(values.shape[1]), [f"{value:g}" for value in values.columns])
        ax.set_yticks(range(values.shape[0]), [f"{value:g}" for value in values.index] if number == 0 else [])
        ax.set_xlabel("share of the neurons kept")
        ax.set_ylabel("response quantile" if number == 0 else "")
        ax.set_title(title, fontsize=pt(10))
        for side in ax.spines.values():
            side.set_visible(False)
        ax.tick_params(length=0)
    colour_bar(axes[len(pictures) - 1], image, label or finding)
    return list(axes[: len(pictures)])


def _significant(table: pd.DataFrame) -> pd.DataFrame:
    """The share of the combinations of each response and share whose p is 0.05 or less."""
    tested = table[table["p"].notna()]
    return (tested["p"] <= _ALPHA).groupby([tested["response"], tested["share"]]).mean().unstack("share")


def _cells(values: pd.DataFrame, shares: pd.DataFrame | None) -> np.ndarray:
    """What stands in each cell: the median, and below it the share that is significant."""
    texts = np.empty(values.shape, dtype=object)
    found = values.to_numpy(dtype=float)
    below = np.full(found.shape, np.nan)
    if shares is not None:
        below = shares.reindex(index=values.index, columns=values.columns).to_numpy(dtype=float)
    for place in np.ndindex(found.shape):
        texts[place] = "none" if np.isnan(found[place]) else f"{found[place]:.3g}"
        if not np.isnan(found[place]) and not np.isnan(below[place]):
            texts[place] += f"\np ≤ {_ALPHA}: {below[place]:.0%}"
    return texts
