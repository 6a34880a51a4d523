"""Whisper's encoder and the towers made of it, against the library's own classes."""

import json
import math
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import transformers
from cases_hf_whisper import BANDS, HIDDEN, LAYERS, MAKERS, TOKENS, TOWER, WIDTH, save, whisper
from safetensors.torch import load_file
from transformers import WhisperFeatureExtractor

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Position
from otoscope.models.family import Request
from otoscope.models.hf.loading import load_hf
from otoscope.models.hf.whisper import WhisperFrontEnd

CHUNK = 320 * TOKENS  # samples of a chunk
POOLED = ("qwen2-audio", "audio flamingo 3")
LARGE = 2**31  # bytes
OTHERS = tuple(name for name in MAKERS if name != "whisper")


@pytest.fixture(params=list(MAKERS))
def name(request):
    if request.param == "audio flamingo 3" and not hasattr(transformers, "AudioFlamingo3Config"):
        pytest.skip("this transformers has no Audio Flamingo 3")
    return request.param


@pytest.fixture
def folder(name, tmp_path):
    save(MAKERS[name](), tmp_path / "model")
    return tmp_path / "model"


def load(folder, **asked):
    return load_hf(Request(f"hf:{folder}", str(folder), **asked))


@pytest.fixture
def model(folder):
    return load(folder)


def tower(whole):
    """The encoder in a model of transformers."""
    inner = getattr(whole, "model", whole)
    return inner.encoder if hasattr(inner, "encoder") else inner.audio_tower


def by_hand(name, samples):
    """Second linears' inputs, last hidden state and frames of sound, as a user of the library gets them."""
    made = WhisperFeatureExtractor(feature_size=BANDS, chunk_length=1)(
        samples, sampling_rate=16000, return_tensors="pt", return_attention_mask=True
    )
    encoder = tower(MAKERS[name]())
    hidden = []
    handles = [
        layer.fc2.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
        for layer in encoder.layers
    ]
    more = {"input_features_mask": made.attention_mask} if name == "audio flamingo 3" else {}
    with torch.no_grad():
        last = encoder(made.input_features, **more).last_hidden_state
    for handle in handles:
        handle.remove()
    return hidden, last, int(made.attention_mask.sum())


