"""Sound as files for browsers."""

import io

import numpy as np
import pytest
import soundfile

from otoscope.listening.sounds import encoded


def tone(rate):
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)


def test_mp3_sounds_the_same_and_starts_at_the_same_time():
    samples = np.concatenate([np.zeros(8000, np.float32), tone(16000)])
    data, suffix = encoded(samples, 16000)
    back, rate = soundfile.read(io.BytesIO(data))
    assert (suffix, rate) == (".mp3", 16000)
    assert len(back) == len(samples)
    assert np.corrcoef(back, samples)[0, 1] > 0.99
    assert len(data) < len(samples)  # of 2 bytes each


@pytest.mark.parametrize("rate", [16000, 10000])
def test_wav_is_exact_and_stands_in_for_rates_that_mp3_has_not(rate):
    data, suffix = encoded(tone(rate), rate, "WAV" if rate == 16000 else "MP3")
    back, found = soundfile.read(io.BytesIO(data))
    assert (suffix, found) == (".wav", rate)
    assert np.abs(back - tone(rate)).max() < 1e-4


def test_what_is_too_loud_is_clipped():
    data, _ = encoded(np.array([3.0, -3.0] * 100, np.float32), 16000, "WAV")
    assert np.abs(soundfile.read(io.BytesIO(data))[0]).max() <= 1
