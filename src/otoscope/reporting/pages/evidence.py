"""The page Evidence: every selection against every baseline."""

from __future__ import annotations

from otoscope.reporting.acoustics import add_acoustics
from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import evidence_command
from otoscope.reporting.groups import groups_of, scripts_of
from otoscope.reporting.models import add_models
from otoscope.reporting.multiverse import add_multiverse
from otoscope.reporting.parts import Part, add_depth, add_probe
from otoscope.reporting.selectors import add_selectors
from otoscope.reporting.site import Page, Site
from otoscope.reporting.weighing import add_evidence

__all__ = ["page"]


def page(site: Site) -> Page:
    """The page; without any evidence it says which commands gather some."""
    groups = groups_of(site, _fill)
    missing = [evidence_command(each, label) for each in site.recorded for label in each.store.labelings]
    content = {"groups": groups, "missing": missing}
    return Page("evidence", "Evidence", "report/evidence.html.jinja", content, scripts_of(groups))


def _fill(part: Part, recorded: Recorded, label: str, site: Site) -> None:
    gallery, cabinet, stem = site.gallery, site.cabinet, f"{recorded.number}-{label}"
    add_evidence(part, recorded, label, gallery, cabinet)
    for selection in recorded.selections:
        if selection.label == label:
            add_depth(part, recorded, selection, gallery)
    if probe := recorded.probes.get(label):
        add_probe(part, stem, probe, cabinet)
    if acoustics := recorded.acoustics.get(label):
        add_acoustics(part, stem, acoustics, gallery, cabinet)
    if multiverse := recorded.multiverses.get(label):
        add_multiverse(part, stem, multiverse, gallery, cabinet)
    if comparison := recorded.comparisons.get(label):
        add_models(part, stem, comparison, gallery, cabinet)
    if selectors := recorded.selectors.get(label):
        add_selectors(part, stem, selectors, cabinet)
