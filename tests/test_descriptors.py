"""Descriptors of sounds whose answer is known, and what is kept beside a store."""

from pathlib import Path
from types import SimpleNamespace

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope import audio
from otoscope.descriptors import columns, describe, describing, descriptor_columns, measure
from otoscope.errors import OtoscopeError, UsageError
from otoscope.tasks import Task

RATE = 16000
TIME = np.arange(RATE) / RATE
RANDOM = np.random.default_rng(0)
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32)
NOISE = (0.1 * RANDOM.standard_normal(RATE)).astype(np.float32)


def test_a_tone_has_its_pitch_and_its_level():
    found = measure(TONE)
    assert tuple(found) == columns()
    assert found["f0_hz"] == pytest.approx(440, rel=0.01)
    assert found["voiced_share"] > 0.9
    assert found["loudness_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert found["centroid_hz"] == pytest.approx(440, rel=0.15)
    assert found["harmonic_share"] > 0.9


def test_noise_is_flat_and_has_no_pitch():
    found = measure(NOISE)
    assert found["centroid_hz"] == pytest.approx(4000, rel=0.05)
    assert found["rolloff_hz"] == pytest.approx(0.85 * 8000, rel=0.05)
    assert found["flatness_db"] > -4 > measure(TONE)["flatness_db"]
    assert found["voiced_share"] < 0.5
    assert found["harmonic_share"] < measure(TONE)["harmonic_share"]


def test_silence_has_a_loudness_and_nothing_else():
    found = measure(np.zeros(RATE, np.float32))
    assert found.pop("loudness_db") == -120
    assert np.isnan(list(found.values())).all()


def test_clicks_are_onsets_and_a_click_is_not_harmonic():
    clicks = np.zeros(2 * RATE, np.float32)
    clicks[RATE // 4 :: RATE // 2] = 0.9
    found = measure(clicks)
    assert found["onset_rate_hz"] == pytest.approx(2, abs=0.5)
    assert found["harmonic_share"] < 0.2


def test_gain_moves_levels_and_no_shapes():
    quiet, loud = measure(NOISE), measure(2 * NOISE)
    bands = [name for name in columns() if name.startswith("mel") and "sd" not in name]
    for name in ("loudness_db", *bands):
        assert loud[name] - quiet[name] == pytest.approx(20 * np.log10(2), abs=1e-3)
    for name in ("centroid_hz", "flatness_db", "harmonic_share", "mfcc_02", "mfcc_05_sd"):
        assert loud[name] == pytest.approx(quiet[name], rel=1e-3, abs=1e-3)


def test_the_loudest_band_is_that_of_the_tone():
    found = measure(TONE)
    bands = {name: found[name] for name in columns() if name.startswith("mel") and "sd" not in name}
    centre = float(max(bands, key=bands.__getitem__).removeprefix("mel_").split("hz")[0])
    centres = librosa.mel_frequencies(18, fmax=8000)[1:-1]
    assert centre == round(min(centres, key=lambda hz: abs(hz - 440)))


@pytest.mark.parametrize("samples", [1, 2, 100, 3000])
def test_short_clips_are_measured(samples):
    found = measure(NOISE[:samples])
    assert np.isfinite(found["centroid_hz"])


@pytest.fixture
def store(tmp_path: Path) -> SimpleNamespace:
    folder = tmp_path / "x.zarr"
    folder.mkdir()
    sounds = {"tone": TONE, "noise": NOISE, "silence": 0 * TONE}
    paths = {name: str(tmp_path / f"{name}.wav") for name in sounds}
    for name, sound in sounds.items():
        soundfile.write(paths[name], sound, RATE)
    clips = pd.DataFrame({"clip": list(paths), "path": list(paths.values()), "problem": ""})
    clips["sha256"] = [audio.content_hash(path) for path in clips["path"]]
    return SimpleNamespace(path=folder, clips=clips, info={"task": {"seconds": 0.5}})


def test_a_store_keeps_them_and_measures_nothing_twice(store, monkeypatch):
    ticks = []
    first = describe(store, tick=ticks.append)
    assert sum(ticks) == 3
    assert first["clip"].tolist() == ["tone", "noise", "silence"]
    assert descriptor_columns(first) == list(columns())
    assert np.isnan(first["f0_hz"][2])
    monkeypatch.setattr(describing, "measure", lambda samples: pytest.fail("measured again"))
    pd.testing.assert_frame_equal(describe(store), first)


def test_clips_are_cropped_as_they_were_recorded(store):
    task = Task("t", store.clips[["clip", "path"]], (), seconds=0.5)
    of_task = describe(task)
    pd.testing.assert_frame_equal(describe(store), of_task)
    assert (
        of_task["mfcc_02"][1]
        == measure(audio.read(store.clips["path"][1], RATE, seconds=0.5).samples)["mfcc_02"]
    )


def test_padding_is_not_described(store):
    store.info["task"]["seconds"] = 3.0
    assert describe(store)["loudness_db"][0] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)


def test_a_clip_recorded_anew_is_measured_anew_and_the_others_are_not(store, monkeypatch):
    before = describe(store)
    soundfile.write(store.clips["path"][0], 0.1 * TONE, RATE)
    store.clips.loc[0, "sha256"] = audio.content_hash(store.clips["path"][0])
    calls = []
    monkeypatch.setattr(describing, "measure", lambda samples: calls.append(1) or measure(samples))
    after = describe(store)
    assert calls == [1]
    assert after["loudness_db"][0] == pytest.approx(before["loudness_db"][0] - 20, abs=0.1)


def test_a_run_that_is_stopped_goes_on_where_it_was(store, monkeypatch):
    calls = []

    def stopping(samples):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(samples)

    monkeypatch.setattr(describing, "measure", stopping)
    with pytest.raises(KeyboardInterrupt):
        describe(store)
    found = describe(store)
    assert len(calls) == 2 + 2
    assert (found["problem"] == "").all()


def test_bad_clips_are_told_and_nan(store):
    store.clips.loc[1, "problem"] = "noise.wav: is empty"
    Path(store.clips["path"][0]).write_bytes(b"no sound")
    with pytest.warns(UserWarning, match=r"2 of 3 clips have no descriptors") as told:
        found = describe(store)
    assert "noise.wav: is empty" in str(told[0].message)
    assert "content is another" in found["problem"][0]
    assert found[list(columns())].iloc[:2].isna().all(axis=None)
    assert found["loudness_db"][2] == -120


def test_no_clip_at_all_is_an_error(store):
    store.clips["path"] = "nowhere.wav"
    with pytest.raises(
        OtoscopeError, match=r"none of 3 clips can be described: nowhere\.wav: does not exist"
    ):
        describe(store)


def test_no_workers(store):
    with pytest.raises(UsageError, match="workers is 0"):
        describe(store, workers=0)


@pytest.mark.slow
def test_processes_give_the_same(store):
    task = Task("t", store.clips[["clip", "path"]], ())
    pd.testing.assert_frame_equal(describe(task, workers=2), describe(task))


def test_the_verb(tmp_path, monkeypatch, capsys):
    import json
    import sys

    import otoscope
    from otoscope import cli
    from otoscope.neurons import planted

    toy = planted(tmp_path / "clips", classes=2, clips=1, groups=2, seconds=0.5)
    otoscope.record(toy.model, toy.task, tmp_path / "x.zarr")
    monkeypatch.setattr(sys, "argv", ["otoscope", "describe", str(tmp_path / "x.zarr"), "--json"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    document = json.loads(capsys.readouterr().out)
    assert not stop.value.code
    assert (document["clips"], document["problems"]) == (4, [])
    assert document["descriptors"]["loudness_db"]["clips"] == 4
    assert len(describe(otoscope.open_store(tmp_path / "x.zarr"))) == 4
    monkeypatch.setattr(sys, "argv", ["otoscope", "describe", str(tmp_path / "x.zarr")])
    with pytest.raises(SystemExit):
        cli.main()
    assert "loudness_db" in capsys.readouterr().out
