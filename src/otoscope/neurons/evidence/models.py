"""Compare models on one task: self-supervised, supervised, any, each beside its twins.

All models are measured on the same halves of the same groups, and their differences have intervals from the
same draws of groups: what makes a group hard or easy for all of them falls out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.baselines import beside, twins_missing
from otoscope.neurons.evidence.both_ways import (
    Half,
    Scores,
    best_of,
    class_auroc,
    drawn_halves,
    flat_pairs,
    freedom_of,
    heard_by_all,
    interval_of,
    scores_on,
)
from otoscope.neurons.evidence.compared_sharing import compare_sharing
from otoscope.neurons.evidence.model_comparison import Measure, ModelComparison
from otoscope.neurons.evidence.same_task import check_same_task, names_of
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.selecting import RECOMMENDED, select
from otoscope.neurons.selection import Selection, source_of
from otoscope.neurons.sharing.counting import share

__all__ = ["compare"]

TWINS = "its twins"
"""The second of a difference between a model and the mean over its twins."""

_NOT_COVERED = (
    "Intervals cover clips and groups: whole groups of the measured half are drawn again, the choice of "
    "neurons is not repeated. They are not corrected for the number of classes.",
    "Variance of training is not covered: a store is one training run. Give runs of other seeds as further "
    "stores, and hold the differences between models against those between seeds.",
    "Twins cover the seeds of initialisation only, not those of training.",
    "Neurons are not compared one by one: a neuron's number in one model says nothing of it in another.",
)


@dataclass(frozen=True, eq=False)
class _Member:
    """A model or a twin, and what was found of it."""

    name: str
    of: str
    selection: Selection | None
    scores: Mapping[Measure, Scores]
    notes: tuple[str, ...] = field(default=())


def compare(
    stores: Sequence[Recording],
    label: str,
    *,
    preset: str | None = None,
    permutations: int = 100,
    bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> ModelComparison:
    """Compare models that have recorded the same clips, and the twins of each.

    Args:
        stores: recordings of one task by different models, two or more.
        label: name of a labeling that all of them have.
        preset: what selects neurons, see `select`; by default "specific". Where it refuses, for want of
            groups for example, that is noted, and the best neuron of each class is compared alone.
        permutations: of the labels, behind the counts and coverages of the models; 0 for none.
        bootstrap: how often whole groups are drawn again; 0 for no intervals.
        seed: of the halves, the draws and the permutations.
        progress: told a line about each step, if given.

    Raises:
        UsageError: fewer than two stores, two of the same model, an unknown labeling or preset, a negative
            number.
        OtoscopeError: stores of different tasks, clips or labels; a class that has clips in one half only,
            for want of groups.
    """
    if permutations < 0 or bootstrap < 0:
        raise UsageError(
            f"permutations is {permutations} and bootstrap {bootstrap}; expected 0 or more of each, for "
            "example 100 and 1000"
        )
    check_same_task(stores, label)
    name = preset or RECOMMENDED
    chosen = heard_by_all(stores, label)
    halves = drawn_halves(chosen, bootstrap, seed)
    study = _Study(label, name, chosen, halves, permutations, seed, progress or _silent)
    families = [list(study.family(*each)) for each in zip(names_of(stores), stores, strict=True)]
    members = [member for family in families for member in family]
    freedom = freedom_of(halves)
    notes = [*_NOT_COVERED, *(note for member in members for note in member.notes)]
    if not freedom.all() and bootstrap:
        few = ", ".join(map(repr, np.array(chosen.classes, dtype=object)[freedom == 0]))
        notes.append(f"No intervals of class {few}, nor of means over classes: one group of it in a half.")
    return ModelComparison(
        label=label,
        classes=chosen.classes,
        preset=name,
        models=pd.DataFrame([_counts(member) for member in members]),
        neurons=pd.DataFrame([row for member in members for row in _by_class(member, chosen.classes)]),
        effects=_effects(members, chosen.classes, freedom),
        differences=_differences(families, chosen.classes, freedom),
        sharing=_sharing([family[0] for family in families], seed),
        clips=len(chosen.rows),
        groups=sum(len(half.times) for half in halves),
        settings={"permutations": permutations, "bootstrap": bootstrap, "seed": seed},
        notes=tuple(dict.fromkeys(notes)),
        provenance={"otoscope": __version__, "recordings": [source_of(store.info) for store in stores]},
    )


@dataclass(frozen=True, eq=False)
class _Study:
    """What every model goes through."""

    label: str
    preset: str
    chosen: LabelledClips
    halves: tuple[Half, Half]
    permutations: int
    seed: int
    say: Callable[[str], None]

    def family(self, name: str, store: Recording) -> Iterator[_Member]:
        """A model, and then its twins."""
        missing = twins_missing(store)
        yield self._member(name, "", store, (f"{name}: {missing}",) if missing else ())
        for twin, recording in beside(store):
            yield self._member(twin.name, name, recording, ())

    def _member(self, name: str, of: str, store: Recording, notes: tuple[str, ...]) -> _Member:
        self.say(f"{of}: {name}" if of else name)
        both = (self.halves, self.halves[::-1])
        best = [
            scores_on(store, there, best_of(class_auroc(store, here.rows, here.membership)))
            for here, there in both
        ]
        scores: dict[Measure, Scores] = {"best": best[0] + best[1]}
        try:
            found = self._select(store, self.chosen.rows, 0 if of else self.permutations)
            ways = [self._chosen(store, here, there) for here, there in both]
            scores["chosen"] = ways[0] + ways[1]
        except UsageError:
            raise
        except OtoscopeError as error:
            found, notes = None, (*notes, f"{self.preset} chooses nothing: {error}")
        return _Member(name, of, found, scores, notes)

    def _chosen(self, store: Recording, here: Half, there: Half) -> Scores:
        selection = self._select(store, here.rows, 0)
        return scores_on(store, there, flat_pairs(selection, store, self.chosen.classes))

    def _select(self, store: Recording, rows: NDArray[np.int64], permutations: int) -> Selection:
        mask = np.zeros(len(np.asarray(store.tokens)), dtype=bool)
        mask[rows] = True
        return select(
            store,
            self.label,
            preset=self.preset,
            clips=mask,
            permutations=permutations,
            seed=self.seed,
            twins=False,
        )


def _silent(line: str) -> None:
    del line


def _counts(member: _Member) -> dict[str, Any]:
    """The row of a member in `models`."""
    found = member.selection
    row: dict[str, Any] = {
        "model": member.name,
        "of": member.of,
        "neurons": np.nan if found is None else float(len(found.neurons)),
        "coverage": np.nan if found is None else found.coverage,
    }
    for what in ("neurons", "coverage"):
        spread = None if found is None or found.chance is None else getattr(found.chance, what)
        for key, value in (("chance", "mean"), ("low", "low"), ("high", "high")):
            known = None if spread is None else getattr(spread, value)
            row[f"{what}_{key}"] = np.nan if known is None else known
    return row


def _by_class(member: _Member, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in classes:
        count = np.nan if member.selection is None else float(member.selection.by_category[name])
        yield {"model": member.name, "of": member.of, "category": name, "neurons": count}


def _effects(members: Sequence[_Member], classes: Sequence[str], freedom: NDArray[np.int64]) -> pd.DataFrame:
    rows = []
    for member in members:
        for measure, scores in member.scores.items():
            pairs = {"": int(scores.pairs.sum()), **dict(zip(classes, scores.pairs.tolist(), strict=True))}
            for row in _rows(scores.means, classes, freedom, "auroc"):
                about = {"model": member.name, "of": member.of, "measure": measure}
                rows.append(about | row | {"pairs": pairs[row["category"]]})
    return pd.DataFrame(rows)


def _differences(
    families: Sequence[Sequence[_Member]], classes: Sequence[str], freedom: NDArray[np.int64]
) -> pd.DataFrame:
    """Two models each, and each model against the mean over its twins."""
    rows: list[dict[str, Any]] = []

    def add(first: str, second: str, measure: Measure, difference: NDArray[np.float64]) -> None:
        about = {"first": first, "second": second, "measure": measure}
        rows.extend(about | row for row in _rows(difference, classes, freedom, "difference"))

    for measure in get_args(Measure):
        for (one, *_), (other, *_) in combinations(families, 2):
            if measure in one.scores and measure in other.scores:
                mine, its = one.scores[measure].means, other.scores[measure].means
                add(one.name, other.name, measure, mine - its)
        for model, *twins in families:
            among = [twin.scores[measure].means for twin in twins if measure in twin.scores]
            if among and measure in model.scores:
                add(model.name, TWINS, measure, model.scores[measure].means - _mean(np.stack(among)))
    columns = ["first", "second", "measure", "category", "difference", "low", "high", "classes"]
    return pd.DataFrame(rows, columns=columns)


def _rows(
    values: NDArray[np.float64], classes: Sequence[str], freedom: NDArray[np.int64], what: str
) -> Iterator[dict[str, Any]]:
    """The mean over classes, and each class, of values of shape (classes, 1 + draws), with intervals."""
    known = ~np.isnan(values[:, 0])
    yield (
        {"category": ""}
        | _interval(_mean(values), int(freedom[known].min(initial=freedom.max())), what)
        | {"classes": int(known.sum())}
    )
    for name, value, free in zip(classes, values, freedom.tolist(), strict=True):
        yield {"category": name} | _interval(value, free, what) | {"classes": int(not np.isnan(value[0]))}


def _interval(values: NDArray[np.float64], freedom: int, what: str) -> dict[str, float]:
    low, high = interval_of(values, freedom, (0.0, 1.0) if what == "auroc" else (-1.0, 1.0))
    return {what: float(values[0]), "low": low, "high": high}


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the first axis of what is known there; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _sharing(models: Sequence[_Member], seed: int) -> pd.DataFrame:
    """Whether the same classes share neurons, for every two models."""
    rows = []
    for one, other in combinations(models, 2):
        row: dict[str, Any] = {"first": one.name, "second": other.name}
        if one.selection is None or other.selection is None:
            continue
        try:
            found = compare_sharing(share(one.selection), share(other.selection), seed=seed)
            rows.append(
                row
                | {"correlation": found.correlation, "p": found.p, "classes": len(found.classes), "note": ""}
            )
        except OtoscopeError as error:
            rows.append(row | {"correlation": np.nan, "p": np.nan, "classes": 0, "note": str(error)})
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "p", "classes", "note"])
