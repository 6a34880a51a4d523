"""What the models of our instruments share: a key, vibrato, harmonics, noise and the resonances of a body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from dsp import SR, Samples, band, times, wander
from scipy import signal

Rng = np.random.Generator
Peaks = tuple[tuple[float, float, float], ...]  # Hz, quality, gain at the peak
TOP = 0.46 * SR  # partials above are left out, so that nothing folds back
MIDDLE_C = 261.6


@dataclass(frozen=True)
class Key:
    """What is played: the frequency (Hz), the force (0 to 1), how long (s), and the samples to render."""

    hz: float
    force: float
    held: float
    n: int

    @property
    def octaves(self) -> float:
        """Above middle C."""
        return float(np.log2(self.hz / MIDDLE_C))

    def sustained(self, attack: float, release: float) -> Samples:
        """An envelope that rises in some `attack` s, stays, and falls by 60 dB in `release` s once let go."""
        return (1 - np.exp(-2.5 * times(self.n) / attack)) * self.let_go(release)

    def let_go(self, release: float) -> Samples:
        """One while the key is held, then a fall by 60 dB in `release` s."""
        return 10 ** (-3 * np.maximum(times(self.n) - self.held, 0) / release)


@dataclass(frozen=True)
class Vibrato:
    """A player's: its rate (Hz), depth and unsteadiness (cents), and when it sets in (s)."""

    hz: float
    cents: float
    unsteady: float
    delay: float

    @classmethod
    def drawn(cls, rng: Rng, cents: float, share: float) -> Vibrato:
        """Up to so many cents, in that share of the instruments; the others play straight."""
        depth = cents * rng.uniform(0.3, 1) * (rng.random() < share)
        return cls(rng.uniform(4.5, 6.8), depth, rng.uniform(1, 4), rng.uniform(0.05, 0.5))

    def wave(self, n: int, rng: Rng) -> Samples:
        """The swing, -1 to 1."""
        t = times(n)
        phase = 2 * np.pi * self.hz * t + 0.5 * wander(rng, n, 1.5) + rng.uniform(0, 6.28)
        return np.clip((t - self.delay) / 0.3, 0, 1) * np.sin(phase)

    def bend(self, wave: Samples, rng: Rng) -> Samples:
        """The factor by which it moves the pitch."""
        return 2 ** ((self.cents * wave + self.unsteady * wander(rng, len(wave), 4)) / 1200)


def spread(rng: Rng, low: float, high: float) -> float:
    """A number between two, even in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def peaks(rng: Rng, ranges: list[tuple[float, float]], db: tuple[float, float], size: float = 1.0) -> Peaks:
    """A resonance in each range of Hz (for a body of that size), of a gain between two in dB."""
    return tuple(
        (rng.uniform(low, high) / size, rng.uniform(1.5, 6), 10 ** (rng.uniform(*db) / 20))
        for low, high in ranges
    )


def through(x: Samples, body: Peaks) -> Samples:
    """The sound through the resonances of a body."""
    return x + sum(
        (gain - 1) * signal.lfilter(*signal.iirpeak(min(hz, TOP), q, fs=SR), x) for hz, q, gain in body
    )


def tone(hz: Samples, amplitude: Callable[[int], Samples | float]) -> Samples:
    """Harmonics on a moving fundamental, each of an amplitude that may move too; the phases are the saw's."""
    phase, top = 2 * np.pi * np.cumsum(hz) / SR, int(TOP / hz.max())
    return sum((amplitude(k) * np.sin(k * phase) for k in range(1, top + 1)), np.zeros(len(hz)))


def unit(x: Samples) -> Samples:
    """The sound with its peak at 1."""
    return x / np.abs(x).max()


def noise(key: Key, rng: Rng, low: float, high: float) -> Samples:
    """Noise of a band of Hz, RMS 1."""
    x = band(rng.standard_normal(key.n), min(low, 5000), high)
    return x / x.std()
