"""The whole line on a model whose neurons we chose: sound in, exactly the planted neurons out."""

import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from otoscope.activations import record
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import AudioModel, Position
from otoscope.neurons import planted, select, share
from otoscope.neurons.worlds.model import FRAME

DESIGNS = ["nested", "crossed", "ungrouped"]


@pytest.fixture(scope="module", params=DESIGNS)
def dissected(request, tmp_path_factory):
    toy = planted(design=request.param, seed=1)
    return toy, record(toy.model, toy.task, tmp_path_factory.mktemp("planted") / "toy.zarr")


@pytest.mark.parametrize("pooling", ["token", "clip"])
def test_exactly_the_planted_neurons_are_found(dissected, pooling):
    toy, store = dissected
    found = select(store, "tone", share=toy.share, pooling=pooling)
    assert found.table[["layer", "unit", "category"]].equals(toy.truth)
    assert found.coverage == 1.0
    assert found.depth == pytest.approx(np.log(4), abs=1e-6)
    assert found.chance.depth.p == 1 / 101
    assert found.chance.depth.high < found.depth


def test_under_shuffled_labels_the_chance_report_says_so(dissected):
    toy, store = dissected
    found = select(store, "shuffled", share=toy.share)
    assert len(found.neurons)  # the share is filled whatever the labels
    assert found.chance.depth.p > 0.05
    assert found.depth <= found.chance.depth.high


def test_the_design_is_recognised(dissected, request):
    toy, store = dissected
    name = toy.model.name.split("-")[3]
    assert select(store, "tone", preset="aape", permutations=1).chance.design == name


def test_detectors_of_different_tones_are_not_shared(dissected):
    toy, store = dissected
    found = share(select(store, "tone", share=toy.share, permutations=0))
    assert found.table["shared"].sum() == 0
    assert np.diag(found.shared).tolist() == [2] * 4


def test_silent_and_steady_units_are_there_and_never_found(dissected):
    toy, store = dissected
    fired = store.counts(slice(None))
    assert (fired == 0).all(axis=0).sum() == 18
    assert (fired == store.tokens[:, None]).all(axis=0).sum() == 4
    planted_units = {tuple(each) for each in toy.truth[["layer", "unit"]].to_numpy().tolist()}
    dead = np.argwhere((fired == 0).all(axis=0).reshape(3, 60))
    assert not planted_units & {tuple(each) for each in dead.tolist()}


@pytest.fixture(scope="module")
def toy():
    return planted(classes=2, clips=1, groups=2)


def test_the_model_keeps_the_contract(toy):
    model = toy.model
    assert isinstance(model, AudioModel)
    assert [layer.units for layer in model.layers] == [60] * 3
    again = pickle.loads(pickle.dumps(model))
    assert (again.fingerprint, again.name, again.layers) == (model.fingerprint, model.name, model.layers)
    waveform = toy.task.read(0, model.sample_rate)
    (chunk,) = model.prepare([waveform, waveform])
    seen = {}
    handles = [
        point.attach(lambda activation, layer=layer: seen.update({layer: activation}))
        for layer, point in enumerate(model.hooks())
    ]
    features = model.forward(chunk)
    for handle in handles:
        handle.remove()
    assert torch.equal(torch.cat([seen[layer] for layer in range(3)], dim=-1), features)
    assert model.embedding([], [features]).shape == (2, model.embedding_size)
    assert len(model.token_grid(len(waveform.samples))) == model.tokens(len(waveform.samples)) == 20
    assert model.to("cpu") is model
    assert str(model.device) == "cpu"


def test_tokens_wholly_in_padding_are_marked(toy):
    samples = np.zeros(4 * FRAME, dtype=np.float32)
    (chunk,) = toy.model.prepare([Waveform(samples, 2 * FRAME + 1), Waveform(samples, 4 * FRAME)])
    assert (chunk.kind == Position.PADDING).tolist() == [[False, False, False, True], [False] * 4]
    assert toy.model.tokens(4 * FRAME, 2 * FRAME + 1) == 3
    with pytest.raises(OtoscopeError, match=r"799 samples is too short; expected at least 800 \(0\.05 s"):
        toy.model.length(799)


