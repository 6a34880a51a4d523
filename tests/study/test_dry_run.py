"""What a study would need, told before it runs."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from otoscope import cli, study

PLAN = {
    "version": 1,
    "name": "mine",
    "paths": {"mine": "nowhere"},
    "models": {"ssl": {"spec": "mini:ssl", "role": "self-supervised"}},
    "tasks": {"events": {"spec": "mini:events"}, "mine": {"spec": "folder:{mine}"}},
    "twins": 1,
    "shuffled": 0,
    "ablations": [{"task": "events", "classes": ["unicorn"]}],
}


@pytest.fixture(scope="module")
def found() -> study.DryRun:
    return study.dry_run(study.parse_study(PLAN), limit=60)


def test_what_is_missing_is_listed_at_once(found: study.DryRun) -> None:
    folder, kind = sorted(found.missing, key=lambda text: "nowhere" not in text)
    assert folder.startswith("task mine: nowhere")
    assert kind == "task events: labeling 'event' has no class 'unicorn'"


def test_what_is_there_is_estimated(found: study.DryRun) -> None:
    events, mine = found.tasks
    assert events.clips == 60
    assert events.hours == pytest.approx(60 * 2 / 3600)
    assert events.disk_bytes == 60 * 2 * 12 * 768 * 12  # twice for the twin
    assert (events.record_s or 0) > 0
    assert mine.record_s is None
    assert found.total("clips") == 60
    assert (found.memory_bytes or 0) > 1e7
    assert found.document()["estimates"]["clips"] == 60


@pytest.mark.parametrize(("tasks", "status"), [(["events", "mine"], 1), (["events"], 0)])
def test_the_command_ends_with_1_where_something_is_missing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    found: study.DryRun,
    tasks: list[str],
    status: int,
) -> None:
    plan = PLAN | {"tasks": {name: PLAN["tasks"][name] for name in tasks}, "ablations": []}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plan))
    line = ["otoscope", "run", str(tmp_path / "mine.yaml"), "--dry-run", "--limit", "20", "--json"]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    document = json.loads(capsys.readouterr().out)
    assert int(stop.value.code or 0) == status == len(document["missing"])
    assert document["tasks"][0]["clips"] == 20
