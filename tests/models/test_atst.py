"""ATST-Frame: its front end, its encoder, its chunks, and the files in which it comes."""

import pickle
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from cases_atst import DEPTH, FRAMES, HIDDEN, WIDTH, lightning, weights
from mel_columns import slow_blocks, slow_columns, slow_mel, slow_norm
from safetensors.torch import save_file

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models import Position
from otoscope.models.atst import FAMILY, LIMITS_DB
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.family import Request
from otoscope.models.melbank import MelFrontEnd

LOW_DB, HIGH_DB = LIMITS_DB


def front() -> MelFrontEnd:
    return MelFrontEnd(window=1024, low_hz=60.0, high_hz=7800.0, top_db=80.0, limits=LIMITS_DB)


def scaled(decibels):
    return 2 * (decibels - LOW_DB) / (HIGH_DB - LOW_DB) - 1


@pytest.fixture
def load(tmp_path):
    """Save a document as a file and load the model in it."""

    def run(document, file="atst.ckpt", **request):
        path = tmp_path / file
        if path.suffix == ".safetensors":
            save_file(document, path)
        else:
            torch.save(document, path)
        return FAMILY.load(Request(f"atst:{path}", str(path), **request))

    return run


@pytest.fixture
def model(load):
    return load(lightning(weights(seed=0), weights(seed=1)))


def tone(samples: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 440 / 16000 * np.arange(samples))).astype(np.float32)


# --- the front end ---


def test_silence_is_minus_100_decibels_and_a_full_scale_tone_is_known():
    assert np.allclose(front()([Waveform(np.zeros(800, np.float32), 800)], 6), scaled(-100.0), atol=1e-6)
    # The middle of a bin, 1000 Hz: a Hann window sums to 512, so that its power is (512 / 2) ** 2, and a
    # quarter of that in the bins beside it, each weighed by its band.
    sound = np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000)).astype(np.float32)
    got = front()([Waveform(sound, 16000)], 101)[0, :, 50].double().numpy()
    assert got.max() == pytest.approx(scaled(slow_mel(sound, 1024, 60, 7800, 80)[:, 50].max()), abs=1e-6)
    assert scaled(20 * np.log10(256) - 1) < got.max() < scaled(20 * np.log10(256) + 2)