def test_clips_are_written_where_asked_and_sound_alike(toy, tmp_path):
    written = planted(tmp_path / "clips", classes=2, clips=1, groups=2)
    assert sorted(each.name for each in (tmp_path / "clips").iterdir()) == written.task.clips["clip"].tolist()
    assert soundfile.info(written.task.clips["path"][0]).samplerate == 16_000
    one, other = (each.task.read(3, 16_000).samples for each in (toy, written))
    assert np.array_equal(one, other)
    assert toy.task.fingerprint == written.task.fingerprint
    assert (
        toy.model.fingerprint
        == written.model.fingerprint
        != planted(classes=2, clips=1, seed=1).model.fingerprint
    )


@pytest.fixture(scope="module")
def misleading(tmp_path_factory):
    """A toy whose decoys fire and are not used, and whose loud neurons push and mean nothing."""
    toy = planted(classes=3, units=100, design="crossed", groups=6, decoys=2, loud=12, seed=2)
    return toy, record(toy.model, toy.task, tmp_path_factory.mktemp("misleading") / "toy.zarr")


def places(neurons):
    return (100 * neurons["layer"] + neurons["unit"]).to_numpy()


def test_decoys_fire_as_detectors_do_and_are_selected_with_them(misleading):
    toy, store = misleading
    fired = store.counts(slice(None))
    for name, decoys in toy.decoys.groupby("category"):
        detectors = toy.truth[toy.truth["category"] == name]
        assert len(decoys) == len(detectors) == 2
        assert (fired[:, places(decoys)] == fired[:, places(detectors)]).all()
    found = select(store, "tone", share=toy.share, permutations=0)
    both = pd.concat([toy.truth, toy.decoys]).sort_values(["layer", "unit"], ignore_index=True)
    assert found.table[["layer", "unit", "category"]].equals(both)


def test_what_each_kind_adds_to_the_embedding(misleading):
    toy, store = misleading
    readout = toy.model.readout.numpy()
    length = np.linalg.norm(readout, axis=1)
    always = (store.counts(slice(None)) == store.tokens[:, None]).all(axis=0)
    kinds = [places(toy.truth), places(toy.decoys), places(toy.loud), np.flatnonzero(always)]
    plain = np.setdiff1d(np.arange(300), np.concatenate(kinds))
    typical = [np.sqrt(np.mean(length[kind] ** 2)) for kind in (plain, *kinds)]
    np.testing.assert_allclose(typical, [0.1, 1, 0, 3, 0.008], rtol=0.35)
    assert store.embedding.shape[1] == readout.shape[1] == 2 * (3 + 8)


def test_loud_neurons_are_about_no_class(misleading):
    toy, _ = misleading
    assert not set(places(toy.loud)) & (set(places(toy.truth)) | set(places(toy.decoys)))
    weight = np.concatenate([block.linear.weight.numpy() for block in toy.model.blocks])[places(toy.loud)]
    assert not weight[:, :3].any()
    assert (weight[:, 3:].sum(axis=1) == 1).all()


def test_without_them_the_embedding_is_the_units(toy):
    assert toy.model.readout is None
    assert len(toy.decoys) == len(toy.loud) == 0
    assert toy.model.embedding_size == 180


def test_messages():
    with pytest.raises(UsageError, match=r"loud is 500; expected at most 150, the units that listen to dist"):
        planted(loud=500)
    with pytest.raises(UsageError, match="classes is 1; expected 2 to 30"):
        planted(classes=1)
    with pytest.raises(UsageError, match=r"4 classes with 9 detectors each in 180 neurons; expected 1 to 19"):
        planted(detectors=9)
    with pytest.raises(UsageError, match=r"seconds is 0\.12; expected a multiple of 0\.05"):
        planted(seconds=0.12)
