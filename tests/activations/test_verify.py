"""A flipped byte anywhere in a store is found, and a repair records what it was in, and only that."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from toy_audio_model import FRAME, RATE, ToyModel

from otoscope.activations import open_store, plan, record, verify
from otoscope.activations.layout import Layout
from otoscope.errors import OtoscopeError
from otoscope.files import read_json, write_json


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 2)


@pytest.fixture
def task(write_clips):
    return write_clips([10 * FRAME, 11 * FRAME] * 3)


@pytest.fixture
def store(task, tmp_path):
    return record(ToyModel(), task, tmp_path / "x.zarr").path


def contents(store):
    return {str(file.relative_to(store)): file.read_bytes() for file in store.rglob("*") if file.is_file()}


def flip(file, at=None):
    held = bytearray(file.read_bytes())
    held[len(held) // 2 if at is None else at] ^= 1
    file.write_bytes(held)


def lasting(store):
    """The files that are to be as they were, whoever repairs."""
    return {
        name: held
        for name, held in contents(store).items()
        if not name.startswith(("runs/", "receipts/", "checksums.json"))
    }


def test_a_store_that_nobody_touched_is_whole(store):
    found = verify(store)
    assert found.whole
    assert found.damaged.empty
    assert not found.missing
    assert found.size == sum(
        len(held) for name, held in contents(store).items() if not name.startswith(("runs/", "checksums"))
    )


def test_a_flipped_byte_is_found_in_every_file_but_the_notes_on_runs(store, tmp_path):
    names = [name for name in contents(store) if not name.startswith("runs/")]
    assert {"plan.json", "zarr.json", "clips.parquet", "checksums.json", "receipts/00001.json"} < set(names)
    assert {"fired/c/0/0", "tokens/c/2", "layer/c/0", "mean/zarr.json"} < set(names)
    for name in names:
        copy = tmp_path / "copy.zarr"
        shutil.copytree(store, copy)
        flip(copy / name)
        if name == "plan.json":
            with pytest.raises(OtoscopeError, match=r"plan\.json"):
                verify(copy)
        else:
            found = verify(copy)
            assert not found.whole, name
            assert name in set(found.damaged["file"]), name
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    "name", ["fired/c/1/0", "tokens/c/1", "receipts/00001.json", "layer/c/0", "mean/zarr.json"]
)
def test_a_repair_makes_it_what_it_was(store, name):
    before, receipts = (
        lasting(store),
        {file: file.stat().st_mtime_ns for file in (store / "receipts").iterdir()},
    )
    flip(store / name)
    found = verify(store, repair=True, model=ToyModel())
    assert found.mended
    assert found.whole
    assert list(found.damaged["file"]) == [name]
    assert lasting(store) == before
    assert verify(store).damaged.empty
    shard = "/1" in name or "00001" in name
    anew = [file.name for file, when in receipts.items() if file.stat().st_mtime_ns != when]
    assert anew == (["00001.json"] if shard else [])  # nothing else was recorded


def test_what_is_cut_short_or_gone_or_nobody_knows_is_found_and_repaired(store):
    before = lasting(store)
    (store / "peak/c/0/0").unlink()
    (store / "mean/c/1/0").write_bytes(b"short")
    (store / "fired/c/2/7").write_bytes(b"")  # beyond the neurons there are: nobody's
    Path(store / "fired/c/2/7").unlink()
    found = verify(store, repair=True, model=ToyModel())
    assert dict(zip(found.damaged["file"], found.damaged["problem"], strict=True)) == {
        "mean/c/1/0": f"has 5 bytes in place of {len(before['mean/c/1/0'])}",
        "peak/c/0/0": "is missing",
    }
    assert lasting(store) == before


def test_a_file_where_all_was_blank_is_found(write_clips, tmp_path):
    task = write_clips([10 * FRAME] * 4)
    soundfile.write(task.clips["path"][2], np.full(10 * FRAME, np.nan), RATE, subtype="FLOAT")
    soundfile.write(task.clips["path"][3], np.full(10 * FRAME, np.nan), RATE, subtype="FLOAT")
    store = record(ToyModel(), task, tmp_path / "x.zarr", on_bad_audio="skip").path
    blank = store / "fired/c/1/0"
    assert not blank.exists()
    blank.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(store / "fired/c/0/0", blank)
    found = verify(store, repair=True, model=ToyModel())
    assert found.damaged.to_dict("records") == [
        {"file": "fired/c/1/0", "shard": 1, "problem": "is in no receipt"}
    ]
    assert not blank.exists()


def test_an_unfinished_store_is_checked_as_far_as_it_is(store):
    layout = Layout(store)
    (layout.receipts / "00002.json").unlink()
    (store / "checksums.json").unlink()
    flip(store / "fired/c/0/0")
    found = verify(store)
    assert found.missing == (2,)
    assert list(found.damaged["file"]) == ["fired/c/0/0"]


def test_a_store_of_an_earlier_version_says_what_it_cannot_tell(store):
    (store / "checksums.json").unlink()
    found = verify(store)
    assert found.whole
    assert "checksums.json is not there" in found.notes[0]


def test_a_clip_that_is_another_now_is_not_recorded_for_a_repair(store, task):
    flip(store / "fired/c/0/0")
    soundfile.write(task.clips["path"][0], np.zeros(10 * FRAME), RATE)
    with pytest.raises(OtoscopeError, match="differs from what was recorded"):
        verify(store, repair=True, model=ToyModel())


def test_another_model_repairs_nothing(store):
    flip(store / "fired/c/0/0")
    before = contents(store)
    with pytest.raises(OtoscopeError, match="was recorded with the model 'toy'"):
        verify(store, repair=True, model=ToyModel(seed=5))
    with pytest.raises(OtoscopeError, match="finds no model here"):
        verify(store, repair=True)
    assert contents(store) == before


def test_a_damaged_table_of_clips_is_written_anew_by_the_recording(store, task):
    before = lasting(store)
    flip(store / "clips.parquet")
    with pytest.raises(OtoscopeError, match="try removing that file"):
        verify(store, repair=True, model=ToyModel())
    (store / "clips.parquet").unlink()
    record(ToyModel(), task, store)
    assert lasting(store) == before
    assert verify(store).whole


def test_a_receipt_cut_short_by_a_power_cut_is_none(store, task):
    before = lasting(store)
    (store / "receipts/00000.json").write_text('{"shard": 0, "pl')
    with pytest.raises(OtoscopeError, match="1 of 3 shards are missing"):
        open_store(store)
    record(ToyModel(), task, store)
    assert lasting(store) == before


def test_a_plan_that_is_not_that_of_the_receipts(store):
    document = read_json(store / "plan.json")
    document["task"]["licence"] = "another"
    write_json(store / "plan.json", document)
    with pytest.raises(OtoscopeError, match="no receipt is of this plan"):
        verify(store)


def test_something_else(tmp_path):
    with pytest.raises(OtoscopeError, match=r"has no plan\.json"):
        verify(tmp_path)


def test_several_labels_a_clip_come_back_for_a_repair(write_clips, tmp_path):
    from otoscope.tasks import Labeling, Task

    plain = write_clips([10 * FRAME] * 4)
    tags = pd.Series([["a", "b"], ["b"], ["a"], ["b", "a"]])
    labeling = Labeling("tags", "tags", ("a", "b"), multilabel=True)
    task = Task("tagged", plain.clips.assign(tags=tags), (labeling,), seconds=0.3)
    store = record(ToyModel(), task, tmp_path / "x.zarr").path
    flip(store / "fired/c/0/0")
    assert verify(store, repair=True, model=ToyModel()).mended
