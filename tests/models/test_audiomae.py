"""AudioMAE: its two kinds of file, its order of tokens, its input's length, its embedding."""

import cases_audiomae as files
import numpy as np
import pytest
import torch
from cases_audiomae import DEPTH, HIDDEN, WIDTH

from otoscope.errors import OtoscopeError
from otoscope.models.audiomae import FAMILY, AudioMAEConfig
from otoscope.models.base import Position
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.family import Request

FILLED = 0.46703  # zero log-mel, normalised
KINDS = {
    "pre-trained": files.pretrained,
    "fine-tuned": files.fine_tuned,
    "overlapping": lambda: files.fine_tuned(1212),
}


@pytest.fixture
def load(tmp_path):
    def make(document, **request):
        path = str(tmp_path / "audiomae.pth")
        torch.save(document, path)
        return FAMILY.load(Request(f"audiomae:{path}", path, **request))

    return make


@pytest.mark.parametrize(
    ("kind", "stride", "fine_tuned"),
    [("pre-trained", 16, False), ("fine-tuned", 16, True), ("overlapping", 10, True)],
)
def test_the_file_tells_the_architecture(load, kind, stride, fine_tuned):
    model = load(KINDS[kind]())
    assert model.vit.config == AudioMAEConfig(stride, fine_tuned, WIDTH, DEPTH, WIDTH // 64, HIDDEN)
    assert [layer.name for layer in model.layers] == [f"blocks.{i}.mlp.act" for i in range(DEPTH)]
    assert {layer.units for layer in model.layers} == {HIDDEN}
    assert (model.sample_rate, model.embedding_size) == (16000, WIDTH)


def test_the_decoder_is_left_alone(load):
    with_decoder, without = load(files.pretrained()), load(files.pretrained(decoder=False))
    assert with_decoder.fingerprint == without.fingerprint
    assert not any("decoder" in name for name, _ in with_decoder.module.named_modules())


def test_a_bare_state_dict_is_the_same(load):
    document = files.pretrained()
    assert load(document["model"]).fingerprint == load(document).fingerprint


def test_features_and_neurons_equal_the_slow_version(load, noise, listen, slow):
    """The slow ViT is M2D's, frequency first; on a transposed spectrogram it is AudioMAE's."""
    document = files.pretrained(decoder=False)
    model = load(document)
    clip = noise(16000)
    spectrogram = model.prepare([clip])[0].inputs[0].double().numpy()
    expected, expected_hidden = slow(document["model"], WIDTH // 64, spectrogram.T)
    (features,), (hidden,) = listen(model, [clip])
    assert features.shape == (1, 513, WIDTH)
    assert np.abs(features[0].numpy() - expected).max() < 2e-5
    assert max(np.abs(h[0].numpy() - e).max() for h, e in zip(hidden, expected_hidden, strict=True)) < 2e-5


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_place_in_the_spectrogram_is_seen_by_the_tokens_over_it(load, noise, kind):
    model = load(KINDS[kind](), hook="blocks.0.norm1")  # before attention mixes the tokens
    clip = noise(160000)
    grid = model.token_grid(160000)
    edges = model.front.band_edges()
    (chunk,) = model.prepare([clip])
    for band, frame in [(0, 0), (127, 0), (20, 500), (97, 990)]:
        seen: list[torch.Tensor] = []
        handle = model.hooks()[0].attach(seen.append)
        model.forward(chunk)
        before = chunk.inputs[0, band, frame].item()
        chunk.inputs[0, band, frame] += 3
        model.forward(chunk)
        chunk.inputs[0, band, frame] = before
        handle.remove()
        changed = torch.where((seen[0] != seen[1]).any(-1)[0])[0].numpy() - 1  # CLS comes first
        time, low, high = frame * 0.01, edges[band], edges[band + 2]
        over = grid[(grid.start_s <= time + 1e-9) & (grid.stop_s > time + 1e-9)]
        over = over[(over.low_hz <= low + 1e-6) & (over.high_hz >= high - 1e-6)]
        assert list(over.token) == list(changed)
        if kind != "overlapping":
            assert list(changed) == [frame // 16 * 8 + band // 16]


def test_a_short_clip_is_filled_up_before_normalisation(load, noise):
    model = load(files.pretrained())
    (chunk,) = model.prepare([noise(16000)])
    assert chunk.inputs.shape == (1, 128, 1024)
    assert torch.allclose(chunk.inputs[..., 98:], torch.tensor(FILLED), atol=1e-5)
    assert not torch.allclose(chunk.inputs[..., 97], torch.tensor(FILLED), atol=1e-2)


def test_the_clips_mean_is_taken_off(load, noise):
    """Frames lose their own mean anyway; the clip's matters where its own padding makes a step."""
    model = load(files.pretrained())
    sound = noise(20000, real=16050)
    shifted = sound.samples.copy()
    shifted[:16050] += 0.2
    (plain,) = model.prepare([sound])
    (moved,) = model.prepare([type(sound)(shifted, 16050)])
    assert torch.allclose(plain.inputs[:, 8:], moved.inputs[:, 8:], atol=0.02)


@pytest.mark.parametrize(
    ("kind", "seconds", "tokens"),
    [
        ("pre-trained", 1, 8 * 7),  # 98 frames begin 7 columns
        ("pre-trained", 10, 8 * 63),  # 998 frames
        ("pre-trained", 12, 8 * (64 + 11)),  # 1024 and 174
        ("overlapping", 1, 12 * 10),
        ("overlapping", 10, 12 * 100),
    ],
)
def test_only_columns_with_sound_count(load, noise, kind, seconds, tokens):
    model = load(KINDS[kind]())
    assert model.tokens(16000 * seconds) == tokens
    assert len(model.prepare([noise(16000 * seconds)])) == (2 if seconds > 10 else 1)
    assert model.tokens(16000 * 12, real=16000 * seconds) == tokens  # and not those of silence at the end


def test_chunks_follow_one_another(load, noise):
    model = load(files.pretrained())
    clip = noise(16000 * 12)
    first, second = model.prepare([clip])
    whole = model.front([clip], 2048)
    assert torch.equal(torch.cat([first.inputs, second.inputs], dim=2), whole)


def test_the_embedding_is_the_mean_over_tokens_with_sound(load, noise, listen):
    model = load(files.pretrained())
    clips = [noise(16000 * 3, seed=1), noise(16000 * 3, real=16000, seed=2)]
    chunks = model.prepare(clips)
    features, _ = listen(model, clips)
    embedding = model.embedding(chunks, features)
    for clip, (feature, kind) in enumerate(zip(features[0], chunks[0].kind, strict=True)):
        assert torch.allclose(embedding[clip], feature[kind == Position.TOKEN].mean(0), atol=1e-6)
    assert (chunks[0].kind[:, 0] == Position.SPECIAL).all()


def test_a_fine_tuned_embedding_is_normed_after_the_mean(load, noise, listen):
    document = files.fine_tuned()
    model = load(document)
    clip = noise(16000 * 11)  # 1024 frames and 74, all of whose columns in the first chunk have sound
    features, _ = listen(model, [clip])
    tokens = torch.cat([features[0][0, 1:], features[1][0, 1 : 1 + 8 * 5]]).double()
    mean = tokens.mean(0)
    weight, bias = (document["model"][f"fc_norm.{name}"].double() for name in ("weight", "bias"))
    expected = (mean - mean.mean()) / (mean.var(unbiased=False) + 1e-6).sqrt() * weight + bias
    embedding = model.embedding(model.prepare([clip]), features)
    assert torch.allclose(embedding[0].double(), expected, atol=1e-5)


def test_a_fine_tuned_model_computes_in_bfloat16(load, noise, listen):
    model = load(files.fine_tuned())
    features, _ = listen(model, [noise(16000)])
    exact = model.embedding(model.prepare([noise(16000)]), features)
    model.cast(torch.bfloat16)
    features, _ = listen(model, [noise(16000)])
    rough = model.embedding(model.prepare([noise(16000)]), features)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.2


def test_an_untrained_twin_keeps_the_positions_only(load):
    document = files.pretrained()
    model, twin, other = load(document), load(document, seed=1), load(document, seed=2)
    assert twin.fingerprint == load(document, seed=1).fingerprint
    assert len({model.fingerprint, twin.fingerprint, other.fingerprint}) == 3
    trained, fresh = model.module.state_dict(), twin.module.state_dict()
    same = [name for name in trained if torch.equal(trained[name], fresh[name])]
    assert same == ["pos_embed"]


def test_too_short_a_clip_is_refused(load, noise):
    model = load(files.pretrained())
    assert model.min_samples == 400
    assert model.tokens(400) == 8
    with pytest.raises(OtoscopeError, match=r"clip of 399 samples .* is too short for audiomae:"):
        model.prepare([noise(399)])


def test_other_lengths_are_refused_by_their_positions(load):
    document = files.fine_tuned(256)
    with pytest.raises(CheckpointError, match=r"positions for 256 patches of 1x16x16; expected 512 .* 1212"):
        load(document)


def test_an_m2d_is_sent_to_its_family(load):
    document = files.pretrained()
    document["model"]["pos_embed"] = torch.zeros(1, 191, WIDTH)
    with pytest.raises(CheckpointError, match=r"positions for 190 patches.*if it is an M2D, try m2d:"):
        load(document)


def test_another_architecture_is_said_to_be_one(load):
    with pytest.raises(CheckpointError, match=r"another architecture: no usable cls_token.*AudioMAE's ViT"):
        load({"model": {"conv.weight": torch.zeros(3)}})


def test_a_file_without_any_norm_is_refused(load):
    document = files.pretrained(decoder=False)
    del document["model"]["norm.weight"]
    with pytest.raises(CheckpointError, match=r"norm\.weight is missing"):
        load(document)


def test_heads_of_another_size_are_refused(load):
    document = files.pretrained()
    document["model"]["blocks.0.mlp.fc1.weight"] = torch.zeros(HIDDEN, 96)
    with pytest.raises(CheckpointError, match="width 96; expected a multiple of the usual head size, 64"):
        load(document)
