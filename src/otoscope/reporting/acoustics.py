"""What of a labeling's neurons follows from how its clips sound, as a part of a report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.neurons.addresses import format_address
from otoscope.reporting.figures import Gallery
from otoscope.reporting.parts import SIZE, WIDE, Part
from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import counted, number, p_value

if TYPE_CHECKING:
    from otoscope.neurons.meaning.account import Acoustics

__all__ = ["add_acoustics"]

_MOST = 30  # neurons whose names can be read beside one figure

_SHOWN: Shown = {
    "neuron": ("neuron", str),
    "category": ("class", str),
    "follows": ("follows", str),
    "within": ("correlation within classes", lambda value: number(value, 2)),
    "p": ("p", lambda value: p_value(value).replace("p = ", "")),
}


def add_acoustics(part: Part, stem: str, found: Acoustics, gallery: Gallery, cabinet: Cabinet) -> None:
    """Add which neurons follow a descriptor of the sound, and what is left of their selectivity without."""
    following = found.neurons[found.neurons["follows"] != ""]
    for position, sentence in enumerate((_about(found, len(following)), *found.notes)):
        part.paragraphs.append(("" if position else "Acoustics", sentence))
    if found.neurons[["before", "after"]].notna().all(axis=1).any():
        part.figures.append(
            gallery.add(
                f"{stem}-acoustics",
                lambda canvas: found.plot(canvas.subplots()),
                (SIZE[0], 4.2),
                caption="Selectivity of the neurons for the classes, before and after the descriptors of the "
                "sound are regressed out. A neuron far below the diagonal owes it to how the classes sound.",
                alt="Scatter plot of selectivity before and after; the numbers are in the table",
            )
        )
    if len(found.neurons) and found.correlations.notna().any(axis=None):
        rows = len(found.neurons)
        part.figures.append(
            gallery.add(
                f"{stem}-following",
                lambda canvas: found.plot_correlations(canvas.subplots()),
                (WIDE, min(2.2 + 0.17 * min(rows, _MOST), 7.0)),
                caption="Rank correlation of the neurons with the descriptors of the sound, over all clips.",
                alt=f"Heat map of {rows} neurons by {found.correlations.shape[1]} descriptors",
            )
        )
    pairs = zip(following["layer"], following["unit"], strict=True)
    named = following.assign(neuron=[format_address(*pair) for pair in pairs])
    title = "Neurons that follow a descriptor"
    part.tables += [
        cabinet.add(f"{stem}-follows", named, title=title, shown=_SHOWN if len(named) else None),
        cabinet.add(f"{stem}-acoustics", found.neurons, title="Neurons and acoustics"),
    ]


def _about(found: Acoustics, following: int) -> str:
    text = (
        f"{following:,} of {counted(len(found.neurons), 'neuron')} chosen by {found.chosen_by} "
        f"{'follows' if following == 1 else 'follow'} a descriptor of the sound within the classes."
    )
    if found.twins is None or found.twins.empty:
        return text
    counts = [(row["following"], row["neurons"], row["twin"]) for row in found.twins.to_dict("records")]
    if found.follows is not None:
        flags = found.follows.table["follows"]
        counts.insert(0, (int((flags != "").sum()), len(flags), "the model"))
    return f"{text} Of all neurons: {', '.join(f'{a:,} of {b:,} in {name}' for a, b, name in counts)}."
