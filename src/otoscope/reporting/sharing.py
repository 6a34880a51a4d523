"""What classes share, for the page Sharing: a matrix in several orders, and the neurons of each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.neurons.sharing.orders import ordered
from otoscope.reporting.charts import escaped
from otoscope.reporting.collect import Recorded
from otoscope.reporting.site import Site

if TYPE_CHECKING:
    from otoscope.neurons import Selection, Sharing

__all__ = ["Side", "matrix_document", "sides_of"]

_Set = set[tuple[int, int]]


@dataclass(frozen=True)
class Side:
    """The rows, or the columns, of a matrix: a labeling of a store, and the neurons of its classes.

    Attributes:
        number: of the store in the report; 0 for one that is not in it.
        preset: of the selection that was counted; "" where it is not saved.
        task: name of its task.
        sets: the neurons of each class; None where the selection that was counted is not saved.
        taxonomy: the broader class of each class, where there is one.
    """

    number: int
    preset: str
    task: str
    sets: Mapping[str, _Set] | None
    taxonomy: Mapping[str, str] | None


def sides_of(recorded: Sequence[Recorded], sharing: Sharing) -> tuple[Side, Side]:
    """The selections that a sharing was counted from, found among those saved by what they share."""
    made = sharing.provenance["selections"]
    found = [_candidates(recorded, sharing.labels[side], made[min(side, len(made) - 1)]) for side in (0, 1)]
    if sharing.within:
        pairs = [(one, one) for one in found[0]]
    else:
        pairs = [(one, other) for one in found[0] for other in found[1]]
    for one, other in pairs:
        assert one.sets is not None
        assert other.sets is not None
        if _agree(sharing.shared, one.sets, other.sets):
            return one, other
    return tuple(  # type: ignore[return-value]
        Side(0, "", _task(made[min(side, len(made) - 1)]), None, None) for side in (0, 1)
    )


def matrix_document(site: Site, name: str, sharing: Sharing, sides: tuple[Side, Side]) -> dict[str, Any]:
    """A matrix as the page's script takes it: text escaped for plotly in `shown`, as it is in `classes`."""
    rows, columns = ([str(each) for each in axis] for axis in (sharing.shared.index, sharing.shared.columns))
    document: dict[str, Any] = {
        "name": name,
        "within": sharing.within,
        "labels": list(sharing.labels),
        "classes": [rows, columns],
        "shown": escaped([rows, columns]),
        "shared": sharing.shared.to_numpy(),
        "jaccard": sharing.jaccard.to_numpy(dtype=float),
        "orders": {
            order: [_order(rows, order, sharing, sides[0]), _order(columns, order, sharing, sides[1])]
            for order in _orders(sharing, sides)
        },
        "neurons": None,
    }
    for key in ("expected", "p", "q"):
        document[key] = None if sharing.tests is None else _tested(sharing, key)
    if sides[0].sets is not None and sides[1].sets is not None:
        document["neurons"] = [[_cell(site, sides, row, column) for column in columns] for row in rows]
    return document


def _candidates(recorded: Sequence[Recorded], label: str, made: Mapping[str, Any]) -> list[Side]:
    """The saved selections of a labeling, of the recording that a selection was made on."""
    recording = made.get("recording") or {}
    sides = []
    for each in recorded:
        info = each.store.info
        alike = all(
            info[what].get("fingerprint") == recording.get(what, {}).get("fingerprint")
            for what in ("model", "task")
        )
        if not alike:
            continue
        taxonomy = each.store.labeling(label).taxonomy if label in each.store.labelings else None
        chosen = [selection for selection in each.selections if selection.label == label]
        sides += [
            Side(each.number, selection.preset, each.task, _sets(selection), taxonomy) for selection in chosen
        ]
    return sides


def _sets(selection: Selection) -> dict[str, _Set]:
    return {str(name): neurons for name, neurons in selection.sets().items()}


def _agree(shared: pd.DataFrame, one: Mapping[str, _Set], other: Mapping[str, _Set]) -> bool:
    """Whether these sets share what was counted."""
    names = [str(each) for each in shared.index], [str(each) for each in shared.columns]
    if set(names[0]) != set(one) or set(names[1]) != set(other):
        return False
    counts = [[len(one[row] & other[column]) for column in names[1]] for row in names[0]]
    return bool(np.array_equal(shared.to_numpy(), np.array(counts)))


def _task(made: Mapping[str, Any]) -> str:
    recording = made.get("recording") or {}
    return str(recording.get("task", {}).get("name", ""))


def _orders(sharing: Sharing, sides: tuple[Side, Side]) -> list[str]:
    """The orders that there are: by likeness within a labeling only, by broader class where there is one."""
    likeness = ["dendrogram"] if sharing.within and len(sharing.shared) > 2 else []
    broader = ["taxonomy"] if any(side.taxonomy for side in sides) else []
    return ["data set", "alphabet", *broader, *likeness]


def _order(names: list[str], order: Any, sharing: Sharing, side: Side) -> list[int]:
    """Places of the classes in an order."""
    if order == "taxonomy" and not side.taxonomy:
        order = "data set"
    jaccard = None
    if sharing.within:  # only then are rows and columns the same classes
        jaccard = sharing.jaccard.set_axis(names, axis=0).set_axis(names, axis=1)
    found = ordered(names, order, jaccard=jaccard, taxonomy=dict(side.taxonomy or {}))
    return [names.index(each) for each in found]


def _tested(sharing: Sharing, key: str) -> list[list[float | None]]:
    """What the tests say of each pair, as a matrix; None where nothing was tested, as on the diagonal."""
    assert sharing.tests is not None
    wide = pd.DataFrame(np.nan, index=sharing.shared.index, columns=sharing.shared.columns)
    for row in sharing.tests.pairs.table.to_dict("records"):
        one, other = row["category_a"], row["category_b"]
        wide.loc[one, other] = row[key]
        if sharing.within:
            wide.loc[other, one] = row[key]
    listed: list[list[float | None]] = wide.astype(object).where(wide.notna(), None).to_numpy().tolist()
    return listed


def _cell(site: Site, sides: tuple[Side, Side], row: str, column: str) -> list[list[Any]]:
    """The neurons that two classes share: address, and where its page lies, for each store that it is of."""
    assert sides[0].sets is not None
    assert sides[1].sets is not None
    found = []
    for layer, unit in sorted(sides[0].sets[row] & sides[1].sets[column]):
        places = dict.fromkeys(side.number for side in sides)
        found.append([f"{layer}.{unit}", *(site.href(number, layer, unit) for number in places)])
    return found
