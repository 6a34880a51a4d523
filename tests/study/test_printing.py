"""What is printed of a study, at most 80 columns wide."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from otoscope import cli, console, study
from otoscope.study.estimating import DryRun, TaskEstimate
from otoscope.study.result import Dissection, StudyResult
from otoscope.study.steps import Refused


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")

    def lines(content: console.printing.Lines) -> list[str]:
        console.show({}, False, content)
        return capsys.readouterr().out.splitlines()

    return lines


def test_a_study_ends_with_the_findings_and_the_report(printed) -> None:
    finding = {
        "question": "Is there anything?",
        "finding": "coverage-aape",
        "claim": "Most classes have neurons of their own.",
        "model": "ssl",
        "here": "12 of 13 labelings (0.80 to 0.97)",
        "verdict": "cannot tell",
    }
    result = StudyResult(
        dissections=(Dissection("ssl", "events", "event", ("mini:ssl", "mini:events"), None, None),),
        ablations=(),
        across=(),
        findings=pd.DataFrame([finding]),
        refused=(Refused("evidence ssl events event", "too few groups"),),
        report=Path("out/report/index.html"),
    )
    lines = printed(console.study_lines(result))
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "event ssl refused refused - - -" in text
    assert "Is there anything?" in text
    assert "Most classes have neurons of their own." in text
    assert "coverage-aape" not in text
    assert "- ssl: cannot tell: 12 of 13 labelings" in text
    assert "0 agrees, 0 disagrees, 1 cannot tell" in text
    assert "1 step left out" in text
    assert lines[-1] == "open out/report/index.html"
    assert result.table["refused"].tolist() == ["no evidence was gathered"]
    assert result.document()["refused"] == [{"step": "evidence ssl events event", "reason": "too few groups"}]


def test_a_dry_run_says_what_is_missing_first(printed) -> None:
    known = TaskEstimate("esc50", 2000, 2.78, "as published", 7200.0, 90.0, 1.2e9)
    unknown = TaskEstimate("mine", None, None, "its size is not known", None, None, None)
    found = DryRun(("paths.esc50 is not filled in",), (known, unknown), 1e9, ("estimates",))
    lines = printed(console.dry_run_lines(found))
    assert lines[:2] == ["missing (1):", "- paths.esc50 is not filled in".ljust(80)[: len(lines[1])]]
    text = " ".join(" ".join(lines).split())
    assert "esc50 2,000 2.78 2 h 0 min 1 min 30 s 1.2 GB" in text
    assert "mine - - - - -" in text


def test_one_demo_at_a_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["otoscope", "demo", "--quick", "--full"])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert "both --quick and --full are given; expected one of them" in capsys.readouterr().err
    assert study.BUILT_IN == ("quick", "demo", "full")
