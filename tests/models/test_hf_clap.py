"""CLAP's audio tower against transformers' own classes: layers with tokens of their own, nothing random."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import librosa
from cases_hf_clap import BANDS, DEPTHS, FRAMES, FUSION, HIDDEN, WIDTH, blocks, save, small
from transformers import CONFIG_MAPPING, ClapAudioModel, ClapFeatureExtractor, ClapModel

from otoscope.activations import Recorder
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import Position
from otoscope.models.family import Request
from otoscope.models.hf.clap import CLAPFrontEnd
from otoscope.models.hf.loading import load_hf

CHUNK, HOP, STRETCHED = 48000, 480, 128
STAGES = [stage for stage, depth in enumerate(DEPTHS) for _ in range(depth)]
TOKENS = [256, 64, 16, 4]


def load(folder, **request):
    return load_hf(Request(f"hf:{folder}", str(folder), **request))


@pytest.fixture(scope="module", params=["rand_trunc", "fusion"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("clap")
    save(small(**(FUSION if request.param == "fusion" else {})), path, request.param)
    return path


@pytest.fixture(scope="module")
def model(folder):
    return load(folder)


@pytest.fixture(scope="module")
def deaf(folder):
    """The model without attention: what a token knows is what it covers."""
    model = load(folder)
    for block in blocks(model.module):
        for parameter in block.attention.output.dense.parameters():
            parameter.data.zero_()
    return model


def by_hand(folder, samples):
    """Hidden activations and outputs of every block, and the pooled output, as a user would get them."""
    extractor = ClapFeatureExtractor.from_pretrained(folder)
    tower = ClapModel.from_pretrained(folder).eval().audio_model
    made = extractor(samples, sampling_rate=48000, return_tensors="pt")
    made["is_longer"] = torch.zeros(1, 1, dtype=torch.bool)
    hidden, streams = [], []
    for block in blocks(tower):
        block.output.dense.register_forward_pre_hook(lambda _, inputs: hidden.append(inputs[0]))
        block.register_forward_hook(lambda _m, _i, out: streams.append(out[0]))
    with torch.no_grad():
        out = tower(**made)
    return hidden, streams, out.pooler_output


# --- what is heard ---


@pytest.mark.parametrize("samples", [1024, 13000, CHUNK - 1, CHUNK])
def test_what_is_seen_is_what_the_library_computes(folder, model, noise, listen, samples):
    clip = noise(samples)
    expected, streams, pooled = by_hand(folder, clip.samples)
    features, ((*hidden,),) = listen(model, [clip])
    for seen, wanted in zip(hidden, expected, strict=True):
        torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.embedding(model.prepare([clip]), features), pooled, atol=1e-5, rtol=0)
    _, ((*residual,),) = listen(load(folder, hook="residual"), [clip])
    for seen, wanted in zip(residual, streams, strict=True):
        torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)


def test_a_longer_clip_is_cut_into_chunks(folder, model, noise, listen):
    clip = noise(2 * CHUNK + 12000)
    chunks = model.prepare([clip])
    features, hidden = listen(model, [clip])
    pooled = []
    for number, seen in enumerate(hidden):
        part = clip.samples[number * CHUNK : (number + 1) * CHUNK]
        expected, _, alone = by_hand(folder, part)
        torch.testing.assert_close(seen[-1], expected[-1], atol=1e-5, rtol=0)
        pooled.append(alone)
    columns = [32, 32, 8]  # a column of tokens is about 1512 samples
    assert model.tokens(2 * CHUNK + 12000) == 8 * sum(columns)
    mean = sum(n * each for n, each in zip(columns, pooled, strict=True)) / sum(columns)
    torch.testing.assert_close(model.embedding(chunks, features), mean, atol=1e-5, rtol=0)


def test_a_rest_shorter_than_a_window_is_left_out(model, noise):
    clip = noise(CHUNK + 1024)
    assert len(model.prepare([clip])) == 2
    shorter = Waveform(clip.samples[:-1], CHUNK + 1023)
    (only,) = model.prepare([shorter])
    assert (only.kind == Position.TOKEN).all()
    assert model.tokens(CHUNK + 1023) == len(model.token_grid(CHUNK + 1023)) == 256
    assert model.length(CHUNK + 1023) == model.length(1024) == CHUNK


def test_a_chunk_of_nothing_but_padding_has_no_say(model, noise, listen):
    clip = noise(2 * CHUNK, real=4000)
    features, _ = listen(model, [clip])
    torch.testing.assert_close(model.embedding(model.prepare([clip]), features), features[0].mean(1))


def test_nothing_is_drawn_from_the_global_random_state(model, noise):
    before = np.random.get_state()[1].copy()  # noqa: NPY002, this is the state that the library draws from
    model.prepare([noise(CHUNK + 20000), noise(2 * CHUNK)])
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_clips_are_filled_up_each_by_itself(model, noise, listen):
    clips = [noise(1500), noise(13000, seed=1), noise(CHUNK, seed=2), noise(20000, real=700, seed=3)]
    _, (together,) = listen(model, clips)
    for at, clip in enumerate(clips):
        _, (alone,) = listen(model, [clip])
        for seen, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(seen[at : at + 1], wanted, atol=1e-5, rtol=0)


def test_the_front_end_is_librosas(noise):
    samples = noise(96000).samples
    for truncation, scale in {
        "rand_trunc": {"htk": False, "norm": "slaney"},
        "fusion": {"htk": True, "norm": None},
    }.items():
        front = CLAPFrontEnd(ClapFeatureExtractor(truncation=truncation, max_length_s=2))
        power = librosa.feature.melspectrogram(
            y=samples,
            sr=48000,
            n_fft=1024,
            hop_length=480,
            n_mels=64,
            fmax=14000,
            pad_mode="reflect",
            **scale,
        )
        decibels = librosa.power_to_db(power, amin=1e-10, top_db=None)
        assert np.abs(front(samples) - decibels.T).max() < 1e-3
        edges = librosa.mel_frequencies(66, fmin=0, fmax=14000, htk=scale["htk"])
        np.testing.assert_allclose(front.band_edges(), edges, atol=1e-6)


# --- tokens ---


def test_layers_units_and_grids(model):
    assert [layer.units for layer in model.layers] == list(HIDDEN)
    assert [layer.grid for layer in model.layers] == STAGES
    (chunk,) = model.prepare([Waveform(np.zeros(5000, dtype=np.float32), 5000)])
    assert [len(kind[0]) for kind in (chunk.kind, *chunk.coarser)] == TOKENS


@pytest.mark.parametrize("samples", [1024, 13000, 20000, CHUNK])
def test_tokens_of_the_first_copy_count(model, samples):
    # Stretched frame j shows frame j * 100 / 127, which is centred on that times 480 samples.
    for real in (samples, samples // 2, 1):
        (chunk,) = model.prepare([Waveform(np.zeros(samples, dtype=np.float32), real)])
        for stage, kind in enumerate((chunk.kind, *chunk.coarser)):
            wanted = []
            for segment in range(2):
                for _ in range(8 >> stage):
                    for column in range(16 >> stage):
                        covered = range(column * (4 << stage), (column + 1) * (4 << stage))
                        centres = [(64 * segment + frame) * 100 / 127 * HOP for frame in covered]
                        wanted.append(Position.TOKEN if min(centres) < real else Position.PADDING)
            assert kind[0].tolist() == wanted
            assert model.tokens(samples, real, stage) == wanted.count(Position.TOKEN)


@pytest.mark.parametrize(("frame", "band"), [(0, 0), (31, 5), (49, 31), (51, 16), (100, 9)])
def test_token_numbers_are_their_places(deaf, listen, frame, band):
    (chunk,) = deaf.prepare([Waveform(np.zeros(CHUNK, dtype=np.float32), CHUNK)])
    seen: list[torch.Tensor] = []
    handles = [point.attach(seen.append) for point in deaf.hooks()]
    with torch.no_grad():
        deaf.forward(chunk)
        chunk.inputs[0, :, frame, band] += 30
        deaf.forward(chunk)
    for handle in handles:
        handle.remove()
    before, after = seen[: len(STAGES)], seen[len(STAGES) :]
    # Bicubic: a stretched frame is made of the four around it, or of one if it is there exactly.
    places = np.arange(STRETCHED) * (FRAMES - 1) / (STRETCHED - 1)
    whole = np.isclose(places, places.round())
    touched = np.flatnonzero(np.where(whole, places.round() == frame, np.abs(places - frame) < 2))
    for at, stage in enumerate(STAGES):
        changed = (before[at] != after[at]).any(2)[0].nonzero()[:, 0].tolist()
        grid = deaf.token_grid(CHUNK, stage)
        side = 4 << stage
        wanted = grid.column.isin(touched // side) & (grid.row == band // side)
        assert changed == grid.token[wanted].tolist()
        covers = (grid.start_s <= frame / 100) & (frame / 100 <= grid.stop_s) & wanted
        assert covers.any()
        assert set(grid.token[covers]) <= set(changed)


@pytest.mark.parametrize(("second", "hz"), [(0.21, 400), (0.47, 3000), (0.53, 900), (1.74, 9000)])
def test_a_tone_is_heard_where_and_when_it_sounds(deaf, second, hz):
    samples = 2 * CHUNK
    time = np.arange(samples) / 48000
    burst = np.exp(-(((time - second) / 0.008) ** 2)) * np.sin(2 * np.pi * hz * time)
    quiet = np.random.default_rng(5).normal(0, 1e-3, samples)
    seen: list[list[torch.Tensor]] = [[] for _ in deaf.layers]
    handles = [point.attach(heard.append) for point, heard in zip(deaf.hooks(), seen, strict=True)]
    with torch.no_grad():
        for sound in (quiet, quiet + 0.3 * burst):
            for chunk in deaf.prepare([Waveform(sound.astype(np.float32), samples)]):
                deaf.forward(chunk)
    for handle in handles:
        handle.remove()
    for stage, heard in zip(STAGES, seen, strict=True):
        change = torch.cat([heard[2] - heard[0], heard[3] - heard[1]], 1)[0].abs().sum(1)
        grid = deaf.token_grid(samples, stage).assign(change=change.numpy())
        middle = (grid.start_s + grid.stop_s) / 2
        when = (middle * grid.change).sum() / grid.change.sum()
        assert abs(when - second) < 0.005 + (grid.stop_s - grid.start_s).max() / 2
        row = grid.groupby("row").change.sum().idxmax()
        where = grid[grid.row == row].iloc[0]
        assert where.low_hz <= hz <= where.high_hz


def test_where_tokens_lie(model):
    for stage in range(4):
        grid = model.token_grid(CHUNK + 5000, stage)  # two chunks, whatever of the second is sound
        assert len(grid) == 2 * TOKENS[stage]
        lowest = grid[grid.row == 0].sort_values("column")
        assert lowest.column.tolist() == list(range(2 * (32 >> stage)))
        np.testing.assert_allclose(lowest.stop_s[:-1], lowest.start_s[1:])  # they fill all time
        assert (lowest.start_s.min(), lowest.stop_s.max()) == (0, 2)
        assert (grid.low_hz.min(), grid.high_hz.max()) == (0, pytest.approx(14000))
        sizes = (lowest.stop_s - lowest.start_s)[lowest.column % (32 >> stage) != (32 >> stage) - 1]
        np.testing.assert_allclose(sizes, (4 << stage) * 0.01 * 100 / 127)


# --- counting ---


def kept(model, clips):
    """By layer: every activation of every chunk, (clips, positions, units), and what stands there."""
    seen: list[list[torch.Tensor]] = [[] for _ in model.layers]
    handles = [point.attach(heard.append) for point, heard in zip(model.hooks(), seen, strict=True)]
    chunks = model.prepare(clips)
    with torch.inference_mode():
        for chunk in chunks:
            model.forward(chunk)
    for handle in handles:
        handle.remove()
    for layer, heard in zip(model.layers, seen, strict=True):
        kinds = [(chunk.kind, *chunk.coarser)[layer.grid] for chunk in chunks]
        yield torch.cat(heard, 1).numpy(), torch.cat(kinds, 1).numpy()


@pytest.mark.parametrize(
    ("samples", "reals"),
    [
        (CHUNK, [None] * 3),
        (13000, [None, 13000, 400]),  # repeats
        (2 * CHUNK + 9000, [None, CHUNK - 1, 30000, 2 * CHUNK]),  # whole chunks of padding among others
    ],
)
@pytest.mark.parametrize("hook", ["mlp", "residual"])
def test_counts_in_every_stage_equal_keeping_all_activations(folder, noise, hook, samples, reals):
    model = load(folder, hook=hook)
    clips = [noise(samples, real, seed) for seed, real in enumerate(reals)]
    with Recorder(model, padding=True, special=True) as recorder:
        made = recorder.run(model.prepare(clips))
    assert made.tokens.tolist() == made.grid_tokens[:, 0].tolist()
    neuron = 0
    for layer, (activation, kind) in zip(model.layers, kept(model, clips), strict=True):
        mine = slice(neuron, neuron := neuron + layer.units)
        valid = kind == Position.TOKEN
        assert np.array_equal(made.grid_tokens[:, layer.grid], valid.sum(1))
        fires = activation > 0
        assert np.array_equal(made.fired[:, mine], (fires & valid[:, :, None]).sum(1))
        padding = kind == Position.PADDING
        assert np.array_equal(made.fired_padding[:, mine], (fires & padding[:, :, None]).sum(1))
        assert not made.fired_special[:, mine].any()
        for clip in range(len(clips)):
            heard = activation[clip][valid[clip]]
            mean = heard.mean(0, dtype=np.float64)
            np.testing.assert_allclose(made.mean[clip, mine], mean, rtol=1e-5, atol=1e-6)
            assert np.array_equal(made.peak[clip, mine], heard.max(0))
            first = np.where(valid[clip][:, None], activation[clip], -np.inf).argmax(0)
            assert np.array_equal(made.peak_token[clip, mine], first)
    assert neuron == made.fired.shape[1]


# --- files ---


@pytest.mark.skipif("clap_audio_model" not in CONFIG_MAPPING, reason="transformers 4 reads whole CLAPs only")
def test_any_of_its_classes_is_the_same_tower(folder, model, tmp_path):
    settings = {"truncation": model.front.settings["scale"].replace("htk", "fusion")}
    whole = ClapModel.from_pretrained(folder)
    audio = whole.config.audio_config
    projected = small("ClapAudioModelWithProjection", **audio.to_dict())
    projected.audio_model.load_state_dict(whole.audio_model.state_dict())
    bare = ClapAudioModel(audio)
    bare.load_state_dict(whole.audio_model.state_dict())
    for name, each in {"projected": projected, "bare": bare}.items():
        save(each, tmp_path / name, **settings)
        assert load(tmp_path / name).fingerprint == model.fingerprint


def test_without_the_extractors_file_bands_are_those_of_the_model(tmp_path):
    for name, changes, scale in (("plain", {}, "slaney"), ("fused", FUSION, "htk")):
        small(**changes).save_pretrained(tmp_path / name)
        with pytest.raises(OtoscopeError, match=r"on 1001 frames do not make .* at most 128 frames"):
            load(tmp_path / name)  # of 10 s, for which the small model is too small
        save(small(**changes), tmp_path / name, "fusion", feature_size=64)
        model = load(tmp_path / name)
        assert model.front.settings["scale"] == scale
        assert model.front.settings["bands"] == BANDS


@pytest.mark.parametrize(
    "changes", [{"patch_stride": (2, 2)}, {"num_mel_bins": 16}, {"num_mel_bins": 24}, {"patch_size": [4, 8]}]
)
def test_tokens_whose_place_cannot_be_told_are_refused(tmp_path, changes):
    save(small(**changes), tmp_path, "rand_trunc")
    with pytest.raises(OtoscopeError, match=r"do not make tokens of one segment of time each.*oto\.wrap"):
        load(tmp_path)


def test_attention_is_in_windows(folder):
    with pytest.raises(UsageError, match=r"cannot be listened to at 'attention'; expected mlp, residual"):
        load(folder, hook="attention")


def test_a_clip_shorter_than_a_window_is_refused(model):
    with pytest.raises(OtoscopeError, match=r"a clip of 1023 samples .* expected at least 1024 at 48000 Hz"):
        model.prepare([Waveform(np.zeros(1023, dtype=np.float32), 1023)])


def test_one_stage_alone_can_be_recorded(folder, noise):
    pattern = "audio_encoder.layers.2.blocks.*.intermediate.intermediate_act_fn"
    every, alone = load(folder), load(folder, hook=pattern)
    assert [(layer.units, layer.grid) for layer in alone.layers] == [(12 * WIDTH, 2)] * 3
    made = []
    for model in (every, alone):
        with Recorder(model) as recorder:
            made.append(recorder.run(model.prepare([noise(13000)])))
    first = sum(units for units, stage in zip(HIDDEN, STAGES, strict=True) if stage < 2)
    assert np.array_equal(made[0].fired[:, first : first + 36 * WIDTH], made[1].fired)
