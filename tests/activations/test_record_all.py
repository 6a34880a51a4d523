"""Several models over one reading of the audio: every store as if its model had been alone."""

import errno
import gc
import json
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from recorded import data_files, receipts, spoil, spoil_late
from toy_audio_model import FRAME, RATE, ToyModel
from toy_relatives import Coarse, audience

from otoscope import audio
from otoscope.activations import BadClipsError, open_store, record, record_all
from otoscope.activations.layout import Layout
from otoscope.activations.plan import Plan
from otoscope.errors import OtoscopeError, UsageError


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("otoscope.activations.plan.SHARD", 4)


@pytest.fixture
def mixed(write_clips):
    """Eleven clips of four lengths, three shards of four."""
    frames = [10, 17, 10, 65, 12, 17, 10, 12, 65, 10, 17]
    return write_clips([n * FRAME for n in frames])


@pytest.fixture
def calls(monkeypatch):
    """How often each file's header was read, its bytes hashed, its sound decoded and resampled."""
    counted = Counter()
    for name in ("header", "content_hash", "decode"):
        real = getattr(audio, name)

        def count(path, *args, real=real, name=name, **options):
            counted[name, Path(path).name] += 1
            return real(path, *args, **options)

        monkeypatch.setattr(audio, name, count)
    at = audio.Sound.at

    def resample(self, sample_rate):
        counted[sample_rate, Path(self.path).name] += 1
        return at(self, sample_rate)

    monkeypatch.setattr(audio.Sound, "at", resample)
    return counted


def outs(folder, models):
    return [folder / f"{model.name}.zarr" for model in models]


def content(path):
    """All that recording leaves in a store but who recorded it and when."""
    told = [{key: value for key, value in receipt.items() if key != "run"} for receipt in receipts(path)]
    return data_files(path), told, (path / "plan.json").read_text(), open_store(path).clips.to_json()


def hurt_receipts(path, shards):
    for shard in shards:
        (path / "receipts" / f"{shard:05d}.json").unlink()


# The same as alone


@pytest.mark.parametrize("options", [{}, {"special": True, "padding": True, "batch_size": 3}])
def test_the_same_bits_as_alone(mixed, tmp_path, small_shards, options):
    models = audience()
    together = record_all(models, mixed, outs(tmp_path / "all", models), threads=1, **options)
    for model, store in zip(models, together, strict=True):
        alone = record(model, mixed, tmp_path / "alone" / store.path.name, threads=1, **options)
        assert content(store.path) == content(alone.path)
        assert len(data_files(store.path)) > 12
        assert store.info["model"]["fingerprint"] == model.fingerprint
    first, second, _ = (json.loads((store.path / "plan.json").read_text())["shards"] for store in together)
    assert first != second  # else it would show nothing


def test_the_same_bits_for_two_workers(mixed, tmp_path, small_shards):
    models = audience()
    one = record_all(models, mixed, outs(tmp_path / "one", models), threads=1)
    two = record_all(models, mixed, outs(tmp_path / "two", models), threads=1, workers=2)
    assert [content(store.path) for store in one] == [content(store.path) for store in two]


def test_files_of_other_rates_and_channels(mixed, tmp_path):
    for path, rate in zip(mixed.clips["path"], [1000, 2000, 500] * 4, strict=False):
        sound = np.random.default_rng(rate).normal(0, 0.3, (rate, 2))
        soundfile.write(path, sound, rate, subtype="FLOAT")
    models = audience()
    for model, store in zip(models, record_all(models, mixed, outs(tmp_path / "all", models)), strict=True):
        assert content(store.path) == content(record(model, mixed, tmp_path / f"{model.name}.zarr").path)


def test_the_models_may_come_in_any_order(mixed, tmp_path):
    models = audience()
    there = record_all(models, mixed, outs(tmp_path / "a", models))
    back = record_all(models[::-1], mixed, outs(tmp_path / "b", models[::-1]))
    assert [content(store.path) for store in there] == [content(store.path) for store in back[::-1]]


# Once


def test_every_file_is_read_once(mixed, tmp_path, calls):
    models = audience()
    record_all(models, mixed, outs(tmp_path, models))
    assert set(calls.values()) == {1}
    ways = Counter(way for way, _ in calls)
    assert ways == dict.fromkeys(["header", "content_hash", "decode", RATE, 500], len(mixed))


def test_what_is_recorded_is_not_read_again(mixed, tmp_path, calls, small_shards):
    models = audience()
    paths = outs(tmp_path, models)
    whole = [content(store.path) for store in record_all(models, mixed, paths)]
    hurt_receipts(paths[1], [1])
    hurt_receipts(paths[2], [1, 2])
    calls.clear()
    heard = []
    models[0].prepare = lambda _: pytest.fail("its store is complete")
    for model in models[1:]:
        prepare = model.prepare
        model.prepare = lambda some, m=model, p=prepare: heard.extend([m.name] * len(some)) or p(some)
    again = record_all(models, mixed, paths)
    assert [content(store.path) for store in again] == whole
    assert Counter(heard) == {"coarse": 4, "slow": 7}
    assert Counter(way for way, _ in calls) == {"content_hash": 7, "decode": 7, RATE: 4, 500: 7}


