"""RQ2: which classes share neurons? The paper's six matrices, and what it read from each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.activations import open_store
from otoscope.files import slug
from otoscope.neurons import Sharing
from otoscope.neurons.sharing.profiles import ProfileCorrelation
from otoscope.study.places import within_of
from otoscope.study.plan import Study
from otoscope.study.questions.contrasts import contrast
from otoscope.study.questions.judging import (
    CANNOT_TELL,
    DISAGREES,
    Finding,
    Verdict,
    by_interval,
    by_p,
    untold,
)

__all__ = ["shared_findings"]

SOURCE = "Kawamura et al. 2026, RQ2"
EMOTIONS = {"ANG": "anger", "angry": "anger", "HAP": "happiness", "happy": "happiness", "glad": "happiness"}
"""The paper's two emotions, as tasks call them."""

_WHY_PAIR = (
    "agrees if the pair shares more than chance (p <= 0.05); disagrees if the interval of its profiles' "
    "correlation lies wholly below that of unrelated classes"
)
_WHY_CONTRAST = "agrees if p <= 0.05, names of classes permuted; below 100 distinct permutations no test"


class Matrix:
    """What two labelings share on a model, as it lies on disk."""

    def __init__(self, stores: tuple[Path, Path], labels: tuple[str, str], place: Path) -> None:
        self.stores, self.labels, self.place = stores, labels, place

    @cached_property
    def sharing(self) -> Sharing | None:
        return Sharing.load(self.place) if (self.place / "sharing.json").is_file() else None

    @cached_property
    def profiles(self) -> ProfileCorrelation | None:
        return ProfileCorrelation.load(self.place) if (self.place / "profiles.json").is_file() else None

    @property
    def tables(self) -> str:
        """Where the numbers lie, from the study's folder."""
        return "/".join(("stores", *self.place.parts[-3:], "sharing.json"))

    def taxonomy(self) -> dict[str, str]:
        """The broader class of each class of the rows."""
        found = open_store(self.stores[0]).labelings.get(self.labels[0])
        return dict((found.taxonomy if found is not None else None) or {})

    def backgrounds(self) -> set[frozenset[str]]:
        """Pairs of a class and the one that is heard behind every clip of it."""
        clips = open_store(self.stores[0]).clips
        if "background" not in clips or self.labels[0] not in clips:
            return set()
        found = set()
        for name, rows in clips.groupby(self.labels[0]):
            behind = set(rows["background"].fillna(""))
            if len(behind) == 1 and any(behind):
                found.add(frozenset((str(name), *behind)))
        return found


def shared_findings(
    plan: Study, stores: Mapping[tuple[str, str], Path], across: Mapping[tuple[str, str, str], Path]
) -> Iterator[Finding]:
    """The findings of RQ2: three matrices across tasks and three within, on every model."""
    for model in plan.models:
        for one, other in plan.sharing.across:
            (task, label), (other_task, other_label) = one.split(":", 1), other.split(":", 1)
            place = across.get((model, one, other), Path())
            both = (stores[model, task], stores[model, other_task])
            yield from _across(model, Matrix(both, (label, other_label), place))
        for task, label in within_of(plan, stores, model):
            store = stores[model, task]
            yield from _within(
                model, Matrix((store, store), (label, label), store / "results" / f"share-{slug(label)}")
            )


def _across(model: str, matrix: Matrix) -> Iterator[Finding]:
    """What the paper read from a matrix across tasks: its kind follows from what it is labelled by."""
    if set(matrix.labels) == {"gender"}:
        claim = f"The same gender shares neurons across two corpora of speech ({SOURCE})."
        yield _told(Finding("RQ2", "gender", claim, model), matrix, _gender)
    elif set(matrix.labels) == {"octave"}:
        claim = f"The same octave shares neurons across synthetic and recorded notes ({SOURCE})."
        yield _told(Finding("RQ2", "octave", claim, model), matrix, _names)
    else:
        for name, saw, tell in (
            ("events", "The same event shares neurons across two sets of sound events", _names),
            ("events-related", "Related events share neurons across the two sets", _related),
            ("events-background", "Events that are heard together share neurons", _background),
        ):
            yield _told(Finding("RQ2", name, f"{saw} ({SOURCE}).", model), matrix, tell)


