"""A study from end to end, on a few clips of the miniature."""

from pathlib import Path

import pytest

from otoscope import study
from otoscope.files import read_json


@pytest.fixture(scope="module")
def small() -> study.Study:
    return study.Study(
        ("mini:random",), ("mini:voices",), ablations=(("mini:random", "gender"),), permutations=5
    )


def test_a_study_ends_in_a_report_and_goes_on_where_it_was(
    small: study.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    result = study.run(small, tmp_path, limit=150, say=said.append)
    assert list(result.table["label"]) == ["language", "gender", "speaker"]
    assert result.table["probe_accuracy"].between(0, 1).all()
    document = read_json(tmp_path / "study.json")
    assert {"model", "task", "label", "probe_accuracy", "chance"} <= set(document["results"][0])
    assert document["ablations"][0]["label"] == "gender"
    assert result.report.is_file()
    assert said == ["mini:random has heard mini:voices (1 of 1)", "writing the report"]

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("recorded twice")

    monkeypatch.setattr("otoscope.models.m2d.M2D.forward", forbidden)
    again = study.run(study.Study(small.models, small.tasks, permutations=5), tmp_path, limit=150)
    assert again.table.equals(result.table)


def test_processes_find_the_same(tmp_path: Path) -> None:
    two = study.Study(("mini:random", "mini:random@1"), ("mini:events",), permutations=2)
    alone = study.run(two, tmp_path / "alone", limit=120)
    together = study.run(two, tmp_path / "together", limit=120, workers=2)
    assert together.table.equals(alone.table)


def test_the_demo_ablates_one_labeling_a_task_and_the_full_study_all() -> None:
    assert len(study.DEMO.ablations) == len(study.MINI_TASKS)
    assert len(study.FULL.ablations) == len(study.MINI_MODELS) * len(study.MINI_LABELS)
