"""The page Layers: where class-specific neurons lie, models side by side, and what they fire for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.activations.held import held
from otoscope.reporting.charts import SERIES, chart
from otoscope.reporting.collect import Recorded
from otoscope.reporting.groups import Group, groups_of, scripts_of
from otoscope.reporting.parts import Part, add_selection
from otoscope.reporting.site import Page, Site
from otoscope.reporting.wording import counted, short_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from otoscope.neurons import Selection

__all__ = ["page"]

_Chosen = tuple[Recorded, "Selection"]
_MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "x")


def page(site: Site) -> Page:
    """The page; without a selection it says which commands make one."""
    groups = [*_side_by_side(site), *groups_of(site, _fill)]
    missing = [
        f"otoscope select {each.name} --label {label}"
        for each in site.recorded
        for label in each.store.labelings
    ]
    content = {"groups": groups, "missing": missing}
    return Page("layers", "Layers", "report/layers.html.jinja", content, scripts_of(groups))


def _fill(part: Part, recorded: Recorded, label: str, site: Site) -> None:
    source = held(recorded.store)
    for selection in recorded.selections:
        if selection.label == label:
            add_selection(part, recorded, source, selection, site.gallery, site.cabinet)


def _side_by_side(site: Site) -> list[Group]:
    """A group with a chart for each labeling and preset that any neuron was chosen by, all models in it."""
    found: dict[tuple[str, str, str], list[_Chosen]] = {}
    for recorded in site.recorded:
        for selection in recorded.selections:
            if selection.chance is not None and len(selection.neurons):
                key = (recorded.task, selection.label, selection.preset)
                found.setdefault(key, []).append((recorded, selection))
    parts: dict[tuple[str, str], Part] = {}
    for position, ((task, label, preset), chosen) in enumerate(found.items(), start=1):
        part = parts.setdefault((task, label), Part(f"{label} of {task}", f"layers-{len(parts) + 1}"))
        part.charts.append(_chart(site, f"layers-{position}", preset, label, chosen))
    return [Group("Models side by side", "models", list(parts.values()))] if parts else []


def _chart(site: Site, name: str, preset: str, label: str, chosen: Sequence[_Chosen]) -> Any:
    traces = [trace for place, each in enumerate(chosen) for trace in _traces(place, *each)]
    layout = {
        "xaxis": {"title": {"text": "layer"}, "dtick": 1},
        "yaxis": {"title": {"text": "class-specific neurons"}, "rangemode": "tozero"},
        "hovermode": "x unified",
    }

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(chosen), squeeze=False)[0]
        for axes, (recorded, selection) in zip(panels, chosen, strict=True):
            selection.plot(axes)
            axes.set_title(short_model(recorded.model), fontsize="medium", parse_math=False)
            axes.get_legend().remove()  # it would lie on the title; all panels share one
        canvas.legend(
            *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
        )

    models = ", ".join(short_model(each.model) for each, _ in chosen)
    return chart(
        site,
        name,
        traces,
        layout,
        caption=f"{preset}: class-specific neurons for {label} in each layer; dashed: their mean under "
        "permuted labels.",
        alt=f"Class-specific neurons by layer for {label}, {models}; the numbers are in the tables below",
        figure=site.gallery.add(
            f"{name}-{label}-{preset}",
            draw,
            (5.6 if len(chosen) == 1 else 11.5, 3.6),
            printed=True,
        ),
    )


def _traces(place: int, recorded: Recorded, selection: Selection) -> list[dict[str, Any]]:
    """The counts of one model, and what permuted labels give, with its band in the hover."""
    assert selection.chance is not None
    colour, layers = SERIES[place % len(SERIES)], np.arange(selection.layers)
    name = f"{short_model(recorded.model)} ({counted(len(selection.neurons), 'neuron')})"
    chance = selection.chance.by_layer.set_index("layer").reindex(layers)
    return [
        {
            "x": layers,
            "y": selection.by_layer.reindex(layers),
            "name": name,
            "mode": "lines+markers",
            "line": {"color": colour},
            "marker": {"symbol": _MARKERS[place % len(_MARKERS)], "size": 8},
            "legendgroup": name,
            "hovertemplate": "%{y}",
        },
        {
            "x": layers,
            "y": chance["mean"],
            "customdata": chance[["low", "high"]].to_numpy(),
            "name": "permuted labels",
            "mode": "lines",
            "line": {"color": colour, "dash": "dash", "width": 1},
            "legendgroup": name,
            "showlegend": False,
            "hovertemplate": "%{y:.1f} (%{customdata[0]:.0f} to %{customdata[1]:.0f})",
        },
    ]
