"""Small signal helpers of the renderers: filters, noise, envelopes, level, reverberation, codec."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from scipy import signal
from sources import SAMPLE_RATE as SR

Samples = np.ndarray
OPUS_LEVEL = 0.92  # libsndfile's compression level in training: some 27 kbit/s for mono at 16 kHz


def times(n: int) -> Samples:
    """The instants of n samples, in s."""
    return np.arange(n) / SR


def band(x: Samples, low: float, high: float, order: int = 2) -> Samples:
    """Band-pass between two frequencies in Hz; either may lie at the edge of the spectrum."""
    low, high = max(low, 20.0), min(high, 0.49 * SR)
    sos = signal.butter(order, [low, max(high, low * 1.05)], "bandpass", fs=SR, output="sos")
    return signal.sosfilt(sos, x)


def resonator(x: Samples, hz: float, decay_s: float) -> Samples:
    """A two-pole resonance at hz that rings down by 60 dB in decay_s."""
    r = 10 ** (-3 / (decay_s * SR))
    return signal.lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * hz / SR), r * r], x)


def coloured(rng: np.random.Generator, n: int, slope: float) -> Samples:
    """Noise whose power falls with frequency to the power `slope` (0 white, 1 pink, 2 brown), RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.fft.rfftfreq(n, 1 / SR)
    spectrum *= np.where(f > 30, np.maximum(f, 30) ** (-slope / 2), 0)
    x = np.fft.irfft(spectrum, n)
    return x / x.std()


def wander(rng: np.random.Generator, n: int, hz: float) -> Samples:
    """A smooth random curve of zero mean and unit deviation that moves at about hz."""
    knots = max(4, int(np.ceil(n / SR * hz * 2)) + 3)
    curve = np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))
    width = max(1, int(SR / hz / 6))
    window = np.hanning(2 * width + 1) / width
    curve = signal.fftconvolve(np.pad(curve, width, mode="edge"), window, "valid")
    return (curve - curve.mean()) / (curve.std() + 1e-9)


def decay(n: int, seconds: float, attack: float = 0.002) -> Samples:
    """An envelope that rises in `attack` s and falls by 60 dB in `seconds`."""
    t = times(n)
    return np.minimum(1, t / attack) * 10 ** (-3 * t / seconds)


def sweep(hz: Samples | float, n: int, phase: float = 0.0) -> Samples:
    """A sine whose frequency follows hz (a number, or one value a sample)."""
    return np.sin(2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / SR + phase)


def harmonics(hz: Samples, amplitudes: Samples) -> Samples:
    """A sum of harmonics on a moving fundamental; those over the Nyquist frequency are left out."""
    phase = 2 * np.pi * np.cumsum(hz) / SR
    top = 0.47 * SR / max(hz.max(), 1)
    return sum(a * np.sin(k * phase) for k, a in enumerate(amplitudes, 1) if k < top) + 0 * hz


def place(out: Samples, sound: Samples, at: int) -> None:
    """Add a sound into `out` from sample `at`, cut at both ends."""
    start, stop = max(at, 0), min(at + len(sound), len(out))
    if stop > start:
        out[start:stop] += sound[start - at : stop - at]


def level(x: Samples, rms_db: float) -> Samples:
    """The sound at an RMS level in dB below full scale, quieter where its peak would pass 0.95."""
    x = x - x.mean()
    x = x * (10 ** (rms_db / 20) / (np.sqrt(np.mean(x**2)) + 1e-9))
    return x * min(1.0, 0.95 / (np.abs(x).max() + 1e-9))


def reverberate(x: Samples, rng: np.random.Generator) -> Samples:
    """The sound in a random room: a decaying noise response of 0.1 to 0.9 s under the direct sound."""
    seconds = rng.uniform(0.1, 0.9)
    n = int(seconds * SR)
    tail = rng.standard_normal(n) * decay(n, seconds, 0.01) * rng.uniform(0.02, 0.2)
    tail = band(tail, 100, rng.uniform(1500, 7000))
    tail[0] += 1.0
    return signal.fftconvolve(x, tail)[: len(x)]


def opus(x: Samples, compression_level: float = OPUS_LEVEL) -> bytes:
    """The sound as an Ogg Opus file."""
    file = io.BytesIO()
    soundfile.write(
        file, x.astype(np.float32), SR, format="OGG", subtype="OPUS", compression_level=compression_level
    )
    return file.getvalue()


def through_opus(x: Samples) -> Samples:
    """The sound after a codec like that of the shipped tasks, so that training hears what it does."""
    return soundfile.read(io.BytesIO(opus(x)), dtype="float32")[0]


def to_int16(x: Samples) -> Samples:
    """16-bit samples of a sound in [-1, 1]."""
    return np.round(np.clip(x, -1, 1) * 32767).astype(np.int16)
