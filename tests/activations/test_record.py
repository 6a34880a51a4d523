"""Recording as a whole: what is in the store, what is refused, what is skipped."""

import errno
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from recorded import data_files, receipts, spoil, spoil_late
from toy_audio_model import FRAME, RATE, Starved, ToyModel

from otoscope.activations import BadClipsError, Recorder, open_store, record
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks import Task


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("otoscope.activations.plan.SHARD", 4)


def test_the_store_holds_what_the_recorder_sees_clip_by_clip(model, task, tmp_path):
    store = record(model, task, tmp_path / "x.zarr", special=True, padding=True)
    with Recorder(model, special=True, padding=True) as recorder:
        for clip in range(len(task)):
            alone = recorder.run(model.prepare([task.read(clip, model.sample_rate)]))
            row = store.dataset.isel(clip=clip)
            assert store.tokens[clip] == alone.tokens[0] == model.tokens(len(task.read(clip, RATE).samples))
            for name in ("fired", "peak_token", "fired_special", "fired_padding"):
                # A batch of another size rounds otherwise, so a count may move where a unit is at zero.
                assert (row[name].values.ravel() != getattr(alone, name)[0]).mean() < 0.05
            for name in ("mean", "peak"):
                np.testing.assert_allclose(row[name].values.ravel(), getattr(alone, name)[0], atol=1e-4)
            np.testing.assert_allclose(store.embedding[clip], alone.embedding[0], atol=1e-4)


def test_the_table_of_clips_is_completed(model, task, tmp_path):
    store = record(model, task, tmp_path / "x.zarr")
    assert list(store.clips["clip"]) == list(task.clips["clip"])
    assert list(store.clips["tokens"]) == store.tokens.tolist() == [10, 10, 17, 10, 65, 17]
    assert (store.clips["problem"] == "").all()
    assert store.clips["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert store.labeling("kind") == task.labeling("kind")


def test_the_order_of_clips_does_not_matter(model, task, tmp_path):
    order = [4, 2, 0, 5, 3, 1]
    turned = Task("turned", task.clips.iloc[order], task.labelings)
    first = record(model, task, tmp_path / "a.zarr", batch_size=1)
    second = record(model, turned, tmp_path / "b.zarr", batch_size=1)
    assert np.array_equal(first.fired.values[order], second.fired.values)
    assert np.array_equal(first.mean.values[order], second.mean.values)


def test_another_batch_size_moves_nothing_but_rounding(model, task, tmp_path):
    first = record(model, task, tmp_path / "a.zarr", batch_size=1)
    second = record(model, task, tmp_path / "b.zarr", batch_size=6)
    assert np.abs(first.fired.values.astype(int) - second.fired.values).max() <= 1
    np.testing.assert_allclose(first.mean.values, second.mean.values, atol=1e-5)


def test_shards_add_up_to_the_whole(model, task, tmp_path, monkeypatch):
    whole = record(model, task, tmp_path / "a.zarr", batch_size=1)
    monkeypatch.setattr("otoscope.activations.plan.SHARD", 2)
    parts = record(model, task, tmp_path / "b.zarr", batch_size=1)
    assert len(receipts(parts.path)) == 3
    for name in whole.dataset.data_vars:
        assert np.array_equal(whole.dataset[name].values, parts.dataset[name].values)


def test_the_same_bits_for_one_worker_and_two(model, write_clips, tmp_path, small_shards):
    task = write_clips([10 * FRAME] * 9 + [33 * FRAME] * 2)
    record(model, task, tmp_path / "a.zarr", threads=1)
    record(model, task, tmp_path / "b.zarr", threads=1, workers=2)
    assert data_files(tmp_path / "a.zarr") == data_files(tmp_path / "b.zarr")
    assert len(data_files(tmp_path / "a.zarr")) > 12


def test_limit_takes_clips_of_all_classes(model, task, tmp_path):
    store = record(model, task, tmp_path / "x.zarr", limit=4)
    assert len(store.tokens) == 4
    assert set(store.clips["kind"]) == {"even", "odd"}


def test_recording_again_changes_nothing(model, task, tmp_path):
    record(model, task, tmp_path / "x.zarr")
    before = data_files(tmp_path / "x.zarr")
    runs = len(list((tmp_path / "x.zarr" / "runs").iterdir()))
    record(model, task, tmp_path / "x.zarr")
    assert data_files(tmp_path / "x.zarr") == before
    assert len(list((tmp_path / "x.zarr" / "runs").iterdir())) == runs


def test_a_lost_file_is_recorded_again(model, task, tmp_path):
    store = record(model, task, tmp_path / "x.zarr")
    before = data_files(store.path)
    (store.path / "mean" / "c" / "0" / "0").write_bytes(b"cut")
    with pytest.raises(OtoscopeError, match="1 of 1 shards are missing"):
        open_store(store.path)
    record(model, task, tmp_path / "x.zarr")
    assert data_files(store.path) == before


def test_silent_neurons_have_no_file_and_read_as_zero(task, tmp_path):
    model = ToyModel()
    for block in model.blocks:
        block["up"].weight.data.zero_()
        block["up"].bias.data.fill_(-1.0)
    store = record(model, task, tmp_path / "x.zarr")
    assert not (store.path / "fired" / "c").exists()
    assert not store.fired.values.any()


def test_stale_files_do_not_survive_a_shard_of_zeros(model, task, tmp_path):
    silent = ToyModel()
    for block in silent.blocks:
        block["up"].weight.data.zero_()
        block["up"].bias.data.fill_(-1.0)
    record(model, task, tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / "receipts" / "00000.json").unlink()
    silent.fingerprint = model.fingerprint
    assert not record(silent, task, tmp_path / "x.zarr").fired.values.any()


def test_the_run_is_told(model, task, tmp_path):
    store = record(model, task, tmp_path / "x.zarr")
    (run,) = [json.loads(file.read_text()) for file in (store.path / "runs").iterdir()]
    assert run["outcome"] == "finished"
    assert set(run) >= {"who", "where", "began", "ended", "device", "workers", "versions"}
    assert receipts(store.path)[0]["run"] == run["id"]


# Refusals


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": ToyModel(seed=1, name="other")}, "model: the store has 'toy' .* you gave 'other'"),
        ({"batch_size": 2}, "batch_size: the store has 16, you gave 2"),
        ({"special": True}, "special: the store has False, you gave True"),
    ],
)
def test_a_store_of_something_else_is_not_continued(model, task, tmp_path, change, told):
    record(model, task, tmp_path / "x.zarr")
    change = {"model": model, **change}
    with pytest.raises(OtoscopeError, match=rf"holds another recording.*{told}"):
        record(change.pop("model"), task, tmp_path / "x.zarr", **change)


