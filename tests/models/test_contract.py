"""What every model promises, whatever it is: the rest of the house relies on nothing else."""

import pickle
import re

import numpy as np
import pytest
import torch

from otoscope.errors import OtoscopeError
from otoscope.models import AudioModel, Layer, Position, load_model
from otoscope.models.m2d import M2D
from otoscope.models.vit import ViTConfig, untrained


def m2d(input_size, patch_size, sample_rate):
    vit = untrained(ViTConfig(input_size, patch_size, width=16, depth=2, heads=2, hidden=24), seed=0)
    return M2D(vit, sample_rate=sample_rate, norm_stats=(-7.1, 4.2), name="small m2d")


MODELS = {
    "m2d 80x608p16x16": lambda: m2d((80, 608), (16, 16), 16000),
    "m2d 80x1001p16x16p32k": lambda: m2d((80, 1001), (16, 16), 32000),
    "m2d 80x200p16x4": lambda: m2d((80, 200), (16, 4), 16000),
    "m2d 80x608p80x2": lambda: m2d((80, 608), (80, 2), 16000),
    "mini:random": lambda: load_model("mini:random"),
}
SECONDS = (0.5, 2.3, 7.0)  # the last is longer than most inputs, so that there are several chunks


@pytest.fixture(scope="module", params=list(MODELS))
def model(request) -> AudioModel:
    return MODELS[request.param]()


@pytest.fixture(params=SECONDS)
def samples(request, model) -> int:
    return round(request.param * model.sample_rate)


def test_it_is_an_audio_model(model):
    assert isinstance(model, AudioModel)
    assert model.name
    assert model.sample_rate > 0
    assert re.fullmatch("[0-9a-f]{64}", model.fingerprint)
    assert model.device == torch.device("cpu")


def test_there_is_one_distinct_hook_per_layer(model):
    hooks = model.hooks()
    assert len({id(hook.module) for hook in hooks}) == len(hooks) == len(model.layers) > 0
    assert all(isinstance(layer, Layer) and layer.units > 0 for layer in model.layers)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
    assert not any(hook.module.training for hook in hooks)


def test_hooked_positions_kinds_and_features_agree(model, samples, noise, listen):
    clips = [noise(samples, seed=seed, real=real) for seed, real in enumerate((samples, samples // 2))]
    chunks = model.prepare(clips)
    features, hidden = listen(model, clips)
    for chunk, feature, layers in zip(chunks, features, hidden, strict=True):
        assert chunk.kind.dtype == torch.uint8
        assert chunk.kind.shape == feature.shape[:2]
        assert feature.dtype == torch.float32
        assert feature.isfinite().all()
        for layer, activation in zip(model.layers, layers, strict=True):
            assert activation.shape == (*chunk.kind.shape, layer.units)
            assert activation.dtype == torch.float32


def test_tokens_are_the_positions_of_that_kind(model, samples, noise):
    for real in (samples, samples // 2, samples // 5, 1):
        kinds = torch.cat([chunk.kind[0] for chunk in model.prepare([noise(samples, real=real)])])
        assert model.tokens(samples, real) == int((kinds == Position.TOKEN).sum()) > 0
    assert model.tokens(samples) == model.tokens(samples, samples)


def test_the_token_grid_lists_every_position_that_is_not_special(model, samples, noise):
    grid = model.token_grid(samples)
    kinds = torch.cat([chunk.kind[0] for chunk in model.prepare([noise(samples)])])
    assert grid["token"].tolist() == list(range(int((kinds != Position.SPECIAL).sum())))
    assert (grid["stop_s"] > grid["start_s"]).all()
    assert grid["start_s"].min() == 0
    assert (grid["start_s"] <= samples / model.sample_rate + 1e-9).all()
    assert not grid.duplicated(["row", "column"]).any()


def test_padding_in_the_grid_lies_after_the_sound(model, samples, noise):
    real = samples // 3
    kinds = torch.cat([chunk.kind[0] for chunk in model.prepare([noise(samples, real=real)])])
    grid = model.token_grid(samples)
    padding = (kinds[kinds != Position.SPECIAL] == Position.PADDING).numpy()
    assert padding.any()
    assert grid["start_s"][padding].min() > real / model.sample_rate - 1e-9
    assert grid["start_s"][~padding].max() <= real / model.sample_rate + 1e-9


def test_an_embedding_is_one_row_per_clip(model, samples, noise, listen):
    clips = [noise(samples), noise(samples, seed=1)]
    features, _ = listen(model, clips)
    embedding = model.embedding(model.prepare(clips), features)
    assert embedding.shape == (2, model.embedding_size)
    assert embedding.isfinite().all()
    assert not torch.equal(embedding[0], embedding[1])


def test_a_clip_does_not_depend_on_its_neighbours_in_the_batch(model, noise, listen):
    samples = model.sample_rate
    clips = [noise(samples, seed=seed) for seed in range(3)]
    together, _ = listen(model, clips)
    alone, _ = listen(model, clips[1:2])
    for batch, single in zip(together, alone, strict=True):
        assert torch.allclose(batch[1], single[0], atol=1e-4)


def test_clips_of_equal_length_form_a_batch_and_others_do_not(model, noise):
    one, other = model.sample_rate, model.sample_rate + 1
    assert model.length(one) == model.length(other)
    model.prepare([noise(one), noise(other)])
    longer = 3 * model.sample_rate
    assert model.length(longer) > model.length(one)
    with pytest.raises(OtoscopeError, match="equal length"):
        model.prepare([noise(one), noise(longer)])


def test_the_same_clip_gives_the_same_numbers(model, noise, listen):
    clip = noise(model.sample_rate)
    before = clip.samples.copy()
    first, second = listen(model, [clip])[0], listen(model, [clip])[0]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert np.array_equal(clip.samples, before)  # inputs are left alone


def test_a_clip_that_is_too_short_is_refused_with_the_minimum(model):
    with pytest.raises(OtoscopeError, match=r"expected at least \d+"):
        model.length(1)


def test_it_survives_pickling(model, noise, listen):
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.name, copy.fingerprint, copy.layers) == (model.name, model.fingerprint, model.layers)
    clip = noise(model.sample_rate)
    assert torch.equal(listen(copy, [clip])[0][0], listen(model, [clip])[0][0])


def test_to_returns_the_model(model):
    assert model.to("cpu") is model
