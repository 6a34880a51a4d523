"""The result of comparing models."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Measure", "ModelComparison"]

Measure = Literal["best", "chosen"]

_TABLES = ("models", "neurons", "effects", "differences", "sharing")


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Several models, and the twins of each, on one labeling of the same clips.

    Two measures of a model on a class, both the AUROC of firing shares on clips that the choice has not seen:
    "best", of the neuron that tells the class best on the other half of the groups, and "chosen", the mean
    over all neurons that the preset chooses for it on the other half. 95 % intervals are of Student's t,
    with the spread when whole groups of the measured halves are drawn again; in a difference both sides have
    the same draws.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        preset: what "chosen" and the counts are by.
        models: one row per model and twin, a model's twins after it: `model`, `of` (for a twin the model that
            it is one of, else ""), `neurons` and `coverage` of what the preset selects by all clips, and of
            the same under permuted labels the mean and central 95 %, `neurons_chance`, `neurons_low`,
            `neurons_high`, `coverage_chance`, `coverage_low`, `coverage_high` (NaN for twins, and where no
            permutations were asked for). All NaN where the preset refuses; the notes say why.
        neurons: one row per model or twin and class: `model`, `of`, `category`, `neurons`: how many the
            preset selects by all clips. A class is covered by a model where there is one.
        effects: one row per model or twin, measure and class: `model`, `of`, `measure`, `category` ("" for
            the mean over classes), `auroc`, `low`, `high`, `pairs` (of neuron and class behind it, both ways)
            and `classes` (how many are averaged).
        differences: one row per two models, or model and "its twins" (the mean over them), measure and class:
            `first`, `second`, `measure`, `category` ("" for the mean over the classes that both have),
            `difference` (of the first's AUROC to the second's), `low`, `high`, `classes`.
        sharing: one row per two models: `first`, `second`, `correlation` (Spearman, of which classes share
            neurons), `p`, `classes` (how many are compared), `note` (why it is not known, or "").
        clips: number of clips, all of them heard by every model and twin.
        groups: number of groups; of clips where there are none.
        settings: permutations, bootstrap (how often groups were drawn again) and seed.
        notes: what the figures do not cover, and what could not be said.
        provenance: which models, task and version.
    """

    label: str
    classes: tuple[str, ...]
    preset: str
    models: pd.DataFrame
    neurons: pd.DataFrame
    effects: pd.DataFrame
    differences: pd.DataFrame
    sharing: pd.DataFrame
    clips: int
    groups: int
    settings: Mapping[str, int]
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The comparison as JSON holds it."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "preset": self.preset,
            "clips": self.clips,
            "groups": self.groups,
            **{name: getattr(self, name).to_dict("records") for name in _TABLES},
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `comparison.json`, and each table as Parquet and CSV, `compared-models` and so on."""
        place = path_of(folder)
        for name in _TABLES:
            write_table(place / f"compared-{name}", getattr(self, name))
        write_result(place / "comparison.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "ModelComparison":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "comparison.json", by="otoscope compare")
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            preset=document["preset"],
            clips=document["clips"],
            groups=document["groups"],
            settings=document["settings"],
            notes=tuple(document["notes"]),
            provenance=document["provenance"],
            **{name: read_parquet(place / f"compared-{name}.parquet") for name in _TABLES},
        )

    def plot(self, ax: "Axes | None" = None, *, measure: Measure = "best") -> "Axes":
        """The AUROC of each model on each class, with intervals; the mean over classes on top."""
        from otoscope import plots

        return plots.compared_models(self.effects[self.effects["measure"] == measure], ax)

    def plot_differences(self, ax: "Axes | None" = None, *, measure: Measure = "best") -> "Axes":
        """The differences between models on each class, with intervals; the mean over classes on top."""
        from otoscope import plots

        return plots.compared_differences(self.differences[self.differences["measure"] == measure], ax)

    def __repr__(self) -> str:
        names = ", ".join(self.models.loc[self.models["of"] == "", "model"])
        return f"ModelComparison({self.label!r}: {names}; {self.clips} clips in {self.groups} groups)"

    def _repr_html_(self) -> str:
        means = (
            each[each["category"] == ""].drop(columns="category") for each in (self.effects, self.differences)
        )
        tables = {
            "selected by all clips, beside chance and twins": self.models,
            "AUROC on unseen clips, mean over classes": next(means),
            "differences, mean over classes": next(means),
            "which classes share neurons": self.sharing,
        }
        shown = (
            f"<h4>{escape(self.label)}: {title}</h4>"
            f"{table.to_html(index=False, na_rep='', float_format='{:.3f}'.format)}"
            for title, table in tables.items()
        )
        return "".join(shown) + "".join(f"<p>{escape(note)}</p>" for note in self.notes)
