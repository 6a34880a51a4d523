"""Dasheng: its front end, its encoder, its chunks, and the files in which it comes."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from cases_dasheng import DEPTH, HEADS, HIDDEN, WIDTH, checkpoint, weights
from mel_columns import slow_blocks, slow_columns, slow_mel, slow_norm
from safetensors.torch import save_file

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models import Position
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.dasheng import FAMILY
from otoscope.models.family import Request


@pytest.fixture
def load(tmp_path):
    """Save a document as a file and load the model in it."""

    def run(document, file="dasheng.pt", **request):
        path = tmp_path / file
        if path.suffix == ".safetensors":
            save_file(document, path)
        else:
            torch.save(document, path)
        return FAMILY.load(Request(f"dasheng:{path}", str(path), **request))

    return run


@pytest.fixture
def model(load):
    return load(checkpoint(weights()))


def without(*names: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in weights().items() if name not in names}


# --- the front end ---


@pytest.mark.parametrize("level", [1.0, 30.0])  # the second reaches the floor of 120 dB below the loudest
@pytest.mark.parametrize("samples", [480, 16000, 16159])
def test_front_end_is_the_slow_one(model, samples, level, noise):
    sound = level * noise(samples, real=samples // 2).samples
    expected = slow_mel(sound, 512, 0, 8000, 120)
    got = model.front([Waveform(sound, samples)], expected.shape[1])[0].numpy()
    assert np.abs(got - expected).max() < 1e-3  # dB


def test_the_floor_is_120_decibels_below_the_loudest(model, noise):
    loud, quiet = (level * noise(16000, real=8000).samples for level in (30.0, 0.01))
    got = model.front([Waveform(loud, 16000), Waveform(quiet, 16000)], 101)
    assert got[0].max() - got[0].min() == pytest.approx(120, abs=1e-3)
    assert got[0].min() > -100
    assert got[1].min() == pytest.approx(-100, abs=1e-4)


# --- the encoder ---


def test_encoder_is_the_slow_one(model, noise, listen):
    clip = noise(8000)
    (feature,), (hidden,) = listen(model, [clip])
    w = {name: value.double().numpy() for name, value in weights().items()}
    mean, var = w["init_bn.1.running_mean"], w["init_bn.1.running_var"]
    bands = (model.front([clip], 48)[0].double().numpy() - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    bands = bands * w["init_bn.1.weight"][:, None] + w["init_bn.1.bias"][:, None]
    tokens = slow_columns(bands) @ w["patch_embed.proj.weight"].reshape(WIDTH, -1).T
    tokens = tokens + w["patch_embed.proj.bias"] + w["freq_pos_embed"][0, :, 0, 0]
    tokens = tokens + w["time_pos_embed"][0, :, 0, :12].T
    expected, units = slow_blocks(w, HEADS, tokens)
    expected = slow_norm(expected, w["norm.weight"], w["norm.bias"])
    assert feature.shape == (1, 12, WIDTH)
    assert np.abs(feature[0].numpy() - expected).max() < 2e-5
    assert [layer.units for layer in model.layers] == [HIDDEN] * DEPTH
    for got, right in zip(hidden, units, strict=True):
        assert np.abs(got[0].numpy() - right).max() < 2e-5


@pytest.mark.parametrize(("band", "frame"), [(0, 0), (63, 3), (5, 4), (40, 51), (63, 99)])
def test_token_order(load, band, frame):
    model = load(checkpoint(weights()), hook="blocks.0.norm1")  # before attention mixes the tokens
    seen: list[torch.Tensor] = []
    handle = model.hooks()[0].attach(seen.append)
    spectrogram = torch.full((1, 64, 100), -30.0)
    model.module(spectrogram)
    spectrogram[0, band, frame] = 0
    model.module(spectrogram)
    handle.remove()
    changed = (seen[0] != seen[1]).any(2)[0].nonzero().flatten().tolist()
    token = frame // 4
    assert changed == [token]
    where = model.token_grid(16000).loc[token]
    assert where.start_s <= frame * 0.01 < where.stop_s
    assert (where.low_hz, where.high_hz) == (0, pytest.approx(8000))


@pytest.mark.parametrize(
    ("hook", "name", "units"),
    [
        ("residual", "blocks.0", WIDTH),
        ("attention", "blocks.0.attn", WIDTH),
        ("blocks.*.mlp.fc2:input", "blocks.0.mlp.fc2:input", HIDDEN),
    ],
)
def test_other_places_to_listen(load, hook, name, units):
    layers = load(checkpoint(weights()), hook=hook).layers
    assert (len(layers), layers[0].name, layers[0].units) == (DEPTH, name, units)


def test_embedding_is_the_mean_of_valid_tokens(model, noise, listen):
    clip = noise(32000, real=5000)  # frames 0 to 31: 8 tokens
    features, _ = listen(model, [clip])
    chunks = model.prepare([clip])
    assert model.tokens(32000, real=5000) == sum(int((c.kind == Position.TOKEN).sum()) for c in chunks) == 8
    got = model.embedding(chunks, features)
    assert torch.allclose(got, features[0][:, :8].mean(1), atol=1e-6)


# --- chunks ---


def test_2500_frames_are_chunks_of_1008_and_the_last_is_not_filled_up(load, noise):
    model = load(checkpoint(weights(frames=1008), frames=1008))
    samples = 2499 * 160 + 5
    chunks = model.prepare([noise(samples)])
    assert [tuple(chunk.inputs.shape) for chunk in chunks] == [(1, 64, 1008), (1, 64, 1008), (1, 64, 484)]
    assert model.tokens(samples) == len(model.token_grid(samples)) == 625
    assert model.token_grid(samples).start_s[252] == pytest.approx(10.08)
    whole = model.front([noise(samples)], 2500)
    assert torch.equal(torch.cat([chunk.inputs for chunk in chunks], 2), whole)


def test_the_shortest_clip(model, noise):
    assert model.min_samples == 480
    assert model.tokens(480) == 1
    assert model.forward(model.prepare([noise(480)])[0]).shape == (1, 1, WIDTH)
    with pytest.raises(OtoscopeError, match="480"):
        model.length(479)


# --- files ---


def test_every_layout_holds_the_same_model(load, model):
    published = checkpoint(weights())
    wrapped = {f"encoder.{name}": value for name, value in weights().items()}
    wrapped["decoder.norm.weight"] = torch.zeros(8)
    trained = {"mask_ratio": 0.75, "model": "dasheng_base", "model_args": published["config"]}
    others = [
        load({"model": weights(), "config": trained}),
        load({"model": wrapped, "config": published["config"]}),
        load(checkpoint(without("front_end.0.spectrogram.window", "front_end.0.mel_scale.fb"))),
    ]
    assert {other.fingerprint for other in others} == {model.fingerprint}


@pytest.mark.parametrize(("width", "heads"), [(768, 12), (1280, 16)])
def test_published_widths_say_their_heads(load, width, heads):
    wrapped = {f"encoder.{name}": value for name, value in weights(width=width).items()}
    model = load(wrapped, "model.safetensors")
    assert model.module.blocks[0].attn.heads == heads
    assert model.embedding_size == width


def test_the_untrained_twin_keeps_sizes_and_what_sound_is_like(load, model, noise, listen):
    before = torch.get_rng_state()
    twin, again, other = (load(checkpoint(weights()), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert twin.layers == model.layers
    assert len({twin.fingerprint, other.fingerprint, model.fingerprint}) == 3
    assert twin.fingerprint == again.fingerprint
    normalise = twin.module.init_bn[1]
    assert torch.equal(normalise.running_mean, weights()["init_bn.1.running_mean"])
    assert torch.equal(normalise.weight, torch.ones(64))
    assert twin.module.time_pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    features, _ = listen(twin, [noise(16000)])
    assert torch.isfinite(features[0]).all()


def test_it_survives_pickling(model, noise):
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint
    chunk = model.prepare([noise(8000)])[0]
    assert torch.equal(again.forward(again.prepare([noise(8000)])[0]), model.forward(chunk))


# --- errors ---


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"cls_token": torch.zeros(1, 1, 8)},
            "another architecture: no usable time_pos_embed, blocks.0.mlp.fc1.weight",
        ),
        ({}, "another architecture: .* among its 0 tensors"),
        (without("time_pos_embed"), "no usable time_pos_embed"),
        (
            without("init_bn.1.running_var", "norm.bias"),
            "init_bn.1.running_var is missing; norm.bias is missing",
        ),
        (
            weights() | {"cls_token": torch.zeros(1, 1, WIDTH)},
            "it holds cls_token, 1 weights more than Dasheng",
        ),
        (weights() | {"blocks.0.ls1.gamma": torch.ones(WIDTH)}, "it holds blocks.0.ls1.gamma"),
        (weights() | {"norm.bias": torch.full((WIDTH,), np.nan)}, "NaN or infinite weights in norm.bias"),
    ],
)
def test_other_files_are_refused(load, state, message):
    with pytest.raises(CheckpointError, match=message):
        load(checkpoint(state))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n_fft", 1024, "states n_fft = 1024; expected 512"),
        ("patch_size", (16, 16), r"states patch_size = \(16, 16\); expected \[64, 4\]"),
        ("num_heads", 7, "width 64.* num_heads = 7; .* 768, 1280, 1536"),
        ("num_heads", None, "num_heads = None"),
    ],
)
def test_settings_that_are_not_supported_are_refused(load, key, value, message):
    document = checkpoint(weights())
    document["config"][key] = value
    with pytest.raises(CheckpointError, match=message):
        load(document)


def test_patches_may_be_stated_as_a_tuple(load, model):
    document = checkpoint(weights())
    document["config"]["patch_size"] = (64, 4)
    assert load(document).fingerprint == model.fingerprint


def test_a_file_that_needs_more_says_what_to_allow(load):
    document = checkpoint(weights())
    document["config"]["outputdir"] = Path("some/where")
    with pytest.raises(CheckpointError, match=r"try allow=\['pathlib\..*PosixPath'\]"):
        load(document)
