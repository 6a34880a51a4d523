"""The log-mel front end against a slow one in float64: explicit windows and DFT, mel filters by librosa."""

import librosa
import numpy as np
import pytest
import torch

from otoscope.errors import OtoscopeError
from otoscope.models.logmel import LogMel

SETTINGS = {16000: (400, 160, 8000), 32000: (800, 320, 16000)}
SECONDS = 0.4


def slow_logmel(
    x: np.ndarray, sample_rate: int, *, symmetric=False, padding="reflect", htk=False, norm="slaney"
) -> np.ndarray:
    size, hop, high_hz = SETTINGS[sample_rate]
    n = np.arange(size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / (size - 1 if symmetric else size))
    angles = 2 * np.pi * np.outer(np.arange(size // 2 + 1), n) / size
    padded = np.pad(x.astype(np.float64), size // 2, mode=padding)
    power = []
    for frame in range(1 + len(x) // hop):
        windowed = padded[frame * hop : frame * hop + size] * window
        power.append((np.cos(angles) @ windowed) ** 2 + (np.sin(angles) @ windowed) ** 2)
    filters = librosa.filters.mel(
        sr=sample_rate, n_fft=size, n_mels=80, fmin=50, fmax=high_hz, htk=htk, norm=norm, dtype=np.float64
    )
    return np.log(filters @ np.array(power).T + 1.1920929e-07)


def signals(sample_rate: int) -> dict[str, np.ndarray]:
    n = int(SECONDS * sample_rate)
    t = np.arange(n) / sample_rate
    noise = np.random.default_rng(0).normal(0, 0.2, n)
    sounds = {
        "noise": noise,
        "quiet noise": noise * 1e-3,
        "half silence": np.where(t < SECONDS / 2, 0, noise),
        "impulse": (np.arange(n) == n // 2).astype(float),
        "silence": np.zeros(n),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * t),
        "chirp": 0.5 * np.sin(2 * np.pi * (100 * t + 3000 * t**2)),
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


# Largest error allowed: of broadband sounds everywhere; of narrow ones within 60 dB of the peak, below which
# float32 rounding rules, and everywhere.
BROADBAND = 2e-5
NARROW_NEAR, NARROW = 7.7e-5, 2.4e-3


@pytest.mark.parametrize("sample_rate", [16000, 32000])
@pytest.mark.parametrize("name", list(signals(16000)))
def test_equals_the_slow_version(sample_rate, name):
    x = signals(sample_rate)[name]
    expected = slow_logmel(x, sample_rate)
    error = np.abs(LogMel(sample_rate)(torch.from_numpy(x)[None])[0].numpy() - expected)
    if name in ("tone", "chirp"):
        near = expected > expected.max() - 60 / 10 * np.log(10)
        assert error[near].max() <= NARROW_NEAR
        assert error.max() <= NARROW
    else:
        assert error.max() <= BROADBAND


@pytest.mark.parametrize("sample_rate", [16000, 32000])
@pytest.mark.parametrize(
    "wrong", [{"symmetric": True}, {"padding": "constant"}, {"htk": True}, {"norm": None}]
)
def test_wrong_settings_would_be_seen(sample_rate, wrong):
    x = signals(sample_rate)["tone" if "symmetric" in wrong else "noise"]
    error = np.abs(
        LogMel(sample_rate)(torch.from_numpy(x)[None])[0].numpy() - slow_logmel(x, sample_rate, **wrong)
    )
    assert error.max() > 0.1


def test_silence_is_the_logarithm_of_the_offset():
    assert LogMel(16000)(torch.zeros(1, 800)).unique().item() == pytest.approx(-15.9424, abs=1e-4)


@pytest.mark.parametrize("sample_rate", [16000, 32000])
@pytest.mark.parametrize("samples", [201, 401, 1599, 1600, 6399, 6400, 6401])
def test_number_of_frames(sample_rate, samples):
    logmel = LogMel(sample_rate)
    if samples >= logmel.min_samples:
        assert logmel(torch.zeros(2, samples)).shape == (2, 80, logmel.frames(samples))
        assert logmel.frames(samples) == 1 + samples // (sample_rate // 100)


@pytest.mark.parametrize(("sample_rate", "least"), [(16000, 201), (32000, 401)])
def test_a_clip_too_short_to_mirror_is_refused(sample_rate, least):
    assert LogMel(sample_rate)(torch.zeros(1, least)).shape[2] == 2
    with pytest.raises(OtoscopeError, match=f"{least - 1} samples.*at least {least}"):
        LogMel(sample_rate)(torch.zeros(1, least - 1))


def test_other_sample_rates_are_refused():
    with pytest.raises(OtoscopeError, match="44100 Hz; expected 16000 or 32000"):
        LogMel(44100)


def test_clips_of_unequal_length_can_be_transformed_together():
    logmel = LogMel(16000)
    clips = [torch.randn(1, n, generator=torch.Generator().manual_seed(n)) for n in (1000, 1601)]
    reflected = torch.zeros(2, 1601 + 400)
    for row, clip in zip(reflected, clips, strict=True):
        row[: clip.shape[1] + 400] = logmel.reflect(clip)[0]
    together = logmel.transform(reflected)
    for clip, out in zip(clips, together, strict=True):
        alone = logmel(clip)[0]
        assert torch.allclose(out[:, : alone.shape[1]], alone, atol=1e-5)


def test_band_edges_span_the_range_in_slaney_mels():
    edges = LogMel(32000).band_edges()
    assert len(edges) == 82
    assert (edges[0], edges[-1]) == (pytest.approx(50), pytest.approx(16000))
    assert np.allclose(np.diff(edges)[:5], np.diff(edges)[0])  # linear below 1 kHz
