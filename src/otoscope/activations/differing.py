"""What differs between two recordings: what was asked, what it was computed on, and what came out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

from otoscope.activations.layout import Layout, specs
from otoscope.activations.plan import Plan
from otoscope.activations.store import Store, open_store
from otoscope.files import read_json

__all__ = ["Difference", "diff"]

_MOST_VALUES = 20_000_000  # of an array, in memory at a time
_RUN = ("system", "device", "cores", "versions")


@dataclass(frozen=True)
class Difference:
    """Two stores side by side.

    Attributes:
        a: the first one's folder.
        b: the second one's folder.
        facts: what their plans and their runs say differently. Columns: fact, a, b.
        data: what was recorded. Columns: array; values, how many there are; differing, how many are not the
            same to the bit; clips, in how many clips; largest, the greatest difference. Empty where the two
            are of other clips or neurons.
        results: what the verbs found out. Columns: result; where, "a", "b" or "both" (with another content).
    """

    a: Path
    b: Path
    facts: pd.DataFrame
    data: pd.DataFrame
    results: pd.DataFrame

    @property
    def same_data(self) -> bool:
        """Whether both hold the same numbers, to the bit."""
        return bool(len(self.data)) and not self.data["differing"].any()

    def document(self) -> dict[str, Any]:
        """This as a document that JSON can hold."""
        return {
            "a": str(self.a),
            "b": str(self.b),
            "same_data": self.same_data,
            "facts": self.facts.to_dict("records"),
            "data": self.data.to_dict("records"),
            "results": self.results.to_dict("records"),
        }


def diff(a: Store | str | os.PathLike[str], b: Store | str | os.PathLike[str]) -> Difference:
    """Say what differs between two complete recordings.

    Args:
        a: a store, or the path of one.
        b: another.

    Raises:
        OtoscopeError: one of them is no complete store.
    """
    stores = [each if isinstance(each, Store) else open_store(each) for each in (a, b)]
    layouts = [Layout(each.path) for each in stores]
    plans = [Plan.from_document(read_json(each.plan)) for each in layouts]
    return Difference(
        layouts[0].path,
        layouts[1].path,
        _facts(*(_told(layout, plan) for layout, plan in zip(layouts, plans, strict=True))),
        pd.DataFrame(_data(layouts, plans), columns=["array", "values", "differing", "clips", "largest"]),
        pd.DataFrame(_results(*(_documents(each) for each in layouts)), columns=["result", "where"]),
    )


def _told(layout: Layout, plan: Plan) -> dict[str, Any]:
    """What a store says of itself, flat: "settings.threads"."""
    document = plan.document()
    batches = [batch for shard in document.pop("shards") for batch in shard]
    told = dict(_flat(document)) | {"batches": len(batches), "split batches": _split(layout, plan)}
    for file in sorted(layout.runs.glob("*.json"))[-1:]:
        told |= {
            f"run.{name}": value for name, value in _flat({key: read_json(file).get(key) for key in _RUN})
        }
    return told


def _split(layout: Layout, plan: Plan) -> int:
    """Batches that memory did not suffice for."""
    return sum(len((layout.receipt(shard) or {}).get("splits", [])) for shard in range(len(plan.shards)))


def _flat(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _facts(a: dict[str, Any], b: dict[str, Any]) -> pd.DataFrame:
    """What two say differently; long lists are told by their length."""
    rows = [
        (name, _short(a.get(name)), _short(b.get(name)))
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    ]
    return pd.DataFrame(rows, columns=["fact", "a", "b"])


def _short(value: Any) -> str:
    return f"{len(value)} of them" if isinstance(value, list) and len(value) > 3 else str(value)


def _data(layouts: list[Layout], plans: list[Plan]) -> Iterator[tuple[str, int, int, int, float]]:
    """How much of each array is not the same."""
    if plans[0].clips != plans[1].clips or plans[0].units != plans[1].units:
        return
    groups = [layout.group("r") for layout in layouts]
    sums = [_checksums(layout, plan) for layout, plan in zip(layouts, plans, strict=True)]
    for name in (spec.name for spec in specs(plans[0]) if all(spec.name in group for group in groups)):
        one, two = (group[name] for group in groups)
        assert isinstance(one, zarr.Array)
        assert isinstance(two, zarr.Array)
        if one.shape != two.shape:
            continue
        of_it = [
            {file: value for file, value in each.items() if file.startswith(f"{name}/")} for each in sums
        ]
        if of_it[0] == of_it[1]:
            yield name, one.size, 0, 0, 0.0
        else:
            yield (name, one.size, *_compared(one, two))


def _checksums(layout: Layout, plan: Plan) -> dict[str, str]:
    receipts = [layout.receipt(shard) or {} for shard in range(len(plan.shards))]
    return {file: facts["sha256"] for each in receipts for file, facts in each.get("files", {}).items()}


def _compared(one: zarr.Array[Any], two: zarr.Array[Any]) -> tuple[int, int, float]:
    """Values that differ, in how many clips, and the greatest difference; a stretch of clips at a time."""
    rows = max(1, _MOST_VALUES // max(1, one.size // one.shape[0]))
    differing, clips, largest = 0, 0, 0.0
    for start in range(0, one.shape[0], rows):
        a, b = (np.asarray(each[start : start + rows]) for each in (one, two))
        other = (a != b) & ~((a != a) & (b != b))  # two that are NaN are alike
        differing += int(other.sum())
        clips += int(other.reshape(len(other), -1).any(axis=1).sum())
        if other.any():
            apart = np.abs(a[other].astype(np.float64) - b[other].astype(np.float64))
            largest = max(largest, float(np.nanmax(apart, initial=0.0)))
    return differing, clips, largest


def _documents(layout: Layout) -> dict[str, Any]:
    """What the verbs found out, by the names of their documents; not when and by what command."""
    found = layout.results.rglob("*.json") if layout.results.is_dir() else ()
    return {file.relative_to(layout.results).as_posix(): _without_making(read_json(file)) for file in found}


def _without_making(document: Any) -> Any:
    return {**document, "made": None} if isinstance(document, dict) else document


def _results(a: dict[str, Any], b: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield name, "both" if name in a and name in b else "a" if name in a else "b"
