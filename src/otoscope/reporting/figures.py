"""Figures of a report, each as SVG for light and for dark pages, and as PDF: in the sizes of a paper.

A figure of the page is one of a paper seen larger: across half the page it is a column of 3.5 inches wide,
across the page two columns of 7.2 inches, with type of 6.9 points.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from otoscope.reporting.fonts import LETTERS, cut_font

_LARGER = 1.6
"""How many times larger the page shows a figure than a paper does."""
_BEHIND = 32
"""Figures that wait for other processes, at most."""
_FONTS = ["DejaVu Sans", "Verdana", "Arial", "sans-serif"]
_COMMON = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": _FONTS,
    "font.size": 11 / _LARGER,
    "legend.fontsize": 9.5 / _LARGER,
    # Pictures in a paper have so many dots to the inch.
    "figure.dpi": 300,
    "image.composite_image": False,
    # Text as text: any script that the reader's machine can write, to be searched and copied.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # The same figure gives the same bytes.
    "svg.hashsalt": "otoscope",
}
_LENGTHS = re.compile(
    r"(lines|patch|grid|hatch|boxplot.*)\.linewidth|lines\.marker(size|edgewidth)|axes\.(linewidth|labelpad|titlepad)"
    r"|[xy]tick\.(major|minor)\.(size|width|pad)|errorbar\.capsize|figure\.constrained_layout\.[hw]_pad"
)
"""Settings of Matplotlib that are lengths; all others are relative to the type, or to the figure."""


_LIGHT = ("#1c2128", "#8a8f97")
"""Ink of text and of axes on light pages; no data has these colours, so another ink can take their place."""
_DARK = ("#e6e9ed", "#7c828a")


@dataclass(frozen=True)
class Figure:
    """A figure as the page shows it.

    Attributes:
        light: path of the file for light pages, from the report's folder.
        dark: the same for dark pages; "" for the print of an interactive chart.
        pdf: the same as `light`, for papers.
        caption: what one sees, in a sentence or two; terms that are new are explained here.
        alt: what the figure shows, for those who do not see it.
        width: CSS pixels at natural size.
        height: CSS pixels at natural size.
    """

    light: str
    dark: str
    pdf: str
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
        executor: processes that turn figures into files while others are drawn; this one by default.
    """

    def __init__(self, folder: Path, executor: Executor | None = None) -> None:
        self._folder = folder
        self._executor = executor
        self._pending: list[Future[None]] = []
        self._names: set[str] = set()
        (folder / "figures").mkdir(exist_ok=True)

    def add(
        self,
        name: str,
        draw: Callable[[Canvas], object],
        size: tuple[float, float],
        *,
        caption: str = "",
        alt: str = "",
        printed: bool = False,
    ) -> Figure:
        """Draw a figure that takes `size` inches of the page; `draw` gets an empty one, once for each ink.

        Args:
            name: of its files, which are there after `finish` at the latest.
            draw: draws it.
            size: inches of the page.
            caption: what one sees.
            alt: what it shows, for those who do not see it.
            printed: it is the print of an interactive chart: there is no file for dark pages.
        """
        stem = unique(name, self._names)
        size = (size[0] / _LARGER, size[1] / _LARGER)
        light, pdf, dark = f"figures/{stem}.svg", f"figures/{stem}.pdf", f"figures/{stem}-dark.svg"
        with _settings(_LIGHT):
            canvas, shaded = _drawn(draw, size), None
        # Only a heat map has other shades on dark pages; for the rest a new ink will do.
        if not printed and any(axes.images for axes in canvas.axes):
            with _settings(_DARK):
                shaded = _drawn(draw, size)
        write = partial(_write, canvas, shaded, self._folder / light, self._folder / pdf)
        write = partial(write, None if printed else self._folder / dark)
        # Where the other processes are behind, this one lends a hand.
        if self._executor is None or sum(not each.done() for each in self._pending) >= _BEHIND:
            write()
        else:
            self._pending.append(self._executor.submit(write))
        width, height = (round(length * _LARGER * 96) for length in size)
        return Figure(light, "" if printed else dark, pdf, caption, alt, width, height)

    def finish(self) -> None:
        """Wait for the files of all figures.

        Raises:
            Exception: what went wrong with one of them.
        """
        while self._pending:
            self._pending.pop().result()


