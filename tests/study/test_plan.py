"""The study file: what it may say, and how it is told what is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from otoscope import study
from otoscope.errors import UsageError
from otoscope.study.entries import AblationEntry

STUDIES = Path(__file__).parents[2] / "studies"


def document(**keys: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "mine",
        "paths": {"sounds": "/data/sounds", "weights": None, "unused": None},
        "models": {"m": {"spec": "m2d:{weights}", "role": "supervised"}},
        "tasks": {"a": {"spec": "folder:{sounds}", "labelings": ["kind"]}, "b": {"spec": "mini:events"}},
        **keys,
    }


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(document(twins=0)))
    plan = study.read_study(file)
    assert (plan.name, plan.twins, plan.permutations) == ("mine", 0, 100)
    assert plan == study.parse_study(plan.model_dump(mode="json"))  # what a run keeps can be run again


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"version": 2}, "version is 2; expected 1"),
        (
            {"tasks": {"a": {"spec": "x", "labelings": ["k"], "designs": {"j": "nested"}}}},
            "'a:j' is not dissected",
        ),
        (
            {"tasks": {"a": {"spec": "x", "designs": {"k": "mixed"}}}},
            "tasks.a.designs.k is 'mixed'; expected",
        ),
        ({"nme": 1}, "the study has no key 'nme'; expected version, name, paths, models,"),
        ({"models": {}}, "models is {}; expected at least 1 item"),
        ({"models": {"m": {"spec": "x:y", "role": "ssl"}}}, "models.m.role is 'ssl'; expected 'self-superv"),
        ({"models": {"a b": {"spec": "x", "role": "untrained"}}}, "models.a b is 'a b'; expected letters"),
        (
            {"tasks": {"a": {"spek": "x"}}},
            "tasks.a.spec is missing; tasks.a has no key 'spek'; exp",
        ),
        ({"permutations": 0}, "permutations is 0; expected greater than or equal to 1"),
        ({"permutations": 5}, "permutations is 5; expected 19 or more with acoustics"),
        ({"ablations": [{"gain": 0}]}, "ablations.0 has no key 'gain'; expected model, task, labeling"),
        ({"ablations": [{"gains": []}]}, r"ablations.0.gains is \[\]; expected at least 1 item"),
        ({"ablations": [{"model": "n"}]}, "ablations.0.model is 'n'; expected one of m"),
        ({"ablations": [{"task": "c"}]}, "ablations.0.task is 'c'; expected one of a, b"),
        ({"ablations": [{"task": "a", "labeling": "sort"}]}, "'a:sort' is not dissected; .*labelings: kind"),
        ({"ablations": [{"classes": ["x"], "neurons": "y"}]}, "both classes and neurons are given"),
        ({"sharing": {"within": ["kind"]}}, "'kind' is no labeling; expected TASK:LABELING, a task of a, b"),
        ({"sharing": {"across": [["a:kind", "c:kind"]]}}, "'c:kind' is of no task of the study"),
        (
            {"tasks": {"a": {"spec": "folder:{sonds}"}}},
            r"tasks.a.spec .* has no 'sonds'; expected one of s",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_was_expected(keys: Any, said: str) -> None:
    with pytest.raises(study.StudyError, match=said):
        study.parse_study(document(**keys))


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(study.StudyError, match=r"f\.yaml: .*version.*; .*splits.*; .*nme"):
        study.parse_study(document(version=0, splits=-1, nme=1), where="f.yaml")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(study.StudyError, match=r"there\.yaml: No such file or directory; expected a study"):
        study.read_study(tmp_path / "there.yaml")
    for text, said in (("a: [", "is not YAML"), ("- 1", r"holds \[1\]; expected keys such as version")):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(study.StudyError, match=said):
            study.read_study(tmp_path / "x.yaml")


def test_paths_are_put_into_specs_and_those_that_are_not_filled_in_are_named_at_once() -> None:
    plan = study.parse_study(document(paths={"weights": "~/w.pth", "sounds": "/data"}))
    filled = plan.filled()
    assert filled.models["m"].spec == f"m2d:{Path('~/w.pth').expanduser()}"
    assert filled.tasks["a"].spec == "folder:/data"
    assert filled.tasks["b"].spec == "mini:events"
    empty = study.parse_study(document(paths={"weights": None, "sounds": "", "unused": None}))
    assert empty.missing == ("weights", "sounds")
    with pytest.raises(study.StudyError, match=r"paths\.weights, paths\.sounds not filled in; expected wh"):
        empty.filled()


@pytest.mark.parametrize("name", study.BUILT_IN)
def test_the_studies_that_come_along_can_be_read(name: str) -> None:
    plan = study.built_in(name)
    assert not plan.missing
    assert {each.role for each in plan.models.values()} == {"self-supervised", "supervised", "untrained"}


def test_the_demo_ablates_one_labeling_a_task_and_the_full_study_all() -> None:
    demo, full = study.built_in("demo"), study.built_in("full")
    whole = [each for each in demo.ablations if not each.classes]
    assert [each.task for each in whole] == list(demo.tasks) == list(full.tasks)
    assert {each.model for each in demo.ablations} == {"ssl"}
    assert full.ablations[0].asks("untrained", "voices", "gender")
    with pytest.raises(UsageError, match="no study 'ful' comes along; expected one of quick, demo, full"):
        study.built_in("ful")


def test_the_documentation_says_what_a_study_file_may_hold() -> None:
    text = (STUDIES.parent / "docs" / "study.md").read_text(encoding="utf-8")
    example = study.parse_study(yaml.safe_load(text.split("```yaml\n")[1].split("```")[0]))
    assert example.missing == ("weights",)
    listed = {name for line in text.splitlines() if line.startswith("| `") for name in line.split("`")[1::2]}
    assert set(study.Study.model_fields) <= listed
    assert set(AblationEntry.model_fields) - {"model", "task", "labeling", "classes", "neurons"} <= listed