def test_a_store_of_another_task_is_not_continued(model, task, write_clips, tmp_path):
    record(model, task, tmp_path / "x.zarr")
    with pytest.raises(OtoscopeError, match=r"task: the store has 'toy' .* you gave 'other'"):
        record(model, write_clips([FRAME] * 2, name="other", folder="b"), tmp_path / "x.zarr")


def test_a_folder_that_is_something_else_is_left_alone(model, task, tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.tex").write_text("precious")
    with pytest.raises(OtoscopeError, match="exists and is not a store"):
        record(model, task, out)
    assert [file.name for file in out.iterdir()] == ["chapter1.tex"]


def test_a_file_in_the_place_of_the_store_is_left_alone(model, task, tmp_path):
    (tmp_path / "x.zarr").write_text("precious")
    with pytest.raises(OtoscopeError, match="is a file; expected a folder"):
        record(model, task, tmp_path / "x.zarr")


def test_a_place_below_a_file_is_refused(model, task, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OtoscopeError, match="cannot be written"):
        record(model, task, tmp_path / "file" / "x.zarr")


def test_a_place_without_permission_is_refused(model, task, tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "x.zarr"))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OtoscopeError, match=r"cannot be written: Permission denied .*try another"):
        record(model, task, tmp_path / "x.zarr")


def test_an_empty_folder_will_do(model, task, tmp_path):
    (tmp_path / "x.zarr").mkdir()
    assert len(record(model, task, tmp_path / "x.zarr").tokens) == 6


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"batch_size": 0}, {"threads": -1}, {"on_bad_audio": "weep"}, {"limit": 0}]
)
def test_options_out_of_range(model, task, tmp_path, options):
    with pytest.raises(UsageError):
        record(model, task, tmp_path / "x.zarr", **options)


def test_a_full_disk_is_told_in_one_line_and_resumes(model, write_clips, tmp_path, small_shards, monkeypatch):
    from otoscope.activations.layout import Layout

    task = write_clips([10 * FRAME] * 9)
    written = Layout.write

    def full(self, plan, shard, block):
        if shard == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(self, plan, shard, block)

    with monkeypatch.context() as patch:
        patch.setattr(Layout, "write", full)
        with pytest.raises(OtoscopeError) as told:
            record(model, task, tmp_path / "x.zarr")
    assert re.search(
        r"the disk of .* is full: \d+ MB are free, and the 2 of 3 shards that are missing need about \d+ MB; "
        r"try making room, then the same command: it resumes",
        str(told.value),
    )
    assert "\n" not in str(told.value)
    assert record(model, task, tmp_path / "x.zarr").tokens.tolist() == [10] * 9


# Bad clips


def test_bad_headers_stop_before_anything_is_made(model, task, tmp_path):
    spoil(task, 1)
    spoil(task, 4, b"")
    with pytest.raises(BadClipsError) as told:
        record(model, task, tmp_path / "x.zarr")
    assert sorted(told.value.problems) == [1, 4]
    assert "2 clips cannot be recorded; nothing was recorded" in str(told.value)
    assert "0001.wav" in str(told.value)
    assert "0004.wav" in str(told.value)
    assert "--on-bad-audio skip" in str(told.value)
    assert not (tmp_path / "x.zarr").exists()


