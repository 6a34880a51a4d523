"""A selection: the neurons that the filters keep for each class of a labeling, beside what chance gives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, slug, write_result, write_table
from otoscope.neurons.baselines import TwinCounts
from otoscope.neurons.chance import Chance
from otoscope.neurons.filters import Filters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Selection", "source_of"]


def source_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """Which recording it was: names and fingerprints, without the layers and classes that it also holds."""
    named = {
        what: {key: info.get(what, {}).get(key) for key in ("name", "fingerprint")}
        for what in ("model", "task")
    }
    return {**named, "settings": info.get("settings"), "otoscope": info.get("version")}


@dataclass(frozen=True, eq=False)
class Selection:
    """Class-specific neurons of one labeling.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        preset: name of the preset that the thresholds started from.
        filters: the thresholds used; None for a selector that has none (`specific`).
        table: one row per (neuron, class) pair, columns `layer`, `unit`, `category`, `probability` (that the
            neuron fires on a token of the class, 0 to 1) and `entropy` (nats); in the order of layer, unit
            and class. `specific` adds `p`, `auroc`, `auroc_low` and `auroc_high`.
        layers: number of layers of the model.
        depth: mean over the neurons of lowest entropy, those that the selectivity filter kept, of
            log(classes) - entropy, in nats. They are the class-specific ones, except where a preset leaves
            kept neurons without a class (`aape-drop5`). NaN if none was kept.
        chance: the same under permuted labels; None if no permutations were asked for.
        provenance: which model, task, settings and version made it.
        test: the figures of the selector's own test (`specific`); None where there is none.
        size_bias: rank correlation of the number of neurons of a class with its number of clips, -1 to 1: far
            below 0, small classes are chosen more often; None where classes have as many clips or neurons.
        twins: what the same selection finds in the recording's twins, or how to record some; None where
            nobody asked. See `beside_twins`.
    """

    label: str
    classes: tuple[str, ...]
    preset: str
    filters: Filters | None
    table: pd.DataFrame
    layers: int
    depth: float
    chance: Chance | None
    provenance: Mapping[str, Any]
    test: Mapping[str, Any] | None = None
    twins: TwinCounts | None = None
    size_bias: float | None = None

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """The distinct class-specific neurons: columns `layer` and `unit`."""
        return self.table[["layer", "unit"]].drop_duplicates().reset_index(drop=True)

    @property
    def folder(self) -> str:
        """Name of the folder in a store's `results/` that it is kept in."""
        return f"select-{slug(self.label)}-{slug(self.preset)}"

    @property
    def pairs(self) -> int:
        """Number of (neuron, class) pairs."""
        return len(self.table)

    @property
    def coverage(self) -> float:
        """Share of the classes with at least one neuron, in [0, 1]."""
        return self.table["category"].nunique() / len(self.classes)

    @property
    def by_layer(self) -> "pd.Series[int]":
        """Number of distinct class-specific neurons in each layer."""
        counts = np.bincount(self.neurons["layer"].to_numpy(dtype=np.int64), minlength=self.layers)
        return pd.Series(counts, index=pd.RangeIndex(self.layers, name="layer"), name="neurons")

    @property
    def by_category(self) -> "pd.Series[int]":
        """Number of neurons of each class, in the order of the classes."""
        counts = self.table["category"].value_counts()
        return pd.Series(
            [int(counts.get(name, 0)) for name in self.classes],
            index=pd.Index(self.classes, name="category"),
            name="neurons",
        )

    def sets(self) -> dict[str, set[tuple[int, int]]]:
        """The (layer, unit) pairs of each class; an empty set for a class without neurons."""
        found: dict[str, set[tuple[int, int]]] = {name: set() for name in self.classes}
        for layer, unit, name in zip(
            *(self.table[key] for key in ("layer", "unit", "category")), strict=True
        ):
            found[name].add((int(layer), int(unit)))
        return found

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them; the pairs themselves are in `table`."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "preset": self.preset,
            "filters": None if self.filters is None else asdict(self.filters),
            "neurons": len(self.neurons),
            "pairs": self.pairs,
            "coverage": self.coverage,
            "depth": None if np.isnan(self.depth) else self.depth,
            "by_layer": {str(layer): int(count) for layer, count in self.by_layer.items()},
            "by_category": {str(name): int(count) for name, count in self.by_category.items()},
            "chance": None if self.chance is None else self.chance.document(),
            "test": None if self.test is None else dict(self.test),
            "twins": None if self.twins is None else self.twins.document(),
            "size_bias": self.size_bias,
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `selection.json`, and the tables `neurons` and `chance` as Parquet and CSV."""
        place = path_of(folder)
        write_table(place / "neurons", self.table)
        if self.chance is not None:
            write_table(place / "chance", self.chance.values)
        write_result(place / "selection.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Selection":
        """Read a selection that `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "selection.json", by="otoscope select")
        chance = document["chance"]
        if chance is not None:
            chance = Chance.from_document(chance, read_parquet(place / "chance.parquet"))
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            preset=document["preset"],
            filters=None if document["filters"] is None else Filters(**document["filters"]),
            table=read_parquet(place / "neurons.parquet"),
            layers=len(document["by_layer"]),
            depth=float("nan") if document["depth"] is None else document["depth"],
            chance=chance,
            provenance=document["provenance"],
            test=document.get("test"),
            twins=TwinCounts.from_document(document["twins"]) if document.get("twins") else None,
            size_bias=document.get("size_bias"),
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Class-specific neurons in each layer, over the band that permuted labels give."""
        from otoscope import plots

        frame = pd.DataFrame({"layer": self.by_layer.index, "count": self.by_layer.to_numpy()})
        if self.chance is not None:
            band = self.chance.by_layer
            frame = frame.assign(chance_low=band["low"], chance_high=band["high"])
        return plots.layers(frame, ax=ax)

    def __repr__(self) -> str:
        return (
            f"Selection({self.label!r}, {self.preset}: {len(self.neurons)} neurons, {self.pairs} pairs, "
            f"coverage {self.coverage:.2f}, depth {self.depth:.4f} nats)"
        )

    def _repr_html_(self) -> str:
        title = f"<h4>{escape(f'{self.label}: class-specific neurons ({self.preset})')}</h4>"
        first = self.table.head(10).to_html(index=False)
        if self.chance is None:
            return (
                f"{title}<p>No count is shown without what permuted labels give: select with "
                f"permutations=100. The first neurons:</p>{first}"
            )
        twins = "<p>Twins were not asked for.</p>" if self.twins is None else self.twins._repr_html_()
        return f"{title}{_beside_chance(self, self.chance)}{first}<p>{self.pairs} pairs in all</p>{twins}"


def _beside_chance(selection: Selection, chance: Chance) -> str:
    """What was found, beside its distribution under permutation, as HTML."""
    rows = {
        "class-specific neurons": (len(selection.neurons), chance.neurons),
        "coverage of the classes": (selection.coverage, chance.coverage),
        "depth (nats)": (selection.depth, chance.depth),
    }
    if chance.found_excess is not None:
        rows["excess, all neurons (sd)"] = (chance.found_excess, chance.excess)
    table = pd.DataFrame(
        {
            name: {
                "found": found,
                "permuted labels, mean": spread.mean,
                "2.5 %": spread.low,
                "97.5 %": spread.high,
                "p": spread.p,
            }
            for name, (found, spread) in rows.items()
        },
        dtype=float,
    ).T
    note = (
        f"{chance.permutations} permutations, {chance.design} design, {chance.distinct} distinct. "
        f"{chance.note}"
    )
    return f"{table.to_html(na_rep='', float_format='{:.4g}'.format)}<p>{escape(note)}</p>"
