"""The page Impact: what switching neurons off changes, beside control sets."""

from __future__ import annotations

from otoscope.reporting.collect import Recorded
from otoscope.reporting.groups import groups_of, scripts_of
from otoscope.reporting.impact import add_ablation
from otoscope.reporting.impact_overview import IMPACT, NOT_COVERED, impact_table
from otoscope.reporting.parts import Part
from otoscope.reporting.site import Page, Site

__all__ = ["page"]


def page(site: Site) -> Page:
    """The page; without an ablation it says which commands make one."""
    groups = groups_of(site, _fill)
    table = impact_table(site.recorded)
    content = {
        "groups": groups,
        "impact": site.cabinet.add("impact", table, title="Impact of switching neurons off", shown=IMPACT)
        if len(table)
        else None,
        "not_covered": NOT_COVERED,
        "skipped": [note for each in site.recorded for note in each.skipped],
        "missing": [
            f"otoscope ablate {each.name} --label {label}"
            for each in site.recorded
            for label in each.store.labelings
        ],
    }
    return Page("impact", "Impact", "report/impact.html.jinja", content, scripts_of(groups))


def _fill(part: Part, recorded: Recorded, label: str, site: Site) -> None:
    for ablation in recorded.ablations:
        if ablation.label == label:
            add_ablation(part, f"{recorded.number}-{label}", ablation, site)
