import json
import sys

import pandas as pd
import pytest

from otoscope import cli


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        return (status, *capsys.readouterr())

    return call


@pytest.fixture
def manifest(tmp_path):
    rows = [
        {"kind": name, "speaker": f"{name}{g}"}
        for name, n in (("cat", 12), ("dog", 9), ("emu", 3))
        for g in range(n)
        for _ in range(2)
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "path", [f"{number}.wav" for number in range(len(table))])
    for name in table["path"]:
        (tmp_path / name).touch()  # never read
    table.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def test_power_of_a_task_needs_no_audio(run, manifest):
    status, out, err = run("power", f"manifest:{manifest}", "--label", "kind", "--json")
    assert status == 0, err
    document = json.loads(out)
    assert document["neurons"] == 36_864
    assert {row["category"]: row["testable"] for row in document["classes"]} == {
        "cat": True,
        "dog": True,
        "emu": False,
    }


def test_people_read_sentences_and_a_table(run, manifest, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = run("power", f"manifest:{manifest}", "--label", "kind", "--neurons", "1000")
    assert status == 0, err
    assert "`specific` can test" in out
    assert "smallest shift" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_a_store_that_is_none_is_refused(run, tmp_path):
    status, _, err = run("power", tmp_path, "--label", "kind")
    assert status == 1
    assert "is not a store" in err