def _within(model: str, matrix: Matrix) -> Iterator[Finding]:
    """What the paper read from a matrix within a task."""
    label = matrix.labels[0]
    if label == "genre":
        claim = f"Classical shares neurons with jazz ({SOURCE})."
        yield _told(Finding("RQ2", "genre", claim, model), matrix, _pair_of("classical", "jazz"))
    elif label in ("manner", "emotion"):
        claim = f"Anger shares neurons with happiness, both of high arousal ({SOURCE})."
        yield _told(Finding("RQ2", "manner", claim, model), matrix, _pair_of("anger", "happiness"))
        claim = "Ours, after the paper: emotions of the same arousal share more than others."
        yield _told(Finding("RQ2", "manner-arousal", claim, model), matrix, _related)
    elif label == "language":
        claim = f"Germanic languages share neurons, and Romance ones ({SOURCE})."
        yield _told(Finding("RQ2", "language", claim, model), matrix, _related)


_Tell = Callable[[Finding, Matrix, Sharing], Finding]


def _told(start: Finding, matrix: Matrix, tell: _Tell) -> Finding:
    if matrix.sharing is None:
        return untold(start, f"what {' and '.join(dict.fromkeys(matrix.labels))} share was not counted")
    return tell(replace(start, tables=matrix.tables), matrix, matrix.sharing)


def _names(start: Finding, _matrix: Matrix, sharing: Sharing) -> Finding:
    """Do classes of the same name share more than others?"""
    test = None if sharing.tests is None else sharing.tests.names
    if test is None or test.difference is None or test.expected is None:
        return untold(start, "fewer than two classes of the same name, or no test")
    here = (
        f"classes of the same name have a Jaccard index {test.difference:+.3f} above others, "
        f"{test.expected:+.3f} with permuted labels ({_p(test.p)}, {test.classes} classes)."
    )
    return replace(
        start,
        here=here,
        value=test.difference,
        chance=test.expected,
        p=_number(test.p),
        n=test.classes,
        verdict=by_p(test.difference - max(test.expected, 0.0), test.p),
        why="agrees if p <= 0.05, labels and names permuted, the larger of both",
    )


def _gender(start: Finding, matrix: Matrix, _sharing: Sharing) -> Finding:
    """Two names allow two permutations, so no test: the profiles of all neurons, groups drawn again."""
    profiles = matrix.profiles
    same = (
        []
        if profiles is None
        else [str(each) for each in profiles.corrected if each in profiles.corrected.index]
    )
    if profiles is None or not same:
        return untold(start, "two classes allow no test of names, and their profiles were not correlated")
    values, lows, highs = (
        each.loc[same, same].to_numpy(float).diagonal()
        for each in (profiles.corrected, profiles.low, profiles.high)
    )
    low, high = float(lows.min()), float(highs.max())
    if not np.isfinite([low, high]).all():
        return untold(start, "the profiles of all neurons are not reliable enough to be correlated")
    here = (
        f"the profiles of the same gender correlate {values.mean():+.2f} over all neurons ({low:+.2f} to "
        f"{high:+.2f}); unrelated ones {profiles.unrelated:+.2f}."
    )
    why = "two names allow no test; interval of the profiles' correlation, groups drawn again"
    numbers: dict[str, Any] = {
        "value": float(values.mean()),
        "low": low,
        "high": high,
        "chance": profiles.unrelated,
    }
    verdict = by_interval(low, high, profiles.unrelated)
    return replace(start, here=here, why=why, verdict=verdict, n=len(same), **numbers)


def _pair_of(one: str, other: str) -> _Tell:
    def tell(start: Finding, matrix: Matrix, sharing: Sharing) -> Finding:
        names = {EMOTIONS.get(str(name), str(name)): str(name) for name in sharing.shared.index}
        if one not in names or other not in names:
            return untold(start, f"there is no class {one if one not in names else other}")
        return _pair(start, matrix, sharing, names[one], names[other])

    return tell


