"""EAT and SSLAM: fairseq's two layouts and what is left alone in them, post-norm blocks, CLS as embedding."""

import enum

import cases_eat as files
import numpy as np
import pytest
import torch
from cases_eat import DEPTH, HIDDEN, IMAGE, WIDTH
from scipy.special import erf

from otoscope.errors import OtoscopeError
from otoscope.models.base import Position
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.eat import FAMILY, EATConfig
from otoscope.models.family import Request

HEADS = 2


class Modality(enum.Enum):
    """Stands for the classes that some versions of fairseq leave in a file's settings."""

    IMAGE = 2


@pytest.fixture
def load(tmp_path):
    def make(document, **request):
        path = str(tmp_path / "eat.pt")
        torch.save(document, path)
        return FAMILY.load(Request(f"eat:{path}", path, **request))

    return make


def test_the_file_tells_the_architecture(load):
    for document in (files.pretrained(), files.fine_tuned()):
        model = load(document)
        assert model.module.config == EATConfig(WIDTH, DEPTH, HEADS, HIDDEN)
        assert [layer.name for layer in model.layers] == [f"blocks.{i}.mlp.act" for i in range(DEPTH)]
        assert {layer.units for layer in model.layers} == {HIDDEN}
        assert model.module.blocks[0].mlp.fc1.weight.dtype == torch.float32


def test_only_the_student_is_taken(load):
    """The teacher, which is all NaN here, the decoder and the head are left alone."""
    plain = load(files.saved(files.encoder()))
    assert load(files.fine_tuned()).fingerprint == plain.fingerprint
    assert load(files.encoder()).fingerprint == plain.fingerprint
    half = {name: tensor.half() for name, tensor in files.encoder().items()}
    assert load(files.pretrained()).fingerprint == load(half).fingerprint


def slow_eat(weights, spectrogram: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """EAT in float64 from its formulas, of one (128, 1024) spectrogram: features and hidden activations."""
    w = {name.removeprefix(IMAGE): tensor.double().numpy() for name, tensor in weights.items()}

    def linear(name, x):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name, x):
        centred = x - x.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-6)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    image = spectrogram.T  # time first
    x = [w["extra_tokens"][0, 0]]
    for column in range(64):
        for row in range(8):
            patch = image[16 * column : 16 * column + 16, 16 * row : 16 * row + 16].ravel()
            token = w["local_encoder.proj.weight"].reshape(WIDTH, -1) @ patch + w["local_encoder.proj.bias"]
            x.append(token + w["fixed_positional_encoder.positions"][0, column * 8 + row])
    x = norm("context_encoder.norm", np.array(x))
    hidden = []
    for i in range(DEPTH):
        query, key, value = np.split(linear(f"blocks.{i}.attn.qkv", x), 3, axis=1)
        mixed = []
        for head in range(HEADS):
            part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            share = np.exp(query[:, part] @ key[:, part].T / np.sqrt(WIDTH / HEADS))
            mixed.append(share / share.sum(1, keepdims=True) @ value[:, part])
        x = norm(f"blocks.{i}.norm1", x + linear(f"blocks.{i}.attn.proj", np.concatenate(mixed, axis=1)))
        before = linear(f"blocks.{i}.mlp.fc1", x)
        hidden.append(before * 0.5 * (1 + erf(before / np.sqrt(2))))
        x = norm(f"blocks.{i}.norm2", x + linear(f"blocks.{i}.mlp.fc2", hidden[-1]))
    return x, hidden


def test_features_and_neurons_equal_the_slow_version(load, noise, listen):
    model = load(files.fine_tuned())
    clip = noise(16000)
    spectrogram = model.prepare([clip])[0].inputs[0].double().numpy()
    expected, expected_hidden = slow_eat(files.encoder(), spectrogram)
    (features,), (hidden,) = listen(model, [clip])
    assert features.shape == (1, 513, WIDTH)
    assert np.abs(features[0].numpy() - expected).max() < 2e-5
    assert max(np.abs(h[0].numpy() - e).max() for h, e in zip(hidden, expected_hidden, strict=True)) < 2e-5


