"""What an intervention did, class by class, beside control sets: the result that is kept."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope import plots
from otoscope.errors import UsageError
from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.interventions.effects.curves import curves_of
from otoscope.interventions.effects.documents import OWN_KEYS, document_of, targets_in, wide_of
from otoscope.interventions.effects.measures import measures_of
from otoscope.interventions.effects.sentences import sentences_of
from otoscope.interventions.targets.target import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Ablation", "primary_of"]

FRAMES = ("table", "sets", "baseline", "effects", "against", "paired", "confusions", "diagonal")

_PREFERRED = ("displacement", "rate", "layer")

UNITS = {
    "accuracy": ("percentage points", 100.0),
    "average_precision": ("percentage points", 100.0),
    "margin": ("logits", 1.0),
    "cross_entropy": ("nats", 1.0),
}
"""The unit in which changes of a measure are shown, and the factor to it."""


def primary_of(against: pd.DataFrame) -> str:
    """The way of matching that verdicts rest on: the strictest that was drawn; "" without control sets."""
    drawn = list(dict.fromkeys(against["match"]))
    return next((match for match in (*_PREFERRED, *drawn) if match in drawn), "")


@dataclass(frozen=True, eq=False)
class Ablation:
    """What switching sets of neurons does to each class, beside matched control sets.

    A class is here called a category. Measures are means over the seeds of a probe unless a frame has a
    column `seed`; `accuracy` and `average_precision` are in [0, 1], `margin` in logits, `cross_entropy` in
    nats, see `measures_of`. Every change is the value with neurons switched less that of the unmodified
    model. Intervals are of 95 %, of groups of test clips drawn again (clips, where there are no groups), by
    Student's t; they are NaN for a class in one group, and of no width where all groups change alike (or not
    at all), which says nothing of groups that were not heard.

    Attributes:
        label: the labeling.
        classes: its classes.
        multilabel: whether a clip may have several.
        targets: the sets of neurons.
        settings: how the experiment was made.
        provenance: which model, task, settings and version the store is of.
        notes: what a reader must know of it.
        table: one row per target, condition, probe, seed and class: `target`, `condition` (`baseline`,
            `target` or `control`), `match` (how the control set was matched; else ""), `draw` (of a control
            set, from 1; else 0), `probe`, `seed`, `category`, `clips` (of the class in test) and the
            measures. The unmodified model has rows under each target.
        sets: one row per target and control set: `target`, `condition`, `match`, `draw`, `neurons` (how many
            are switched; of a basis control, directions), `displacement` (how far the standardised embedding
            of a test clip moves, in the mean) and `relative` (the same in parts of the target's).
        baseline: what the unmodified model's probe tells, one row per probe and class, and a first one for
            all classes with the category "" (not multi-label): `probe`, `category`, `clips`, `value`
            (accuracy or average precision), `low`, `high`, and `chance` (of naming the most frequent class of
            the test clips; multi-label: the share of test clips that bear the class).
        effects: one row per target, class, probe and measure: `target, category, probe, measure, clips,
            baseline, ablated, change`, its interval `low, high`, paired by clip, and `seed_sd` (sd of the
            change over seeds; NaN with one).
        against: one row per target, class, probe, measure and way of matching: `controls` (number of sets),
            `shared` (share of their neurons that two sets have in common), `mean, low, high` (mean and
            central 95 % of their changes), `excess` (the target's change less that mean) with its interval
            `excess_low, excess_high` (of clips, these control sets given), `p` (see `rank_p`), `p_adjusted`
            (for all classes at once, see `adjusted_p`), `t`, `t_p` (see `t_of`). The neighbour control is one
            set, not drawn by chance: its p and t are NaN.
        paired: one row per target, class and probe: `clips`, `right` (before), `lost` and `gained`, each a
            mean over seeds, and `mcnemar_p` (exact; the largest over seeds). Empty if multi-label.
        confusions: one row per target, probe, class and other class that clips are taken for, where that
            changes: `target, probe, category, predicted, before, after, change`, in clips, means over seeds.
            Empty if multi-label.
        diagonal: one row per probe and measure, if two or more targets are of a single class each: `self`
            (mean change of the class whose neurons are switched), `cross` (mean change of the other targets'
            classes), `difference`, `p` (that targets' names mean nothing: permuted, two-sided), `p_controls`
            (the same difference in each draw of control sets) and `classes` (how many).
    """

    label: str
    classes: tuple[str, ...]
    multilabel: bool
    targets: tuple[Target, ...]
    settings: dict[str, Any]
    provenance: dict[str, Any]
    notes: tuple[str, ...]
    table: pd.DataFrame
    sets: pd.DataFrame
    baseline: pd.DataFrame
    effects: pd.DataFrame
    against: pd.DataFrame
    paired: pd.DataFrame
    confusions: pd.DataFrame
    diagonal: pd.DataFrame

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured of each class, see `otoscope.interventions.effects.measures.measures_of`."""
        return measures_of(self.multilabel)

    @cached_property
    def probe(self) -> str:
        """Name of the probe that counts."""
        return str(self.baseline["probe"].iloc[0])

    @cached_property
    def primary(self) -> str:
        """The way of matching that verdicts rest on: displacement if drawn, else rate, layer, or the first.

        "" without control sets.
        """
        return primary_of(self.against)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per target and class, of the probe that counts and the primary control sets.

        Columns: `target`, `category`, `clips`, and for each measure, with its name in front: `_baseline` and
        `_ablated` (the model as it is; the target switched), `_change` (their difference), its interval
        `_low` and `_high`, `_controls_mean`, `_controls_low`, `_controls_high` (mean and central 95 % under
        control sets, in the unit of `_ablated`), `_p` and `_p_adjusted`.
        """
        return wide_of(self)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The targets that belong to a series, of the probe that counts and the primary control sets.

        One row per target, class and measure: `series, of, at` (see `Target`), `x` (`at` as a number, NaN
        where it is none), `neurons`, `category`, `measure`, `change`, its interval `low, high`,
        `controls_mean, controls_low, controls_high` (changes too) and `p`.
        """
        return curves_of(self)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The verdicts in words, made from the numbers."""
        return sentences_of(self)

    def any_class_p(self, target: str, measure: str) -> float:
        """One p for all classes: the target's farthest against the farthest of each primary control set.

        NaN without control sets.
        """
        against = self.against
        mine = (against["target"] == target) & (against["measure"] == measure)
        counted = (against["probe"] == self.probe) & (against["match"] == self.primary)
        return float(against.loc[mine & counted, "p_adjusted"].min())

    def document(self) -> dict[str, Any]:
        """The result as one JSON document, all but the single control sets."""
        return document_of(self)

    def save(self, folder: str | Path) -> None:
        """Write `ablation.json`, and the frames and `summary` as Parquet and CSV, into a folder."""
        place = path_of(folder)
        for name in FRAMES:
            write_table(place / name, getattr(self, name))
        write_table(place / "summary", self.summary)
        write_result(place / "ablation.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Ablation":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds no ablation.
        """
        place = path_of(folder)
        document = read_saved(place, "ablation.json", by="otoscope ablate")
        return cls(
            label=document["label"],
            classes=tuple(document["classes"]),
            multilabel=document["multilabel"],
            targets=targets_in(document["results"]),
            settings={name: value for name, value in document.items() if name not in OWN_KEYS},
            provenance=document["provenance"],
            notes=tuple(document["notes"]),
            **{name: read_parquet(place / f"{name}.parquet") for name in FRAMES},
        )

    def plot(
        self,
        target: str | None = None,
        *,
        measure: str | None = None,
        match: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Each class's change with its interval, the target's classes in bold, beside every control set.

        Args:
            target: name of a target; the first by default.
            measure: one of `measures`, the first by default; shares are drawn in percentage points.
            match: which control sets; all of them by default.
            ax: where to draw; a new figure by default.

        Raises:
            UsageError: no such target, measure or way of matching.
        """
        chosen = _one_of("target", self.targets[0].name, target, [each.name for each in self.targets])
        measure = _one_of("measure", self.measures[0], measure, self.measures)
        drawn = list(dict.fromkeys(self.against["match"]))
        matches = drawn if match is None else [_one_of("match", match, match, drawn)]
        unit, scale = UNITS[measure]
        effects = self.effects
        mine = (effects["target"] == chosen) & (effects["measure"] == measure)
        rows = effects.loc[mine & (effects["probe"] == self.probe), ["category", "change", "low", "high"]]
        controls = [self.control_changes(chosen, measure, each).assign(match=each) for each in matches]
        return plots.ablation(
            rows.assign(**scale * rows[["change", "low", "high"]]),
            ax,
            controls=pd.concat([each.assign(change=scale * each["change"]) for each in controls])
            if controls
            else None,
            targets=next(each.categories for each in self.targets if each.name == chosen),
            label=f"change in {measure.replace('_', ' ')} ({unit})",
        )

    def control_changes(self, target: str, measure: str, match: str) -> pd.DataFrame:
        """Changes under each control set of one kind, of the probe that counts: `category, draw, change`."""
        table = self.table
        own = table[(table["target"] == target) & (table["probe"] == self.probe)]
        means = (
            own.groupby(["match", "condition", "category", "draw"], sort=False)[measure].mean().reset_index()
        )
        before = means[means["condition"] == "baseline"].set_index("category")[measure]
        drawn = means[(means["condition"] == "control") & (means["match"] == match)]
        change = drawn[measure] - drawn["category"].map(before).astype(float)
        return drawn[["category", "draw"]].assign(change=change).reset_index(drop=True)

    def __repr__(self) -> str:
        names = ", ".join(target.name for target in self.targets[:4])
        more = f" and {len(self.targets) - 4} more" if len(self.targets) > 4 else ""
        return f"Ablation({self.label!r}: {names}{more}; controls matched by {self.primary or 'nothing'})"

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{escape(each)}</li>" for each in (*self.sentences, *self.notes))
        table = self.summary.to_html(index=False, na_rep="", float_format="{:.3f}".format)
        return f"<h4>{escape(repr(self))}</h4><ul>{said}</ul>{table}"


def _one_of(what: str, default: str, given: str | None, there: "tuple[str, ...] | list[str]") -> str:
    if given is None:
        return default
    if given not in there:
        raise UsageError(f"there is no {what} {given!r}; this ablation has {', '.join(there) or 'none'}")
    return given
