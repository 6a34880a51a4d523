"""Clocks that jump, many runs in one second, stores of a later version."""

import datetime
import itertools
import json
import time

import pytest

from otoscope import provenance
from otoscope.activations import diff, open_store, record, relabel, runs, verify
from otoscope.errors import OtoscopeError
from otoscope.files import read_json


def contents(folder):
    """Every file of a store, but for what is held."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.parent.name != "locks")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


class Leaping(datetime.datetime):
    """A clock that goes back and forth by years."""

    years = itertools.cycle([2038, 1970])

    @classmethod
    def now(cls, tz=None):
        return super().now(tz).replace(year=next(cls.years), month=1, day=1)


def test_a_clock_that_jumps_changes_nothing(model, task, tmp_path, monkeypatch):
    quiet = record(model, task, tmp_path / "quiet.zarr", workers=2, threads=1).path
    monkeypatch.setattr(provenance, "datetime", Leaping)
    leaps = itertools.cycle([1e9, -1e9, 0.0, 2e9])
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + next(leaps))
    store = record(model, task, tmp_path / "leaping.zarr", workers=2, threads=1).path
    again = record(model, task, store, workers=2, threads=1).path
    assert diff(again, quiet).same_data
    assert verify(store).whole
    (run,) = (store / "runs").glob("*.json")
    assert read_json(run)["began"] > read_json(run)["ended"]


@pytest.fixture
def later(model, task, tmp_path):
    """A store as a later version might write it."""
    store = record(model, task, tmp_path / "later.zarr").path
    plan = read_json(store / "plan.json")
    (store / "plan.json").write_text(json.dumps({**plan, "format": 7, "weather": "fair"}))
    return store


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda store, model, task: open_store(store), id="open"),
        pytest.param(lambda store, model, task: record(model, task, store), id="record"),
        pytest.param(lambda store, model, task: verify(store, repair=True), id="verify"),
        pytest.param(lambda store, model, task: relabel(store, task), id="relabel"),
        pytest.param(lambda store, model, task: diff(store, store), id="diff"),
    ],
)
def test_a_store_of_a_later_version_is_told_and_left_alone(later, model, task, use):
    before = contents(later)
    with pytest.raises(OtoscopeError, match=r"format 7; this version reads format 1; try a newer otoscope"):
        use(later, model, task)
    assert contents(later) == before


def test_runs_at_the_same_second_have_different_names(model, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "now", lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    for _ in range(100):  # a SLURM array
        with runs.run_of(tmp_path, model.device, 1):
            pass
    assert len(list(tmp_path.glob("*.json"))) == 100
