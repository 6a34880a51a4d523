"""Models that hear waveforms, against the library's own classes; where padding leaks and where not."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import transformers
from cases_hf_wave import HIDDEN, LAYERS, MODELS, linears, save, small
from safetensors.torch import load_file, save_file

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import Position
from otoscope.models.family import Request
from otoscope.models.hf.conformer import Rotary
from otoscope.models.hf.loading import load_hf
from otoscope.models.hf.wave import WaveEncoder

MASKED = [name for name in MODELS if name.endswith(" large") or name.startswith("wav2vec2-bert")]
LEAKING = [name for name in MODELS if name not in MASKED]
# One of each way to hear, to lay out blocks and to know positions.
FEW = ["wav2vec2", "wavlm large", "data2vec-audio", "sew", "sew-d"]
FEW += ["conformer", "conformer rotary", "wav2vec2-bert", "wav2vec2-bert rotary"]
OLD = tuple(map(int, transformers.__version__.split(".")[:2])) < (5, 9)
HEADS = ("ForCTC", "ForSequenceClassification", "ForPreTraining")


def load(place, **options):
    return load_hf(Request(f"hf:{place}", str(place), **options))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of models by what they are, each written once."""
    written: dict[str, object] = {}

    def folder(name, head="Model", extractor=None, **changes):
        key = repr((name, head, extractor, changes))
        if key not in written:
            written[key] = tmp_path_factory.mktemp("model")
            save(small(name, head, **changes), written[key], **(extractor or {}))
        return written[key]

    return folder


@pytest.fixture
def make(folders):
    def made(name, *args, seed=None, hook="mlp", **kwargs):
        return load(folders(name, *args, **kwargs), seed=seed, hook=hook)

    return made


@pytest.fixture
def copied(folders, tmp_path):
    """A folder of one's own to spoil."""

    def copy(*args):
        return Path(shutil.copytree(folders(*args), tmp_path / "copy"))

    return copy


def prepared(name, samples):
    """A clip as the library prepares it."""
    bert = MODELS[name][0] == "Wav2Vec2Bert"
    kind = transformers.SeamlessM4TFeatureExtractor if bert else transformers.Wav2Vec2FeatureExtractor
    return kind()(samples, sampling_rate=16000, return_tensors="pt")


# --- what is heard ---


