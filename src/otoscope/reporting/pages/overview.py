"""The page Overview: what was asked, what was found beside chance, and where to start listening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import numpy as np
import pandas as pd

from otoscope import plots
from otoscope.drawing import shown
from otoscope.reporting.beside import twins_wanted
from otoscope.reporting.chosen import best
from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import commands
from otoscope.reporting.figures import Figure
from otoscope.reporting.findings import findings_by_page, shared_most
from otoscope.reporting.impact_overview import impact_findings, impact_table
from otoscope.reporting.overview import measure_table, overview_table
from otoscope.reporting.site import Page, Site
from otoscope.reporting.wording import counted, number, short_model

if TYPE_CHECKING:
    from otoscope.neurons import Selection

__all__ = ["page"]

_MOST = 12  # neurons named of one labeling; sentences on what switching off does
_TITLES = {"layers": "Layers", "evidence": "Evidence", "methods": "Methods", "impact": "Impact"}


@dataclass(frozen=True)
class Cell:
    """What one model has for one labeling: a count beside chance, in words, and where there is more.

    Attributes:
        count: of class-specific neurons, as text.
        rest: chance, and coverage.
        href: the neurons, in the table of all.
    """

    count: str
    rest: str
    href: str


@dataclass(frozen=True)
class Start:
    """Neurons to start listening to: of one labeling of one store.

    Attributes:
        title: labeling and model.
        preset: what chose them.
        neurons: (class, address, where its page lies) of every class's best.
        more: how many classes have further ones.
        href: all of them, in the table.
    """

    title: str
    preset: str
    neurons: list[tuple[str, str, str]]
    more: int
    href: str


def page(site: Site) -> Page:
    """The page; where nothing was found out yet, it says which commands do."""
    overview = overview_table(site.recorded)
    rows = overview.astype(object).where(overview.notna(), None).to_dict("records")
    models = list(dict.fromkeys(each.model for each in site.recorded))
    content: dict[str, Any] = {
        "models": models,
        "tasks": [_task(each) for each in _first_of_each_task(site.recorded)],
        "stores": len(site.recorded),
        "findings": [(f"{name}.html", _TITLES[name], text) for name, text in findings_by_page(overview)],
        "shared": list(_shared(site)),
        "impact": impact_findings(impact_table(site.recorded))[:_MOST],
        "matrix": _matrix(site.recorded, models),
        "overview": rows,
        "overview_table": site.cabinet.add("overview", overview, title="Overview"),
        "overview_figure": _figure(site, overview),
        "wanted": list(
            dict.fromkeys(
                filter(None, (twins_wanted(it, one) for it in site.recorded for one in it.selections))
            )
        ),
        "starts": list(_starts(site)),
        "missing": [line for each in site.recorded for line in commands(each)[1:]],
        "problems": [
            (each.name, int((each.store.clips["problem"] != "").sum()))
            for each in site.recorded
            if (each.store.clips["problem"] != "").any()
        ],
    }
    return Page("index", "Overview", "report/overview.html.jinja", content)


def _first_of_each_task(recorded: Sequence[Recorded]) -> list[Recorded]:
    return list({each.task: each for each in reversed(recorded)}.values())[::-1]


def _task(recorded: Recorded) -> tuple[str, str, list[tuple[str, int]]]:
    """A task's name, how much was heard of it, and its labelings with their numbers of classes."""
    heard = int((recorded.store.tokens > 0).sum())
    asked = [(name, len(each.classes)) for name, each in recorded.store.labelings.items()]
    return recorded.task, counted(heard, "clip"), asked


def _matrix(recorded: Sequence[Recorded], models: Sequence[str]) -> list[tuple[str, str, list[Cell | None]]]:
    """A row for each labeling that a selection was made for, a cell for each model."""
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for each in recorded:
        for selection in reversed(each.selections):  # the first one, `specific` where there is one, stays
            if selection.chance is not None:
                chance, classes = selection.chance.neurons.mean, len(selection.classes)
                rest = (
                    f"chance {number(chance, 2)}; {round(selection.coverage * classes)} of "
                    f"{counted(classes, 'class', 'classes')} ({selection.preset})"
                )
                rows.setdefault((each.task, selection.label), {})[each.model] = Cell(
                    number(len(selection.neurons)), rest, _table_of(each.number, selection)
                )
    order = [(each.task, label) for each in recorded for label in each.store.labelings]
    keys = sorted(rows, key=lambda key: order.index(key) if key in order else len(order))
    return [(label, task, [rows[task, label].get(model) for model in models]) for task, label in keys]


def _shared(site: Site) -> Iterator[tuple[str, str]]:
    """What classes share, of every sharing that was tested: a sentence, and where its cell is."""
    for each in site.recorded:
        for position, sharing in enumerate(each.sharings, start=1):
            most = shared_most(sharing)
            if sharing.tests is None or most is None:
                continue
            passing = int(
                np.triu(sharing.marks, 1).sum() if sharing.within else sharing.marks.to_numpy().sum()
            )
            labels, pairs = " × ".join(dict.fromkeys(sharing.labels)), counted(len(sharing.table), "pair")
            common = counted(most[2], "neuron")
            text = (
                f"{labels}, {short_model(each.model)}: {passing} of {pairs} of classes share more neurons "
                f"than chance; most alike are {most[0]} and {most[1]}, with {common} in common."
            )
            cell = {"matrix": f"matrix-{each.number}-{position}", "a": most[0], "b": most[1]}
            yield text, f"sharing.html#{urlencode(cell, quote_via=quote)}"


def _figure(site: Site, overview: pd.DataFrame) -> Figure | None:
    rows = measure_table(overview)
    if rows.empty:
        return None
    panels = rows["measure"].nunique()
    marks = rows["labeling"].nunique() * (0.3 + 0.17 * rows["model"].nunique())
    return site.gallery.add(
        "overview",
        lambda canvas: plots.overview(rows, list(canvas.subplots(1, panels, squeeze=False)[0])),
        (11.5, 1.5 + marks),
        caption="Each figure of the table beside chance: a mark outside its grey band is more, or less, than "
        "permuted labels give. For the probe the line is the 95 % interval of its accuracy.",
        alt="Class-specific neurons, coverage, depth and probe accuracy of every model and labeling; "
        "the numbers are in the table above",
    )


def _starts(site: Site) -> Iterator[Start]:
    """Of every labeling of every store each class's best neuron, as far as it has a page."""
    for each in site.recorded:
        told = set()
        for selection in each.selections:
            if selection.label in told:
                continue
            told.add(selection.label)  # what the first one, `specific`, does not find, no other is asked for
            pages = [
                (shown([category])[0], f"{layer}.{unit}", place)
                for category, layer, unit in best(selection)
                if (place := site.href(each.number, layer, unit))
            ]
            if pages:
                href = _table_of(each.number, selection)
                title = f"{selection.label}, {short_model(each.model)}"
                yield Start(title, selection.preset, pages[:_MOST], max(len(pages) - _MOST, 0), href)


def _table_of(number_of_store: int, selection: Selection) -> str:
    """Where the table of neurons shows those of a selection."""
    asked = {"store": number_of_store, "label": selection.label, "chosen": selection.preset}
    return f"neurons.html#{urlencode(asked, quote_via=quote)}"
