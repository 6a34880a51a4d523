"""The head of a labeling's part: the presets side by side, each against every baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import evidence_command
from otoscope.reporting.figures import Gallery
from otoscope.reporting.overview import overview_table
from otoscope.reporting.parts import SIZE, Part
from otoscope.reporting.tables import Cabinet
from otoscope.reporting.wording import MISSING, number, percent

if TYPE_CHECKING:
    from otoscope.neurons.evidence.gathering import Evidence

__all__ = ["add_evidence"]

Row = Mapping[Any, Any]


def add_evidence(part: Part, recorded: Recorded, label: str, gallery: Gallery, cabinet: Cabinet) -> None:
    """Add the presets side by side, and what was gathered on them: what survives which baseline."""
    overview = overview_table([recorded])
    rows = overview[(overview["label"] == label) & (overview["preset"] != "")]
    stem = f"{recorded.number}-{label}"
    if len(rows):
        table = cabinet.add(f"{stem}-presets", rows, title="The presets side by side")
        records = rows.to_dict("records")
        lines = tuple((words, *map(write, records)) for words, write in _LINES.items())
        told = tuple(line for line in lines if set(line[1:]) != {MISSING})
        part.summary = replace(table, columns=("", *(row["preset"] for row in records)), rows=told)
    for row in rows[rows["refused"] != ""].to_dict("records"):
        part.paragraphs.append((row["preset"], f"Refused: {row['refused']}"))
    gathered = recorded.evidence.get(label)
    if gathered is not None:
        _add_gathered(part, stem, gathered, gallery, cabinet)
    elif len(rows):
        text = f"Not gathered yet; {evidence_command(recorded, label)} tries unseen clips and other halves."
        part.paragraphs.append(("Evidence", text))


def _add_gathered(part: Part, stem: str, gathered: Evidence, gallery: Gallery, cabinet: Cabinet) -> None:
    for position, sentence in enumerate([*gathered.sentences, *gathered.notes]):
        part.paragraphs.append(("" if position else "Evidence", sentence))
    part.tables.append(cabinet.add(f"{stem}-effects", gathered.effects, title="Held-out effects by class"))
    known = gathered.effects[gathered.effects["auroc"].notna()]
    if known.empty:
        return
    classes = known["category"].nunique()
    part.figures.append(
        gallery.add(
            f"{stem}-held-out",
            lambda canvas: gathered.plot(canvas.subplots()),
            (SIZE[0], max(SIZE[1], 1.6 + 0.3 * classes)),
            caption="How well the class's neurons tell it on clips that the choice has not seen: AUROC, with "
            "its 95 % group-bootstrap interval, in the trained model and in its twins. At 0.5 they tell "
            "nothing.",
            alt=f"Held-out AUROC of {classes} classes, trained model against twins; the numbers are in the "
            "table",
        )
    )


def _known(value: float) -> bool:
    return value == value  # not NaN


def _counted(measure: str, write: Callable[[float | None], str]) -> Callable[[Row], str]:
    return lambda row: write(row[measure]) if _known(row[measure]) else _without(row)


def _without(row: Row) -> str:
    return "refused" if row["refused"] else "no chance level"


def _chance(measure: str, write: Callable[[float | None], str]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        mean, low, high = (row[f"{measure}_{end}"] for end in ("chance", "low", "high"))
        return f"{write(mean)} ({write(low)} to {write(high)})" if _known(mean) else MISSING

    return cell


def _plain(measure: str, form: str) -> Callable[[Row], str]:
    return lambda row: form.format(row[measure]) if _known(row[measure]) else MISSING


def _text(measure: str) -> Callable[[Row], str]:
    return lambda row: row[measure] or MISSING


def _unseen(row: Row) -> str:
    if not _known(row["held_out"]):
        return MISSING
    return f"{row['held_out']:.2f} ({row['held_out_low']:.2f} to {row['held_out_high']:.2f})"


def _twins_held_out(row: Row) -> str:
    if not _known(row["held_out_twins"]):
        return MISSING
    return f"{row['held_out_twins']:.2f}, best {row['held_out_twins_most']:.2f}"


_LINES: Mapping[str, Callable[[Row], str]] = {
    "class-specific neurons": _counted("neurons", number),
    "under permuted labels": _chance("neurons", number),
    "in the twins": _text("twins"),
    "coverage of the classes": _counted("coverage", percent),
    "coverage under permuted labels": _chance("coverage", percent),
    "coverage in the twins": _text("twins_coverage"),
    "depth, p": _plain("depth_p", "{:.3f}"),
    "excess of all neurons, p": _plain("excess_p", "{:.3f}"),
    "AUROC on unseen clips": _unseen,
    "AUROC of the twins' own neurons": _twins_held_out,
    "agreement of halves (Jaccard)": _plain("stability", "{:.2f}"),
    "agreement under permuted labels": _plain("stability_chance", "{:.2f}"),
    "neurons that follow a descriptor": _plain("follows", "{:.0f}"),
}
