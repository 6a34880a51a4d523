"""What stands beside a count: the same in twins that have learned nothing, or the command that would tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from otoscope.activations.twins import unlearned
from otoscope.reporting.collect import Recorded
from otoscope.reporting.commands import record_command, select_command

if TYPE_CHECKING:
    from otoscope.neurons import Selection

__all__ = ["KINDS", "NOT_RECORDED", "twin_cells", "twins_wanted"]

NOT_RECORDED = "twin not recorded"
KINDS = {"random": "untrained", "shuffled": "shuffled"}


def twin_cells(recorded: Recorded, selection: Selection) -> dict[str, str]:
    """Count and coverage of the same selection in the twins, as cells: `twins` and `twins_coverage`.

    Where there is none, both say so; `twins_wanted` has the command.
    """
    counts = {"twins": _row(selection, "neurons"), "twins_coverage": _row(selection, "coverage")}
    if counts["twins"]:
        return counts
    if unlearned(recorded.model):
        return dict.fromkeys(counts, f"{NOT_RECORDED}: untrained itself")
    none = "twins not counted" if getattr(recorded.store, "twins", ()) else NOT_RECORDED
    return dict.fromkeys(counts, none)


def twins_wanted(recorded: Recorded, selection: Selection) -> str:
    """What to say of a selection without twins, with the command that would give it some; or ""."""
    if _row(selection, "neurons"):
        return ""
    twins: Sequence[object] = getattr(recorded.store, "twins", ())
    if twins:
        return f"twins not counted; {select_command(recorded, selection)} counts those that are recorded"
    if unlearned(recorded.model):
        return f"{NOT_RECORDED}: {recorded.model} has learned nothing itself"
    if recorded.model.startswith("wrap:"):
        return f"{NOT_RECORDED}; record a module with fresh weights into {recorded.name}.twins/random-0.zarr"
    return f"{NOT_RECORDED}; {record_command(recorded, 3)} would, and {select_command(recorded, selection)}"


def _row(selection: Selection, what: str) -> str:
    """The figures of all twins, kind by kind; "" without any."""
    if selection.twins is None:
        return ""
    scale, unit = (1, "") if what == "neurons" else (100, " %")
    parts = []
    for kind, word in KINDS.items():
        if found := selection.twins.of(kind, what):
            parts.append(f"{word} {', '.join(f'{scale * value:.0f}' for value in found)}{unit}")
    return "; ".join(parts)
