"""Kaldi's log-mel against a slow one in float64 (explicit frames and DFT), and against known facts."""

import pickle

import numpy as np
import pytest
import torch

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.kaldi import Fbank
from otoscope.models.spectrogram import FrontEnd

N = 4000  # 0.25 s
SILENCE = -15.942385  # log of float32's epsilon


def front(**changes) -> Fbank:
    return Fbank(**{"window": "hanning", "mean": -4.268, "deviation": 4.569} | changes)


def clip(samples, real=None) -> Waveform:
    samples = np.asarray(samples, dtype=np.float32)
    return Waveform(samples, len(samples) if real is None else real)


def slow_fbank(x: np.ndarray, bands: int, window: str) -> np.ndarray:
    """Kaldi's log-mel in float64, (bands, frames), from its recipe, frame by frame and band by band."""
    n = np.arange(400)
    shape = (0.5 - 0.5 * np.cos(2 * np.pi * n / 399)) ** (0.85 if window == "povey" else 1)
    angles = 2 * np.pi * np.outer(np.arange(257), np.arange(512)) / 512
    mel = [1127 * np.log(1 + hz / 700) for hz in np.arange(257) * 31.25]
    low, high = 1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700)
    step = (high - low) / (bands + 1)
    centres = [low + (band + 1) * step for band in range(bands)]
    weights = np.array([[max(0.0, 1 - abs(m - centre) / step) for m in mel] for centre in centres])
    out = []
    for start in range(0, len(x) - 399, 160):
        frame = x[start : start + 400].astype(np.float64)
        frame = frame - frame.mean()
        emphasised = [frame[0] - 0.97 * frame[0]] + [frame[i] - 0.97 * frame[i - 1] for i in range(1, 400)]
        padded = np.concatenate([np.array(emphasised) * shape, np.zeros(112)])
        power = (np.cos(angles) @ padded) ** 2 + (np.sin(angles) @ padded) ** 2
        out.append(np.log(np.maximum(weights @ power, 1.1920929e-07)))
    return np.array(out).T


def signals() -> dict[str, np.ndarray]:
    t = np.arange(N) / 16000
    noise = np.random.default_rng(0).normal(0, 0.2, N)
    sounds = {
        "noise": noise,
        "quiet noise": noise * 1e-3,
        "noise off zero": noise + 0.3,
        "half silence": np.where(t < 0.12, 0, noise),
        "impulse": (np.arange(N) == 1000).astype(float),
        "silence": np.zeros(N),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * t),
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


# Largest error allowed: within 60 dB of the peak, and everywhere, where float32 rounding rules.
NEAR, ANYWHERE = 2e-4, 3e-3


@pytest.mark.parametrize(("bands", "window"), [(128, "hanning"), (128, "povey"), (64, "povey")])
@pytest.mark.parametrize("name", list(signals()))
def test_equals_the_slow_version(name, bands, window):
    x = signals()[name]
    expected = slow_fbank(x, bands, window)
    found = front(bands=bands, window=window).logmel(clip(x)).numpy()
    assert found.shape == expected.shape
    error = np.abs(found - expected)
    assert error[expected > expected.max() - 6 * np.log(10)].max() <= NEAR
    assert error.max() <= ANYWHERE


def test_the_tolerance_tells_the_windows_and_the_emphasis_apart():
    x = signals()["noise"]
    hanning, povey = (front(window=window).logmel(clip(x)) for window in ("hanning", "povey"))
    assert (hanning - povey).abs().max() > 100 * NEAR


def test_it_is_a_front_end():
    own: FrontEnd = front()
    assert (own.sample_rate, own.hop) == (16000, 160)
    assert front().settings == front().settings != front(window="povey").settings


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16000, 98)])
def test_frames_are_those_that_fit(samples, frames):
    assert front().frames(samples) == frames
    if samples >= 400:
        assert front().logmel(clip(np.ones(samples))).shape == (128, frames)
        assert front().frames(front().samples_for(frames)) == frames
        assert front().frames(front().samples_for(frames) - 1) == frames - 1


