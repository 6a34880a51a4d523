"""Firing by frequency row of the grid of tokens."""

import json

import librosa
import numpy as np
import pytest
import torch
from recorded import data_files
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import Recorder, open_store, record, record_all
from otoscope.console import store_document, store_lines
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models import load_model
from otoscope.models.base import Position


class Rowed(ToyModel):
    """The toy's tokens taken as columns of three rows, without bands."""

    def token_grid(self, samples, grid=0):
        table = super().token_grid(samples, grid)
        return table.assign(row=table["token"] % 3, column=table["token"] // 3)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("otoscope.activations.plan.SHARD", 4)


def naive(model, waveforms, places, rows):
    """Keep all activations of the first layer, then count by row."""
    kept = []
    handle = model.hooks()[0].attach(lambda activation: kept.append(activation.detach()))
    chunks = model.prepare(waveforms)
    with torch.inference_mode():
        for chunk in chunks:
            model.forward(chunk)
    handle.remove()
    found = np.zeros((len(waveforms), rows, model.layers[0].units), int)
    for clip in range(len(waveforms)):
        token = 0
        for chunk, activation in zip(chunks, kept, strict=True):
            for position, kind in enumerate(chunk.kind[clip].tolist()):
                if kind == Position.TOKEN:
                    found[clip, places[token]] += (activation[clip, position] > 0).numpy()
                token += kind != Position.SPECIAL
    return found


@pytest.mark.parametrize("frames", [10, 65])
def test_counts_equal_looking_at_every_token(frames, task):
    model = Rowed()
    clip = 4 if frames == 65 else 0
    waveforms = [task.read(clip, model.sample_rate)]
    with Recorder(model, rows=3) as recorder:
        made = recorder.run(model.prepare(waveforms), frames * FRAME)
    expected = naive(model, waveforms, np.arange(frames) % 3, 3)
    assert np.array_equal(made.fired_rows[:, :, : model.layers[0].units], expected)
    assert np.array_equal(made.fired_rows.sum(axis=1), made.fired)


def test_rows_of_a_store_add_up_and_change_nothing_else(task, tmp_path, small_shards):
    store = record(Rowed(), task, tmp_path / "x.zarr", rows=True)
    plain = record(Rowed(), task, tmp_path / "plain.zarr")
    counts = store.row_counts(slice(None))
    assert counts.shape == (6, 3, 48)
    assert counts.dtype == np.uint16
    assert np.array_equal(counts.sum(axis=1), store.counts(slice(None)))
    for name in ("fired", "mean", "peak", "peak_token"):
        assert np.array_equal(store.dataset[name].values, plain.dataset[name].values)
    assert not (plain.path / "fired_rows").exists()
    assert plain.rows.empty
    with pytest.raises(OtoscopeError, match=r"no counts by frequency row.*record --rows"):
        plain.row_counts(slice(None))


def test_bands_that_a_model_does_not_know_are_numbered_only(task, tmp_path):
    store = record(Rowed(), task, tmp_path / "x.zarr", rows=True)
    assert store.rows["row"].tolist() == [0, 1, 2]
    assert store.rows[["low_hz", "high_hz"]].isna().all(axis=None)
    assert json.loads((store.path / "plan.json").read_text())["model"]["rows"] == [[[None, None]] * 3]
    assert "  firing by frequency row of its tokens: 3 rows" in list(store_lines(store_document(store)))


def test_a_recording_with_rows_is_resumed_to_the_same_bits(task, tmp_path, small_shards):
    whole = record(Rowed(), task, tmp_path / "whole.zarr", rows=True)
    cut = record(Rowed(), task, tmp_path / "cut.zarr", rows=True)
    (cut.path / "receipts" / "00001.json").unlink()
    lost = cut.path / "fired_rows" / "c" / "0" / "1" / "0"
    lost.write_bytes(lost.read_bytes()[:-1])
    again = record(Rowed(), task, tmp_path / "cut.zarr", rows=True)
    assert data_files(again.path) == data_files(whole.path)
    with pytest.raises(OtoscopeError, match="rows: the store has True, you gave False"):
        record(Rowed(), task, tmp_path / "cut.zarr")


def test_a_model_of_tokens_in_time_only_is_refused_before_anything_is_written(task, tmp_path):
    with pytest.raises(UsageError, match=r"tokens of toy lie side by side in time only.*without rows"):
        record_all([Rowed(), ToyModel()], task, [tmp_path / "a.zarr", tmp_path / "b.zarr"], rows=True)
    assert not (tmp_path / "a.zarr").exists()


def test_a_grid_that_lacks_tokens_is_named(task):
    model = Rowed()
    with Recorder(model, rows=3) as recorder, pytest.raises(OtoscopeError, match=r"has 5 tokens, .* token 9"):
        recorder.run(model.prepare([task.read(0, model.sample_rate)]), 5 * FRAME)


def test_the_miniature_has_rows_at_the_bands_of_its_mel_filters(tmp_path, write_clips):
    model = load_model("mini:random")
    task = write_clips([500, 700, 500], seconds=None)  # at 1000 Hz
    store = record(model, task, tmp_path / "mini.zarr", rows=True)
    edges = librosa.mel_frequencies(82, fmin=50, fmax=8000)
    assert store.rows["low_hz"].to_numpy() == pytest.approx(edges[[0, 16, 32, 48, 64]])
    assert store.rows["high_hz"].to_numpy() == pytest.approx(edges[[17, 33, 49, 65, 81]])
    counts = store.row_counts(slice(None))
    assert np.array_equal(counts.sum(axis=1), store.counts(slice(None)))
    assert (counts.sum(axis=(0, 2)) > 0).all()
    assert open_store(store.path).info["settings"]["rows"] is True
    lines = [line for line in store_lines(store_document(store)) if isinstance(line, str)]
    assert "  firing by frequency row of its tokens: 5 rows, 50 to 8000 Hz" in lines
