"""What a report says about an ablation: its verdicts, and its figures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.reporting.impact_figures import add_figures
from otoscope.reporting.impact_tables import add_tables
from otoscope.reporting.parts import Part
from otoscope.reporting.site import Site

if TYPE_CHECKING:
    from otoscope.interventions import Ablation

__all__ = ["add_ablation", "words_of"]

_MOST_NAMED = 4  # targets in a heading


def add_ablation(part: Part, stem: str, ablation: Ablation, site: Site) -> None:
    """Add what an ablation found.

    The sentences are the result's own. Where the neurons of several classes were switched off class by class,
    one figure shows each class under its own target, and a matrix every class under every target; a target of
    several classes has a figure with all classes; a series of targets has curves.
    """
    for position, sentence in enumerate(ablation.sentences):
        part.paragraphs.append(("" if position else f"Ablation: {words_of(ablation)}", sentence))
    for position, note in enumerate(ablation.notes):
        part.paragraphs.append(("" if position else "Its controls", note))
    if detectable := ablation.settings.get("detectable", {}).get("sentences"):
        part.paragraphs.append(("What it could have found", " ".join(detectable)))
    add_figures(part, stem, ablation, site)
    add_tables(part, stem, ablation, site.cabinet)


def words_of(ablation: Ablation) -> str:
    """What was switched, in a few words: targets, and what varies over a series."""
    series = {each.of: each.series for each in ablation.targets if each.series}
    names = [each.name for each in ablation.targets if not each.series]
    names += [f"{of} by {what}" for of, what in series.items()]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