def test_a_model_is_added_to_what_another_recorded(mixed, tmp_path):
    models = audience()[:2]
    alone = [record(model, mixed, tmp_path / "alone" / model.name) for model in models]
    paths = outs(tmp_path, models)
    record(models[0], mixed, paths[0])
    runs = len(list((paths[0] / "runs").iterdir()))
    together = record_all(models, mixed, paths)
    assert [content(store.path) for store in together] == [content(store.path) for store in alone]
    assert len(list((paths[0] / "runs").iterdir())) == runs == 1


@pytest.mark.parametrize("first", ["together", "alone"])
def test_either_call_resumes_the_other(mixed, tmp_path, small_shards, first):
    models = audience()[:2]
    paths = outs(tmp_path, models)
    whole = [content(store.path) for store in record_all(models, mixed, paths)]
    hurt_receipts(paths[0], [0])
    hurt_receipts(paths[1], [2])
    if first == "together":
        for model, path in zip(models, paths, strict=True):
            record(model, mixed, path)
    else:
        record_all(models, mixed, paths)
    assert [content(path) for path in paths] == whole


def test_stores_keep_the_threads_they_began_with(mixed, tmp_path, small_shards):
    seen = set()

    class Threaded(ToyModel):
        def prepare(self, waveforms):
            seen.add((self.name, torch.get_num_threads()))
            return super().prepare(waveforms)

    models = [Threaded(name="one"), Threaded(name="two", seed=1)]
    paths = outs(tmp_path, models)
    before = torch.get_num_threads()
    for threads, (model, path) in enumerate(zip(models, paths, strict=True), 1):
        record(model, mixed, path, threads=threads)
        hurt_receipts(path, [1])
    seen.clear()
    record_all(models, mixed, paths)
    assert seen == {("one", 1), ("two", 2)}
    assert torch.get_num_threads() == before


# Memory


def test_waveforms_are_let_go_once_the_last_model_has_heard_them(write_clips, tmp_path, monkeypatch):
    task = write_clips([10 * FRAME, 20 * FRAME] * 64)
    alive, most = [0], [0]
    at = audio.Sound.at

    def released():
        alive[0] -= 1

    def counted(self, sample_rate):
        waveform = at(self, sample_rate)
        alive[0] += 1
        weakref.finalize(waveform, released)
        return waveform

    class Watched(Coarse):
        def prepare(self, waveforms):
            most[0] = max(most[0], alive[0])
            return super().prepare(waveforms)

    monkeypatch.setattr(audio.Sound, "at", counted)
    gc.disable()  # nothing may wait for it
    try:
        models = [Watched(1, name="apart"), Watched(20, name="alike", seed=1)]
        record_all(models, task, outs(tmp_path, models), batch_size=8)
    finally:
        gc.enable()
    assert alive[0] == 0
    # Twelve wait for a batch to be complete, eight are read ahead, and the eight just heard may linger.
    assert 8 < most[0] <= 28


# Bad clips


def test_a_clip_too_short_for_one_model_is_its_problem_only(mixed, tmp_path):
    models = [ToyModel(), Coarse(1, shortest=11, seed=1)]
    paths = outs(tmp_path, models)
    with pytest.raises(BadClipsError) as told:
        record_all(models, mixed, paths)
    assert sorted(told.value.problems) == [0, 2, 6, 9]
    assert told.value.stores[str(paths[0])] == {}
    assert sorted(told.value.stores[str(paths[1])]) == [0, 2, 6, 9]
    assert "4 clips cannot be recorded; nothing was recorded" in str(told.value)
    assert f"0000.wav: 10 frames are too few for coarse; expected 11 or more (for {paths[1]})" in str(
        told.value
    )
    assert not any(path.exists() for path in paths)

    toy, coarse = record_all(models, mixed, paths, on_bad_audio="skip")
    assert (toy.tokens > 0).all()
    assert np.flatnonzero(coarse.tokens == 0).tolist() == [0, 2, 6, 9]
    alone = record(models[1], mixed, tmp_path / "alone.zarr", on_bad_audio="skip")
    assert content(coarse.path) == content(alone.path)


def test_every_clip_too_short_for_one_model(mixed, tmp_path):
    models = [ToyModel(), Coarse(1, shortest=100)]
    with pytest.raises(BadClipsError, match=r"that is every clip of the task(.|\n)*\(for .*coarse\.zarr\)"):
        record_all(models, mixed, outs(tmp_path, models), on_bad_audio="skip")
    assert not list(tmp_path.glob("*.zarr"))


