"""How well selected neurons tell their class on clips that the selection has not seen.

The measure is the AUROC of r = fired / T of the class against the rest. On the clips that a neuron was chosen
on it is biased upwards, as any best of many is; on others it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.addresses import flat_index
from otoscope.neurons.halves import halves, unit_labels, units_of
from otoscope.neurons.pairs import Pairs, pairs_of
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.ranks import auroc
from otoscope.neurons.rates import rates_of
from otoscope.neurons.redrawing import drawn_areas, draws_of

__all__ = ["HeldOut", "Pairs", "auroc", "halves", "held_out", "pairs_of"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Effect sizes on clips that the selection has not seen.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        table: one row per (neuron, class) pair, columns `layer`, `unit`, `category`, `auroc`, its interval
            `low` and `high` (central 95 % when whole groups are drawn again; NaN with fewer than two groups
            with the class, or without) and `groups` (those with a clip of the class).
        by_category: one row per class, columns `category`, `neurons`, `auroc` (the mean over its neurons),
            `low`, `high` and `groups`; NaN for a class without neurons.
        clips: number of clips measured on.
        bootstrap: number of times that groups were drawn again.
        provenance: which model, task and version; the seed; and whether the clips are known to be new to the
            selection ("seen": "none of them" or "not known").
    """

    label: str
    classes: tuple[str, ...]
    table: pd.DataFrame
    by_category: pd.DataFrame
    clips: int
    bootstrap: int
    provenance: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The effects by class as JSON holds them; the single pairs are in `table`."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "pairs": len(self.table),
            "clips": self.clips,
            "bootstrap": self.bootstrap,
            "by_category": self.by_category.to_dict("records"),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `effects.json`, and the tables `effects` and `effects-by-class` as Parquet and CSV."""
        place = path_of(folder)
        write_table(place / "effects", self.table)
        write_table(place / "effects-by-class", self.by_category)
        write_result(place / "effects.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "HeldOut":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "effects.json")
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            table=read_parquet(place / "effects.parquet"),
            by_category=read_parquet(place / "effects-by-class.parquet"),
            clips=document["clips"],
            bootstrap=document["bootstrap"],
            provenance=document["provenance"],
        )

    def __repr__(self) -> str:
        mean = self.table["auroc"].mean() if len(self.table) else float("nan")
        return f"HeldOut({self.label!r}, {len(self.table)} pairs on {self.clips} clips: AUROC {mean:.3f})"

    def _repr_html_(self) -> str:
        title = f"{self.label}: AUROC of the class's neurons on {self.clips} held-out clips"
        shown = self.by_category.to_html(index=False, na_rep="", float_format="{:.3f}".format)
        return f"<h4>{escape(title)}</h4>{shown}"


def held_out(
    store: Recording,
    label: str,
    pairs: Pairs,
    *,
    clips: NDArray[np.bool_] | None = None,
    seen: NDArray[np.bool_] | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> HeldOut:
    """AUROC of selected neurons for their classes, with group-bootstrap intervals.

    Groups are drawn among those that hold only the class, only others, or both; of n of them n - 1, each for
    n / (n - 1) (Rao and Wu 1988), or the variance would be too small by 1 / n. With few groups (under ten)
    such intervals are still too narrow: read `groups` beside them.

    Args:
        store: the recording.
        label: name of a labeling.
        pairs: which neurons, and for which class.
        clips: the clips to measure on, which the selection must not have seen; all by default, for a
            selection that was made on another recording. Shape (clips,), boolean.
        seen: the clips that the selection was made on, if known: no group of them may be measured on.
        bootstrap: how many times to draw groups again; 0 for no intervals.
        seed: of the drawing.

    Raises:
        UsageError: no such neuron or class, a mask of another shape, a negative number of draws.
        OtoscopeError: a group was seen by the selection; a selection that has seen so many of this
            recording's clips that it must have seen some of these; a class without a clip.
    """
    if bootstrap < 0:
        raise UsageError(f"bootstrap is {bootstrap}; expected 0 or more, for example 1000")
    used = labelled_clips(store, label, clips)
    _check_seen(store, label, used, pairs, seen)
    asked = pairs_of(pairs)
    _check_classes(asked, used.classes, label)
    flat = np.array(
        [flat_index(store.layers, *each) for each in zip(asked["layer"], asked["unit"], strict=True)],
        dtype=np.int64,
    )
    neurons, column = np.unique(flat, return_inverse=True)
    category = np.array([used.classes.index(name) for name in asked["category"]], dtype=np.int64)
    rates = rates_of(store, used.rows, neurons)
    table, by_category = _measured(used, rates, column.ravel(), category, bootstrap, seed)
    provenance = {
        "otoscope": __version__,
        "recording": {what: store.info.get(what, {}).get("name") for what in ("model", "task")},
        "seen": "not known" if seen is None else "none of them",
        "seed": seed,
    }
    return HeldOut(
        label,
        used.classes,
        pd.concat([asked, table], axis=1),
        by_category,
        len(used.rows),
        bootstrap,
        provenance,
    )


def _measured(
    used: LabelledClips,
    rates: NDArray[np.float32],
    column: NDArray[np.int64],
    category: NDArray[np.int64],
    bootstrap: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns auroc, low, high and groups of every pair, and the table by class."""
    unit = units_of(used)
    found = np.full((len(column), 3), np.nan)
    rows: list[dict[str, Any]] = []
    groups = unit_labels(used.membership, unit).sum(axis=0)
    # A stream for each class: what else was selected does not change its draws.
    streams = np.random.default_rng(seed).spawn(len(used.classes))
    for k, (name, random) in enumerate(zip(used.classes, streams, strict=True)):
        member = used.membership[:, k]
        places = np.flatnonzero(category == k)
        times = draws_of(member, unit, bootstrap if len(places) else 0, random)
        summed = np.zeros(times.shape[1])
        for place in places:
            value = rates[:, column[place]]
            found[place, 0] = auroc(value[:, None], member[:, None])[0, 0]
            if times.shape[1]:
                drawn = drawn_areas(value, member, unit, times)
                found[place, 1:] = np.nanquantile(drawn, [0.025, 0.975])
                summed += drawn
        row = {"category": name, "neurons": len(places), "auroc": np.nan, "low": np.nan, "high": np.nan}
        if len(places):
            row["auroc"] = float(found[places, 0].mean())
            if times.shape[1]:
                low, high = np.nanquantile(summed / len(places), [0.025, 0.975])
                row |= {"low": float(low), "high": float(high)}
        rows.append(row | {"groups": int(groups[k])})
    table = pd.DataFrame(found, columns=["auroc", "low", "high"])
    return table.assign(groups=groups[category].astype(np.int64)), pd.DataFrame(rows)


