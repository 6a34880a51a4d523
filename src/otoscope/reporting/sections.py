"""Sections of a report: one a store, with a part for each labeling, and the commands that make it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otoscope.reporting.collect import Recorded
from otoscope.reporting.effects import add_ablation
from otoscope.reporting.figures import Gallery
from otoscope.reporting.parts import Part, add_probe, add_selection, add_sharing
from otoscope.reporting.tables import Cabinet
from otoscope.reporting.wording import counted, number, short_model
from otoscope.tasks import available

if TYPE_CHECKING:
    from otoscope.neurons import Selection, Sharing


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
    """

    title: str
    anchor: str
    facts: list[tuple[str, str]]
    parts: list[Part]
    missing: list[str]
    problems: list[tuple[str, str]]


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


def commands(recorded: Recorded) -> list[str]:
    """The commands that make this store and all that is said of it; the place of the store is left out."""
    name, about = shlex.quote(recorded.name), recorded.store.info["task"]
    model, task = shlex.quote(recorded.model), _spec(recorded.task)
    lines = [f"otoscope record --model {model} --task {task} --out {name}"]
    if about.get("evar_lengths"):
        lines[0] += " --evar-lengths"
    elif seconds := about.get("seconds"):
        lines[0] += f" --seconds {seconds:g}"
    wrapped = recorded.model.startswith("wrap:")  # a module in somebody's program, which no spec names
    if wrapped:
        lines = [f"# {name} is recorded in Python: otoscope.record(otoscope.wrap(...), ...)"]
    chosen = {selection.label: selection for selection in recorded.selections}
    for label in recorded.store.labelings:
        quoted = shlex.quote(label)
        lines += [
            f"otoscope select {name} --label {quoted}" + (_options(chosen[label]) if label in chosen else ""),
            f"otoscope probe {name} --label {quoted}",
            f"otoscope share {shlex.quote(f'{recorded.name}:{label}')}",
            f"# in Python: otoscope.ablate(store, {label!r}, model=otoscope.wrap(...))"
            if wrapped
            else f"otoscope ablate {name} --label {quoted}",
        ]
    return lines


def _spec(task: str) -> str:
    """What `--task` takes for a task of this name; where its data lie, the store does not know."""
    public = {reader.prefixes[0]: reader.name for reader in available() if reader.citation}
    if task in public:
        return public[task]
    return shlex.quote(task.replace("mini-", "mini:", 1)) if task.startswith("mini-") else "TASK"


def _options(selection: Selection) -> str:
    provenance = selection.provenance
    given = {
        "--preset": selection.preset if selection.preset != "aape" else None,
        "--pooling": provenance["pooling"] if provenance["pooling"] != "token" else None,
        "--seed": provenance["seed"] or None,
    }
    if selection.chance is not None and selection.chance.permutations != 100:
        given["--permutations"] = selection.chance.permutations
    return "".join(f" {name} {value}" for name, value in given.items() if value is not None)


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
    for selection in chosen:
        add_selection(part, stem, recorded.store, selection, gallery, cabinet)
    for sharing in recorded.sharings:
        if sharing.within and sharing.labels[0] == label:
            add_sharing(part, stem, sharing, gallery, cabinet)
    if label in recorded.probes:
        add_probe(part, stem, recorded.probes[label], cabinet)
    for ablation in recorded.ablations:
        if ablation.label == label:
            add_ablation(part, stem, ablation, gallery, cabinet)
    return part


def _task_of(sharing: Sharing, side: int) -> str:
    recording = sharing.provenance["selections"][side].get("recording") or {}
    return str(recording.get("task", {}).get("name", ""))
