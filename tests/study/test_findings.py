"""The paper's findings against numbers whose verdict is known on paper."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope import console
from otoscope.console.findings import findings_lines
from otoscope.files import write_table
from otoscope.neurons import Sharing
from otoscope.neurons.sharing.testing import NameTest, PairTests, SharingTests
from otoscope.study.findings import COLUMNS, findings
from otoscope.study.page import _LABELINGS, _TESTED, page_of, write_page
from otoscope.study.places import stores_of
from otoscope.study.plan import built_in
from otoscope.study.questions.contrasts import contrast
from otoscope.study.questions.judging import Finding, by_interval, by_p
from otoscope.study.questions.shared import Matrix, _names, _pair
from otoscope.study.questions.specific import specific_findings

START = Finding("RQ2", "any", "The paper saw something.", "ssl")


def table(coverage: dict[str, float], p: float = 0.01) -> pd.DataFrame:
    """Two presets of a labeling in each of five tasks; permuted labels cover half."""
    return pd.DataFrame(
        [
            {"task": f"t{task}", "labeling": "octave", "model": model, "preset": preset}
            | {"coverage": share + 0.01 * (task % 2), "coverage_chance": 0.5}
            | {"depth": 0.1, "depth_chance": 0.01, "depth_p": p}
            for model, share in coverage.items()
            for preset in ("aape", "specific")
            for task in range(5)
        ]
    )


def verdicts(found: pd.DataFrame) -> dict[tuple[str, str], str]:
    plan = built_in("demo")
    return {(each.finding, each.model): each.verdict for each in specific_findings(plan, found)}


def test_coverage_agrees_above_nine_tenths_and_disagrees_below() -> None:
    found = verdicts(table({"ssl": 0.97, "supervised": 0.6, "untrained": 0.97}))
    assert found["coverage-aape", "ssl"] == "agrees"
    assert found["coverage-aape", "supervised"] == "disagrees"
    assert found["depth", "ssl"] == "agrees"
    assert verdicts(table({"ssl": 0.97}, p=0.4))["depth", "ssl"] == "cannot tell"


def test_coverage_that_permuted_labels_reach_tells_nothing() -> None:
    rows = table({"ssl": 0.97}).assign(coverage_chance=1.0)
    assert verdicts(rows)["coverage-aape", "ssl"] == "cannot tell"


def test_one_model_covers_more_than_another_or_fewer_or_neither() -> None:
    name = ("more-than-supervised-aape", "ssl - supervised")
    spread = 0.2 * (np.arange(30) % 2)  # no two tasks differ alike
    more, less = table({"ssl": 0.9, "supervised": 0.5}), table({"ssl": 0.5, "supervised": 0.9})
    assert verdicts(more)[name] == "agrees"
    assert verdicts(less)[name] == "disagrees"
    equal = table({"ssl": 0.7, "supervised": 0.7})
    mine = equal["model"] == "ssl"
    equal.loc[mine, "coverage"] += spread[: mine.sum()] - 0.1
    assert verdicts(equal)[name] == "cannot tell"


def test_chosen_pairs_are_held_against_permuted_names() -> None:
    kinds = np.repeat(np.arange(5), 4)
    same = kinds[:, None] == kinds
    found = contrast(same + np.random.default_rng(0).normal(0, 0.1, same.shape), same)
    assert found.value == pytest.approx(1, abs=0.05)
    assert found.p == pytest.approx(1 / 10000)
    few = contrast(same[:8, :8].astype(float), same[:8, :8])
    assert few.distinct == 35
    assert few.p is None
    assert contrast(np.zeros((20, 20)), same).p == 1


def sharing(p: float, names: float) -> Sharing:
    classes = ["classical", "jazz", "pop"]
    shared = pd.DataFrame([[9, 6, 0], [6, 9, 1], [0, 1, 9]], index=classes, columns=classes)
    jaccard = shared / 10
    pairs = pd.DataFrame(
        [("classical", "jazz", 6, 2.0, 3.0, p, p), ("classical", "pop", 0, 2.0, -1.0, 0.9, 0.9)],
        columns=["category_a", "category_b", "shared", "expected", "z", "p", "q"],
    )
    test = NameTest(0.4, 0.0, names, names, names, 5, 120, "")
    tests = SharingTests(PairTests(pairs, ""), test, ("nested",), 100, 0)
    return Sharing(("genre", "genre"), True, shared, jaccard, jaccard, {}, tests)


def test_a_pair_and_names_agree_where_their_test_passes() -> None:
    matrix = Matrix((Path("a"), Path("b")), ("genre", "genre"), Path("none"))
    found = _pair(START, matrix, sharing(0.01, 0.02), "classical", "jazz")
    assert found.verdict == "agrees"
    assert found.here == (
        "classical and jazz share 6 neurons, a Jaccard index of 0.60: rank 1 of 3 pairs (p = 0.010)."
    )
    assert _pair(START, matrix, sharing(0.3, 0.02), "classical", "jazz").verdict == "cannot tell"
    assert _names(START, matrix, sharing(0.01, 0.02)).verdict == "agrees"
    assert _names(START, matrix, sharing(0.01, 0.2)).verdict == "cannot tell"


def test_rules() -> None:
    assert [by_interval(0.2, 0.3, 0.1, sign) for sign in (1, -1)] == ["agrees", "disagrees"]
    assert by_interval(float("nan"), float("nan")) == "cannot tell"
    assert by_p(-1, 0.01, sign=-1, two_sided=True) == "agrees"
    assert by_p(1, float("nan")) == "cannot tell"


def test_a_study_of_which_nothing_is_there_cannot_tell(tmp_path: Path, capsys, monkeypatch) -> None:
    plan = built_in("demo")
    stores = {
        (model, task): tmp_path / f"{model}-{task}.zarr" for model in plan.models for task in plan.tasks
    }
    found = findings(plan, stores, {})
    assert tuple(found.columns) == COLUMNS
    assert set(found["question"]) == {"RQ1", "RQ2", "RQ3"}
    assert set(found["verdict"]) == {"cannot tell"}
    assert found["here"].str.startswith("cannot tell: ").all()
    monkeypatch.setenv("COLUMNS", "80")
    console.show({}, False, findings_lines(found))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == f"0 agrees, 0 disagrees, {len(found)} cannot tell"


def test_the_page_written_twice_is_the_same(tmp_path: Path) -> None:
    plan = built_in("demo")
    found = findings(plan, stores_of(plan, tmp_path), {})
    write_table(tmp_path / "findings", found)
    first, second = (
        write_page(plan, tmp_path, tmp_path / name, {"genres:genre, ssl": "genre.png"})
        for name in ("one", "two")
    )
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text(encoding="utf-8")
    assert "The same octave shares neurons" in text
    assert "![Neurons shared: genres:genre, ssl](genre.png)" in text
    assert text.count("not recorded") == len(plan.models) * len(plan.tasks)
    # Nothing was recorded, so nothing can be told.
    rows = found["question"].value_counts()
    assert [line for line in text.splitlines() if line.startswith("| RQ")] == [
        f"| {question} | 0 | 0 | {rows[question]} |" for question in ("RQ1", "RQ2", "RQ3")
    ]


def test_a_claim_of_many_labelings_is_counted_and_folded() -> None:
    row = {"question": "RQ3", "claim": "It matters.", "model": "ssl", "here": "so", "verdict": "agrees"}
    found = pd.DataFrame([row] * 20 + [row | {"verdict": "disagrees"}] * 3 + [row | {"model": "other"}])
    text = page_of("a study", found, pd.DataFrame(columns=[*_LABELINGS, *_TESTED]), {})
    assert "| ssl | 20 | 3 | 0 |\n| other | 1 | 0 | 0 |" in text
    assert "<summary>24 rows</summary>" in text
