"""Selectors side by side on one labeling, as a part of a report shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import counted, number, percent

if TYPE_CHECKING:
    from otoscope.neurons.selectors.comparison import Comparison
    from otoscope.reporting.parts import Part

__all__ = ["add_selectors"]

_SHOWN: Shown = {
    "selector": ("selector", str),
    "neurons": ("neurons", number),
    "coverage": ("coverage", percent),
    "stability": ("stability", lambda value: number(value, 2)),
    "stability_chance": ("by chance", lambda value: number(value, 2)),
    "held_out": ("AUROC on unseen clips", lambda value: number(value, 2)),
}


def add_selectors(part: Part, stem: str, found: Comparison, cabinet: Cabinet) -> None:
    """Add how far selectors agree, how stable each is, and how its neurons fare on unseen clips."""
    text = (
        f"{counted(len(found.table), 'selector')} compared, each with {percent(found.share)} of all neurons, "
        f"over {counted(found.repeats, 'split')} of the groups in halves."
    )
    for position, sentence in enumerate((text, *found.notes)):
        part.paragraphs.append(("" if position else "Selectors", sentence))
    agreement = found.agreement.rename_axis("selector").reset_index()
    names = {str(name): (str(name), lambda value: number(value, 2)) for name in found.agreement.columns}
    part.tables += [
        cabinet.add(f"{stem}-selectors", found.table, title="Selectors side by side", shown=_SHOWN),
        cabinet.add(
            f"{stem}-agreement",
            agreement,
            title="Jaccard index of the selectors’ neurons",
            shown={"selector": ("", str), **names},
        ),
    ]
