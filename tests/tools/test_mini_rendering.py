"""The procedural half of tools/mini: what it draws is repeatable, whole, finite and inside full scale.

espeak-ng and fluidsynth are not needed here; what they render is checked where it ships, in
tests/tasks/test_mini.py.
"""

import functools
import importlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

TOOLS = Path(__file__).parents[2] / "tools" / "mini"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def tool(name):
    return importlib.import_module(name)


def makers():
    sys.path.insert(0, str(TOOLS))
    try:
        labels = tool("textures").LABELS
    finally:
        sys.path.remove(str(TOOLS))
    return [pytest.param(maker, id=name) for group in labels.values() for name, maker in group.items()]


@pytest.mark.parametrize("maker", makers())
def test_a_maker_repeats_for_its_seeds_and_varies_with_the_take(maker):
    def sound(thing, take):
        return maker(np.random.default_rng(thing), np.random.default_rng(take), 16_000)

    first = sound(1, 2)
    assert first.shape == (16_000,)
    assert np.isfinite(first).all()
    assert first.std() > 1e-4
    np.testing.assert_array_equal(first, sound(1, 2))
    assert not np.allclose(first, sound(1, 3))


def test_training_batches_are_int16_of_training_length_and_repeat(monkeypatch):
    render, textures = tool("render_training"), tool("textures")
    monkeypatch.setitem(render.MAKERS, "event", functools.partial(textures.training_clips, clips=4))
    seed, audio, about = render.batch(("event", 7))
    assert (seed, audio.dtype, audio.shape) == (7, np.int16, (4, 33_280))
    assert {label for label, _ in about} <= set(textures.LABELS)
    np.testing.assert_array_equal(audio, render.batch(("event", 7))[1])


def test_level_sets_the_rms_and_gives_way_to_the_peak():
    dsp = tool("dsp")
    tone = dsp.sweep(440.0, 16_000)
    assert 20 * np.log10(dsp.level(tone, -20).std()) == pytest.approx(-20, abs=1e-6)
    click = np.zeros(16_000)
    click[100] = 1.0
    assert np.abs(dsp.level(click, -10)).max() == pytest.approx(0.95, abs=1e-6)


def test_a_decay_falls_by_60_db_in_its_time():
    envelope = tool("dsp").decay(16_000, 0.5, attack=1e-4)
    assert 20 * np.log10(envelope[8_000]) == pytest.approx(-60, abs=0.1)


def test_harmonics_above_the_nyquist_frequency_are_left_out():
    dsp = tool("dsp")
    tone = dsp.harmonics(np.full(16_000, 3_000.0), np.ones(5))  # 3 and 6 kHz stay, 9 kHz and more would fold
    spectrum = np.abs(np.fft.rfft(tone)) / 8_000
    assert np.flatnonzero(spectrum > 0.5).tolist() == [3_000, 6_000]


def test_the_codec_keeps_length_and_sound():
    dsp = tool("dsp")
    tone = dsp.level(dsp.sweep(440.0, 33_280), -20).astype(np.float32)
    back = dsp.through_opus(tone)
    assert back.shape == tone.shape
    assert np.corrcoef(back[2_000:-2_000], tone[2_000:-2_000])[0, 1] > 0.98


def test_restamped_ogg_is_the_same_sound_with_serial_one():
    dsp, ogg = tool("dsp"), tool("ogg")
    noise = np.random.default_rng(0).standard_normal(16_000) * 0.1
    stream = dsp.opus(noise)
    stamped = ogg.restamp(stream)
    assert all(page[14:18] == b"\x01\x00\x00\x00" for page in ogg.pages(stamped))
    before, after = (
        soundfile.read(io.BytesIO(s))[0] for s in (stream, stamped)
    )  # a wrong checksum loses pages
    np.testing.assert_array_equal(before, after)
    page = ogg.pages(stream)[0]  # libsndfile's own checksum is the independent answer
    assert ogg.checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")


def test_a_midi_file_holds_the_notes_in_order():
    instruments = tool("instruments")
    score = instruments.midi(
        [instruments.Note(0.5, 0.5, 60, 100, 0, 24), instruments.Note(0.0, 0.25, 62, 90, 9)]
    )
    assert score.startswith(b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xf4MTrk")
    body = score[22:]
    # Notes as (delta ticks, status, key): drum on at 0, off at 125, then program and note at 250, off at 500.
    assert body[7:] == bytes(
        [
            0,
            0x99,
            62,
            90,
            125,
            0x89,
            62,
            0,
            125,
            0xC0,
            24,
            0,
            0x90,
            60,
            100,
            0x81,
            0x7A,
            0x80,
            60,
            0,
            0,
            0xFF,
            0x2F,
            0,
        ]
    )


def test_cutting_takes_clips_of_the_length_and_drops_silence():
    speech, rng = tool("speech"), np.random.default_rng(0)
    sound = np.concatenate([rng.standard_normal(64_000), np.zeros(64_000)]).astype(np.float32)
    clips = speech.cut(sound, 16_000, 8, rng)
    assert clips
    assert len(clips) < 8
    assert all(len(c) == 16_000 and np.mean(np.abs(c) > 0) > 0.29 for c in clips)
    assert speech.cut(sound[:10], 16_000, 8, rng) == []


def test_no_source_stands_on_both_sides(monkeypatch):
    sources = tool("sources")
    sources.check_disjoint()
    monkeypatch.setattr(sources, "TRAINING_SEEDS", range(1_000_000_001))
    with pytest.raises(ValueError, match="seed ranges overlap"):
        sources.check_disjoint()


def test_broad_labels_join_several_classes_of_every_task():
    sources, textures = tool("sources"), tool("textures")
    for group in (*textures.LABELS.values(), *sources.BRANCHES.values(), *sources.TRAINING_PROGRAMS.values()):
        assert len(group) > 1
