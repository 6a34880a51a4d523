"""What is to be believed of a labeling: its selections, each against every baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, slug, write_result, write_table
from otoscope.neurons.evidence.significance import NeuronTests
from otoscope.neurons.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BEST", "Evidence"]

BEST = "best neuron"
"""The choice of one neuron a class, the best on the other half: it is defined where presets are refused."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence on one labeling of one recording.

    AUROCs are held out: neurons are chosen on one half of the groups, measured on the other, and then the
    other way round. In [0, 1]; at 0.5 a neuron tells nothing.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        design: ungrouped, nested or crossed: what is permuted. "" where the labeling is neither nested nor
            crossed, so that nothing is.
        distinct: how many distinct permutations there are; beyond 2^53 as text ("10^78").
        groups: how many groups its clips come in; None for a labeling without.
        table: one row a preset, NaN where nothing is known. `preset`; `refused` (why it does not select, or
            ""); `neurons`, `coverage` (share of the classes with a neuron) and `depth` (nats), each with
            `_chance`, `_low` and `_high` (mean and central 95 % under permuted labels); `neurons_p` (that
            permuted labels give as many; of `specific` alone), `depth_p`, `excess` (sd), `excess_p`;
            `twins_random`, `twins_shuffled` (mean number of neurons in twins of the kind) and `twins_most`
            (the largest in any); `held_out` (mean AUROC over the chosen pairs of neuron and
            class) with its 95 % group-bootstrap interval `held_out_low` and `held_out_high`;
            `held_out_twins` (mean over the twins) and `held_out_twins_most`; `beyond_twins_low` (lower end of
            the interval of the difference to the twin that comes closest, the same groups drawn for both; to
            0.5 for a twin that chooses none); `stability` (mean Jaccard index of what complementary halves
            choose for a class), `stability_chance` and `stability_chance_most` (mean and largest under
            permuted labels); `follows` (how many of the neurons follow an acoustic descriptor within classes)
            and `size_bias` (rank correlation of a class's neurons with its clips).
        effects: one row a preset, model and class: `preset` (one of them, or "best neuron"), `model`
            ("trained", "random-0", ...), `category`, `neurons` (pairs measured, both halves together),
            `auroc` (their mean), its 95 % group-bootstrap interval `low` and `high`, and `groups` (those
            with a clip of the class; clips, where there are no groups).
        selections: by preset, with its chance level and twins; without those refused.
        power: what `specific` can find with these clips, as `Power.document` gives it; None where that
            cannot be told, and a note says why.
        tests: a test of every neuron, whatever selects it; None where too few permutations were asked for or
            exist, and a note says why.
        notes: what a reader must know: design, what is not tested, what was not recorded.
        sentences: what survives which baseline, in words.
        provenance: which model, task, settings and version made it.
    """

    label: str
    classes: tuple[str, ...]
    design: str
    distinct: int | str
    groups: int | None
    table: pd.DataFrame
    effects: pd.DataFrame
    selections: Mapping[str, Selection]
    power: Mapping[str, Any] | None
    tests: NeuronTests | None
    notes: tuple[str, ...]
    sentences: tuple[str, ...]
    provenance: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Name of the folder in a store's `results/` that it is kept in."""
        return f"evidence-{slug(self.label)}"

    def document(self) -> dict[str, Any]:
        """The evidence as JSON holds it; the neurons themselves are in `selections`."""
        plain = ("label", "design", "distinct", "groups", "power")
        return {
            **{name: getattr(self, name) for name in plain},
            "classes": list(self.classes),
            "tests": None if self.tests is None else self.tests.document(),
            "presets": self.table.to_dict("records"),
            "effects": self.effects.to_dict("records"),
            "selections": {preset: slug(preset) for preset in self.selections},
            "notes": list(self.notes),
            "sentences": list(self.sentences),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `evidence.json`, the tables `table`, `effects` and `tests`, and each selection's folder."""
        place = path_of(folder)
        write_table(place / "table", self.table)
        write_table(place / "effects", self.effects)
        for preset, selection in self.selections.items():
            selection.save(place / slug(preset))
        if self.tests is not None:
            self.tests.save(place)
        write_result(place / "evidence.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Evidence":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "evidence.json", by="otoscope evidence")
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            design=document["design"],
            distinct=document["distinct"],
            groups=document["groups"],
            table=read_parquet(place / "table.parquet"),
            effects=read_parquet(place / "effects.parquet"),
            selections={name: Selection.load(place / each) for name, each in document["selections"].items()},
            power=document["power"],
            tests=NeuronTests.load(place) if document.get("tests") else None,
            notes=tuple(document["notes"]),
            sentences=tuple(document["sentences"]),
            provenance=document["provenance"],
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Held-out AUROC of each class: the trained model against its twins."""
        from otoscope.plots.evidence import evidence

        return evidence(self.effects, ax=ax)

    def __repr__(self) -> str:
        ran = [row["preset"] for row in self.table.to_dict("records") if not row["refused"]]
        return f"Evidence({self.label!r}, {self.design or 'no'} design: {', '.join(ran)})"

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{escape(each)}</li>" for each in (*self.sentences, *self.notes))
        table = self.table.set_index("preset").T.to_html(na_rep="")
        return f"<h4>{escape(self.label)}: what survives which baseline</h4><ul>{said}</ul>{table}"
