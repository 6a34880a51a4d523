"""BEATs against its formulas in NumPy, its front end, its tokens, and the files it takes and refuses."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from cases_beats import CFG, FINE_TUNED, document, shapes, write
from scipy.special import erf, expit, softmax

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import Position
from otoscope.models.beats import FAMILY
from otoscope.models.beats_encoder import BEATsConfig, BEATsEncoder, relative_buckets, untrained
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.family import Request

TINY = CFG | {"num_buckets": 8, "max_distance": 10, "encoder_layers": 2}  # short distances reach all buckets


def load(path, **wishes):
    return FAMILY.load(Request(f"beats:{path}", str(path), **wishes))


@pytest.fixture
def save(tmp_path):
    def save(content, name="BEATs.pt") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def model(save):
    return load(save(document(CFG)))


def run(model, inputs):
    """Features of normalised log-mel (clips, bands, frames), and what the hook points see on the way."""
    seen = []
    handles = [point.attach(lambda activation: seen.append(activation.numpy())) for point in model.hooks()]
    with torch.inference_mode():
        features = model.module(inputs).numpy()
    for handle in handles:
        handle.remove()
    return features, seen


# --- the encoder, from its formulas ---


def slow_encoder(weights, cfg, spectrogram):
    """One clip's activations by place, layer by layer, in float64: spectrogram (bands, frames)."""
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    width, patch, heads = cfg["encoder_embed_dim"], cfg["input_patch_size"], cfg["encoder_attention_heads"]
    bands, frames = spectrogram.shape

    def affine(name, x):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name, x):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def gelu(x):
        return 0.5 * x * (1 + erf(x / np.sqrt(2)))

    tokens = []
    for column in range(frames // patch):
        for row in range(bands // patch):
            # The kernel's first axis is time.
            cut = spectrogram[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch].T
            tokens.append((w["patch_embedding.weight"][:, 0] * cut).sum((1, 2)))
    x = affine("post_extract_proj", norm("layer_norm", np.array(tokens)))

    size, groups = cfg["conv_pos"], cfg["conv_pos_groups"]
    direction = w["encoder.pos_conv.0.weight_v"]
    kernel = w["encoder.pos_conv.0.weight_g"] * direction / np.sqrt((direction**2).sum((0, 1)))
    each = width // groups
    convolved = np.tile(w["encoder.pos_conv.0.bias"], (len(x), 1))
    for token in range(len(x)):
        for place in range(size):
            other = token + place - size // 2
            if 0 <= other < len(x):
                for channel in range(width):
                    group = channel // each * each
                    convolved[token, channel] += kernel[channel, :, place] @ x[other, group : group + each]
    x = norm("encoder.layer_norm", x + gelu(convolved))

    table = w["encoder.layers.0.self_attn.relative_attention_bias.weight"]
    residual_weight = (2 * cfg["encoder_layers"]) ** 0.25
    seen = {"mlp": [], "attention": [], "residual": []}
    for layer in range(cfg["encoder_layers"]):
        name = f"encoder.layers.{layer}"
        query, key, value = (affine(f"{name}.self_attn.{part}_proj", x) for part in "qkv")
        mixed = np.zeros_like(x)
        for head in range(heads):
            own = slice(head * width // heads, (head + 1) * width // heads)
            scores = np.zeros((len(x), len(x)))
            for i in range(len(x)):
                eight = affine(f"{name}.self_attn.grep_linear", query[i, own])
                reset, update = expit(eight[:4].sum()), expit(eight[4:].sum())
                gate = reset * (update * w[f"{name}.self_attn.grep_a"][0, head, 0, 0] - 1) + 2
                for j in range(len(x)):
                    bias = table[slow_bucket(j - i, cfg["num_buckets"], cfg["max_distance"]), head]
                    scores[i, j] = query[i, own] @ key[j, own] / np.sqrt(width // heads) + gate * bias
            mixed[:, own] = softmax(scores, axis=1) @ value[:, own]
        attended = affine(f"{name}.self_attn.out_proj", mixed)
        x = norm(f"{name}.self_attn_layer_norm", x * residual_weight + attended)
        hidden = gelu(affine(f"{name}.fc1", x))
        x = norm(f"{name}.final_layer_norm", x * residual_weight + affine(f"{name}.fc2", hidden))
        for place, activation in zip(seen, (hidden, attended, x), strict=True):
            seen[place].append(activation)
    return seen


def slow_bucket(way, buckets, max_distance):
    half, exact = buckets // 2, buckets // 4
    distance = abs(way)
    if distance >= exact:
        steps = np.log(distance / exact) / np.log(max_distance / exact) * (half - exact)
        distance = min(half - 1, exact + int(steps))
    return distance + half if way > 0 else distance


def test_equals_a_slow_version_from_the_formulas(save):
    content = document(TINY)
    path = save(content)
    rng = np.random.default_rng(1)
    spectrograms = rng.normal(0, 1, (2, 128, 50)).astype(np.float32)  # 2 frames fill no patch
    slow = [slow_encoder(content["model"], TINY, clip.astype(np.float64)) for clip in spectrograms]
    for place in ("mlp", "attention", "residual"):
        features, seen = run(load(path, hook=place), torch.tensor(spectrograms))
        assert len(seen) == 2
        for clip in range(2):
            for layer in range(2):
                assert np.abs(seen[layer][clip] - slow[clip][place][layer]).max() < 1e-5
            assert np.abs(features[clip] - slow[clip]["residual"][-1]).max() < 1e-5


@pytest.mark.parametrize(("buckets", "max_distance"), [(320, 800), (20, 40), (8, 10)])
def test_distances_fall_into_the_buckets_of_the_formula(buckets, max_distance):
    ways = range(-2000, 2001)
    found = relative_buckets(torch.tensor(ways), buckets, max_distance)
    assert found.tolist() == [slow_bucket(way, buckets, max_distance) for way in ways]
    assert set(found.tolist()) == set(range(buckets)) - {buckets // 2}  # distance 0 is never forwards


def test_the_default_sizes_are_the_published_ones():
    base = CFG | {
        "encoder_layers": 12,
        "encoder_embed_dim": 768,
        "encoder_ffn_embed_dim": 3072,
        "encoder_attention_heads": 12,
        "conv_pos": 128,
        "conv_pos_groups": 16,
        "num_buckets": 320,
        "max_distance": 800,
        "embed_dim": 512,
    }
    with torch.device("meta"):
        module = BEATsEncoder(BEATsConfig())
    held = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    repeated = [f"encoder.layers.{layer}.self_attn.relative_attention_bias.weight" for layer in range(1, 12)]
    assert held == {name: shape for name, shape in shapes(base).items() if name not in repeated}
    assert round(sum(parameter.numel() for parameter in module.parameters()) / 1e6) == 90  # the paper's 90M


# --- front end and tokens ---


def test_takes_kaldi_features_of_sixteen_bit_numbers(model, noise):
    sound = noise(4000, seed=3)
    frame = sound.samples[5 * 160 : 5 * 160 + 400].astype(np.float64) * 2**15
    frame -= frame.mean()
    frame -= 0.97 * np.concatenate([frame[:1], frame[:-1]])
    povey = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft(frame * povey, 512)) ** 2
    mel = 1127 * np.log(1 + np.arange(257) * 16000 / 512 / 700)
    low, high = 1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700)
    edges = np.linspace(low, high, 130)
    for band in (40, 90, 127):
        left, centre, right = edges[band : band + 3]
        weights = np.minimum((mel - left) / (centre - left), (right - mel) / (right - centre)).clip(0)
        wanted = (np.log(weights @ power) - 15.41663) / (2 * 6.55582)
        assert model.prepare([sound])[0].inputs[0, band, 5].item() == pytest.approx(wanted, abs=1e-4)


def test_tokens_are_numbered_column_by_column(model):
    row, column = 5, 2
    spectrogram = torch.zeros(1, 128, 64)
    changed = spectrogram.clone()
    changed[0, row * 16 : (row + 1) * 16, column * 16 : (column + 1) * 16] = 1
    embedded = []
    point = model.module.post_extract_proj.register_forward_hook(
        lambda _module, _inputs, output: embedded.append(output)
    )
    with torch.inference_mode():
        model.module(spectrogram)
        model.module(changed)
    point.remove()
    differs = (embedded[0] != embedded[1]).any(2)[0].nonzero().flatten().tolist()
    assert differs == [column * 8 + row]
    grid = model.token_grid(model.front.samples_for(64))
    assert (grid.row[differs[0]], grid.column[differs[0]]) == (row, column)
    assert len(grid) == 32


def test_a_tone_is_where_the_grid_says(model):
    time = np.arange(32000) / 16000
    sound = 0.001 * np.random.default_rng(0).normal(0, 1, 32000)
    sound += np.where((time > 0.98) & (time < 1.1), 0.5 * np.sin(2 * np.pi * 3000 * time), 0)
    inputs = model.prepare([Waveform(sound.astype(np.float32), 32000)])[0].inputs
    loudest = inputs[0].unfold(0, 16, 16).unfold(1, 16, 16).mean((2, 3)).T.flatten().argmax().item()
    token = model.token_grid(32000).iloc[loudest]
    assert token.start_s < 1.04 < token.stop_s
    assert token.low_hz < 3000 < token.high_hz


def test_a_clip_is_one_chunk_of_whole_columns(model, noise):
    assert model.tokens(10 * 16000) == 62 * 8  # 998 frames, of which 6 are lost
    assert model.length(10 * 16000) == 992
    chunks = model.prepare([noise(30 * 16000)])
    assert len(chunks) == 1
    assert chunks[0].inputs.shape == (1, 128, 2992)
    assert model.forward(chunks[0]).shape == (1, 187 * 8, 32)


def test_what_fills_no_patch_is_not_heard(model, noise):
    long = noise(16400, seed=1)
    cut = Waveform(long.samples[:15760], 15760)  # 97 frames: the last one lost, as the last 5 of `long` are
    assert model.length(16400) == model.length(15760) == 96
    alone = model.forward(model.prepare([cut])[0])
    together = model.forward(model.prepare([long, cut])[0])
    assert torch.equal(together[0], together[1])
    assert torch.allclose(alone[0], together[1], atol=1e-6)


def test_padding_is_told_by_columns_and_left_out_of_the_embedding(model, noise):
    padded, full = noise(32000, real=16000), noise(32000, seed=1)
    chunk = model.prepare([padded, full])[0]
    # 98 frames of sound: they reach into column 6, which begins at frame 96.
    assert (chunk.kind[0] == Position.TOKEN).nonzero().flatten().tolist() == list(range(7 * 8))
    assert (chunk.kind[1] == Position.TOKEN).all()
    assert model.tokens(32000, 16000) == 56
    features = model.forward(chunk)
    embedding = model.embedding([chunk], [features])
    assert torch.allclose(embedding[0], features[0, :56].mean(0), atol=1e-6)
    assert torch.allclose(embedding[1], features[1].mean(0), atol=1e-6)


def test_the_shortest_clip_is_one_column(model, noise):
    assert model.min_samples == 400 + 15 * 160
    assert model.tokens(2800) == 8
    with pytest.raises(OtoscopeError, match=r"2799 samples \(0.175 s\) is too short .* at least 2800"):
        model.prepare([noise(2799)])


# --- files ---


def test_a_head_is_left_alone(save):
    plain, tuned = document(CFG), document(CFG | FINE_TUNED)
    tuned["model"] |= plain["model"]
    first, second = load(save(plain)), load(save(tuned, "finetuned.pt"))
    assert first.fingerprint == second.fingerprint
    assert not any("predictor" in name for name, _ in second.module.named_modules())


def test_settings_that_no_weight_shows_are_in_the_fingerprint(save):
    content = document(CFG)
    assert (
        load(save(content)).fingerprint
        != load(save({**content, "cfg": CFG | {"max_distance": 50}})).fingerprint
    )


def test_the_untrained_twin_is_drawn_as_the_original_is():
    config = BEATsConfig(
        encoder_layers=2,
        encoder_embed_dim=128,
        encoder_ffn_embed_dim=512,
        encoder_attention_heads=2,
        conv_pos=64,
    )
    state = torch.random.get_rng_state()
    weights = untrained(config, seed=1).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state)
    beta = 16**-0.25
    deviations = {
        "encoder.layers.1.self_attn.q_proj.weight": (2 / 256) ** 0.5,
        "encoder.layers.1.self_attn.v_proj.weight": beta * (2 / 256) ** 0.5,
        "encoder.layers.1.self_attn.out_proj.weight": beta * (2 / 256) ** 0.5,
        "encoder.layers.1.fc1.weight": beta * (2 / 640) ** 0.5,
        "encoder.layers.1.fc2.weight": beta * (2 / 640) ** 0.5,
        "encoder.layers.1.self_attn.grep_linear.weight": 0.02,
        "encoder.layers.0.self_attn.relative_attention_bias.weight": 0.02,
        "encoder.pos_conv.0.weight_v": (4 / (64 * 128)) ** 0.5,
        "patch_embedding.weight": 256**-0.5 / 3**0.5,
        "post_extract_proj.weight": 512**-0.5 / 3**0.5,
    }
    for name, deviation in deviations.items():
        assert weights[name].std().item() == pytest.approx(deviation, rel=0.1), name
    for name, tensor in weights.items():
        if "norm.weight" in name or "grep_a" in name:
            assert (tensor == 1).all(), name
        elif name.endswith("bias") and "post_extract" not in name:
            assert (tensor == 0).all(), name
    kernel = torch.linalg.vector_norm(weights["encoder.pos_conv.0.weight_v"], dim=(0, 1))
    assert torch.allclose(weights["encoder.pos_conv.0.weight_g"].flatten(), kernel)


def test_the_twin_takes_only_sizes_from_the_file(save):
    content = document(CFG)
    content["model"] = {"patch_embedding.weight": content["model"]["patch_embedding.weight"]}
    path = save(content)
    twin = load(path, seed=4)
    assert twin.fingerprint == load(path, seed=4).fingerprint != load(path, seed=5).fingerprint
    with pytest.raises(CheckpointError, match=r"layer_norm.weight is missing"):
        load(path)


def test_a_place_that_the_family_does_not_have(save):
    path = save(document(CFG))
    assert [layer.units for layer in load(path, hook="encoder.layers.*.self_attn.q_proj").layers] == [32] * 3
    with pytest.raises(UsageError, match=r"no module is named 'layers.\*.act'.*encoder.layers.\*.act"):
        load(path, hook="layers.*.act")


M2D_FILE = {
    "model": {"cls_token": torch.zeros(1, 1, 8), "blocks.0.mlp.fc1.weight": torch.zeros(2, 8)},
    "optimizer": {},
    "args": argparse.Namespace(),
}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (M2D_FILE, "model, optimizer, args"),
        (document(CFG)["model"], "patch_embedding.weight, layer_norm.weight"),
        ({"cfg": CFG, "model": {"feature_extractor.conv.weight": torch.zeros(1)}}, "cfg, model"),
        ({}, "nothing"),
    ],
    ids=["M2D", "no cfg", "WavLM's layout", "empty"],
)
def test_another_kind_of_file_is_refused(save, content, found):
    with pytest.raises(
        CheckpointError, match=rf"is no BEATs file: it holds {found}.* expected a dict with 'cfg'"
    ):
        load(save(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation_fn": "glu"}, r"cfg\['activation_fn'\] = 'glu'; expected 'gelu'.* not supported"),
        ({"layer_norm_first": True}, r"cfg\['layer_norm_first'\] = True; expected False"),
        ({"deep_norm": False}, r"cfg\['deep_norm'\] = False; expected True"),
        ({"gru_rel_pos": False}, r"cfg\['gru_rel_pos'\] = False"),
        ({"relative_position_embedding": None}, r"cfg\['relative_position_embedding'\] = None"),
        ({"conv_bias": True}, r"cfg\['conv_bias'\] = True"),
        ({"num_buckets": None}, r"cfg\['num_buckets'\] = None; expected a whole number above 0"),
        ({"encoder_layers": 0}, r"cfg\['encoder_layers'\] = 0; expected a whole number"),
        ({"embed_dim": 24.0}, r"cfg\['embed_dim'\] = 24.0; expected a whole number"),
        (
            {"encoder_attention_heads": 5},
            r"encoder_attention_heads = 5 does not divide encoder_embed_dim = 32",
        ),
        ({"conv_pos_groups": 3}, r"conv_pos_groups = 3 does not divide"),
        ({"input_patch_size": 129}, r"input_patch_size = 129 is over the 128 mel bands"),
        ({"max_distance": 5}, r"num_buckets = 20 and max_distance = 5; expected .* over a quarter"),
        ({"encoder_ffn_embed_dim": 64}, r"fc1.weight is \(48, 32\) instead of \(64, 32\)"),
    ],
)
def test_settings_that_the_encoder_is_not_built_for(save, changes, message):
    with pytest.raises(CheckpointError, match=message):
        load(save({**document(CFG), "cfg": CFG | changes}))


def test_the_case_writes_the_public_layout(tmp_path):
    spec = write(tmp_path)
    content = torch.load(spec.removeprefix("beats:"), weights_only=True)
    assert set(content) == {"cfg", "model"}
    assert {name: tuple(tensor.shape) for name, tensor in content["model"].items()} == shapes(CFG)
