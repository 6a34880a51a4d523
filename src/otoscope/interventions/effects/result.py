"""What an intervention did, class by class, beside control sets; and the result that is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope import plots
from otoscope.errors import UsageError
from otoscope.files import read_saved, write_json, write_table
from otoscope.interventions.targets.target import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("accuracy", "margin")


def p_value(change: float, controls: np.ndarray) -> float:
    """Share of sets that change as much as the target: (1 + control sets at least as extreme) / (1 + control
    sets).

    Extreme is a change of at least the same size in either direction. With R sets it is never below 1 / (R +
    1).

    >>> p_value(-0.2, np.array([0.0, -0.1, 0.3, 0.1]))
    0.4
    """
    # Differences of the same two shares may differ in the last bit.
    extreme = np.abs(controls) >= abs(change) - 1e-9
    return float((1 + extreme.sum()) / (1 + len(controls)))


@dataclass(frozen=True)
class Ablation:
    """Accuracy and margin of each class before and after switching neurons, beside matched control sets.

    Attributes:
        label: the labeling.
        classes: its classes.
        targets: the sets of neurons.
        table: one row per target, condition, draw and class: `target`, `condition` (`baseline`, `target` or
            `control`), `draw` (of a control set, from 1; else 0), `category`, `clips` (in test), `accuracy`
            (0 to 1) and `margin` (mean over clips of the true class's logit minus the largest other).
        settings: gain, draws, seed, probe, preset, splits and what they led to.
        provenance: which model, task, settings and version the store is of.
    """

    label: str
    classes: tuple[str, ...]
    targets: tuple[Target, ...]
    table: pd.DataFrame
    settings: dict[str, Any]
    provenance: dict[str, Any]

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per target and class.

        Columns: `target`, `category`, `clips`, and for `accuracy` and for `margin`, with that name in front:
        `_baseline` and `_ablated` (the model as it is; the target switched), `_change` (their difference),
        `_controls_mean`, `_controls_low`, `_controls_high` (mean and central 95 % under control sets, in the
        unit of `_ablated`) and `_p` (see `p_value`; uncorrected for the number of classes).
        """
        rows = []
        for (target, category), part in self._counted.groupby(["target", "category"], sort=False):
            row: dict[str, Any] = {
                "target": target,
                "category": category,
                "clips": int(part["clips"].iloc[0]),
            }
            for measure in MEASURES:
                row |= {f"{measure}_{key}": value for key, value in _compare(part, measure).items()}
            rows.append(row)
        return pd.DataFrame(rows)

    @cached_property
    def _counted(self) -> pd.DataFrame:
        own = self.table[self.table["probe"] == self.settings["probe"]]
        keys = ["target", "condition", "match", "draw", "category"]
        return own.groupby(keys, sort=False)[["clips", *MEASURES]].mean().reset_index()

    def any_class_p(self, target: str, measure: str) -> float:
        """One p for all classes: the target's largest change of any class against each control set's."""
        part = self._counted[self._counted["target"] == target]
        wide = part.pivot(index=["condition", "draw"], columns="category", values=measure)
        largest = (wide - wide.loc[("baseline", 0)]).abs().max(axis=1)
        return p_value(float(largest[("target", 0)]), largest["control"].to_numpy())

    def document(self) -> dict[str, Any]:
        """The result as one JSON document, all but the single control sets."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            **self.settings,
            "results": [self._target_document(target) for target in self.targets],
            "provenance": self.provenance,
        }

    def save(self, folder: str | Path) -> None:
        """Write `ablation.json`, and `table` and `summary` as Parquet and CSV, into a folder."""
        folder = Path(folder)
        write_table(folder / "table", self.table)
        write_table(folder / "summary", self.summary)
        write_json(folder / "ablation.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Ablation":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds no ablation.
        """
        folder = Path(folder)
        document = read_saved(folder, "ablation.json", by="otoscope ablate")
        targets = tuple(
            Target(
                each["target"],
                tuple(each["categories"]),
                tuple((int(n), int(j)) for n, j in each["addresses"]),
            )
            for each in document.pop("results")
        )
        return cls(
            label=document.pop("label"),
            classes=tuple(document.pop("classes")),
            targets=targets,
            table=pd.read_parquet(folder / "table.parquet"),
            provenance=document.pop("provenance"),
            settings=document,
        )

    def plot(
        self, target: str | None = None, *, measure: str = "accuracy", ax: "Axes | None" = None
    ) -> "Axes":
        """Each class's change, the target's classes in bold, over the changes under control sets.

        Args:
            target: name of a target; the first by default.
            measure: `accuracy`, drawn in percentage points, or `margin`, in logits.
            ax: where to draw; a new figure by default.

        Raises:
            UsageError: no such target or measure.
        """
        names = {each.name: each for each in self.targets}
        target = self.targets[0].name if target is None else target
        if target not in names:
            raise UsageError(f"there is no target {target!r}; this ablation has {', '.join(names)}")
        if measure not in MEASURES:
            raise UsageError(f"there is no measure {measure!r}; an ablation has {' and '.join(MEASURES)}")
        unit, scale = ("percentage points", 100.0) if measure == "accuracy" else ("logits", 1.0)
        rows = self.summary[self.summary["target"] == target]
        before = rows[f"{measure}_baseline"]
        shown = pd.DataFrame(
            {
                "category": rows["category"],
                "change": scale * rows[f"{measure}_change"],
                "low": scale * (rows[f"{measure}_controls_low"] - before),
                "high": scale * (rows[f"{measure}_controls_high"] - before),
            }
        ).reset_index(drop=True)
        controls = self.table.query("target == @target and condition == 'control'")
        baseline = controls["category"].map(dict(zip(rows["category"], before, strict=True)))
        changes = pd.DataFrame(
            {"category": controls["category"], "change": scale * (controls[measure] - baseline)}
        )
        label = f"change in {measure} ({unit})"
        return plots.ablation(shown, ax, controls=changes, targets=names[target].categories, label=label)

    def _repr_html_(self) -> str:
        return str(self.summary.to_html(index=False, float_format="{:.3f}".format))

    def _target_document(self, target: Target) -> dict[str, Any]:
        rows = self.summary[self.summary["target"] == target.name].to_dict("records")
        return {
            "target": target.name,
            "categories": list(target.categories),
            "neurons": len(target.neurons),
            "by_layer": target.by_layer,
            "addresses": [list(address) for address in target.neurons],
            "by_category": {
                str(row["category"]): {"clips": row["clips"], **{m: _nested(row, m) for m in MEASURES}}
                for row in rows
            },
            "any_class_p": {measure: self.any_class_p(target.name, measure) for measure in MEASURES},
        }


def _compare(part: pd.DataFrame, measure: str) -> dict[str, float]:
    """One class's figures in one measure, from its rows of the table."""
    values = {condition: rows[measure].to_numpy() for condition, rows in part.groupby("condition")}
    before, after, controls = float(values["baseline"][0]), float(values["target"][0]), values["control"]
    low, high = np.quantile(controls, [0.025, 0.975])
    return {
        "baseline": before,
        "ablated": after,
        "change": after - before,
        "controls_mean": float(controls.mean()),
        "controls_low": float(low),
        "controls_high": float(high),
        "p": p_value(after - before, controls - before),
    }


def _nested(row: Mapping[Any, Any], measure: str) -> dict[str, Any]:
    """A summary row's figures in one measure, under the words of the document."""
    return {
        **{key: row[f"{measure}_{key}"] for key in ("baseline", "ablated", "change")},
        "controls": {key: row[f"{measure}_controls_{key}"] for key in ("mean", "low", "high")},
        "p": row[f"{measure}_p"],
    }
