"""The selections that lie in a store's results, by whichever verb they were saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.neurons.selection import Selection

if TYPE_CHECKING:
    from otoscope.neurons.evidence.evidence_result import Evidence

__all__ = ["saved_selections"]


def saved_selections(
    results: Path, order: Mapping[str, int], gathered: Mapping[str, Evidence] | None = None
) -> tuple[Selection, ...]:
    """Those that `select` saved, and those within evidence that it did not; `specific` before the filters.

    Args:
        results: the folder.
        order: of the labelings; one that is not in it comes last.
        gathered: the evidence that lies there, by labeling, if it has been read already.
    """
    if gathered is None:
        from otoscope.neurons.evidence.evidence_result import Evidence

        folders = sorted(path for path in results.glob("evidence-*") if path.is_dir())
        gathered = {each.label: each for each in map(Evidence.load, folders)}
    found = {(each.label, each.preset): each for it in gathered.values() for each in it.selections.values()}
    saved = [Selection.load(path) for path in sorted(results.glob("select-*")) if path.is_dir()]
    for each in saved:
        found.pop((each.label, each.preset), None)
    return tuple(
        sorted(
            (*saved, *found.values()),
            key=lambda it: (order.get(it.label, len(order)), it.filters is not None, it.preset),
        )
    )
