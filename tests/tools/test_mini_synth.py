"""The synthesiser of the miniature: balanced notes that sound at their pitch."""

import importlib
import sys
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "mini"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def task():
    return importlib.import_module("task_synth")


@pytest.fixture(scope="module")
def clips(task):
    return list(task.clips())


def test_presets_by_octaves_by_notes(task, clips):
    table = pd.DataFrame([row for row, _ in clips])
    assert len(table) == 600
    assert table["clip"].is_unique
    assert pd.Series(task.TAXONOMY).value_counts().to_dict() == {"subtractive": 12, "fm": 12}
    assert (pd.crosstab(table["preset"], table["octave"]) == 5).all().all()
    assert (pd.crosstab(table["note_fold"], [table["preset"], table["octave"]]) == 1).all().all()
    assert (table.groupby("preset")["fold"].nunique() == 1).all()
    assert (table.groupby("fold")["preset"].nunique() == 6).all()
    assert (table["pitch"] // 12 - 1 == table["octave"]).all()


def test_every_note_sounds_and_stays_below_full_scale(clips):
    for row, samples in clips:
        assert samples.shape == (32_000,)
        assert np.isfinite(samples).all(), row["clip"]
        assert np.abs(samples).max() <= 0.95 + 1e-9, row["clip"]
        assert -45 < 20 * np.log10(samples.std()) < -15, row["clip"]


def test_notes_repeat(task, clips):
    again = task.clips()
    for (row, samples), (before, heard), _ in zip(again, clips, range(30), strict=False):
        assert row == before
        np.testing.assert_array_equal(samples, heard)


def test_the_sound_has_the_period_of_its_pitch(clips):
    """The spectrum of a note lies on the harmonics of its pitch, in most presets; some are bells."""
    off = {}
    for row, samples in clips:
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17)) ** 2
        hz = np.arange(len(spectrum)) * 16_000 / (1 << 17)
        nearest = np.round(hz / librosa.midi_to_hz(row["pitch"]))
        cents = 1200 * np.abs(
            np.log2(np.maximum(hz, 1) / librosa.midi_to_hz(row["pitch"]) / np.maximum(nearest, 1))
        )
        off.setdefault(row["preset"], []).append(spectrum[cents > 50].sum() / spectrum.sum())
    harmonic = {preset for preset, shares in off.items() if np.median(shares) < 0.1}
    assert len(harmonic) >= 18
    assert {preset for preset in off if preset.startswith("sub")} <= harmonic