def test_silence_and_a_constant_have_the_floor_in_every_band():
    for sound in (np.zeros(N), np.full(N, 0.5)):
        assert np.allclose(front(bands=80).logmel(clip(sound)), SILENCE, atol=1e-5)


def test_filled_up_frames_have_the_published_value():
    # As the front end of AST has it: zero log-mel, normalised.
    own = front(mean=-4.2677393, deviation=4.5689974)
    spectrogram = own([clip(signals()["noise"])], 100)
    assert spectrogram.shape == (1, 128, 100)
    assert spectrogram.dtype == torch.float32
    assert torch.allclose(spectrogram[..., 23:], torch.tensor(0.46703), atol=1e-5)
    assert not torch.allclose(spectrogram[..., 22], torch.tensor(0.46703), atol=1e-2)
    assert (front(fill=-4.268)([clip(signals()["noise"])], 100)[..., 23:] == 0).all()


def test_normalised_to_half_the_deviation():
    x = clip(signals()["noise"])
    assert torch.allclose(front(mean=-3, deviation=2)([x], 23)[0], (front().logmel(x) + 3) / 4)


def test_band_edges_are_where_a_tone_is_loudest():
    own = front(bands=40)
    edges = own.band_edges()
    assert edges.shape == (42,)
    assert np.allclose(edges[[0, -1]], [20, 8000])
    for band in (10, 25, 38):
        tone = np.sin(2 * np.pi * edges[band + 1] * np.arange(N) / 16000)
        assert own.logmel(clip(tone)).mean(1).argmax() == band


def test_scale_shifts_the_log_and_leaves_silence():
    x = signals()["noise"]
    quiet, loud = front(bands=64).logmel(clip(x)), front(bands=64, scale=2.0**15).logmel(clip(x))
    # The logarithm of 2 ** 30, of a power.
    assert torch.allclose(loud - quiet, torch.tensor(20.79442), atol=1e-4)
    assert np.allclose(front(scale=2.0**15).logmel(clip(np.zeros(N))), SILENCE, atol=1e-5)


def test_the_mean_is_that_of_the_sound():
    """Padding neither dilutes the mean nor becomes a step: sound off zero, centred, is the sound at zero."""
    x = signals()["noise"]
    x -= x.mean()
    padded = np.concatenate([x, np.zeros(1000)])
    shifted = np.concatenate([x + 0.3, np.zeros(1000)])
    centred = front(bands=64, centre=True)
    expected = front(bands=64).logmel(clip(padded, N))
    assert torch.allclose(centred.logmel(clip(shifted, N)), expected, atol=1e-3)
    assert not torch.allclose(front(bands=64).logmel(clip(shifted, N)), expected, atol=1)


def test_a_clip_is_the_same_among_others():
    sounds = [clip(sound) for sound in signals().values()]
    together = front(centre=True)([clip(np.ones(16000) * 0.1), *sounds], 60)
    for sound, found in zip(sounds, together[1:], strict=True):
        assert torch.equal(front(centre=True)([sound], 60)[0], found)


def test_leaves_the_sound_as_it_was_and_survives_pickling():
    x = clip(signals()["noise off zero"])
    before = x.samples.copy()
    own = front(centre=True, scale=2.0**15)
    again = pickle.loads(pickle.dumps(own))
    assert torch.equal(own([x], 23), again([x], 23))
    assert np.array_equal(x.samples, before)


def test_refuses_what_it_cannot_make():
    with pytest.raises(OtoscopeError, match="399 samples is too short; expected at least 400 at 16000 Hz"):
        front().logmel(clip(np.zeros(399)))
    with pytest.raises(OtoscopeError, match=r"window 'hamming'.*expected .* hanning or povey"):
        front(window="hamming")
    with pytest.raises(OtoscopeError, match=r"deviation 0\.0"):
        front(deviation=0.0)
