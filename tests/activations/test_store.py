"""A store opened: labelled, lazy, and equal to what is on disk."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import zarr
from toy_audio_model import FRAME, ToyModel

from otoscope.activations import open_store, record
from otoscope.errors import OtoscopeError, UsageError


@pytest.fixture
def store(task, tmp_path):
    return record(ToyModel(units=(24, 24, 24)), task, tmp_path / "x.zarr")


@pytest.fixture
def ragged(task, tmp_path):
    return record(ToyModel(units=(3, 40)), task, tmp_path / "ragged.zarr")


def test_layer_and_unit_lie_where_the_flat_axis_says(store):
    flat = zarr.open_group(store.path, mode="r")["fired"][:]
    assert store.fired.dims == ("clip", "layer", "unit")
    assert np.array_equal(store.fired.values, flat.reshape(6, 3, 24))
    assert np.array_equal(store.fired.sel(layer=2, unit=5).values, flat[:, 2 * 24 + 5])


@pytest.mark.parametrize(
    "key",
    [
        {"layer": 1},
        {"layer": [2, 0]},
        {"layer": slice(1, 3), "unit": slice(3, 20, 4)},
        {"clip": 3},
        {"clip": 3, "layer": 0},
        {"clip": [0, 5, 2], "layer": [0, 2], "unit": [7, 1]},
        {"clip": slice(1, 4), "unit": -1},
        {"clip": 1, "layer": 1, "unit": 1},
        {"unit": slice(None, None, -1)},
        {"layer": slice(0, 0)},
    ],
)
def test_lazy_reading_equals_reading_all(store, key):
    assert np.array_equal(store.peak.isel(key).values, store.peak.load().isel(key).values)


def test_pointwise_indexing(store):
    at = {"clip": xr.DataArray([0, 3], dims="p"), "unit": xr.DataArray([5, 6], dims="p")}
    assert np.array_equal(store.fired.isel(at).values, store.fired.load().isel(at).values)


def test_opening_reads_no_array(store, monkeypatch):
    from otoscope.activations import lazy

    monkeypatch.setattr(lazy._Layered, "_read", lambda *_: pytest.fail("was read"))
    assert "fired" in repr(open_store(store.path).dataset)


def test_clips_are_labelled(store):
    assert store.fired.sel(clip="0004.wav").sizes == {"layer": 3, "unit": 24}
    assert list(store.dataset["layer_name"].values) == ["layer0", "layer1", "layer2"]
    assert store.dataset["tokens"].sel(clip="0004.wav") == 65


def test_layers_of_different_width(ragged):
    flat = zarr.open_group(ragged.path, mode="r")["fired"][:]
    assert ragged.fired.dims == ("clip", "neuron")
    assert np.array_equal(ragged.fired.values, flat)
    assert np.array_equal(ragged.fired.sel(layer=1).values, flat[:, 3:])
    assert np.array_equal(ragged.fired.sel(layer=1, unit=39).values, flat[:, -1])
    assert ragged.neurons.iloc[[0, 3, 42]].values.tolist() == [[0, 0], [1, 0], [1, 39]]


def test_counts_of_a_stretch(store):
    assert np.array_equal(store.counts(slice(20, 30)), store.fired.values.reshape(6, -1)[:, 20:30])
    assert store.counts(slice(None)).dtype == np.uint16


def test_plain_xarray_and_zarr_can_read_it(store):
    plain = xr.open_zarr(store.path, consolidated=False)
    assert plain["fired"].dims == ("clip", "neuron")
    assert np.array_equal(plain["fired"].values.reshape(6, 3, 24), store.fired.values)
    assert {"layer", "unit"} <= set(plain["fired"].coords)


def test_what_is_in_it(store, task):
    assert store.info["model"]["name"] == "toy"
    assert store.info["task"]["fingerprint"] == task.fingerprint
    assert store.info["settings"]["batch_size"] == 16
    assert store.info["version"]
    assert [(layer.name, layer.units) for layer in store.layers] == [
        ("layer0", 24),
        ("layer1", 24),
        ("layer2", 24),
    ]
    assert store.results == store.path / "results"
    assert "3 layers, 72 neurons, labelings: kind" in repr(store)
    assert "xr-wrap" in store._repr_html_()


def test_an_unknown_labeling_lists_those_there_are(store):
    with pytest.raises(UsageError, match="no labeling 'mood'; it has: kind"):
        store.labeling("mood")


def test_what_is_not_a_store_is_told(tmp_path):
    with pytest.raises(OtoscopeError, match="does not exist"):
        open_store(tmp_path / "nothing.zarr")
    with pytest.raises(OtoscopeError, match="is not a store"):
        open_store(tmp_path)


def test_an_incomplete_store_says_what_is_missing(store):
    store._layout.clips.unlink()
    with pytest.raises(
        OtoscopeError, match=r"its table of clips is not; .*run the same record command again"
    ):
        open_store(store.path)
    (store.path / "receipts" / "00000.json").unlink()
    with pytest.raises(OtoscopeError, match="1 of 1 shards are missing"):
        open_store(store.path)


def test_chunks_are_those_of_the_design(write_clips, tmp_path):
    store = record(ToyModel(units=(300, 300)), write_clips([FRAME] * 3), tmp_path / "wide.zarr")
    array = zarr.open_group(store.path, mode="r")["fired"]
    assert array.chunks == (256, 256)
    assert array.shards == (256, 768)


def test_opening_needs_no_torch():
    code = "import sys, otoscope.activations.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
