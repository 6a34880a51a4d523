"""Every result says how it came about, and is read without it."""

import json
import sys

import torch

from otoscope.activations.runs import run_of
from otoscope.files import read_saved, write_result
from otoscope.provenance import command, made


def test_the_command_is_the_line_a_shell_takes(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/bin/otoscope", "select", "my sounds.zarr", "--label", "class"])
    assert command() == "otoscope select 'my sounds.zarr' --label class"
    monkeypatch.setattr(sys, "argv", ["study/all.py", "3"])
    assert command() == "all.py 3"


def test_results_say_what_made_them_and_are_read_without_it(tmp_path):
    write_result(tmp_path / "x.json", {"p": 0.5})
    document = json.loads((tmp_path / "x.json").read_text())
    assert set(document["made"]) == set(made())
    assert document["made"]["versions"]["otoscope"]
    assert document["made"]["cores"] >= 1
    assert read_saved(tmp_path, "x.json") == {"p": 0.5}


def test_runs_say_the_command_and_the_processor(tmp_path):
    with run_of(tmp_path, torch.device("cpu"), 2):
        pass
    (run,) = tmp_path.glob("*.json")
    facts = json.loads(run.read_text())
    assert facts["command"] == command()
    assert facts["processor"]
    assert (facts["workers"], facts["outcome"]) == (2, "finished")
