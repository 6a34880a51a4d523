"""The result of comparing selectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.selectors.causal import CAUSAL

__all__ = ["Comparison"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Selectors side by side.

    Attributes:
        label: name of the labeling.
        classes: its classes.
        agreement: Jaccard index of the neurons that two selectors take from all clips, in [0, 1]; NaN where
            neither takes any. Rows and columns are selectors.
        table: one row per selector: `selector`, `about`, `neurons` (taken from all clips), `coverage` (share
            of classes with one), `stability` (mean Jaccard index of what it takes from complementary halves
            of the groups, in [0, 1]), `stability_chance` (that of two random sets of as many neurons)
            and `held_out` (mean AUROC of the pairs taken from one half, class against rest, on the other).
        values: one row per selector and split: `selector`, `repeat`, `stability`, `held_out`.
        ablated: one row per set that a saved ablation switched off and selector: `ablation`, `target`,
            `neurons` (of the set), `selector`, `share` (of the set that the selector takes from all clips),
            `change` (of the margin of the target's classes with the set off, in logits) and
            `controls_change` (with control sets off). No rows where no ablation was saved.
        share: share of all neurons that each took.
        per_class: every class had as many places.
        repeats: number of splits.
        notes: what could not be said, and why.
        provenance: which model, task, seed and version made it.
        causal: one row per selector and saved ablation of what selectors choose, as many neurons of each
            class: `ablation`, and the columns of `otoscope.neurons.selectors.causal.specificity_of`. No rows
            where no such ablation was saved.
    """

    label: str
    classes: tuple[str, ...]
    agreement: pd.DataFrame
    table: pd.DataFrame
    values: pd.DataFrame
    ablated: pd.DataFrame
    share: float
    per_class: bool
    repeats: int
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]
    causal: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["ablation", *CAUSAL]))

    def document(self) -> dict[str, Any]:
        """The comparison as JSON holds it; None for what is not known."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "share": self.share,
            "per_class": self.per_class,
            "repeats": self.repeats,
            "selectors": _rows(self.table),
            "agreement": {str(name): _plain(row.to_dict()) for name, row in self.agreement.iterrows()},
            "ablated": _rows(self.ablated),
            "causal": _rows(self.causal),
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `selectors.json`, and the tables `selectors`, `agreement`, `halves`, `ablated`."""
        place = path_of(folder)
        write_table(place / "selectors", self.table)
        write_table(place / "agreement", self.agreement.rename_axis("selector").reset_index())
        write_table(place / "halves", self.values)
        write_table(place / "ablated", self.ablated)
        write_result(place / "selectors.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Comparison":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "selectors.json", by="otoscope compare-selectors")
        agreement = read_parquet(place / "agreement.parquet").set_index("selector")
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            agreement=agreement.rename_axis(None),
            table=read_parquet(place / "selectors.parquet"),
            values=read_parquet(place / "halves.parquet"),
            ablated=read_parquet(place / "ablated.parquet"),
            share=document["share"],
            per_class=document["per_class"],
            repeats=document["repeats"],
            notes=tuple(document["notes"]),
            provenance=document["provenance"],
            causal=pd.DataFrame(document.get("causal", []), columns=["ablation", *CAUSAL]),
        )

    def __repr__(self) -> str:
        return (
            f"Comparison({self.label!r}: {len(self.table)} selectors, share {self.share:g}, "
            f"{self.repeats} splits)"
        )

    def _repr_html_(self) -> str:
        form = "{:.3f}".format
        return (
            f"<h4>{escape(self.label)}: selectors side by side</h4>"
            f"{self.table.to_html(index=False, na_rep='', float_format=form)}"
            f"<h4>Jaccard index of their neurons</h4>{self.agreement.to_html(na_rep='', float_format=form)}"
            f"<p>{escape(' '.join(self.notes))}</p>"
        )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [_plain(row) for row in table.to_dict("records")]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): None if isinstance(value, float) and np.isnan(value) else value
        for name, value in row.items()
    }
