"""Which frequencies a neuron listens to."""

from types import SimpleNamespace

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from otoscope.activations import record
from otoscope.errors import OtoscopeError
from otoscope.models import load_model
from otoscope.neurons.meaning.rows import band_words, listens_to
from otoscope.tasks import Task


class Rows:
    """A recording by rows, held in memory: counts (clips, rows, neurons) of one layer."""

    def __init__(self, counts, bands=None, grids=(0,), units=None):
        self.counts_by_row = np.asarray(counts, dtype=np.uint16)
        clips, rows, neurons = self.counts_by_row.shape
        units = units or [neurons]
        self.layers = tuple(SimpleNamespace(units=n, grid=g) for n, g in zip(units, grids, strict=True))
        self.tokens = np.full(clips, 1000)
        bands = [[1000.0 * row, 1000.0 * (row + 1)] for row in range(rows)] if bands is None else bands
        self.rows = pd.DataFrame(bands, columns=["low_hz", "high_hz"]).rename_axis("row").reset_index()
        self.rows["grid"] = 0

    def row_counts(self, neurons):
        return self.counts_by_row[:, :, neurons]


def test_on_paper():
    # Base: 30 of 60 in row 0, 20 in row 1, 10 in row 2. Neuron 0 fires as the layer does; neuron 1 in row 2.
    one = np.array([[15, 0, 15], [10, 0, 10], [0, 10, 0]])
    found = listens_to(Rows(np.stack([one, one])), splits=3).set_index("unit")
    tuned = found.loc[1]
    assert tuned[["low_hz", "high_hz", "width", "peak", "peak_share"]].tolist() == [2000, 3000, 1, 2, 1]
    assert tuned["selectivity"] == pytest.approx(1)
    assert tuned["reliability"] == 1
    # Neuron 0: s = 0.6, 0.4, 0; s / b = 1.2, 1.2, 0; w = 0.5, 0.5, 0. The first of equal rows is the peak.
    level = found.loc[0]
    assert level[["low_hz", "high_hz", "width", "peak", "peak_share"]].tolist() == [0, 1000, 1, 0, 0.6]
    assert level["selectivity"] == pytest.approx(1 - np.log(2) / np.log(3))


def test_the_band_is_the_smallest_run_around_the_peak_with_half_of_it():
    counts = np.full((4, 5, 6), 100)  # the base is all but level
    counts[:, :, 0] = [10, 10, 40, 30, 10]
    found = listens_to(Rows(np.tile(counts, (1, 1, 50))), splits=2).loc[0]
    assert found[["peak", "width", "low_hz", "high_hz"]].tolist() == [2, 2, 2000, 4000]


def slow(counts):
    """The same weights from the formula, neuron by neuron."""
    totals = counts.sum(axis=0).astype(float)
    base = totals.sum(axis=1) / totals.sum()
    found = []
    for neuron in range(totals.shape[1]):
        weight = totals[:, neuron] / totals[:, neuron].sum() / base
        weight /= weight.sum()
        entropy = -sum(w * np.log(w) for w in weight if w > 0)
        found.append((weight.argmax(), 1 - entropy / np.log(len(weight))))
    return np.array(found)


def test_agrees_with_the_slow_version_and_ignores_the_order_of_clips():
    random = np.random.default_rng(0)
    counts = random.poisson(random.gamma(1, 5, (1, 5, 300)), (40, 5, 300))
    found = listens_to(Rows(counts))
    np.testing.assert_allclose(found[["peak", "selectivity"]], slow(counts), atol=1e-9)
    turned = listens_to(Rows(counts[random.permutation(40)]))
    same = ["low_hz", "high_hz", "width", "peak", "selectivity"]
    pd.testing.assert_frame_equal(turned[same], found[same])
    half = listens_to(Rows(counts), clips=np.arange(40) < 20)
    np.testing.assert_allclose(half[["peak", "selectivity"]], slow(counts[:20]), atol=1e-9)


def test_reliability_is_high_for_tuned_neurons_and_that_of_chance_for_plain_ones():
    random = np.random.default_rng(1)
    rate = np.full((5, 400), 3.0)
    rate[3, :50] *= 3
    found = listens_to(Rows(random.poisson(rate, (60, 5, 400))), splits=40)
    assert (found["reliability"][:50] == 1).all()
    assert found["reliability"][50:].mean() == pytest.approx(1 / 5, abs=0.08)


def test_what_never_fires_or_has_one_row_has_no_tuning():
    counts = np.ones((3, 4, 5))
    counts[:, :, 2] = 0
    found = listens_to(Rows(counts, grids=(0, 1), units=[3, 2]))
    assert found["peak"].isna().tolist() == [False, False, True, True, True]
    assert band_words(*found.loc[2, ["low_hz", "high_hz"]]) == ""
    unknown = listens_to(Rows(counts, bands=[[np.nan, np.nan]] * 4))
    assert unknown["low_hz"].isna().all()
    assert unknown["peak"].notna().sum() == 4


def tones(folder, frequencies, rate=16000):
    paths = []
    for number, frequency in enumerate(frequencies):
        time = np.arange(rate) / rate
        noise = np.random.default_rng(number).normal(0, 1e-3, rate)
        sound = noise + (0.3 * np.sin(2 * np.pi * frequency * time) if frequency else 0)
        paths.append(str(folder / f"{number}.wav"))
        soundfile.write(paths[-1], sound.astype(np.float32), rate, subtype="FLOAT")
    return Task("tones", pd.DataFrame({"clip": [f"c{i}" for i in range(len(paths))], "path": paths}), ())


def test_a_tone_at_3_khz_is_heard_in_the_row_that_holds_it(tmp_path):
    model = load_model("mini:random")
    vit = model.module
    with torch.no_grad():  # by hand: channel 0 of a token is its level, unit 0 of the first layer reads it
        vit.patch_embed.proj.weight.zero_()
        vit.patch_embed.proj.bias.zero_()
        vit.patch_embed.proj.weight[0] = 1 / 256
        vit.pos_embed.zero_()
        first = vit.blocks[0]
        first.attn.proj.weight.zero_()
        first.attn.proj.bias.zero_()
        first.norm2.weight.fill_(1.0)
        first.norm2.bias.zero_()
        first.mlp.fc1.weight[0].zero_()
        first.mlp.fc1.weight[0, 0] = 1.0
        first.mlp.fc1.bias[0] = 0.0
    store = record(model, tones(tmp_path, [3000, 3000, 0]), tmp_path / "x.zarr", rows=True)
    found = listens_to(store, clips=np.array([True, True, False]))
    edges = librosa.mel_frequencies(82, fmin=50, fmax=8000)
    row = found.loc[0]
    assert edges[16 * int(row["peak"])] <= 3000 <= edges[16 * int(row["peak"]) + 17]
    assert row["low_hz"] <= 3000 <= row["high_hz"]
    assert row["reliability"] == 1
    assert row["selectivity"] > 0.5


def test_errors(tmp_path):
    with pytest.raises(OtoscopeError, match="1 clips with tokens"):
        listens_to(Rows(np.ones((3, 2, 4))), clips=np.array([True, False, False]))
    store = record(load_model("mini:random"), tones(tmp_path, [500, 600]), tmp_path / "x.zarr")
    with pytest.raises(OtoscopeError, match="no counts by frequency row"):
        listens_to(store)
