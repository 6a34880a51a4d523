"""AST, in the module layout of whatever transformers is installed, against the library's own classes."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from cases_hf_ast import BANDS, DEVIATION, FRAMES, HIDDEN, LAYERS, MEAN, WIDTH, blocks, save, small
from safetensors.torch import load_file
from transformers import ASTFeatureExtractor, ASTForAudioClassification, ASTModel

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Position
from otoscope.models.family import Request
from otoscope.models.hf.ast import ASTFrontEnd
from otoscope.models.hf.loading import load_hf
from otoscope.models.kaldi import Fbank

CHUNK = 160 * FRAMES  # samples from chunk to chunk


@pytest.fixture
def folder(tmp_path):
    save(small(), tmp_path / "ast")
    return tmp_path / "ast"


@pytest.fixture
def model(folder):
    return load_hf(Request(f"hf:{folder}", str(folder)))


def by_hand(folder, samples):
    """Hidden activations of every layer, last hidden state and pooled output, as a user would get them."""
    extractor = ASTFeatureExtractor.from_pretrained(folder)
    model = ASTForAudioClassification.from_pretrained(folder).eval()
    encoder = model.audio_spectrogram_transformer
    hidden = []
    handles = [
        linear.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
        for _, _, linear in blocks(encoder)
    ]
    with torch.no_grad():
        out = encoder(**extractor(samples, sampling_rate=16000, return_tensors="pt"))
    for handle in handles:
        handle.remove()
    return hidden, out.last_hidden_state, out.pooler_output


@pytest.mark.parametrize("samples", [400, 5000, CHUNK + 239])
def test_what_is_seen_is_what_the_library_computes(folder, model, noise, listen, samples):
    clip = noise(samples)
    features, ((*hidden,),) = listen(model, [clip])
    expected, last, pooled = by_hand(folder, clip.samples)
    assert len(hidden) == LAYERS
    for seen, wanted in zip(hidden, expected, strict=True):
        torch.testing.assert_close(seen, wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(features[0], last, atol=1e-6, rtol=0)
    torch.testing.assert_close(model.embedding(model.prepare([clip]), features), pooled, atol=1e-6, rtol=0)


def test_a_longer_clip_is_cut_into_chunks_of_frames(folder, model, noise, listen):
    clip = noise(2 * CHUNK + 1000)  # 4 frames in the third chunk
    features, hidden = listen(model, [clip])
    pooled = []
    for number in range(3):
        part = clip.samples[number * CHUNK : (number + 1) * CHUNK + 240]
        expected, _, mean = by_hand(folder, part)
        torch.testing.assert_close(hidden[number][2], expected[2], atol=1e-6, rtol=0)
        pooled.append(mean)
    chunks = model.prepare([clip])
    torch.testing.assert_close(model.embedding(chunks, features), sum(pooled) / 3, atol=1e-6, rtol=0)
    assert [int((chunk.kind == Position.TOKEN).sum()) for chunk in chunks] == [18, 18, 3]
    assert model.tokens(len(clip.samples)) == 39


def test_a_chunk_of_nothing_but_padding_has_no_say(model, noise, listen):
    clip = noise(2 * CHUNK + 1000, real=4000)
    features, _ = listen(model, [clip])
    first = features[0][:, :2].mean(1)
    torch.testing.assert_close(model.embedding(model.prepare([clip]), features), first)


def test_tokens_with_any_sound_count(model):
    assert model.tokens(400) == 3  # one frame: one column
    assert model.tokens(400 + 9 * 160) == 3  # ten
    assert model.tokens(400 + 10 * 160) == 6  # an eleventh, the first of the second column
    assert model.tokens(16000, real=400 + 10 * 160) == 6
    chunk = model.prepare([Waveform(np.zeros(4000, dtype=np.float32), 2000)])[0]
    assert chunk.kind[0].tolist() == [2, 2] + 3 * [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(("band", "frame"), [(0, 0), (12, 5), (13, 31), (35, 65), (25, 10)])
def test_token_numbers_are_their_places(model, band, frame):
    layer = blocks(model.module)[0][0]
    last = layer.attention.o_proj if hasattr(layer.attention, "o_proj") else layer.attention.output.dense
    for parameter in last.parameters():
        parameter.data.zero_()  # so that the first layer's tokens know nothing of each other
    chunk = model.prepare([Waveform(np.zeros(CHUNK, dtype=np.float32), CHUNK)])[0]
    seen = []
    handle = model.hooks()[0].attach(seen.append)
    with torch.no_grad():
        model.forward(chunk)
        chunk.inputs[0, band, frame] += 1
        model.forward(chunk)
    handle.remove()
    changed = (seen[0] != seen[1]).any(2)[0, 2:].nonzero()[:, 0].tolist()

    grid = model.token_grid(CHUNK)
    covers = (grid.row * 10 <= band) & (band < grid.row * 10 + 16)
    covers &= (grid.start_s <= frame / 100 + 1e-9) & (frame / 100 < grid.stop_s - 1e-9)
    assert changed == grid.token[covers].tolist()
    assert changed


def test_where_tokens_lie(model):
    grid = model.token_grid(2 * CHUNK)
    assert len(grid) == 36  # two whole chunks, whatever of the second is sound
    assert grid.column.max() == 11
    assert grid.start_s[18] == pytest.approx(FRAMES / 100)
    mel = 1127 * np.log1p(np.array([20, 8000]) / 700)
    edges = 700 * np.expm1(np.linspace(*mel, BANDS + 2) / 1127)
    assert grid.low_hz.iloc[0] == pytest.approx(20)
    assert grid.high_hz.iloc[0] == pytest.approx(edges[17])
    assert grid.low_hz.iloc[17] == pytest.approx(edges[20])


def test_the_front_end_of_published_models():
    front = ASTFrontEnd(ASTFeatureExtractor())
    made = front([Waveform(np.zeros(16000, dtype=np.float32), 16000)], 1024)
    assert made.shape == (1, 128, 1024)
    assert front.frames(16000) == 98
    assert made[0, 5, 98:].tolist() == [pytest.approx(0.46703, abs=1e-5)] * 926
    # Silence is float32's epsilon.
    assert (
        made[0, 5, :98].tolist()
        == [pytest.approx((np.log(1.1920929e-07) + 4.2677393) / 9.1379948, abs=1e-5)] * 98
    )


def test_the_front_end_is_kaldis(noise):
    clip = noise(12000)
    made = ASTFrontEnd(ASTFeatureExtractor())([clip], 1024)
    kaldi = Fbank(window="hanning", mean=-4.2677393, deviation=4.5689974)([clip], 1024)
    torch.testing.assert_close(made, kaldi, atol=1e-3, rtol=0)  # the quietest bands lose digits in float32


def test_with_or_without_a_head_it_is_the_same_encoder(folder, model, tmp_path):
    save(ASTModel.from_pretrained(folder), tmp_path / "bare")
    bare = load_hf(Request("bare", str(tmp_path / "bare")))
    assert bare.fingerprint == model.fingerprint
    assert bare.embedding_size == WIDTH


def test_files_keep_the_names_of_the_old_layout(folder):
    names = load_file(folder / "model.safetensors")
    assert "audio_spectrogram_transformer.encoder.layer.0.intermediate.dense.weight" in names


def test_the_sizes_are_the_models_whatever_the_extractor_says(folder, model, noise, listen):
    path = folder / "preprocessor_config.json"
    said = json.loads(path.read_text()) | {"max_length": 1024, "num_mel_bins": 128}
    path.write_text(json.dumps(said))
    again = load_hf(Request("again", str(folder)))
    assert again.fingerprint == model.fingerprint
    torch.testing.assert_close(
        listen(again, [noise(5000)])[0], listen(model, [noise(5000)])[0], atol=0, rtol=0
    )
    assert model.front.settings["normalise"] == [MEAN, DEVIATION]


def test_without_the_extractors_file_the_usual_settings_hold(folder, model):
    (folder / "preprocessor_config.json").unlink()
    again = load_hf(Request("again", str(folder)))
    assert again.front.settings["normalise"] == [-4.2677393, 4.5689974]
    assert again.fingerprint != model.fingerprint


def test_other_places_to_listen_at(folder, noise, listen):
    for hook in ("residual", "attention"):
        model = load_hf(Request("other", str(folder), hook=hook))
        _, ((*seen,),) = listen(model, [noise(5000)])
        assert [layer.units for layer in model.layers] == [WIDTH] * LAYERS
        assert {tuple(each.shape) for each in seen} == {(1, 20, WIDTH)}
    norm = load_hf(Request("other", str(folder), hook="layernorm"))
    assert [(layer.name, layer.units) for layer in norm.layers] == [("layernorm", WIDTH)]


def test_the_residual_stream_is_the_sum_of_its_parts(folder, noise, listen):
    clip = [noise(5000)]
    _, ((*after,),) = listen(load_hf(Request("a", str(folder), hook="residual")), clip)
    _, ((*added,),) = listen(load_hf(Request("b", str(folder), hook="attention")), clip)
    _, ((*hidden,),) = listen(model := load_hf(Request("c", str(folder))), clip)
    _, _, second = blocks(model.module)[1]
    with torch.no_grad():
        torch.testing.assert_close(after[1], after[0] + added[1] + second(hidden[1]), atol=1e-5, rtol=0)


def test_layers_and_units(model):
    assert [layer.units for layer in model.layers] == [HIDDEN] * LAYERS
    assert not model.module.training


def test_a_clip_shorter_than_a_frame_is_refused(model):
    with pytest.raises(OtoscopeError, match=r"a clip of 399 samples .* expected at least 400 at 16000 Hz"):
        model.prepare([Waveform(np.zeros(399, dtype=np.float32), 399)])
