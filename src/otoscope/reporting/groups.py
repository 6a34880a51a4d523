"""What a page has to say, store by store: a group for each, with a part for each labeling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otoscope.reporting.charts import scripts
from otoscope.reporting.collect import Recorded
from otoscope.reporting.parts import Part
from otoscope.reporting.site import Site
from otoscope.reporting.wording import short_model

__all__ = ["Fill", "Group", "groups_of", "scripts_of"]

Fill = Callable[[Part, Recorded, str, Site], None]
"""Adds what a page has to say of one labeling of one store; nothing, where there is nothing."""


@dataclass(frozen=True)
class Group:
    """All that a page says of one store, or of one labeling.

    Attributes:
        title: of the group.
        anchor: its address within the page.
        parts: one for each labeling, or model, that there is something to say of.
    """

    title: str
    anchor: str
    parts: Sequence[Part]


def groups_of(site: Site, fill: Fill) -> list[Group]:
    """A group for each store that there is something to say of, in the order of the stores."""
    found = []
    for recorded in site.recorded:
        parts = []
        for position, label in enumerate(recorded.found, start=1):
            part = Part(label, f"store-{recorded.number}-{position}")
            fill(part, recorded, label, site)
            if not part.empty:
                parts.append(part)
        if parts:
            title = f"{short_model(recorded.model)} on {recorded.task}"
            found.append(Group(title, f"store-{recorded.number}", parts))
    return found


def scripts_of(groups: Sequence[Group]) -> tuple[str, ...]:
    """What a page loads for the charts of its groups."""
    return scripts([chart for group in groups for part in group.parts for chart in part.charts])
