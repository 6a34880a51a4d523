"""The descriptors that travel with the package: those of the embedded miniature, and of no other clip."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope import audio
from otoscope.descriptors import columns, describe, describing, packaged
from otoscope.descriptors.packaged import KEYS, TABLE
from otoscope.tasks import Task
from otoscope.tasks.own import mini

ABSOLUTE, RELATIVE = 1e-3, 1e-4  # the table holds float32; other processors round the transforms otherwise


@pytest.fixture(scope="module")
def some() -> dict[str, Task]:
    """Two clips of every task of the miniature."""
    found = {}
    for name in mini.NAMES:
        whole = mini.load(name)
        found[name] = Task(name, whole.clips.iloc[[7, -3]].reset_index(drop=True), (), seconds=whole.seconds)
    return found


def recorded(task: Task, folder) -> SimpleNamespace:
    clips = task.clips.assign(problem="", sha256=[audio.content_hash(path) for path in task.clips["path"]])
    return SimpleNamespace(path=folder, clips=clips, info={"task": {"seconds": task.seconds}})


def refuse(samples):
    pytest.fail("measured")


@pytest.fixture
def table(some, tmp_path, monkeypatch):
    """A table of two events in the place of the whole."""
    store = recorded(some["events"], tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(packaged, "TABLE", tmp_path / "none.parquet")
        packaged._rows.cache_clear()
        describe(store)
    (tmp_path / "descriptors.parquet").rename(tmp_path / "table.parquet")
    monkeypatch.setattr(packaged, "TABLE", tmp_path / "table.parquet")
    packaged._rows.cache_clear()
    yield
    packaged._rows.cache_clear()


def test_the_table_is_small_and_holds_every_clip():
    table = pd.read_parquet(TABLE)
    assert TABLE.stat().st_size < 1.5e6
    assert not table.duplicated(list(KEYS)).any()
    assert len(table) <= sum(len(mini.load(name).clips) for name in mini.NAMES)
    assert (table[list(columns())].dtypes == np.float32).all()
    hashes = set(table["sha256"])
    for name in mini.NAMES:
        missing = [p for p in mini.load(name).clips["path"] if audio.content_hash(p) not in hashes]
        assert not missing, f"{missing[0]}: run tools/mini/describe_tasks.py"


def test_clips_of_the_table_are_not_measured(some, table, tmp_path, monkeypatch):
    monkeypatch.setattr(describing, "measure", refuse)
    store = recorded(some["events"], tmp_path)
    pd.testing.assert_frame_equal(describe(store), describe(some["events"]))
    pd.testing.assert_frame_equal(describe(store), describing.described(store))
    assert not (tmp_path / "descriptors.parquet").exists()


@pytest.mark.parametrize("name", mini.NAMES)
def test_the_miniature_is_not_measured_and_the_numbers_are_those_measured(some, name, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(describing, "measure", refuse)
        store = recorded(some[name], tmp_path)
        served = describe(some[name])
        pd.testing.assert_frame_equal(describe(store), served)
        pd.testing.assert_frame_equal(describing.described(store), served)
    monkeypatch.setattr(describing, "packaged", lambda *key: None)
    measured = describe(some[name])
    pd.testing.assert_frame_equal(served, measured, check_exact=False, atol=ABSOLUTE, rtol=RELATIVE)


def test_a_changed_clip_is_measured(some, table, tmp_path, monkeypatch):
    """One more byte at the end: the sound is the same, the file another."""
    clip = tmp_path / "clip.ogg"
    with audio.content(some["events"].clips["path"][0]) as source:
        clip.write_bytes(source.read() + b"\0")
    task = Task("changed", pd.DataFrame({"clip": ["events/x.ogg"], "path": [str(clip)]}), (), seconds=2.0)
    calls, measure = [], describing.measure
    monkeypatch.setattr(describing, "measure", lambda samples: calls.append(1) or measure(samples))
    store = recorded(task, tmp_path)
    assert describing.described(store) is None
    describe(task)
    describe(store)
    assert calls == [1, 1]


def test_another_length_or_version_is_not_served(some, table, tmp_path, monkeypatch):
    store = recorded(some["events"], tmp_path)
    assert describing.described(store) is not None
    store.info["task"]["seconds"] = 1.0
    assert describing.described(store) is None
    store.info["task"]["seconds"] = 2.0
    monkeypatch.setattr(describing, "VERSION", describing.VERSION + 1)
    assert describing.described(store) is None
