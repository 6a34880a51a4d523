"""Interactive charts: plotly.js figures as plain data, in the page's colours, with labels that stay text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otoscope.reporting.figures import Figure
    from otoscope.reporting.site import Site

__all__ = [
    "CHANGES",
    "CONTROL",
    "HEAT",
    "OBSERVED",
    "PLOTLY",
    "SERIES",
    "TARGET",
    "Chart",
    "chart",
    "escaped",
    "scripts",
]

OBSERVED, CONTROL, TARGET = "var(--observed)", "var(--control)", "var(--target)"
"""Colours of the style sheet, as `otoscope.drawing` uses them; the page knows what they are in its theme."""
SERIES = tuple(f"var(--series-{number})" for number in range(1, 7))
"""Colours of series, in order."""
HEAT = [[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]]
"""A colour scale from the ground's own shade to a full hue."""
CHANGES = [
    [0, "var(--below-2)"], [0.25, "var(--below-1)"], [0.5, "var(--heat-0)"], [0.75, "var(--heat-1)"],
    [1, "var(--heat-2)"],
]  # fmt: skip
"""A colour scale of two hues that meet in the middle, for changes: give `zmid` 0."""

PLOTLY = "assets/vendor/plotly-cartesian.min.js"
_TEMPLATES = ("hovertemplate", "texttemplate")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Chart:
    """An interactive chart as the page shows it.

    Attributes:
        name: under which `otoscope.data` holds it.
        data: path of its data script, from the site's folder.
        caption: what one sees, in a sentence or two.
        alt: what the chart shows, for those who do not see it.
        height: CSS pixels.
        figure: the same for print; None where there is none.
    """

    name: str
    data: str
    caption: str
    alt: str
    height: int
    figure: Figure | None


def chart(
    site: Site,
    name: str,
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    *,
    caption: str,
    alt: str,
    height: int = 360,
    figure: Figure | None = None,
) -> Chart:
    """Write a chart's data; the template shows it with the macro `chart`, and the page loads `scripts` of it.

    Every text in it is shown as it is, whatever it holds; only `hovertemplate` and `texttemplate` are
    plotly's markup, written by us: they name data as `%{customdata[0]}` and hold none. Name the ticks of
    classes by `tickvals` and `ticktext`: a class named "2026-01-01" would make an axis one of dates.

    Args:
        site: the site in the making.
        name: of the chart, in this site.
        traces: as plotly.js takes them (scatter, bar, heatmap, box, violin, histogram and the like); colours
            are those of this module.
        layout: what differs from the page's own, for instance titles of axes.
        caption: what one sees, in a sentence or two; terms that are new are explained here.
        alt: what the chart shows, for those who do not see it.
        height: CSS pixels.
        figure: the same for print.
    """
    data = site.shelf.add(name, escaped({"traces": list(traces), "layout": layout}))
    return Chart(name, data, caption, alt, height, figure)


def scripts(charts: Iterable[Chart]) -> tuple[str, ...]:
    """What a page with these charts loads, in order; nothing for none."""
    data = tuple(each.data for each in charts)
    return (*data, PLOTLY, "assets/charts.js") if data else ()


def escaped(value: Any) -> Any:
    """A figure in which plotly takes no text for markup, except the templates that we write.

    >>> escaped({"text": ["<b>R&B</b>"], "hovertemplate": "%{text}<extra></extra>"})
    {'text': ['&lt;b&gt;R&amp;B&lt;/b&gt;'], 'hovertemplate': '%{text}<extra></extra>'}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str):
        return value.translate(_ENTITIES)
    if isinstance(value, Mapping):
        return {key: each if key in _TEMPLATES else escaped(each) for key, each in value.items()}
    return list(map(escaped, value)) if isinstance(value, (list, tuple)) else value
