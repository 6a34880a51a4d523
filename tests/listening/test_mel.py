"""The picture of a clip."""

import io

import numpy as np
import pytest

from otoscope.listening.mel import mel_of

RATE = 16000


def tone(hz, seconds=1.0, rate=RATE):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("hz", [200, 1000, 4000, 7000])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_tone_stands_where_its_frequency_is_placed(hz, rate):
    mel = mel_of(tone(hz, rate=rate), rate)
    bands = len(mel.picture)
    loudest = mel.picture[:, 20].argmax()
    assert (loudest + 0.5) / bands == pytest.approx(mel.place(hz), abs=1.5 / bands)


def test_a_burst_stands_where_it_is_heard():
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE : RATE + RATE // 4] = tone(1000, 0.25)
    mel = mel_of(samples, RATE)
    loud = np.flatnonzero(mel.picture.max(axis=0) > 200) / mel.picture.shape[1] * mel.seconds
    assert loud.min() == pytest.approx(1.0, abs=0.04)
    assert loud.max() == pytest.approx(1.25, abs=0.04)


def test_silence_is_dark_and_long_clips_stay_small():
    assert mel_of(np.zeros(RATE, np.float32), RATE).picture.max() == 0
    assert mel_of(tone(440, 60), RATE).picture.shape[1] <= 1001


def test_edges():
    mel = mel_of(tone(440), RATE)
    assert mel.place(mel.low_hz) == 0
    assert mel.place(mel.high_hz) == mel.place(24000) == 1


def test_the_picture_has_high_frequencies_on_top():
    from PIL import Image

    mel = mel_of(tone(7000), RATE)
    image = np.asarray(Image.open(io.BytesIO(mel.webp())).convert("L"), float)
    assert image.shape == mel.picture.shape
    assert image.mean(axis=1).argmax() < len(image) / 4
