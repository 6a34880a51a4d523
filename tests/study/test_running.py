"""A study from end to end, on a few clips of the miniature."""

from pathlib import Path
from typing import Any

import pytest

from otoscope import open_store, study
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import read_json
from otoscope.study import opening, steps
from otoscope.study.entries import SharingEntry

SMALL = study.parse_study(
    {
        "version": 1,
        "name": "small",
        "models": {
            "ssl": {"spec": "mini:ssl", "role": "self-supervised"},
            "untrained": {"spec": "mini:random", "role": "untrained"},
        },
        "tasks": {"manners": {"spec": "mini:manners", "labelings": ["gender"]}},
        "permutations": 20,
        "twins": 1,
        "shuffled": 0,
        "splits": 1,
        "bootstrap": 10,
        "sharing": {"across": [["manners:gender", "manners:gender"]], "within": []},
        "acoustics": False,
        "ablations": [{"model": "untrained", "task": "manners", "labeling": "gender"}],
        "report": {"neurons": 2, "sound": False},
    }
)
CLIPS = 96


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
    assert list(result.table["model"]) == ["ssl", "untrained"]
    assert result.table["probe_accuracy"].between(0, 1).all()
    document = read_json(folder / "study.json")
    assert {"label", "probe_accuracy", "chance"} <= set(document["results"][0])
    assert [each["model"] for each in document["results"]] == ["mini:ssl", "mini:random"]
    assert document["results"][0]["task"] == "mini:manners"
    assert [each["label"] for each in document["ablations"]] == ["gender"] * 2  # all, one by one
    assert document["sharing"][0]["labelings"] == ["manners:gender", "manners:gender"]
    assert result.report.is_file()
    assert said == [
        "recorded manners (1 of 1)",
        "ssl has heard manners (1 of 2)",
        "untrained has heard manners (2 of 2)",
        "ssl: manners:gender beside manners:gender (1 of 2)",
        "untrained: manners:gender beside manners:gender (2 of 2)",
        "writing the report",
    ]


def test_a_run_keeps_its_study(result: study.StudyResult, folder: Path) -> None:
    assert study.parse_study(read_json(folder / "plan.json")) == SMALL


def test_what_is_trained_is_counted_beside_its_twins(result: study.StudyResult) -> None:
    trained, untrained = result.table.to_dict("records")
    assert trained["aape_twins_random"].isdigit()
    assert trained["aape_twins_shuffled"] == untrained["aape_twins_random"] == ""


def test_a_study_goes_on_where_it_was_and_processes_find_the_same(
    result: study.StudyResult, folder: Path
) -> None:
    made = times(folder)
    again = study.run(SMALL, folder, limit=CLIPS, workers=2)
    assert again.table.equals(result.table)
    assert len(made) > 10
    assert times(folder) == made


def test_another_setting_does_again_what_depends_on_it(result: study.StudyResult, folder: Path) -> None:
    made = times(folder)
    study.run(SMALL.model_copy(update={"bootstrap": 11}), folder, limit=CLIPS)
    changed = {path for path, time in times(folder).items() if made[path] != time}
    assert changed
    assert {path.relative_to(folder).parts[3].partition("-")[0] for path in changed} == {
        "evidence",
        "select",
        "share",
    }


def test_twins_of_the_same_weights_are_recorded_once(result: study.StudyResult, folder: Path) -> None:
    untrained = folder / "stores" / "untrained-manners.zarr"
    twin = folder / "stores" / "ssl-manners.zarr.twins" / "random-0.zarr"
    assert read_json(twin / "plan.json") == read_json(untrained / "plan.json")
    assert open_store(twin).counts(slice(None)).any()
    assert not (twin / "results").exists()


def times(folder: Path) -> dict[Path, int]:
    """When each file of the recordings and their results was written."""
    return {each: each.stat().st_mtime_ns for each in (folder / "stores").rglob("*") if each.is_file()}


def test_a_step_is_done_once_whatever_interrupts(tmp_path: Path) -> None:
    done: list[str] = []

    def step(name: str, error: Exception | None = None, **settings: Any) -> steps.Step:
        def do() -> None:
            done.append(name)
            if error:
                raise error
            (tmp_path / name).write_text(name)

        return steps.Step(name, tmp_path / name, settings, do)

    receipts = tmp_path / "receipts"
    with pytest.raises(KeyboardInterrupt):
        steps.carry_out([step("a"), step("b", KeyboardInterrupt()), step("c")], receipts)
    assert steps.carry_out([step("a"), step("b"), step("c", OtoscopeError("too few"))], receipts) == [
        steps.Refused("c", "too few")
    ]
    assert done == ["a", "b", "b", "c"]
    steps.carry_out([step("a"), step("b", seed=1), step("c")], receipts)
    assert done == ["a", "b", "b", "c", "b", "c"]  # b with another setting, c once the data allow it
    (tmp_path / "a").unlink()
    steps.carry_out([step("a"), step("c")], receipts)
    assert done[6:] == ["a"]


def test_an_interrupted_study_does_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = SMALL.model_copy(update={"ablations": (), "sharing": SharingEntry(within=())})

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("otoscope.interventions.probe_accuracy", stop)
        with pytest.raises(KeyboardInterrupt):
            study.run(plan, tmp_path, limit=CLIPS)
    before = times(tmp_path)
    assert any("evidence-gender" in path.parts for path in before)
    study.run(plan, tmp_path, limit=CLIPS)
    after = times(tmp_path)
    assert before.items() <= after.items()
    assert len(after) > len(before)


def test_a_study_that_names_what_a_task_does_not_have() -> None:
    plan = SMALL.model_copy(update={"sharing": SharingEntry(within=("manners:lang",))})
    with pytest.raises(UsageError, match="has no labeling 'lang'; it has: gender"):
        opening.task_of(plan, "manners")


def test_a_task_can_be_recorded_in_part() -> None:
    part = SMALL.tasks["manners"].model_copy(update={"clips": 24})
    task = opening.task_of(SMALL.model_copy(update={"tasks": {"manners": part}}), "manners")
    whole = opening.task_of(SMALL, "manners")
    assert len(task) == 24 < len(whole)
    assert set(task.clips["clip"]) < set(whole.clips["clip"])
    assert task.clips["gender"].value_counts().to_dict() == {"female": 12, "male": 12}
