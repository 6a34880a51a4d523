"""Figures of a report, each drawn twice as SVG: for light and for dark pages."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

_FONTS = ["DejaVu Sans", "Verdana", "Arial", "sans-serif"]
_COMMON = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": _FONTS,
    "font.size": 11,
    "legend.fontsize": 9.5,
    # Text as text: any script that the reader's machine can write, to be searched and copied.
    "svg.fonttype": "none",
    # The same figure gives the same bytes.
    "svg.hashsalt": "otoscope",
}


_LIGHT = ("#1c2128", "#8a8f97")
"""Ink of text and of axes on light pages; no data has these colours, so another ink can take their place."""
_DARK = ("#e6e9ed", "#7c828a")


@dataclass(frozen=True)
class Figure:
    """A figure as the page shows it.

    Attributes:
        light: path of the file for light pages, from the report's folder.
        dark: the same for dark pages.
        caption: what one sees, in a sentence or two; terms that are new are explained here.
        alt: what the figure shows, for those who do not see it.
        width: CSS pixels at natural size.
        height: CSS pixels at natural size.
    """

    light: str
    dark: str
    caption: str
    alt: str
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Takes the full width of the page."""
        return self.width > 600


class Gallery:
    """Draws figures into a folder, each under a name of its own.

    Args:
        folder: the report's folder; figures go into `figures/`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        (folder / "figures").mkdir()

    def add(
        self,
        name: str,
        draw: Callable[[Canvas], object],
        size: tuple[float, float],
        *,
        caption: str,
        alt: str,
    ) -> Figure:
        """Draw a figure of `size` inches; `draw` gets an empty one, once for each ground."""
        stem = unique(name, self._names)
        svg, pictures = _svg(draw, size, _LIGHT)
        # Only a heat map has other shades on a dark ground; for the rest a new ink will do, at half the time.
        dark = _svg(draw, size, _DARK)[0] if pictures else _other_ink(svg)
        paths = f"figures/{stem}.svg", f"figures/{stem}-dark.svg"
        for path, text in zip(paths, (svg, dark), strict=True):
            (self._folder / path).write_text(text, encoding="utf-8")
        return Figure(*paths, caption, alt, round(size[0] * 96), round(size[1] * 96))


def _svg(
    draw: Callable[[Canvas], object], size: tuple[float, float], ink: tuple[str, str]
) -> tuple[str, bool]:
    """A figure as SVG, and whether it holds pictures."""
    text = ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor")
    lines = ("axes.edgecolor", "xtick.color", "ytick.color")
    settings = _COMMON | dict.fromkeys(text, ink[0]) | dict.fromkeys(lines, ink[1])
    buffer = io.StringIO()
    with mpl.rc_context(rc=cast(Any, settings)), warnings.catch_warnings():
        # Only the font that measures the text lacks the glyph; the browser has others.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas)
        # Not `savefig`, which draws once more beforehand: a report has many figures.
        FigureCanvasSVG(canvas).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue(), any(axes.images for axes in canvas.axes)


def _other_ink(svg: str) -> str:
    for light, dark in zip(_LIGHT, _DARK, strict=True):
        svg = svg.replace(light, dark)
    return svg


def unique(name: str, taken: set[str]) -> str:
    """A file name in plain ASCII for `name` that is not taken yet, also where file systems ignore case.

    >>> taken = set()
    >>> unique("1-<b>événement</b>", taken), unique("1-<B>événement</B>", taken)
    ('1-b-v-nement-b', '1-B-v-nement-B-2')
    """
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", name)[:60].strip("-") or "unnamed"
    chosen, number = stem, 1
    while chosen.lower() in taken:
        number += 1
        chosen = f"{stem}-{number}"
    taken.add(chosen.lower())
    return chosen