def test_a_clip_that_cannot_be_decoded_is_everyones_problem(mixed, tmp_path, small_shards):
    spoil(mixed, 9)
    spoil_late(mixed, 5)
    models = audience()
    paths = outs(tmp_path, models)
    with pytest.raises(BadClipsError) as told:
        record_all(models, mixed, paths)
    assert list(told.value.problems) == [9]
    assert "(for" not in str(told.value)
    stores = record_all(models, mixed, paths, on_bad_audio="skip")
    for model, store in zip(models, stores, strict=True):
        assert np.flatnonzero(store.tokens == 0).tolist() == [5, 9]
        assert "not a number" in store.clips["problem"][5]
        alone = record(model, mixed, tmp_path / "alone" / model.name, on_bad_audio="skip")
        assert content(store.path) == content(alone.path)


def test_bad_samples_stop_a_shard_of_every_store(mixed, tmp_path, small_shards):
    good = Path(mixed.clips["path"][5]).read_bytes()
    spoil_late(mixed, 5)
    models = audience()
    paths = outs(tmp_path, models)
    with pytest.raises(BadClipsError, match="1 clip cannot be recorded; the shards without them") as told:
        record_all(models, mixed, paths)
    assert [sorted(found) for found in told.value.stores.values()] == [[5]] * 3
    assert "(for" not in str(told.value)
    assert [[receipt["shard"] for receipt in receipts(path)] for path in paths] == [[0, 2]] * 3
    Path(mixed.clips["path"][5]).write_bytes(good)
    assert all((store.clips["problem"] == "").all() for store in record_all(models, mixed, paths))


def test_a_late_problem_of_one_model_leaves_the_others_complete(mixed, tmp_path, small_shards):
    models = [ToyModel(), Coarse(7, seed=1)]
    models[1].blocks[0]["up"].bias.data[0] = torch.nan
    paths = outs(tmp_path, models)
    with pytest.raises(BadClipsError, match=r"not finite \(for .*coarse\.zarr\)") as told:
        record_all(models, mixed, paths)
    assert len(told.value.problems) >= 3  # at least one a shard
    assert (open_store(paths[0]).tokens > 0).all()
    with pytest.raises(OtoscopeError, match="3 of 3 shards are missing"):
        open_store(paths[1])
    outcomes = [json.loads(run.read_text())["outcome"] for path in paths for run in path.glob("runs/*")]
    assert outcomes == ["finished", "interrupted"]


# Refusals


def test_as_many_models_as_folders(mixed, tmp_path):
    with pytest.raises(UsageError, match="2 models and 1 folders"):
        record_all([ToyModel(), ToyModel()], mixed, [tmp_path / "a.zarr"])
    with pytest.raises(UsageError, match="0 models"):
        record_all([], mixed, [])


def test_a_folder_for_each_model(mixed, tmp_path):
    with pytest.raises(UsageError, match=r"a\.zarr was given for several models"):
        record_all(
            [ToyModel(), ToyModel(seed=1)], mixed, [tmp_path / "a.zarr", tmp_path / "b" / ".." / "a.zarr"]
        )


def test_a_store_of_something_else_stops_all(mixed, tmp_path):
    models = audience()
    paths = outs(tmp_path, models)
    record(ToyModel(seed=9, name="other"), mixed, paths[1])
    with pytest.raises(OtoscopeError, match=r"coarse\.zarr holds another recording.*you gave 'coarse'"):
        record_all(models, mixed, paths)
    assert not paths[0].exists()
    assert not paths[2].exists()


def test_another_dtype_is_another_recording(mixed, tmp_path):
    class Half(ToyModel):
        dtype = torch.bfloat16

    store = record(ToyModel(), mixed, tmp_path / "x.zarr")
    assert store.info["settings"]["dtype"] == "float32"
    with pytest.raises(OtoscopeError, match="dtype: the store has float32, you gave bfloat16"):
        record(Half(), mixed, tmp_path / "x.zarr")
    document = json.loads((store.path / "plan.json").read_text())
    del document["settings"]["dtype"]  # as in the plans of before
    assert Plan.from_document(document).settings.dtype == "float32"


def test_a_full_disk_counts_what_all_stores_need(mixed, tmp_path, small_shards, monkeypatch):
    written = Layout.write

    def full(self, plan, shard, block):
        if shard == 1 and self.path.stem == "coarse":
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(self, plan, shard, block)

    models = audience()
    paths = outs(tmp_path, models)
    with monkeypatch.context() as patch:
        patch.setattr(Layout, "write", full)
        with pytest.raises(OtoscopeError, match=r"is full: .*the 5 of 9 shards that are missing need about"):
            record_all(models, mixed, paths)
    assert [(store.tokens > 0).all() for store in record_all(models, mixed, paths)] == [True] * 3


def test_a_disk_too_full_for_a_plan(mixed, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("otoscope.activations.recording.write_json", full)
    with pytest.raises(OtoscopeError, match=r"the disk of .*x\.zarr is full \(\d+ MB are free\); try making"):
        record(ToyModel(), mixed, tmp_path / "x.zarr")