def _write(canvas: Canvas, shaded: Canvas | None, light: Path, paper: Path, dark: Path | None) -> None:
    """The files of a figure; `shaded` is the one for dark pages, if that is another."""
    with _settings(_LIGHT):
        svg = _svg(canvas)
        light.write_text(svg, encoding="utf-8")
        paper.write_bytes(_pdf(canvas))
    if dark is None:
        return
    if shaded is not None:
        with _settings(_DARK):
            svg = _svg(shaded)
    dark.write_text(_other_ink(svg), encoding="utf-8")


@contextmanager
def _settings(ink: tuple[str, str]) -> Iterator[None]:
    """Draw in one ink, with type and lines of the size that papers have."""
    text = ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor")
    lines = ("axes.edgecolor", "xtick.color", "ytick.color")
    default = mpl.rcParamsDefault
    lengths = {name: default[name] / _LARGER for name in default if _LENGTHS.fullmatch(name)}
    settings = lengths | _COMMON | dict.fromkeys(text, ink[0]) | dict.fromkeys(lines, ink[1])
    with mpl.rc_context(rc=cast(Any, settings)), warnings.catch_warnings():
        # Only the font that measures the text lacks the glyph; the browser has others.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        yield


def _drawn(draw: Callable[[Canvas], object], size: tuple[float, float]) -> Canvas:
    canvas = Canvas(figsize=size, layout="constrained")
    draw(canvas)
    return canvas


def _svg(canvas: Canvas) -> str:
    """The figure as SVG; from then on everything in it keeps its place."""
    buffer = io.StringIO()
    pictures = [picture for axes in canvas.axes for picture in axes.images]
    for picture in pictures:
        picture.set_interpolation("none")  # one dot a value, as sharp at every size
    # Not `savefig`, which draws once more beforehand: a report has many figures.
    FigureCanvasSVG(canvas).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    canvas.set_layout_engine("none")
    for picture in pictures:
        picture.set_interpolation("nearest")  # some that show PDF would blur the dots
    return rounded(buffer.getvalue())


def _pdf(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    written = {letter for text in canvas.findobj(Text) for letter in text.get_text()}
    with mpl.rc_context(rc={"font.sans-serif": [cut_font()] if written <= LETTERS else _FONTS}):
        FigureCanvasPdf(canvas).print_pdf(buffer, metadata={"CreationDate": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


_TAG = re.compile(r"<[a-z][^>]*>")
_PLACES = re.compile(r' (?:d|x|y)="[^"]*"|(?:translate|rotate)\([^)]*\)')
_LEVEL = re.compile(r' transform="rotate\(-0 [^)]*\)"')
_INDENT = re.compile(r"\n +<")
_LONG = re.compile(r"-?\d+\.\d{3,}")


def rounded(svg: str) -> str:
    """An SVG whose places have two decimals: each a two-hundredth of a point at most from where it was.

    Turns by nothing, which every level text has, are left out, and so is the indent of lines.

    >>> rounded('<path d="M 1.236 -0.001 L 1.5 7"/><text x="0.126" transform="scale(.001)"> x="0.126"</text>')
    '<path d="M 1.24 0 L 1.5 7"/><text x="0.13" transform="scale(.001)"> x="0.126"</text>'
    """

    def short(number: re.Match[str]) -> str:
        text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def places(tag: re.Match[str]) -> str:
        return _PLACES.sub(lambda found: _LONG.sub(short, found[0]), _LEVEL.sub("", tag[0]))

    return _TAG.sub(places, _INDENT.sub("\n<", svg))


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