def test_bad_samples_stop_after_the_other_shards(model, write_clips, tmp_path, small_shards):
    task = write_clips([10 * FRAME] * 10)
    good = [Path(path).read_bytes() for path in task.clips["path"]]
    spoil_late(task, 1)
    spoil_late(task, 2)
    spoil_late(task, 9)
    with pytest.raises(BadClipsError) as told:
        record(model, task, tmp_path / "x.zarr")
    assert sorted(told.value.problems) == [1, 2, 9]
    assert "not a number" in str(told.value)
    assert [receipt["shard"] for receipt in receipts(tmp_path / "x.zarr")] == [1]
    with pytest.raises(OtoscopeError, match=r"2 of 3 shards are missing.*run the same record command again"):
        open_store(tmp_path / "x.zarr")
    for path, content in zip(task.clips["path"], good, strict=True):
        Path(path).write_bytes(content)
    mended = record(model, task, tmp_path / "x.zarr")
    assert mended.tokens.tolist() == [10] * 10
    assert (mended.clips["problem"] == "").all()


def test_skipped_clips_keep_their_row(model, task, tmp_path):
    spoil(task, 1)
    spoil_late(task, 4)
    store = record(model, task, tmp_path / "x.zarr", on_bad_audio="skip")
    assert store.tokens.tolist() == [10, 0, 17, 10, 0, 17]
    problems = store.clips["problem"]
    assert list(problems != "") == [False, True, False, False, True, False]
    assert "0001.wav" in problems[1]
    assert "not a number" in problems[4]
    assert not store.fired.values[[1, 4]].any()
    assert np.isnan(store.mean.values[[1, 4]]).all()
    assert np.isnan(store.embedding[[1, 4]]).all()
    assert np.isfinite(store.embedding[[0, 2, 3, 5]]).all()
    assert "(2 skipped)" in repr(store)


def test_every_clip_bad_is_no_recording(model, write_clips, tmp_path):
    task = write_clips([FRAME - 1] * 2)
    with pytest.raises(BadClipsError, match="every clip"):
        record(model, task, tmp_path / "x.zarr", on_bad_audio="skip")


def test_activations_that_are_not_finite_are_a_problem(task, tmp_path):
    model = ToyModel()
    model.blocks[0]["up"].bias.data[0] = torch.nan
    with pytest.raises(BadClipsError, match="not finite"):
        record(model, task, tmp_path / "x.zarr")


# Memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_a_batch_that_does_not_fit_is_halved_and_recorded_as_such(write_clips, tmp_path, error):
    task = write_clips([10 * FRAME] * 5 + [7 * FRAME])
    model = ToyModel()
    whole = record(model, task, tmp_path / "whole.zarr")
    model.blocks[1]["act"] = Starved(2, error).eval()
    store = record(model, task, tmp_path / "x.zarr")
    assert receipts(store.path)[0]["splits"] == [{"batch": 0, "sizes": [2, 1, 2]}]
    assert receipts(whole.path)[0]["splits"] == []
    assert np.abs(store.fired.values.astype(int) - whole.fired.values).max() <= 1
    assert store.tokens.tolist() == whole.tokens.tolist()


def test_a_clip_that_does_not_fit_alone_is_named(model, task, tmp_path):
    model.blocks[1]["act"] = Starved(0, torch.OutOfMemoryError("out of memory")).eval()
    with pytest.raises(OtoscopeError, match=r"single clip, .*0000\.wav"):
        record(model, task, tmp_path / "x.zarr")
    assert not any(module._forward_hooks for module in model.blocks.modules())


def test_other_errors_of_the_model_come_through_and_leave_no_hook(model, task, tmp_path):
    model.blocks[1]["act"] = Starved(0, RuntimeError("mat1 and mat2 shapes cannot be multiplied")).eval()
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        record(model, task, tmp_path / "x.zarr")
    assert not any(module._forward_hooks for module in model.blocks.modules())


def test_wide_counters_where_a_clip_has_many_tokens(write_clips, tmp_path):
    task = write_clips([65_600 * FRAME])
    store = record(ToyModel(units=(2,)), task, tmp_path / "x.zarr")
    assert store.fired.dtype == np.uint32
    assert store.tokens.tolist() == [65_600]


def test_a_header_that_is_wrong_about_its_length_splits_the_batch(model, task, tmp_path, monkeypatch):
    """An MP3's header estimates: the plan is then off, and the clips are heard by their true lengths."""
    monkeypatch.setattr("otoscope.activations.plan._samples", lambda *_: 10 * FRAME)
    store = record(model, task, tmp_path / "x.zarr")
    assert store.tokens.tolist() == [10, 10, 17, 10, 65, 17]
    assert receipts(store.path)[0]["splits"] == [{"batch": 0, "sizes": [3, 2, 1]}]


def test_parts_of_one_long_file(model, write_clips, tmp_path):
    long = write_clips([50 * FRAME] * 2)
    clips = pd.DataFrame(
        {"clip": ["a", "b"], "path": [long.clips["path"][0]] * 2, "start": [0.0, 0.5], "stop": [0.4, 0.9]}
    )
    store = record(model, Task("parts", clips, ()), tmp_path / "x.zarr")
    assert store.tokens.tolist() == [20, 20]
    assert store.clips["sha256"].nunique() == 1