def test_a_place_in_the_spectrogram_is_seen_by_the_token_over_it(load, noise):
    model = load(files.pretrained(), hook="modality_encoders.IMAGE.context_encoder.norm")  # before attention
    (chunk,) = model.prepare([noise(160000)])
    for band, frame in [(0, 0), (127, 0), (20, 500), (97, 1023)]:
        seen: list[torch.Tensor] = []
        handle = model.hooks()[0].attach(seen.append)
        model.forward(chunk)
        chunk.inputs[0, band, frame] += 3
        model.forward(chunk)
        handle.remove()
        changed = torch.where((seen[0] != seen[1]).any(-1)[0])[0].tolist()
        assert changed == [1 + frame // 16 * 8 + band // 16]  # CLS comes first


def test_the_token_grid_goes_column_by_column(load):
    grid = load(files.pretrained()).token_grid(160000)
    assert len(grid) == 512
    assert list(grid.row[:9]) == [*range(8), 0]
    assert list(grid.column[:9]) == [0] * 8 + [1]
    assert grid.start_s[8] == pytest.approx(0.16)


def test_a_short_clip_is_filled_up_before_normalisation(load, noise):
    (chunk,) = load(files.pretrained()).prepare([noise(16000)])
    assert chunk.inputs.shape == (1, 128, 1024)
    assert torch.allclose(chunk.inputs[..., 98:], torch.tensor(4.268 / (2 * 4.569)), atol=1e-5)


@pytest.mark.parametrize(("seconds", "tokens"), [(1, 8 * 7), (10, 8 * 63), (12, 8 * (64 + 11))])
def test_only_columns_with_sound_count(load, noise, seconds, tokens):
    model = load(files.pretrained())
    assert model.tokens(16000 * seconds) == tokens
    assert model.tokens(16000 * 12, real=16000 * seconds) == tokens


def test_the_embedding_is_cls_weighed_by_sound(load, noise, listen):
    model = load(files.fine_tuned())
    clips = [noise(16000 * 12, seed=1), noise(16000 * 12, real=16000 * 5, seed=2)]
    chunks = model.prepare(clips)
    features, _ = listen(model, clips)
    embedding = model.embedding(chunks, features)
    first, second = (feature[:, 0] for feature in features)
    assert torch.allclose(embedding[0], (64 * first[0] + 11 * second[0]) / 75, atol=1e-6)
    assert torch.allclose(embedding[1], first[1], atol=1e-6)  # its second chunk is padding
    assert (chunks[0].kind[:, 0] == Position.SPECIAL).all()


def test_an_untrained_twin_keeps_the_positions_only(load):
    model, twin = load(files.fine_tuned()), load(files.fine_tuned(), seed=1)
    assert twin.fingerprint == load(files.fine_tuned(), seed=1).fingerprint
    assert len({model.fingerprint, twin.fingerprint, load(files.fine_tuned(), seed=2).fingerprint}) == 3
    trained, fresh = model.module.state_dict(), twin.module.state_dict()
    same = [name for name in trained if torch.equal(trained[name], fresh[name])]
    assert same == [IMAGE + "fixed_positional_encoder.positions"]
    assert fresh["blocks.0.mlp.fc1.weight"].std() == pytest.approx(0.02, rel=0.1)
    assert fresh[IMAGE + "extra_tokens"].std() == pytest.approx(1, rel=0.3)


def test_positions_for_more_time_are_cut(load):
    longer = files.encoder() | {IMAGE + "fixed_positional_encoder.positions": torch.randn(1, 768 * 8, WIDTH)}
    cut = longer | {
        IMAGE + "fixed_positional_encoder.positions": longer[IMAGE + "fixed_positional_encoder.positions"][
            :, :512
        ]
    }
    assert load(longer).fingerprint == load(cut).fingerprint


def test_positions_for_less_time_are_refused(load):
    with pytest.raises(CheckpointError, match="positions for 256 patches; expected 1 and at least 512"):
        load(files.encoder(patches=256))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (IMAGE + "context_encoder.blocks.0.norm1.weight", "has blocks of its own before the shared ones"),
        (IMAGE + "alibi_scale", "has ALiBi positions"),
        ("norm.weight", "has a final norm, as of pre-norm blocks"),
    ],
)
def test_variants_of_data2vec_are_refused(load, extra, message):
    with pytest.raises(CheckpointError, match=message):
        load(files.encoder() | {extra: torch.ones(WIDTH)})


def test_another_architecture_is_said_to_be_one(load):
    with pytest.raises(CheckpointError, match=r"another architecture: no usable modality_encoders\.IMAGE\."):
        load({"model": {"blocks.0.mlp.fc1.weight": torch.zeros(3, 4)}})


def test_heads_are_what_the_settings_say(load):
    document = files.saved(files.encoder(), num_heads=4)
    assert load(document).module.config.heads == 4
    assert load(document).fingerprint != load(files.encoder()).fingerprint


def test_objects_in_the_settings_are_read_only_if_allowed(load):
    document = files.saved(files.encoder(), supported_modality=Modality.IMAGE)
    name = f"{Modality.__module__}.Modality"
    with pytest.raises(CheckpointError, match=rf"needs {name} .*can mean running code.*allow=\['{name}'\]"):
        load(document)
    allowed = load(document, allow=[name])
    assert allowed.fingerprint == load(files.encoder()).fingerprint


def test_too_short_a_clip_is_refused(load, noise):
    model = load(files.pretrained())
    assert model.min_samples == 400
    with pytest.raises(OtoscopeError, match="clip of 399 samples"):
        model.prepare([noise(399)])