@pytest.mark.parametrize("kind", ["noise", "tone", "half silence"])
@pytest.mark.parametrize("samples", [513, 16000, 16159])
def test_front_end_is_the_slow_one(kind, samples, noise):
    sound = {"tone": tone(samples), "noise": noise(samples).samples}.get(kind)
    if sound is None:
        sound = noise(samples, real=samples // 2).samples
    expected = scaled(slow_mel(sound, 1024, 60, 7800, 80))
    got = front()([Waveform(sound, samples)], expected.shape[1])[0].numpy()
    assert np.abs(got - expected).max() < 2e-5


def test_decibels_reach_80_below_the_loudest_of_the_whole_clip():
    sound = tone(16000)
    sound[:8000] = 0
    whole = front()([Waveform(sound, 16000)], 101)
    assert whole.min() == pytest.approx(float(whole.max()) - 2 * 80 / (HIGH_DB - LOW_DB), abs=1e-6)
    cut = front()([Waveform(sound, 16000)], 40)  # what is loud comes later; it counts all the same
    assert torch.equal(cut, whole[..., :40])


def test_a_loud_neighbour_changes_nothing(noise):
    quiet = Waveform(0.001 * tone(16000), 16000)
    loud = Waveform(100 * noise(16000).samples, 16000)
    alone = front()([quiet], 101)
    assert torch.equal(front()([loud, quiet], 101)[1:], alone)


def test_bands_lie_where_the_filters_are():
    edges, filters = front().band_edges(), front().filters.numpy()
    assert len(edges) == 66
    assert (edges[0], edges[-1]) == (pytest.approx(60), pytest.approx(7800))
    hz = np.arange(513) * 16000 / 1024
    for band, row in enumerate(filters):
        inside = (hz > edges[band]) & (hz < edges[band + 2])
        assert np.array_equal(row > 0, inside)


def test_a_front_end_that_cannot_be_is_refused():
    with pytest.raises(OtoscopeError, match=r"7800 to 60 Hz.*expected"):
        MelFrontEnd(window=1024, low_hz=7800.0, high_hz=60.0, top_db=80.0)


# --- the encoder ---


def test_encoder_is_the_slow_one(model, noise, listen):
    clip = noise(8000)
    (feature,), (hidden,) = listen(model, [clip])
    w = {name: value.double().numpy() for name, value in weights(seed=0).items()}
    spectrogram = model.front([clip], 48)[0].double().numpy()
    tokens = slow_columns(spectrogram) @ w["patch_embed.patch_embed.weight"].T
    tokens = tokens + w["patch_embed.patch_embed.bias"] + w["pos_embed"][0, 1:13]
    expected, units = slow_blocks(w, WIDTH // 64, tokens)
    expected = slow_norm(expected, w["norm_frame.weight"], w["norm_frame.bias"])
    assert feature.shape == (1, 12, WIDTH)
    assert np.abs(feature[0].numpy() - expected).max() < 2e-5
    assert [layer.units for layer in model.layers] == [HIDDEN] * DEPTH
    for got, right in zip(hidden, units, strict=True):
        assert np.abs(got[0].numpy() - right).max() < 2e-5


@pytest.mark.parametrize(("band", "frame"), [(0, 0), (63, 3), (5, 4), (40, 51), (63, 99)])
def test_token_order(load, band, frame):
    model = load(lightning(weights(), weights()), hook="blocks.0.norm1")  # before attention mixes the tokens
    seen: list[torch.Tensor] = []
    handle = model.hooks()[0].attach(seen.append)
    spectrogram = torch.zeros(1, 64, 100)
    model.module(spectrogram)
    spectrogram[0, band, frame] = 1
    model.module(spectrogram)
    handle.remove()
    changed = (seen[0] != seen[1]).any(2)[0].nonzero().flatten().tolist()
    token = frame // 4
    assert changed == [token]
    where = model.token_grid(16000).loc[token]
    assert where.start_s <= frame * 0.01 < where.stop_s
    assert (where.low_hz, where.high_hz) == (pytest.approx(60), pytest.approx(7800))


@pytest.mark.parametrize(
    ("hook", "name", "units"),
    [
        ("residual", "blocks.0", WIDTH),
        ("attention", "blocks.0.attn", WIDTH),
        ("blocks.*.mlp.fc2:input", "blocks.0.mlp.fc2:input", HIDDEN),
    ],
)
def test_other_places_to_listen(load, hook, name, units):
    layers = load(lightning(weights(), weights()), hook=hook).layers
    assert (len(layers), layers[0].name, layers[0].units) == (DEPTH, name, units)


def test_embedding_is_the_mean_of_valid_tokens(model, noise, listen):
    clip = noise(32000, real=5000)  # frames 0 to 31: 8 tokens
    features, _ = listen(model, [clip])
    chunks = model.prepare([clip])
    assert model.tokens(32000, real=5000) == sum(int((c.kind == Position.TOKEN).sum()) for c in chunks) == 8
    got = model.embedding(chunks, features)
    assert torch.allclose(got, features[0][:, :8].mean(1), atol=1e-6)


# --- chunks ---


def test_2500_frames_are_chunks_of_1001(load, noise):
    model = load(lightning(weights(frames=1001), weights(frames=1001), frames=1001))
    samples = 2499 * 160 + 5
    chunks = model.prepare([noise(samples)])
    # The 1001st frame of each fills no column; of the last 498, two do not.
    assert [chunk.inputs.shape[2] // 4 for chunk in chunks] == [250, 250, 124]
    assert model.tokens(samples) == len(model.token_grid(samples)) == 624
    assert model.token_grid(samples).start_s[250] == pytest.approx(10.01)
    whole = model.front([noise(samples)], 2500)
    assert torch.equal(chunks[1].inputs, whole[..., 1001 : 1001 + 1000])
    assert torch.equal(chunks[2].inputs, whole[..., 2002 : 2002 + 496])


def test_a_rest_that_fills_no_column_makes_no_chunk(model, noise):
    chunks = model.prepare([noise((FRAMES + 3 - 1) * 160)])
    assert len(chunks) == 1
    assert model.tokens((FRAMES + 3 - 1) * 160) == FRAMES // 4


def test_the_shortest_clip(model, noise):
    assert model.min_samples == 513
    assert model.tokens(513) == 1
    assert model.forward(model.prepare([noise(513)])[0]).shape == (1, 1, WIDTH)
    with pytest.raises(OtoscopeError, match="513"):
        model.length(512)


# --- files ---


def test_every_layout_holds_the_same_model(load, model):
    fine_tuned = {f"encoder.encoder.{name}": value for name, value in weights(seed=0).items()}
    fine_tuned["head.linear.weight"] = torch.zeros(3, WIDTH)
    settings = {"spec_w": FRAMES}
    others = [
        load({"state_dict": fine_tuned, "hyper_parameters": settings}),
        load({"state_dict": weights(seed=0), "hyper_parameters": Namespace(**settings)}),
    ]
    assert {other.fingerprint for other in others} == {model.fingerprint}
    assert load(lightning(weights(seed=1), weights(seed=0))).fingerprint != model.fingerprint


def test_bare_weights_are_of_the_published_length(load):
    bare = load(weights(frames=1001), file="atst.safetensors")
    full = load(lightning(weights(frames=1001), weights(), frames=1001))
    assert bare.fingerprint == full.fingerprint
    assert bare.grid.frames == 1001


def test_half_precision_files_are_computed_in_float32(load):
    document = lightning({name: value.half() for name, value in weights().items()}, weights())
    assert load(document).dtype == torch.float32


def test_the_untrained_twin_is_of_the_files_sizes(load, model, noise, listen):
    document = lightning(weights(seed=0), weights(seed=1))
    before = torch.get_rng_state()
    twin, again, other = (load(document, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert twin.layers == model.layers
    assert len({twin.fingerprint, other.fingerprint, model.fingerprint}) == 3
    assert twin.fingerprint == again.fingerprint
    assert twin.module.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    features, _ = listen(twin, [noise(16000)])
    assert torch.isfinite(features[0]).all()


def test_it_survives_pickling(model, noise):
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint
    chunk = model.prepare([noise(8000)])[0]
    assert torch.equal(again.forward(again.prepare([noise(8000)])[0]), model.forward(chunk))


# --- errors ---


def clip_model() -> dict[str, torch.Tensor]:
    """The weights of ATST-Clip, whose layout is the same but for these."""
    state = weights()
    state["cls_token"] = torch.zeros(1, 1, WIDTH)
    return {name.replace("norm_frame", "norm"): value for name, value in state.items()}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            lightning(None, weights()),
            "holds a student .* without its teacher; expected model.teacher.encoder",
        ),
        (lightning(clip_model(), clip_model()), "norm_frame.weight is missing"),
        (
            lightning(weights() | {"prompt_embed": torch.zeros(1, 1, WIDTH)}, weights()),
            "it holds prompt_embed, 1 weights more than ATST-Frame has",
        ),
        ({"cls_token": torch.zeros(1, 1, 8), "pos_embed": torch.zeros(1, 5, 8)}, "another architecture"),
        ({"state_dict": [1, 2]}, "another architecture: .* among its 0 tensors"),
        (lightning(weights(width=96), weights()), "width 96; expected a multiple of the usual head size, 64"),
        (lightning(weights(frames=81), weights()), r"pos_embed is \(1, 21, 128\) instead of \(1, 26, 128\)"),
    ],
)
def test_other_files_are_refused(load, document, message):
    with pytest.raises(CheckpointError, match=message):
        load(document)


def test_positions_that_are_interpolated_are_refused(load):
    document = lightning(weights(), weights())
    document["hyper_parameters"]["pos_type"] = "interpolate"
    with pytest.raises(CheckpointError, match="states pos_type = 'interpolate'; expected 'cut'"):
        load(document)


def test_a_file_that_needs_more_says_what_to_allow(load):
    document = lightning(weights(), weights())
    document["hyper_parameters"]["save_path"] = Path("some/where")
    with pytest.raises(CheckpointError, match=r"try allow=\['pathlib\..*PosixPath'\]"):
        load(document)