@pytest.mark.parametrize("samples", [1000, 8123, CHUNK])
def test_what_is_seen_is_what_the_library_computes(name, model, noise, listen, samples):
    clip = noise(samples)
    (features,), ((*hidden,),) = listen(model, [clip])
    expected, last, frames = by_hand(name, clip.samples)
    assert len(hidden) == LAYERS
    for seen, wanted in zip(hidden, expected, strict=True):
        torch.testing.assert_close(seen, wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(features, last, atol=1e-6, rtol=0)

    tokens = (frames - 1) // 2 + 1
    assert model.tokens(samples) == tokens
    if name in POOLED:  # what the language model is given, by the library's own formula
        assert features.shape == (1, TOKENS // 2, WIDTH)
        tokens = (tokens - 2) // 2 + 1
    embedding = model.embedding(model.prepare([clip]), [features])
    torch.testing.assert_close(embedding, last[:, :tokens].mean(1), atol=1e-6, rtol=0)


def test_each_chunk_is_heard_by_itself(name, model, noise, listen):
    clip = noise(CHUNK + 5000)
    clip.samples[:CHUNK] *= 1000  # so loud that the second chunk would be cut off under it
    features, hidden = listen(model, [clip])
    last = []
    for number, part in enumerate([clip.samples[:CHUNK], clip.samples[CHUNK:]]):
        expected, output, frames = by_hand(name, part)
        torch.testing.assert_close(hidden[number][1], expected[1], atol=1e-5, rtol=0)
        tokens = (frames - 1) // 2 + 1
        last.append(output[0, : tokens // 2 if name in POOLED else tokens])
    embedding = model.embedding(model.prepare([clip]), features)
    torch.testing.assert_close(embedding[0], torch.cat(last).mean(0), atol=1e-5, rtol=0)
    assert model.tokens(len(clip.samples)) == TOKENS + 16


def test_a_clip_shorter_than_a_pair_or_followed_by_silence_has_an_embedding(model, noise, listen):
    clip = noise(2 * CHUNK, real=100)
    features, _ = listen(model, [clip])
    embedding = model.embedding(model.prepare([clip]), features)
    torch.testing.assert_close(embedding, features[0][:, 0])
    assert all(feature.isfinite().all() for feature in features)
    assert model.min_samples == 1
    with pytest.raises(OtoscopeError, match=r"a clip of 0 samples .* expected at least 1 at 16000 Hz"):
        model.prepare([noise(0)])


@pytest.mark.parametrize("frame", [0, 1, 37, 99])
def test_token_numbers_are_their_times(model, frame):
    for parameter in model.module.layers[0].self_attn.out_proj.parameters():
        parameter.data.zero_()  # so that the first layer's tokens know nothing of each other
    chunk = model.prepare([Waveform(np.zeros(CHUNK, dtype=np.float32), CHUNK)])[0]
    seen = []
    handle = model.hooks()[0].attach(seen.append)
    with torch.no_grad():
        model.forward(chunk)
        chunk.inputs[0, 5, frame] += 1
        model.forward(chunk)
    handle.remove()
    changed = (seen[0] != seen[1]).any(2)[0].nonzero()[:, 0].tolist()
    grid = model.token_grid(CHUNK)
    here = int(((grid.start_s - 1e-9 < frame / 100) & (frame / 100 < grid.stop_s - 1e-9)).argmax())
    assert here == frame // 2
    # The two convolutions reach two frames further, either way.
    assert set(changed) <= {here - 1, here, here + 1}
    assert here in changed


def test_where_tokens_lie(folder):
    model = load(folder)
    grid = model.token_grid(CHUNK + 1)
    assert len(grid) == 2 * TOKENS
    assert grid.start_s.iloc[TOKENS] == pytest.approx(1)
    assert grid.stop_s.iloc[0] == pytest.approx(0.02)
    assert (grid.low_hz == 0).all()
    assert grid.high_hz.to_numpy() == pytest.approx(8000)
    bands = model.front.band_edges()
    assert len(bands) == BANDS + 2
    # Slaney's scale is straight up to 1 kHz.
    assert np.diff(bands[bands < 1000]) == pytest.approx(bands[1])


def test_thirty_seconds_of_the_published_models():
    front = WhisperFrontEnd(WhisperFeatureExtractor(feature_size=128), 3000)
    assert front.frames(48077) == 301
    made = front([Waveform(np.zeros(48077, dtype=np.float32), 48077)], 3000)
    assert made.shape == (1, 128, 3000)
    assert made.unique().tolist() == [-1.5]  # (log10(1e-10) + 4) / 4


def test_the_fixed_thirty_seconds(tmp_path, noise):
    save(whisper(max_source_positions=1500), tmp_path)
    model = load(tmp_path)  # the extractor's file says a second
    chunk = model.prepare([noise(48077)])[0]
    assert chunk.inputs.shape == (1, BANDS, 3000)
    assert int((chunk.kind == Position.TOKEN).sum()) == model.tokens(48077) == 151
    assert model.tokens(31 * 16000) == 1550


def test_every_class_of_whisper_has_the_same_encoder(tmp_path):
    first = whisper()
    prints = []
    for class_name in ("WhisperForConditionalGeneration", "WhisperModel", "WhisperForAudioClassification"):
        other = whisper(class_name)
        tower(other).load_state_dict(tower(first).state_dict())
        save(other, tmp_path / class_name)
        prints.append(load(tmp_path / class_name).fingerprint)
    save(tower(first), tmp_path / "bare")
    prints.append(load(tmp_path / "bare").fingerprint)
    assert len(set(prints)) == 1


def test_the_decoder_is_neither_hooked_nor_held(tmp_path):
    save(whisper(), tmp_path)
    model = load(tmp_path)
    assert [layer.name for layer in model.layers] == [f"layers.{i}.activation_fn" for i in range(LAYERS)]
    assert sum(each.numel() for each in model.module.parameters()) == sum(
        each.numel() for each in tower(whisper()).parameters()
    )


@pytest.mark.parametrize("name", OTHERS, indirect=True)
def test_an_encoder_in_a_folder_of_its_own(name, model, tmp_path):
    save(tower(MAKERS[name]()), tmp_path / "bare")
    assert load(tmp_path / "bare").fingerprint == model.fingerprint


@pytest.mark.parametrize("name", OTHERS, indirect=True)
def test_the_language_model_is_not_needed(name, model, tmp_path):
    folder = tmp_path / "shards"
    save(MAKERS[name](), folder, max_shard_size="20KB")
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    heard = {file for key, file in index["weight_map"].items() if "audio_tower" in key}
    others = set(index["weight_map"].values()) - heard
    assert others
    for file in others:
        (folder / file).unlink()
    assert load(folder).fingerprint == model.fingerprint


@pytest.mark.parametrize("name", ["qwen2-audio"], indirect=True)
def test_a_language_model_in_the_same_file_takes_no_memory(folder, model):
    import resource

    path = folder / "model.safetensors"
    heard = {key: value for key, value in load_file(path).items() if key.startswith("audio_tower.")}
    content = b"".join(value.numpy().tobytes() for value in heard.values())
    path.unlink()  # what was read is mapped
    sizes = {key: value.shape for key, value in heard.items()}
    sizes["language_model.lm_head.weight"] = [LARGE // 4]
    header, start = {}, 0
    for key, size in sizes.items():
        stop = start + 4 * math.prod(size)
        header[key] = {"dtype": "F32", "shape": list(size), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + content)
        file.truncate(file.tell() + LARGE)  # a hole, which takes no room on the disk either

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert load(folder).fingerprint == model.fingerprint
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * (1 if sys.platform == "darwin" else 1024) < LARGE / 8


def test_a_tower_that_is_not_known_is_refused(tmp_path):
    from transformers import WhisperConfig

    source_config = tmp_path / "config.json"
    tower_config = WhisperConfig(**TOWER).to_dict()
    source_config.write_text(json.dumps({"model_type": "qwen2_audio", "audio_config": tower_config}))
    with pytest.raises(OtoscopeError, match=r"hears through a whisper; expected qwen2_audio_encoder or"):
        load(tmp_path)


def test_weights_of_the_encoder_that_are_missing_are_named(tmp_path):
    model = whisper()
    whole = {key: value for key, value in model.state_dict().items() if "encoder.layers.1.fc1" not in key}
    whole.pop("proj_out.weight")  # tied
    save(model, tmp_path, state_dict=whole)
    with pytest.raises(OtoscopeError, match=r"layers\.1\.fc1\.bias is missing"):
        load(tmp_path)


def test_other_places_to_listen_at(folder, noise, listen):
    for hook in ("residual", "attention"):
        model = load(folder, hook=hook)
        _, ((*seen,),) = listen(model, [noise(5000)])
        assert [layer.units for layer in model.layers] == [WIDTH] * LAYERS
        assert {tuple(each.shape) for each in seen} == {(1, TOKENS, WIDTH)}


def test_the_residual_stream_is_the_sum_of_its_parts(folder, noise, listen):
    clip = [noise(5000)]
    _, ((*after,),) = listen(load(folder, hook="residual"), clip)
    _, ((*added,),) = listen(load(folder, hook="attention"), clip)
    _, ((*hidden,),) = listen(model := load(folder), clip)
    with torch.no_grad():
        sum_of_parts = after[0] + added[1] + model.module.layers[1].fc2(hidden[1])
    torch.testing.assert_close(after[1], sum_of_parts, atol=1e-5, rtol=0)


def test_layers_and_units(model):
    assert [layer.units for layer in model.layers] == [HIDDEN] * LAYERS
    assert model.embedding_size == WIDTH
    assert not model.module.training