def _pair(start: Finding, matrix: Matrix, sharing: Sharing, one: str, other: str) -> Finding:
    """Where a pair of classes stands among all pairs, and its test."""
    table = sharing.table if sharing.tests is None else sharing.tests.pairs.table
    jaccard = sharing.table["jaccard"].fillna(0.0)
    value = sharing.jaccard.fillna(0.0).loc[[one], [other]].to_numpy(float).item()
    rank = int((jaccard > value).sum()) + 1
    own = table[table["category_a"].isin((one, other)) & table["category_b"].isin((one, other))].iloc[0]
    p = float(own.get("p", np.nan))
    low, high, unrelated = _profile(matrix.profiles, one, other)
    verdict: Verdict = by_p(float(own.get("z", np.nan)), p)
    if verdict == CANNOT_TELL and by_interval(low, high, unrelated) == DISAGREES:
        verdict = DISAGREES
    known = f"; their profiles correlate {low:+.2f} to {high:+.2f}, unrelated ones {unrelated:+.2f}"
    profiles = known if low == low else ""
    here = (
        f"{one} and {other} share {int(own['shared'])} neurons, a Jaccard index of {value:.2f}: rank {rank} "
        f"of {len(jaccard)} pairs ({_p(p)})"
        f"{profiles}."
    )
    numbers: dict[str, Any] = {"value": value, "chance": float(jaccard.mean()), "p": p, "n": len(jaccard)}
    return replace(start, here=here, verdict=verdict, why=_WHY_PAIR, **numbers)


def _profile(profiles: ProfileCorrelation | None, one: str, other: str) -> tuple[float, float, float]:
    if profiles is None:
        return float("nan"), float("nan"), float("nan")
    low, high = (frame.loc[[one], [other]].to_numpy(float).item() for frame in (profiles.low, profiles.high))
    return low, high, profiles.unrelated


def _related(start: Finding, matrix: Matrix, sharing: Sharing) -> Finding:
    """Do classes of the same broader class share more than those of different ones?"""
    taxonomy = matrix.taxonomy()
    names = [name for name in sharing.jaccard.index if name in sharing.jaccard.columns and name in taxonomy]
    if len(set(taxonomy.values())) < 2 or len(names) < 4:
        return untold(start, "the labeling has no broader classes")
    broader = np.array([taxonomy[name] for name in names])
    return _contrasted(start, sharing, names, broader[:, None] == broader, "classes of the same kind")


def _background(start: Finding, matrix: Matrix, sharing: Sharing) -> Finding:
    """Do classes that are always heard together share more than others?"""
    pairs = matrix.backgrounds()
    names = [name for name in sharing.jaccard.index if name in sharing.jaccard.columns]
    wanted = np.array([[frozenset((one, other)) in pairs for other in names] for one in names], bool)
    if not wanted.any():
        return untold(start, "no class is always heard with another")
    return _contrasted(start, sharing, names, wanted, "classes that are always heard together")


def _contrasted(
    start: Finding, sharing: Sharing, names: list[str], wanted: NDArray[np.bool_], who: str
) -> Finding:
    jaccard = sharing.jaccard.loc[names, names].fillna(0.0).to_numpy()
    found = contrast(jaccard, wanted)
    tested = _p(found.p) if found.p is not None else f"only {found.distinct} distinct permutations: no test"
    here = (
        f"{who} have a Jaccard index {found.value:+.3f} above others ({tested}; {found.cells} of "
        f"{len(names) * (len(names) - 1) // 2} pairs)."
    )
    return replace(
        start,
        here=here,
        value=found.value,
        chance=found.chance,
        p=_number(found.p),
        n=found.cells,
        verdict=by_p(found.value - found.chance, found.p),
        why=_WHY_CONTRAST,
    )


def _number(p: float | None) -> float:
    return float("nan") if p is None else p


def _p(p: float | None) -> str:
    if p is None or p != p:
        return "not tested"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
