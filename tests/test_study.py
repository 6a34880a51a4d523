"""A study from end to end, on a few clips of the miniature."""

from dataclasses import replace
from pathlib import Path

import pytest

from otoscope import study
from otoscope.files import read_json

SMALL = study.Study(
    ("mini:ssl", "mini:random"),
    ("mini:events",),
    ablations=(("mini:random", "event"),),
    permutations=4,
    twins=1,
    shuffled=0,
    splits=1,
    bootstrap=10,
)
CLIPS = 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def result(folder: Path, said: list[str]) -> study.StudyResult:
    return study.run(SMALL, folder, limit=CLIPS, say=said.append)


def test_a_study_ends_in_a_report(result: study.StudyResult, folder: Path, said: list[str]) -> None:
    assert list(result.table["model"]) == ["mini:ssl", "mini:random"]
    assert result.table["probe_accuracy"].between(0, 1).all()
    document = read_json(folder / "study.json")
    assert {"model", "task", "label", "probe_accuracy", "chance"} <= set(document["results"][0])
    assert document["ablations"][0]["label"] == "event"
    assert result.report.is_file()
    assert said == [
        "recorded mini:events (1 of 1)",
        "mini:ssl has heard mini:events (1 of 2)",
        "mini:random has heard mini:events (2 of 2)",
        "writing the report",
    ]


def test_what_is_trained_is_counted_beside_its_twins(result: study.StudyResult) -> None:
    trained, untrained = result.table.to_dict("records")
    assert trained["aape_twins_random"].isdigit()
    assert trained["aape_twins_shuffled"] == untrained["aape_twins_random"] == ""


def test_a_study_goes_on_where_it_was_and_processes_find_the_same(
    result: study.StudyResult, folder: Path
) -> None:
    recordings = sorted((folder / "stores").glob("**/clips.parquet"))
    made = [each.stat().st_mtime_ns for each in recordings]
    again = study.run(replace(SMALL, ablations=()), folder, limit=CLIPS, workers=2)
    assert again.table.equals(result.table)
    assert len(made) == 3
    assert [each.stat().st_mtime_ns for each in recordings] == made


def test_the_demo_ablates_one_labeling_a_task_and_the_full_study_all() -> None:
    assert len(study.DEMO.ablations) == len(study.MINI_TASKS)
    assert len(study.FULL.ablations) == len(study.MINI_MODELS) * len(study.MINI_LABELS)
