"""What figures have in common: axes, colours that follow the ink in force, and labels taken as they are."""

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
SERIES = (OBSERVED, TARGET, "#1e7849", "#a5478a", "#7c692a", "#f54363")
"""Colours of series, in order; markers differ too, so that no reader depends on them.

With `CONTROL` they stay apart also for eyes that lack one kind of cone, and each stands out from white and
from dark ground.
"""


def pt(value: float) -> float:
    """Points of a size that suits type of 11 points, for the type in force.

    >>> import matplotlib
    >>> with matplotlib.rc_context({"font.size": 5.5}):
    ...     pt(2.0), area(40.0)
    (1.0, 10.0)
    """
    import matplotlib as mpl

    return float(value * mpl.rcParams["font.size"] / 11)


def area(value: float) -> float:
    """Square points of a mark that suits type of 11 points, for the type in force."""
    return pt(pt(value))


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of so many inches."""
    return panels(1, size)[0] if ax is None else ax


def panels(number: int, size: tuple[float, float]) -> list[Axes]:
    """Axes side by side in a new figure of so many inches, which a notebook shows."""
    import matplotlib.pyplot as plt  # only here: a caller who brings axes needs no pyplot and no backend

    _, axes = plt.subplots(1, number, figsize=size, layout="constrained", squeeze=False)
    return list(axes[0])


def need(frame: pd.DataFrame, what: str, columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column.

    Raises:
        UsageError: the first column that is missing, and those that are there.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise UsageError(
            f"{what}: column {missing[0]!r} not found; given {list(frame.columns)}, expected {columns}"
        )


def finish(ax: Axes, *, grid: Literal["x", "y"], legend: int) -> None:
    """Grid, spines, and a legend of so many columns (0: none)."""
    ax.set_axisbelow(True)
    ax.grid(axis=grid, color=CONTROL, alpha=0.25, linewidth=pt(0.8))
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
        plain(drawn.get_texts())


def shown(names: Iterable[object], longest: int = 22) -> list[str]:
    """Names as labels: one of any length would leave no room for the data."""
    return [text if len(text) <= longest else text[: longest - 1] + "…" for text in map(str, names)]


def plain(texts: list[Any]) -> list[Any]:
    """Take labels as they are: a dollar sign in a class name is no formula."""
    for text in texts:
        text.set_parse_math(False)
    return texts


def legend_name(name: object) -> str:
    """A name that Matplotlib keeps in legends; it leaves out those that begin with an underscore."""
    return str(name).lstrip("_") or "(none)"


def name_columns(ax: Axes, names: pd.Index[Any], size: float | None = None) -> None:
    """Name the columns of a picture: level while names are short, slanted or upright where they are not.

    Args:
        ax: where the picture is.
        names: from left to right.
        size: points beside type of 11; the size of other ticks by default.
    """
    longest = max((len(str(name)) for name in names), default=0)
    slant = 0 if longest <= 4 and len(names) <= 14 else 90 if len(names) > 14 else 40
    ax.set_xticks(range(len(names)))
    aligned: dict[str, Any] = {"ha": "right", "rotation_mode": "anchor"} if slant == 40 else {}
    fontsize = None if size is None else pt(size)
    plain(ax.set_xticklabels(shown(names), rotation=slant, fontsize=fontsize, **aligned))


def integers(axis: Any) -> None:
    """Whole numbers along an axis of counts."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))


def shades_in_force(below: bool = False) -> Colormap:
    """Shades from the ground's own to a full hue, by whether the ink in force is dark or light.

    Args:
        below: put another hue, of negative values, on the other side of the ground's shade.
    """
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    light_ink = sum(to_rgb(mpl.rcParams["text.color"])) > 1.5
    stops = ["#1d2733", "#24639a", "#8ecbff"] if light_ink else ["#eef3f8", "#79b2df", "#0b3f70"]
    negative = ["#ffb071", "#b4530f"] if light_ink else ["#7a2f00", "#e79a5f"]
    shades = LinearSegmentedColormap.from_list("otoscope", [*negative, *stops] if below else stops)
    # Where nothing is known the ground shows; at the edges of cells other than black blends in.
    return shades.with_extremes(bad=(stops[0], 0.0))


def written_change(value: float) -> str:
    """A change, for a cell.

    >>> written_change(-2.5), written_change(-0.01)
    ('−2.5', '0')
    """
    text = f"{value:+.1f}".replace("-", "−")
    return "0" if text[1:] == "0.0" else text


def heat(ax: Axes, values: np.ndarray) -> Any:
    """A picture of values in one hue, from the least to the greatest; NaN has none."""
    finite = values[np.isfinite(values)]
    bottom, top = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if bottom == top:  # no contrast to show: against 0, then
        bottom, top = min(bottom, 0.0), max(top, 0.0) or 1.0
    return ax.imshow(
        values, aspect="auto", cmap=shades_in_force(), vmin=bottom, vmax=top, interpolation="nearest"
    )


def heat_of_changes(ax: Axes, values: np.ndarray) -> Any:
    """A picture of changes in two hues that meet at 0."""
    largest = float(np.nanmax(np.abs(values)))
    shades = shades_in_force(below=True)
    return ax.imshow(values, aspect="auto", cmap=shades, vmin=-largest, vmax=largest, interpolation="nearest")


def name_classes(ax: Axes, values: pd.DataFrame) -> None:
    """Name rows and columns of a class-by-class matrix."""
    size = 10 if max(values.shape) <= 24 else 8
    name_columns(ax, values.columns, size)
    ax.set_yticks(range(values.shape[0]))
    plain(ax.set_yticklabels(shown(values.index), fontsize=pt(size)))
    ax.set_xlabel(str(values.columns.name or ""), parse_math=False)
    ax.set_ylabel(str(values.index.name or ""), parse_math=False)


def annotate(ax: Axes, image: Any, values: np.ndarray, texts: np.ndarray, size: float) -> None:
    """Write texts into the cells of a picture, in black or white, whichever the cell's shade lets read."""
    for row, column in np.ndindex(values.shape):
        colour: str | None = None
        if np.isfinite(values[row, column]):
            red, green, blue, _ = image.cmap(image.norm(values[row, column]))
            colour = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
        extra: dict[str, Any] = {} if colour is None else {"color": colour}
        ax.text(column, row, str(texts[row, column]), ha="center", va="center", fontsize=pt(size), **extra)


def colour_bar(ax: Axes, image: Any, label: str) -> None:
    """The scale of a picture, which then needs neither frame nor ticks."""
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, aspect=24, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.tick_params(length=0)
