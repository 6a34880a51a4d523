"""The paper's study on the original data: looked at as it is, and run whole on small copies."""

import re
from pathlib import Path

import pytest

from otoscope import study
from otoscope.files import read_json

FILE = Path(__file__).parents[2] / "studies" / "kawamura2026.yaml"
TASKS = ("esc50", "gise51", "gtzan", "nsynth", "surge", "cremad", "voxceleb1", "voxforge")


def test_a_dry_run_lists_every_path_and_estimates_what_it_can() -> None:
    found = study.dry_run(study.read_study(FILE))
    assert {text.split()[0].removeprefix("paths.") for text in found.missing} == {"m2d", "supervised", *TASKS}
    assert any("get it from https://github.com/karolpiczak/ESC-50" in text for text in found.missing)
    tasks = {each.name: each for each in found.tasks}
    assert tuple(tasks) == TASKS
    assert tasks["esc50"].clips == 2000
    assert tasks["esc50"].hours == pytest.approx(2000 * 5 / 3600)
    passes = 2 * 2 + 1  # two models with a twin each, and an untrained one
    assert tasks["esc50"].disk_bytes == 2000 * passes * 12 * 3072 * 12
    assert tasks["esc50"].record_s > 0 < tasks["esc50"].analyse_s
    assert tasks["gise51"].record_s is None  # nothing says how large it is
    assert any("with random weights stood in for ssl" in text for text in found.sentences)
    assert any(text.startswith("estimates for one process") for text in found.sentences)


@pytest.mark.slow
def test_the_whole_study_runs_on_the_official_layouts(official: dict[str, str], tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    for name, place in official.items():
        text, times = re.subn(rf"(?m)^  {name}: null$", f"  {name}: '{place}'", text)
        assert times == 1
    # The same models, tasks, pairs and ablations; shorter clips, fewer draws.
    text = text.replace("evar_lengths: true", "seconds: 1").replace("permutations: 100", "permutations: 19")
    text = text.replace("bootstrap: 1000", "bootstrap: 5").replace("splits: 3", "splits: 1")
    text = text.replace("gains: [0, 0.5, 2]", "gains: [0]").replace(
        "[neighbour, layer, displacement]", "[neighbour]"
    )
    text = text.replace("report: {neurons: 300}", "report: {neurons: 4}")
    file = tmp_path / "kawamura2026.yaml"
    file.write_text(text, encoding="utf-8")
    plan = study.read_study(file)
    looked_at = study.dry_run(plan)
    # One jazz clip of GTZAN is cut off, and the copy has three of its genres.
    assert all("gtzan" in text for text in looked_at.missing)
    said: list[str] = []
    result = study.run(plan, tmp_path / "out", say=said.append)
    assert {(each.model, each.task) for each in result.dissections} == {
        (model, task) for model in plan.models for task in plan.tasks
    }
    assert {(one, other) for _, one, other, _ in result.across} == set(plan.sharing.across)
    # The published neurons are switched off; GTZAN's copy lacks classical, and jazz to learn from.
    assert [each.settings["options"][:2] for each in result.ablations] == [
        ["--neurons", "kawamura2026:anger-happiness"]
    ]
    assert result.report.is_file()
    document = read_json(tmp_path / "out" / "study.json")
    assert len(document["results"]) == 3 * 11
    # What so few clips do not allow is told, and nothing else is left out.
    assert {each.step.split()[0] for each in result.refused} == {"evidence", "probe", "ablate"}
    assert result.table["refused"].notna().all()
