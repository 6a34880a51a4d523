"""What differs between two recordings is told, and nothing else is."""

import shutil

import numpy as np
import pytest
import zarr
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import diff, differing, plan, record
from otoscope.files import facts_of, read_json, write_json


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)


@pytest.fixture
def task(write_clips):
    return write_clips([10 * FRAME, 11 * FRAME] * 3)


def rewrite(store, name, change):
    """Change an array on the disk, and its receipts with it."""
    group = zarr.open_group(store, mode="r+")
    values = np.asarray(group[name])
    change(values)
    group[name][:] = values
    for receipt in (store / "receipts").iterdir():
        document = read_json(receipt)
        document["files"] = {file: facts_of(store / file) for file in document["files"]}
        write_json(receipt, document)


def test_two_recordings_of_the_same_are_the_same(task, tmp_path):
    stores = [record(ToyModel(), task, tmp_path / f"{name}.zarr", threads=1) for name in "ab"]
    found = diff(*stores)
    assert found.same_data
    assert found.facts.empty
    assert found.results.empty
    assert not found.data["differing"].any()


def test_settings_and_numbers_that_differ_are_told(task, tmp_path, monkeypatch):
    monkeypatch.setattr(differing, "_MOST_VALUES", 100)  # two clips at a time
    one = record(ToyModel(), task, tmp_path / "a.zarr", batch_size=2).path
    two = record(ToyModel(), task, tmp_path / "b.zarr", batch_size=3).path

    def more(fired):
        fired[[1, 4], 7] += 3

    rewrite(two, "fired", more)
    write_json(one / "results/x/selection.json", {})
    write_json(one / "results/y.json", {"a": 1})
    write_json(two / "results/y.json", {"a": 2})
    found = diff(one, two)
    facts = found.facts.set_index("fact")
    assert (facts.loc["settings.batch_size", "a"], facts.loc["settings.batch_size", "b"]) == ("2", "3")
    assert "model.name" not in facts.index
    row = found.data.set_index("array").loc["fired"]
    assert (row["differing"], row["clips"], row["largest"]) == (2, 2, 3.0)
    assert not found.same_data
    assert found.results.to_dict("records") == [
        {"result": "x/selection.json", "where": "a"},
        {"result": "y.json", "where": "both"},
    ]


def test_of_other_clips_the_numbers_are_not_compared(task, tmp_path):
    one = record(ToyModel(), task, tmp_path / "a.zarr")
    two = record(ToyModel(units=(24, 8)), task, tmp_path / "b.zarr", limit=4)
    found = diff(one, two)
    assert found.data.empty
    assert not found.same_data
    assert {"model.fingerprint", "task.clips", "task.fingerprint"} <= set(found.facts["fact"])


def test_a_clip_without_numbers_is_like_another(task, tmp_path, monkeypatch):
    one = record(ToyModel(), task, tmp_path / "a.zarr").path
    shutil.copytree(one, tmp_path / "b.zarr")

    def none(mean):
        mean[2] = np.nan

    rewrite(one, "mean", none)
    rewrite(tmp_path / "b.zarr", "mean", none)
    monkeypatch.setattr(differing, "_checksums", lambda layout, _: {"mean/x": str(layout.path)})
    assert diff(one, tmp_path / "b.zarr").same_data
