"""What is shared and what is switched off, judged on small results whose verdict is known."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope.neurons import Sharing
from otoscope.study.places import within_of
from otoscope.study.plan import SharingEntry, built_in
from otoscope.study.questions import shared
from otoscope.study.questions.judging import Finding
from otoscope.study.questions.shared import Matrix, shared_findings
from otoscope.study.questions.switched import _controls, _diagonal, _dose, _of, _set

START = Finding("RQ2", "any", "The paper saw something.", "ssl")
MATRIX = Matrix((Path("a"), Path("b")), ("event", "event"), Path("none"))


def square(values, names) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(values, float), index=list(names), columns=list(names))


def matrix_with(**known) -> Matrix:
    """A matrix that is not read from disk."""
    found = Matrix((Path("a"), Path("b")), ("event", "event"), Path("none"))
    for name, value in known.items():
        setattr(found, name, value)
    return found


def jaccard_of(names, alike) -> Sharing:
    """Classes of these names that share 0.5 where `alike` says so, and 0.1 elsewhere."""
    frame = square([[0.5 if alike(one, other) else 0.1 for other in names] for one in names], names)
    return Sharing(("event", "event"), True, frame, frame, frame, {}, None)


def profiles(low: float, high: float, unrelated: float = 0.1) -> SimpleNamespace:
    names = ("female", "male")
    middle = square(np.full((2, 2), (low + high) / 2), names)
    ends = {"low": square(np.full((2, 2), low), names), "high": square(np.full((2, 2), high), names)}
    return SimpleNamespace(corrected=middle, unrelated=unrelated, **ends)


def test_every_labeling_is_compared_where_the_study_names_none(tmp_path: Path) -> None:
    plan = built_in("demo")
    stores = {(model, task): tmp_path / "none" for model in plan.models for task in plan.tasks}
    named = plan.tasks["voices"].model_copy(update={"labelings": ("language", "gender")})
    plan = plan.model_copy(
        update={"sharing": SharingEntry(across=(), within=None), "tasks": {"voices": named}}
    )
    assert within_of(plan, stores, "ssl") == [("voices", "language"), ("voices", "gender")]
    assert [each.finding for each in shared_findings(plan, stores, {})] == ["language"] * len(plan.models)
    nothing = plan.model_copy(update={"sharing": SharingEntry(across=(), within=())})
    assert list(shared_findings(nothing, stores, {})) == []


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.4, 0.9, "agrees"), (-0.6, 0.0, "disagrees"), (-0.2, 0.6, "cannot tell")],
)
def test_genders_are_judged_by_the_correlation_of_their_profiles(low, high, verdict) -> None:
    found = shared._gender(START, matrix_with(profiles=profiles(low, high)), None)
    assert found.verdict == verdict
    assert (found.low, found.high, found.chance, found.n) == (low, high, 0.1, 2)


def test_genders_without_profiles_or_with_unreliable_ones_tell_nothing() -> None:
    assert "not correlated" in shared._gender(START, matrix_with(profiles=None), None).here
    unreliable = shared._gender(START, matrix_with(profiles=profiles(np.nan, np.nan)), None)
    assert unreliable.verdict == "cannot tell"
    assert "not reliable" in unreliable.here


def test_classes_always_heard_together_are_held_against_the_others() -> None:
    names = [f"event {number}" for number in range(8)]
    pairs = {frozenset(names[place : place + 2]) for place in (0, 2, 4)}
    together = matrix_with(backgrounds=lambda: pairs)
    found = shared._background(
        START, together, jaccard_of(names, lambda one, other: frozenset((one, other)) in pairs)
    )
    assert (found.verdict, found.n) == ("agrees", 3)
    assert found.value == pytest.approx(0.4)
    alike = shared._background(START, together, jaccard_of(names, lambda one, other: False))
    assert (alike.verdict, alike.value) == ("cannot tell", pytest.approx(0))
    nobody = shared._background(
        START, matrix_with(backgrounds=set), jaccard_of(names, lambda one, other: False)
    )
    assert "no class is always heard with another" in nobody.here


def test_a_background_counts_only_behind_every_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = pd.DataFrame(
        {
            "event": ["train", "train", "cough", "cough", "rain"],
            "background": ["wind", "wind", "dog", None, ""],
        }
    )
    monkeypatch.setattr(shared, "open_store", lambda place: SimpleNamespace(clips=clips))
    assert MATRIX.backgrounds() == {frozenset(("train", "wind"))}


def test_classes_of_one_kind_share_more_or_too_few_allow_a_test() -> None:
    names, broader = list("abcdefgh"), dict(zip("abcdefgh", "xxxxyyyy", strict=True))
    alike = jaccard_of(names, lambda one, other: broader[one] == broader[other])
    few = shared._related(START, matrix_with(taxonomy=lambda: broader), alike)
    assert few.verdict == "cannot tell"
    assert "only 35 distinct permutations" in few.here
    three = dict(zip("abcdefgh", "xxxyyyzz", strict=True))
    shares = jaccard_of(names, lambda one, other: three[one] == three[other])
    assert shared._related(START, matrix_with(taxonomy=lambda: three), shares).verdict == "agrees"


def curves(slope) -> pd.DataFrame:
    """Margins at gains 0 and 0.5 of eight classes; `slope` of each says how they change."""
    rows = [
        {
            "series": "gain",
            "measure": "margin",
            "category": f"c{each}",
            "x": x,
            "change": slope(each) * (x - 1),
        }
        for each in range(8)
        for x in (0.0, 0.5, 2.0)
    ]
    return pd.DataFrame(rows)


def dosed(table: pd.DataFrame) -> SimpleNamespace:
    aimed = SimpleNamespace(series="gain", categories=tuple(f"c{each}" for each in range(8)))
    return SimpleNamespace(curves=table, targets=(aimed,))


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [
        (lambda each: 1.0, "agrees"),
        (lambda each: -1.0, "disagrees"),
        (lambda each: 1.0 if each % 2 else -1.0, "cannot tell"),
    ],
)
def test_dose_counts_classes_that_fall_at_every_step(slope, verdict) -> None:
    assert _dose(START, dosed(curves(slope))).verdict == verdict


def test_dose_of_margins_that_go_down_and_up_again_tells_nothing() -> None:
    table = curves(lambda each: 1.0)
    table.loc[table["x"] == 0, "change"] = 0.2
    found = _dose(START, dosed(table))
    assert (found.verdict, found.value, found.p) == ("cannot tell", 0, 1)
    assert "fewer than two gains" in _dose(START, dosed(table[table["x"] > 0])).here


def controlled(excess: tuple[float, float], p: float, common: float = 0.1) -> SimpleNamespace:
    against = pd.DataFrame(
        {
            "target": "all",
            "measure": "margin",
            "probe": "logistic",
            "match": "layer",
            "category": ["a", "b"],
            "excess": excess,
            "shared": common,
            "controls": 99,
            "p_adjusted": [0.01, 0.5],
        }
    )
    return SimpleNamespace(
        against=against, probe="logistic", primary="layer", any_class_p=lambda target, measure: p
    )


@pytest.mark.parametrize(
    ("excess", "p", "common", "verdict"),
    [
        ((-1.0, -0.2), 0.01, 0.1, "agrees"),
        ((1.0, -0.2), 0.01, 0.1, "disagrees"),
        ((-1.0, -0.2), 0.2, 0.1, "cannot tell"),
        ((-1.0, -0.2), 0.01, 0.99, "cannot tell"),
    ],
)
def test_controls_are_judged_by_the_class_farthest_from_them(excess, p, common, verdict) -> None:
    found = _controls(START, controlled(excess, p, common), "all", ("a", "b"))
    assert found.verdict == verdict
    assert found.value == pytest.approx(sum(excess) / 2)
    nothing = _controls(START, controlled(excess, p), "another", ("a", "b"))
    assert "no control sets were drawn" in nothing.here


@pytest.mark.parametrize(
    ("difference", "p", "verdict"),
    [(-1.5, 0.01, "agrees"), (1.5, 0.01, "disagrees"), (-1.5, 0.3, "cannot tell")],
)
def test_the_diagonal_agrees_where_a_class_needs_its_own_neurons(difference, p, verdict) -> None:
    row = {"probe": "logistic", "measure": "margin", "self": difference, "cross": 0.0, "classes": 6}
    table = pd.DataFrame([row | {"difference": difference, "p": p}])
    found = _diagonal(START, SimpleNamespace(diagonal=table, probe="logistic"))
    assert (found.verdict, found.n, found.value) == (verdict, 6, difference)


def switched(changes: tuple[float, float], p: float) -> SimpleNamespace:
    """Both classes of the paper's set, each 0.2 to either side of its change."""
    summary = pd.DataFrame({"target": "both", "category": ["angry", "glad"], "margin_change": changes})
    summary = summary.assign(
        margin_low=summary["margin_change"] - 0.2,
        margin_high=summary["margin_change"] + 0.2,
        margin_p_adjusted=p,
    )
    target = SimpleNamespace(name="both", categories=("angry", "glad"), neurons=range(12))
    return SimpleNamespace(summary=summary, targets=(target,))


@pytest.mark.parametrize(
    ("changes", "p", "verdict"),
    [
        ((-1.0, -0.5), 0.01, "agrees"),
        ((1.0, 0.5), 0.01, "disagrees"),
        ((-1.0, 0.5), 0.01, "cannot tell"),
        ((-1.0, -0.1), 0.01, "cannot tell"),
        ((-1.0, -0.5), 0.3, "cannot tell"),
    ],
)
def test_the_papers_set_agrees_where_both_classes_fall(changes, p, verdict) -> None:
    found = _set("anger-happiness", "ssl", "summary.csv", switched(changes, p))
    assert found.verdict == verdict
    assert found.here.startswith("with 12 neurons off, margins change by angry ")


def test_an_ablation_without_margins_gives_no_finding() -> None:
    assert list(_of("ssl", "events-event", "", SimpleNamespace(measures=("accuracy",)))) == []
