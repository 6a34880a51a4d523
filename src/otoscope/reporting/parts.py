"""Parts of a page: what was found about one labeling of one store, in words, charts, figures and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope import plots
from otoscope.reporting.beside import twin_cells, twins_wanted
from otoscope.reporting.charts import Chart
from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import select_command
from otoscope.reporting.figures import Figure, Gallery
from otoscope.reporting.findings import about_probe, about_selection
from otoscope.reporting.population import Population, population
from otoscope.reporting.tables import Cabinet, Shown, Table
from otoscope.reporting.wording import number, percent

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.neurons import Selection

SIZE = (5.6, 3.3)
"""Inches of a figure that shares its row with another."""
WIDE = 11.5
"""Inches across the page."""
_NAMED = 30  # rows of a profile: up to here each bears its neuron's name


@dataclass
class Part:
    """One titled part of a page.

    Attributes:
        title: heading.
        anchor: its address within the page.
        summary: what stands at its head, open: all presets side by side.
        paragraphs: (topic, text) pairs: what was found, in words.
        charts: in reading order, before the figures.
        figures: in reading order.
        tables: in reading order.
    """

    title: str
    anchor: str
    summary: Table | None = None
    paragraphs: list[tuple[str, str]] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing has been added yet."""
        return not (self.summary or self.paragraphs or self.charts or self.figures or self.tables)


def add_selection(
    part: Part,
    recorded: Recorded,
    source: Store,
    selection: Selection,
    gallery: Gallery,
    cabinet: Cabinet,
) -> None:
    """Add what a selection found: in words, its neurons, and what they fire for.

    Without permuted labels beside it, only the command that would give them. `source` is the recording of
    `recorded`, which may be held in memory.
    """
    stem = f"{recorded.number}-{selection.label}-{selection.preset}"
    again = select_command(recorded, selection, permutations=100)
    cell, wanted = twin_cells(recorded, selection)["twins"], twins_wanted(recorded, selection)
    part.paragraphs.append((selection.preset, about_selection(selection, cell, wanted, again)))
    of = f" ({selection.preset})"
    part.tables.append(cabinet.add(f"{stem}-neurons", selection.table, title=f"Class-specific neurons{of}"))
    if selection.chance is None:
        return
    _add_population(part, stem, source, selection, gallery)
    by_category = selection.by_category.rename("neurons").rename_axis("category").reset_index()
    part.tables += [
        cabinet.add(
            f"{stem}-classes",
            by_category,
            title=f"Neurons of each class{of}",
            shown={"category": ("class", str), "neurons": ("neurons", number)},
        ),
        cabinet.add(f"{stem}-layers", _by_layer(selection), title=f"Neurons in each layer{of}"),
    ]


def add_depth(part: Part, recorded: Recorded, selection: Selection, gallery: Gallery) -> None:
    """Add how selective the chosen neurons are, against permuted labels; the filters' neurons only."""
    if selection.chance is None or selection.filters is None or not np.isfinite(selection.depth):
        return
    stem = f"{recorded.number}-{selection.label}-{selection.preset}"
    part.figures.append(_depth(stem, selection, gallery))


def add_probe(part: Part, stem: str, probe: dict[str, Any], cabinet: Cabinet) -> None:
    """Add how well a linear probe reads the labeling."""
    part.paragraphs.append(("Probe", about_probe(probe)))
    rows = [{"category": name, **values} for name, values in probe["by_category"].items()]
    measure = "average_precision" if probe.get("measure") == "mAP" else "accuracy"
    words = measure.replace("_", " ")
    table = pd.DataFrame(rows, columns=["category", "clips", measure])
    shown: Shown = {
        "category": ("class", str),
        "clips": ("test clips", number),
        measure: (words, percent),
    }
    part.tables.append(cabinet.add(f"{stem}-probe", table, title=f"Probe {words} by class", shown=shown))


def matrix_size(rows: int, columns: int) -> tuple[float, float]:
    """Inches that a class-by-class matrix takes: half a row while its numbers can be read there."""
    cell = 0.34 if columns <= 8 else 0.28 if columns <= 14 else min(0.34, 9.0 / columns)
    return SIZE[0] if columns <= 14 else WIDE, max(SIZE[1], 1.7 + cell * rows)


def _depth(stem: str, selection: Selection, gallery: Gallery) -> Figure:
    assert selection.chance is not None
    depths = selection.chance.values["depth"].to_numpy(dtype=float)
    return gallery.add(
        f"{stem}-depth",
        lambda canvas: plots.chance(depths, selection.depth, canvas.subplots()),
        SIZE,
        caption=f"{selection.preset}: depth with the true labels, against its distribution with permuted "
        "ones. The farther to the right of the grey, the more selective the neurons are beyond chance.",
        alt=f"Histogram of the depth under {selection.chance.permutations} permutations, with a line at the "
        "observed "
        f"{number(selection.depth)} nats",
    )


def _add_population(part: Part, stem: str, store: Store, selection: Selection, gallery: Gallery) -> None:
    seen = population(store, selection)
    if seen is None:
        text = "It was made on a part of the clips, or on other labels: what it saw is not drawn here."
        part.paragraphs.append(("Selection", text))
        return
    classes = len(selection.classes)
    if selection.filters is not None:  # it is the filters that go by entropy
        part.figures.append(_entropy(stem, seen, classes, gallery))
    if seen.profile.empty:
        return
    part.figures.append(
        gallery.add(
            f"{stem}-profile",
            lambda canvas: plots.profile(seen.profile, canvas.subplots()),
            _profile_size(len(seen.profile), classes),
            caption=f"{selection.preset}: what the class-specific neurons fire for: one row a neuron, "
            "one column a class, the colour how often it fires on the tokens of that class.",
            alt=f"Heat map of firing probabilities, {len(seen.profile)} neurons by {classes} classes",
        )
    )


def _profile_size(rows: int, classes: int) -> tuple[float, float]:
    """Inches that a profile takes: higher where each row bears the name of its neuron."""
    width, height = SIZE if classes <= 14 else (WIDE, 5.0)
    return width, max(height, 1.4 + 0.16 * rows) if rows <= _NAMED else height


def _entropy(stem: str, seen: Population, classes: int, gallery: Gallery) -> Figure:
    return gallery.add(
        f"{stem}-entropy",
        lambda canvas: plots.entropy(
            seen.entropy, canvas.subplots(), classes=classes, permuted=seen.permuted
        ),
        SIZE,
        caption="Entropy of all neurons of the model: the farther to the left, the fewer classes one "
        "fires for."
        + (" Dashed: their median with the labels permuted once." if seen.permuted is not None else ""),
        alt=f"Histogram of the entropy of {len(seen.entropy):,} neurons over {classes} classes",
    )


def _by_layer(selection: Selection) -> pd.DataFrame:
    frame = selection.by_layer.rename("neurons").rename_axis("layer").reset_index()
    if selection.chance is None:
        return frame
    names = {key: f"chance_{key}" for key in ("mean", "low", "high")}
    return frame.merge(selection.chance.by_layer.rename(columns=names), on="layer")
