"""Neurons: a table of every neuron, to sort, filter and search; one data script a store and labeling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.neurons.addresses import positions
from otoscope.neurons.entropy import entropy
from otoscope.neurons.probability import firing_probability
from otoscope.reporting.site import Page, Site
from otoscope.reporting.wording import short_model

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.reporting.collect import Recorded

__all__ = ["document", "page"]

Values = NDArray[np.float64]


def page(site: Site) -> Page:
    """The page, and the data that it loads when a reader wants them."""
    index: list[dict[str, Any]] = []
    left_out: list[str] = []
    for recorded in site.recorded:
        labels = []
        for label in recorded.found or list(recorded.store.labelings):
            try:
                found = document(site, recorded, label)
            except OtoscopeError as error:
                left_out.append(f"{recorded.name}, {label}: {error}")
                continue
            name = f"neurons-{recorded.number}-{label}"
            labels.append({"label": label, "data": name, "script": site.shelf.add(name, found)})
        if labels:
            title = f"{short_model(recorded.model)} on {recorded.task}"
            index.append({"number": recorded.number, "title": title, "labels": labels})
    content = {"index": index, "left_out": left_out, "first": site.recorded[0].name}
    scripts = ("assets/table.js", "assets/neuron-columns.js", "assets/neurons.js")
    return Page("neurons", "Neurons", "report/neurons.html.jinja", content, scripts)


def document(site: Site, recorded: Recorded, label: str) -> dict[str, Any]:
    """What the table shows of a labeling: a column a list, one value a neuron, in flat order.

    Classes and descriptors stand by their place in a list, -1 for none; measured values with 4 significant
    digits, None where there is none. `chosen` holds one neuron, preset and class a pair that was chosen.

    Raises:
        OtoscopeError: the labeling has no firing probabilities, for instance for want of clips of a class.
    """
    store = recorded.store
    p = firing_probability(store, label)
    classes = [str(name) for name in p["category"].to_numpy()]
    layer, unit = positions(store.layers)
    by_class = p.to_numpy()[layer, unit]
    top = by_class.argmax(axis=1)
    highest = by_class[np.arange(len(top)), top]
    first = np.concatenate([[0], np.cumsum([each.units for each in store.layers])[:-1]])
    tests, tested_by = _tests(recorded, label, first, len(top))
    descriptors, descriptor, rho = _followed(recorded, label, first, len(top))
    presets, chosen = _chosen(recorded, label, first, classes)
    return {
        "label": label,
        "classes": classes,
        "layers": [{"name": each.name, "units": each.units} for each in store.layers],
        "presets": presets,
        "descriptors": descriptors,
        "tested_by": tested_by,
        "top": np.where(highest > 0, top, -1),
        "p": _rounded(highest, 3),
        "entropy": _rounded(entropy(p).to_numpy()[layer, unit], 4),
        "test": _rounded(tests, 3) if tested_by else [],
        "descriptor": descriptor if descriptors else [],
        "rho": _rounded(rho, 3) if descriptors else [],
        "chosen": chosen,
        "pages": True if site.live else _pages(site, recorded.number, first),
    }


def _tests(recorded: Recorded, label: str, first: NDArray[Any], neurons: int) -> tuple[Values, str]:
    """The p of every neuron's own test, and what made it: `evidence`, `specific` of those it chose, or ""."""
    values = np.full(neurons, np.nan)
    evidence = recorded.evidence.get(label)
    if evidence is not None and evidence.tests is not None:
        table = evidence.tests.table
        values[_flat(table, first)] = table["p"]
        return values, "evidence"
    for selection in recorded.selections:
        if selection.label == label and "p" in selection.table:
            values[_flat(selection.table, first)] = selection.table["p"]
            return values, "specific"
    return values, ""


def _followed(
    recorded: Recorded, label: str, first: NDArray[Any], neurons: int
) -> tuple[list[str], NDArray[np.int64], Values]:
    """The descriptors that neurons follow; by neuron the place of its own, and its correlation with it."""
    place, rho = np.full(neurons, -1), np.full(neurons, np.nan)
    found = recorded.acoustics.get(label)
    if found is None:
        return [], place, rho
    table = found.neurons if found.follows is None else found.follows.table
    table = table[table["follows"].fillna("") != ""]
    names = sorted(set(table["follows"]))
    at = _flat(table, first)
    place[at] = [names.index(name) for name in table["follows"]]
    rho[at] = table["rho"]
    return names, place, rho


def _chosen(
    recorded: Recorded, label: str, first: NDArray[Any], classes: Sequence[str]
) -> tuple[list[str], dict[str, list[int]]]:
    """The presets of the labeling's selections, and every pair of a neuron and a class that they chose."""
    place = {name: number for number, name in enumerate(classes)}
    presets: list[str] = []
    pairs: dict[str, list[int]] = {"neuron": [], "preset": [], "category": []}
    for selection in recorded.selections:
        if selection.label != label:
            continue
        if selection.preset not in presets:
            presets.append(selection.preset)
        known = selection.table[selection.table["category"].isin(classes)]
        pairs["neuron"] += _flat(known, first).tolist()
        pairs["preset"] += [presets.index(selection.preset)] * len(known)
        pairs["category"] += [place[name] for name in known["category"]]
    return presets, pairs


def _pages(site: Site, number: int, first: NDArray[Any]) -> list[int]:
    """The neurons of a store that have a page of their own, by flat number."""
    return sorted(int(first[layer]) + unit for store, layer, unit in site.neurons if store == number)


def _flat(table: pd.DataFrame, first: NDArray[Any]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = first[table["layer"].to_numpy(np.int64)] + table["unit"].to_numpy(np.int64)
    return found


def _rounded(values: Values, digits: int) -> Values:
    """Values with so many significant digits, so that they are short as text too.

    >>> _rounded(np.array([0.654321, 0.0123456, 0.0, np.nan]), 4).tolist()
    [0.6543, 0.01235, 0.0, nan]
    """
    sizes = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    decimals = np.clip(digits - 1 - np.floor(np.log10(sizes)), 0, 20).astype(int)
    scale = np.array([10.0**power for power in range(21)])[decimals]  # exact, and so is the quotient's text
    rounded: Values = np.round(values * scale) / scale
    return rounded
