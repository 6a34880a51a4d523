"""Every reading of the method on one labeling, as a part of a report shows it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from otoscope import plots
from otoscope.neurons.evidence.multiverse_result import CHANCED
from otoscope.reporting.figures import Gallery
from otoscope.reporting.parts import SIZE, WIDE, Part
from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from otoscope.neurons.evidence.multiverse_result import Multiverse

__all__ = ["add_multiverse"]

_SHOWN: Shown = {
    "choice": ("choice", str),
    "value": ("value", str),
    "combinations": ("combinations", number),
    "neurons": ("neurons", number),
    "coverage": ("coverage", percent),
    "depth": ("depth, nats", number),
    "agreement": ("agreement", lambda value: number(value, 2)),
    "significant": ("depth beyond chance", percent),
}


def add_multiverse(part: Part, stem: str, found: Multiverse, gallery: Gallery, cabinet: Cabinet) -> None:
    """Add what the choices that the paper leaves open do to the findings."""
    for position, sentence in enumerate((*found.sentences, *found.notes)):
        part.paragraphs.append(("" if position else "Every reading", sentence))
    rows = sum(map(len, found.choices.values()))
    if rows and found.table["depth"].notna().any():
        lower = 0.6 + 0.19 * rows
        part.figures.append(
            gallery.add(
                f"{stem}-multiverse",
                lambda canvas: plots.specification_curve(
                    found.table,
                    found.choices,
                    axes=list(canvas.subplots(2, height_ratios=[3.0, lower], sharex=True)),
                    label="depth (nats)",
                ),
                (WIDE, 3.0 + lower),
                caption="The depth under every combination of choices, in order; below, which choices each "
                "was made with.",
                alt=f"Specification curve of {len(found.table)} combinations; the numbers are in the table",
            )
        )
    part.tables += [
        cabinet.add(f"{stem}-choices", found.influence, title="What each choice does", shown=_SHOWN),
        cabinet.add(f"{stem}-multiverse", found.table, title="Every combination of choices"),
    ]
    _add_heat(part, stem, found, gallery)


def _add_heat(part: Part, stem: str, found: Multiverse, gallery: Gallery) -> None:
    """Depth over the thresholds, and the neurons; where these do not vary the curve has said it all."""
    if not {"response", "share"} <= set(found.choices):
        return
    assignments = found.table["assignment"].nunique()  # which the depth does not depend on
    for finding, pictures in (("depth", 1), ("neurons", assignments)):
        label = CHANCED[finding]
        part.figures.append(
            gallery.add(
                f"{stem}-thresholds-{finding}",
                partial(_heat, found=found, finding=finding, pictures=pictures),
                (SIZE[0] if pictures == 1 else WIDE, 1.9 + 0.5 * found.table["response"].nunique()),
                caption=f"{label[0].upper()}{label[1:]} over the thresholds: medians over the other choices.",
                alt=f"Heat maps of {label} by the thresholds of response, share and assignment",
            )
        )


def _heat(canvas: Canvas, found: Multiverse, finding: str, pictures: int) -> None:
    axes = list(canvas.subplots(1, pictures, squeeze=False)[0])
    plots.threshold_heat(found.table, finding, axes, label=CHANCED[finding])