def _check_classes(asked: pd.DataFrame, classes: tuple[str, ...], label: str) -> None:
    strangers = sorted(set(asked["category"]) - set(classes))
    if strangers:
        raise UsageError(
            f"the pairs name the class {', '.join(map(repr, strangers))}, which labeling {label!r} has not; "
            f"its classes are {', '.join(classes)}"
        )


def _check_seen(
    store: Recording, label: str, used: LabelledClips, pairs: Pairs, seen: NDArray[np.bool_] | None
) -> None:
    """Refuse clips or groups that the selection has seen, where that can be known."""
    if seen is not None:
        before = labelled_clips(store, label, seen)
        twice = np.isin(_ids(used), _ids(before))
        if twice.any():
            what = "clips" if used.groups is None else "groups"
            raise OtoscopeError(
                f"labeling {label!r}: {len(np.unique(_ids(used)[twice]))} {what} to measure on were seen by "
                "the selection; expected none; try the two masks that `halves` makes"
            )
        return
    made = getattr(pairs, "provenance", None) or {}
    recording = made.get("recording") or {}
    here = [store.info.get(what, {}).get("fingerprint") for what in ("model", "task")]
    there = [(recording.get(what) or {}).get("fingerprint") for what in ("model", "task")]
    every = len(labelled_clips(store, label).rows)
    if here == there and int(made.get("clips") or 0) + len(used.rows) > every:
        raise OtoscopeError(
            f"the selection has seen {made['clips']} of the {every} clips of labeling {label!r}, so some of "
            f"the {len(used.rows)} to measure on among them; expected clips that it has not seen; try to "
            "select on one of the two masks that `halves` makes and to measure on the other"
        )


def _ids(clips: LabelledClips) -> NDArray[np.int64]:
    return clips.rows if clips.groups is None else clips.groups