@pytest.mark.parametrize("name", MODELS)
def test_what_is_seen_is_what_the_library_computes(name, make, noise, listen):
    model, clip = make(name), noise(9100)
    library, expected = small(name), []
    for i in range(len(model.layers)):
        linears(library, i)[1].register_forward_pre_hook(lambda _, inputs: expected.append(inputs[0]))
    with torch.no_grad():
        last = library(**prepared(name, clip.samples)).last_hidden_state
    features, (hidden,) = listen(model, [clip])
    valid = model.tokens(9100)
    assert len(hidden) == len(expected) == len(model.layers)
    for seen, wanted in zip(hidden, expected, strict=True):
        torch.testing.assert_close(seen[:, :valid], wanted[:, :valid], atol=1e-5, rtol=0)
    rate = 2 if name.startswith("sew") else 1
    torch.testing.assert_close(features[0][:, : rate * valid], last[:, : rate * valid], atol=1e-5, rtol=0)
    embedding = model.embedding(model.prepare([clip]), features)
    torch.testing.assert_close(embedding, last[:, : rate * valid].mean(1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", MASKED)
def test_masked_models_do_not_hear_padding_or_neighbours(name, make, noise, listen):
    model = make(name)
    clips = [noise(16000), noise(9100, seed=1), noise(15000, real=9100, seed=1)]
    assert {model.length(len(clip.samples)) for clip in clips} == {16000}
    _, (together,) = listen(model, clips)
    _, (alone,) = listen(model, clips[1:2])
    valid = model.prepare(clips)[0].kind == Position.TOKEN
    assert valid.sum(1).tolist() == [model.tokens(16000), model.tokens(9100), model.tokens(15000, 9100)]
    assert valid[1].tolist() == valid[2].tolist()
    for batch, single in zip(together, alone, strict=True):
        for row in (1, 2):
            torch.testing.assert_close(batch[row][valid[row]], single[0][valid[row]], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", LEAKING)
def test_leaking_models_batch_clips_of_equal_length_only(name, make, noise, listen):
    model = make(name)
    assert model.length(9100) == 9100
    with pytest.raises(OtoscopeError, match="equal length"):
        model.prepare([noise(9100), noise(9101)])
    together = listen(model, [noise(9100, seed=seed) for seed in range(3)])[0][0]
    alone = listen(model, [noise(9100, seed=1)])[0][0]
    torch.testing.assert_close(together[1], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["wav2vec2", "data2vec-audio", "sew", "conformer"])
def test_these_do_leak_with_the_librarys_mask(name):
    library = small(name)
    sound = torch.randn(2, 16000, generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(16000) < torch.tensor([[16000], [9100]])).long()
    with torch.no_grad():
        together = library(sound * mask, attention_mask=mask).last_hidden_state[1, :24]
        alone = library(sound[1:, :9100]).last_hidden_state[0, :24]
    assert (together - alone).abs().max() > 0.01


def test_a_leaking_model_hears_the_zeros_that_pad_a_clip_but_does_not_count_them(make, noise, listen):
    model, clip = make("wav2vec2"), noise(16000, real=9000)
    values = prepared("wav2vec2", [clip.samples[:9000]])["input_values"]
    with torch.no_grad():
        zeros = torch.zeros(1, 7000)
        expected = small("wav2vec2")(torch.cat([values, zeros], 1)).last_hidden_state
    features, _ = listen(model, [clip])
    torch.testing.assert_close(features[0], expected, atol=1e-6, rtol=0)
    kind = model.prepare([clip])[0].kind[0]
    assert kind.tolist() == [Position.TOKEN] * 29 + [Position.PADDING] * 20  # 28 * 320 < 9000 <= 29 * 320
    embedding = model.embedding(model.prepare([clip]), features)
    torch.testing.assert_close(embedding[0], expected[0, :29].mean(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("real", [0, 1, 300])
@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2 large", "sew", "wav2vec2-bert"])
def test_one_token_counts_however_little_is_sound(name, real, make, noise, listen):
    model, clip = make(name), noise(8000, real=real)
    features, _ = listen(model, [clip])
    assert model.tokens(8000, real) == 1
    assert model.embedding(model.prepare([clip]), features).isfinite().all()


def test_sound_is_normalised_over_what_is_real(make, noise):
    sound, padded = noise(9000, seed=2), noise(16000, real=9000, seed=2)
    padded.samples[:9000] = sound.samples
    both = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)(
        [sound.samples, np.ones(16000)], padding=True, sampling_rate=16000, return_tensors="pt"
    )
    for name in ("wav2vec2", "wav2vec2 large"):
        values, _ = make(name).prepare([padded])[0].inputs
        torch.testing.assert_close(values[0], both["input_values"][0].float(), atol=1e-6, rtol=0)
    values, _ = make("wav2vec2", extractor={"do_normalize": False}).prepare([padded])[0].inputs
    assert np.array_equal(values[0], padded.samples)


def test_silence_gives_finite_numbers(make, listen):
    clip = Waveform(np.zeros(8000, np.float32), 8000)
    for name in ("wav2vec2", "wav2vec2 large", "sew-d", "wav2vec2-bert"):
        assert listen(make(name), [clip])[0][0].isfinite().all()


# --- tokens ---


def test_frames_on_paper(make):
    model = make("wav2vec2")
    assert (model.hop, model.field, model.min_samples) == (320, 400, 400)
    assert [model.tokens(samples) for samples in (400, 719, 720, 16000, 160000)] == [1, 1, 2, 49, 499]
    grid = model.token_grid(16000)
    assert grid.columns.tolist() == ["token", "start_s", "stop_s", "low_hz", "high_hz", "row", "column"]
    assert grid.iloc[48].tolist() == [48, 0.96, 0.985, 0, 8000, 0, 48]
    assert len(make("wav2vec2 large").token_grid(9100)) == 49  # filled up to a second
    bert = make("wav2vec2-bert")
    assert [bert.tokens(samples) for samples in (560, 879, 880, 16000)] == [1, 1, 2, 49]


def test_two_frames_make_a_token_of_sew(make):
    for name in ("sew", "sew-d"):
        model = make(name)
        assert (model.hop, model.field, model.min_samples) == (640, 720, 720)
        assert [model.tokens(samples) for samples in (720, 1359, 1360, 16000)] == [1, 1, 2, 24]
        assert model.tokens(16000, real=1281) == 3


def test_valid_tokens_are_those_of_the_librarys_mask(make):
    model, library = make("wav2vec2 large"), small("wav2vec2 large")
    lengths = torch.arange(400, 4000, 37)
    assert library._get_feat_extract_output_lengths(lengths).tolist() == [
        model.tokens(int(n)) for n in lengths
    ]


@pytest.mark.parametrize("name", FEW)
def test_too_short_a_clip_is_refused_with_the_minimum(name, make, noise):
    model = make(name)
    shortest = {"sew": 720, "sew-d": 720}.get(name, 560 if "bert" in name else 400)
    for refuse in (model.length, model.tokens, model.token_grid, lambda n: model.prepare([noise(n)])):
        with pytest.raises(OtoscopeError, match=f"expected at least {shortest} at 16000 Hz"):
            refuse(shortest - 1)
    assert model.tokens(shortest) == 1


@pytest.mark.parametrize("sample", [0, 399, 400, 5000, 8319, 15999])
@pytest.mark.parametrize("name", ["wav2vec2 large", "sew"])
def test_a_token_lies_where_the_grid_says(name, sample, make, noise):
    model = make(name, feat_extract_norm="layer", extractor={"do_normalize": False})
    encoder = model.module.encoder
    for part in (encoder.layers[0].attention.out_proj, encoder.pos_conv_embed.conv):
        for parameter in part.parameters():
            parameter.data.zero_()  # so that the first layer's tokens know nothing of each other
    clip, seen = noise(16000), []
    handle = model.hooks()[0].attach(seen.append)
    for _ in range(2):
        with torch.no_grad():
            model.forward(model.prepare([clip])[0])
        clip.samples[sample] += 1
    handle.remove()
    changed = (seen[0] != seen[1]).any(2)[0].numpy()
    grid, at = model.token_grid(16000), sample / 16000
    expected = (grid["start_s"] <= at + 1e-9) & (at < grid["stop_s"] - 1e-9)
    # The outermost samples of a field weigh little, and may be lost in rounding.
    assert changed.sum() >= expected.sum() - 1
    assert not (changed & ~expected.to_numpy()).any()


# --- layers and hooks ---


@pytest.mark.parametrize("name", FEW)
def test_layerdrop_and_masking_of_training_are_off(name, make, noise, listen):
    training = {"layerdrop": 0.5, "mask_time_prob": 0.5, "mask_feature_prob": 0.5, "mask_time_length": 2}
    training |= {"mask_feature_length": 2, "apply_spec_augment": True, "hidden_dropout": 0.5}
    model, clip = make(name, **training), noise(8000)
    assert not any(module.training for module in model.module.modules())
    runs = [listen(model, [clip])[1][0] for _ in range(4)]
    assert {len(hidden) for hidden in runs} == {len(model.layers)}  # every hook once
    assert all(torch.equal(a, b) for run in runs for a, b in zip(run, runs[0], strict=True))


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-bert"])
def test_a_config_may_ask_for_tuples(name, make, noise, listen):
    clip = noise(8000)
    plain, tuples = (listen(make(name, return_dict=given), [clip])[0] for given in (True, False))
    assert torch.equal(plain[0], tuples[0])


@pytest.mark.parametrize("name", ["conformer", "wav2vec2-bert"])
def test_the_mlps_of_a_conformer_come_in_the_order_of_the_forward_pass(name, make, noise):
    model, order = make(name), []
    handles = [point.attach(lambda _, name=point.name: order.append(name)) for point in model.hooks()]
    with torch.no_grad():
        model.forward(model.prepare([noise(8000)])[0])
    for handle in handles:
        handle.remove()
    assert order == [layer.name for layer in model.layers]
    assert order == [f"encoder.layers.{i}.ffn{n}.intermediate_act_fn" for i in range(LAYERS) for n in (1, 2)]


@pytest.mark.parametrize("hook", ["residual", "attention"])
@pytest.mark.parametrize("name", FEW)
def test_other_hooks_have_the_width_of_the_stream(name, hook, make):
    assert [layer.units for layer in make(name, hook=hook).layers] == [32] * LAYERS


@pytest.mark.parametrize("name", ["wav2vec2", "wavlm large", "sew-d", "conformer"])
def test_attention_is_what_is_added_to_the_stream(name, make, noise, listen):
    model, clip = make(name, hook="attention"), noise(8000)
    before = listen(model, [clip])[0][0]
    handle = model.hooks()[-1].attach(torch.zeros_like)
    with torch.no_grad():
        silenced = model.forward(model.prepare([clip])[0])
    handle.remove()
    block = model.module.get_submodule(model.hooks()[-1].name)
    last = next((getattr(block, key) for key in ("out_proj", "linear_out") if hasattr(block, key)), block)
    for parameter in last.parameters():
        parameter.data.zero_()
    torch.testing.assert_close(listen(model, [clip])[0][0], silenced, atol=1e-6, rtol=0)
    assert not torch.allclose(before, silenced, atol=1e-3)


def test_a_pattern_of_ones_own(make):
    model = make("wav2vec2", hook="encoder.layers.*.feed_forward.output_dense:input")
    assert [layer.units for layer in model.layers] == [HIDDEN] * LAYERS
    with pytest.raises(UsageError, match="has no hook 'layers'; expected mlp"):
        make("wav2vec2", hook="layers")


# --- files ---


@pytest.mark.parametrize("name", [name for name in MODELS if " " not in name])
def test_the_encoder_is_found_inside_of_models_with_heads(name, make, noise, listen):
    if name == "sew-d" and OLD:
        pytest.skip("transformers 5.5 itself cannot take a SEW-D out of a file with a head")
    clip = noise(8000)
    for head in (head for head in HEADS if hasattr(transformers, MODELS[name][0] + head)):
        model, inside = make(name, head), small(name, head).base_model
        assert type(model.module) is type(inside)
        with torch.no_grad():
            expected = inside(**prepared(name, clip.samples)).last_hidden_state
        valid = model.tokens(8000)
        seen = listen(model, [clip])[0][0][:, :valid]
        torch.testing.assert_close(seen, expected[:, :valid], atol=1e-5, rtol=0)


def test_the_fingerprint_is_of_the_encoder_alone(make, tmp_path):
    model = make("wav2vec2", "ForCTC")
    inner = small("wav2vec2", "ForCTC").wav2vec2
    save(inner, tmp_path / "inner")
    again = load(tmp_path / "inner")
    assert again.fingerprint == model.fingerprint
    assert make("wav2vec2", "ForCTC", extractor={"do_normalize": False}).fingerprint != model.fingerprint


def test_files_with_the_old_names_of_weight_norm(copied, noise, listen):
    folder = copied("wav2vec2", "ForCTC")
    model = load(folder)
    expected = listen(model, [noise(8000)])[0][0]
    weights = load_file(folder / "model.safetensors")
    stem = "wav2vec2.encoder.pos_conv_embed.conv."
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        weights[stem + old] = weights.pop(f"{stem}parametrizations.weight.{new}")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    again = load(folder)
    assert again.fingerprint == model.fingerprint
    assert torch.equal(listen(again, [noise(8000)])[0][0], expected)
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert load(folder).fingerprint == model.fingerprint


def test_the_vector_of_masked_frames_need_not_be_there(copied):
    folder = copied("unispeech-sat")
    before = load(folder).fingerprint
    weights = load_file(folder / "model.safetensors")
    del weights["masked_spec_embed"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert {load(folder).fingerprint, load(folder).fingerprint} == {before}


@pytest.mark.parametrize("name", ["wav2vec2", "wav2vec2-bert"])
def test_adapters_behind_the_encoder_are_left_out(name, make, noise, listen):
    model = make(name, add_adapter=True, num_adapter_layers=1)
    features, (hidden,) = listen(model, [noise(8000)])
    assert features[0].shape[1] == hidden[0].shape[1]


def test_an_extractor_that_does_not_fit_is_refused(make):
    with pytest.raises(OtoscopeError, match="its extractor gives 128 values a token; expected 160"):
        make("wav2vec2-bert", extractor={"num_mel_bins": 64, "feature_size": 64})


# --- other promises ---


@pytest.mark.parametrize("name", FEW)
def test_bfloat16(name, make, noise, listen):
    model, clip = make(name), noise(8000)
    expected = listen(model, [clip])[0][0]
    model.cast(torch.bfloat16)
    features, (hidden,) = listen(model, [clip])
    assert features[0].dtype == hidden[0].dtype == torch.bfloat16
    valid = model.tokens(8000)
    torch.testing.assert_close(features[0][:, :valid].float(), expected[:, :valid], atol=0.2, rtol=0)


def test_rotary_positions_are_exact_beyond_256_in_bfloat16(make):
    library = small("conformer rotary").encoder.embed_positions
    own = make("conformer rotary").cast(torch.bfloat16).module.encoder.embed_positions
    assert isinstance(own, Rotary)
    expected = library(torch.zeros(1, 400, 32))
    torch.testing.assert_close(own(torch.zeros(1, 400, 32)), expected, atol=1e-6, rtol=0)
    half = own(torch.zeros(1, 400, 32, dtype=torch.bfloat16))
    torch.testing.assert_close(half.float(), expected, atol=0.005, rtol=0)


@pytest.mark.parametrize("name", FEW)
def test_an_untrained_twin(name, make, noise, listen):
    trained, state = make(name), torch.get_rng_state()
    twins = [make(name, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert twins[0].fingerprint == twins[1].fingerprint
    assert len({twins[0].fingerprint, twins[2].fingerprint, trained.fingerprint}) == 3
    assert [layer.name for layer in twins[0].layers] == [layer.name for layer in trained.layers]
    assert listen(twins[0], [noise(8000)])[0][0].isfinite().all()


@pytest.mark.parametrize("name", FEW)
def test_it_survives_pickling_after_it_has_run(name, make, noise, listen):
    model = make(name)
    before = listen(model, [noise(8000)])[0][0]
    copy = pickle.loads(pickle.dumps(model))
    assert copy.fingerprint == model.fingerprint
    assert torch.equal(listen(copy, [noise(8000)])[0][0], before)


def test_it_is_a_wave_encoder(make):
    assert isinstance(make("hubert"), WaveEncoder)
