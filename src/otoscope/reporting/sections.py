"""Sections of a report: one a store, with a part for each labeling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otoscope.reporting.acoustics import add_acoustics
from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import commands
from otoscope.reporting.figures import Gallery
from otoscope.reporting.impact import add_ablation
from otoscope.reporting.models import add_models
from otoscope.reporting.multiverse import add_multiverse
from otoscope.reporting.parts import Part, add_probe, add_selection, add_sharing
from otoscope.reporting.selectors import add_selectors
from otoscope.reporting.tables import Cabinet
from otoscope.reporting.weighing import add_evidence
from otoscope.reporting.wording import counted, number, short_model

if TYPE_CHECKING:
    from otoscope.neurons import Sharing


@dataclass(frozen=True)
class Section:
    """All about one store.

    Attributes:
        title: model and task.
        anchor: its address within the page.
        facts: (word, value) pairs: how much was recorded.
        parts: one a labeling that something was found about.
        missing: commands that find something out; the page shows them where there is no part.
        problems: (clip, reason) of clips that could not be recorded.
        skipped: why saved results are left out, and the commands that make them again.
    """

    title: str
    anchor: str
    facts: list[tuple[str, str]]
    parts: list[Part]
    missing: list[str]
    problems: list[tuple[str, str]]
    skipped: list[str]


def section(recorded: Recorded, gallery: Gallery, cabinet: Cabinet) -> Section:
    """Draw the figures and write the tables of one store.

    Args:
        recorded: the store and its results.
        gallery: where figures go.
        cabinet: where tables go.
    """
    skipped = recorded.store.clips.query("problem != ''")
    return Section(
        title=f"{short_model(recorded.model)} on {recorded.task}",
        anchor=f"store-{recorded.number}",
        facts=_facts(recorded),
        parts=[
            _part(recorded, label, position, gallery, cabinet)
            for position, label in enumerate(recorded.found, start=1)
        ],
        missing=commands(recorded)[1:],
        problems=list(zip(skipped["clip"].astype(str), skipped["problem"].astype(str), strict=True)),
        skipped=list(recorded.skipped),
    )


def across(recorded: Recorded, gallery: Gallery, cabinet: Cabinet) -> list[Part]:
    """The parts about neurons that are shared between classes of two labelings."""
    parts = []
    for position, sharing in enumerate(each for each in recorded.sharings if not each.within):
        titles = [f"{_task_of(sharing, side)} {label}".strip() for side, label in enumerate(sharing.labels)]
        part = Part(" × ".join(titles), f"across-{recorded.number}-{position + 1}")
        add_sharing(part, f"{recorded.number}-{'-'.join(sharing.labels)}", sharing, gallery, cabinet)
        parts.append(part)
    return parts


def _facts(recorded: Recorded) -> list[tuple[str, str]]:
    tokens = np.asarray(recorded.store.tokens)
    heard = tokens[tokens > 0]
    widths = [layer.units for layer in recorded.store.layers]
    width = number(widths[0]) if len(set(widths)) == 1 else f"{number(min(widths))} to {number(max(widths))}"
    return [
        ("clips heard", f"{len(heard):,}"),
        ("tokens a clip (median)", number(float(np.median(heard))) if len(heard) else "0"),
        ("layers × units", f"{len(widths)} × {width}"),
        ("neurons", f"{sum(widths):,}"),
    ]


def _part(recorded: Recorded, label: str, position: int, gallery: Gallery, cabinet: Cabinet) -> Part:
    chosen = [selection for selection in recorded.selections if selection.label == label]
    classes = f" · {counted(len(chosen[0].classes), 'class', 'classes')}" if chosen else ""
    part = Part(label + classes, f"store-{recorded.number}-{position}")
    stem = f"{recorded.number}-{label}"
    add_evidence(part, recorded, label, gallery, cabinet)
    for selection in chosen:
        add_selection(part, recorded, selection, gallery, cabinet)
    for sharing in recorded.sharings:
        if sharing.within and sharing.labels[0] == label:
            add_sharing(part, stem, sharing, gallery, cabinet)
    if label in recorded.probes:
        add_probe(part, stem, recorded.probes[label], cabinet)
    for ablation in recorded.ablations:
        if ablation.label == label:
            add_ablation(part, stem, ablation, gallery, cabinet)
    _add_deeper(part, stem, recorded, label, gallery, cabinet)
    return part


def _add_deeper(
    part: Part, stem: str, recorded: Recorded, label: str, gallery: Gallery, cabinet: Cabinet
) -> None:
    """Add what the verbs saved that not every labeling has."""
    if acoustics := recorded.acoustics.get(label):
        add_acoustics(part, stem, acoustics, gallery, cabinet)
    if multiverse := recorded.multiverses.get(label):
        add_multiverse(part, stem, multiverse, gallery, cabinet)
    if comparison := recorded.comparisons.get(label):
        add_models(part, stem, comparison, gallery, cabinet)
    if selectors := recorded.selectors.get(label):
        add_selectors(part, stem, selectors, cabinet)


def _task_of(sharing: Sharing, side: int) -> str:
    recording = sharing.provenance["selections"][side].get("recording") or {}
    return str(recording.get("task", {}).get("name", ""))
