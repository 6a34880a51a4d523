"""A synthesiser of our own: subtractive and FM voices, each a preset that a seed draws once and for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dsp import SR, Samples, times
from scipy import signal

Rng = np.random.Generator
TOP = 0.46 * SR  # partials above are left out, so that nothing folds back


@dataclass(frozen=True)
class Envelope:
    """Attack, decay and release in s, and the level in between that a held note keeps."""

    attack: float
    decay: float
    sustain: float
    release: float

    @classmethod
    def drawn(cls, rng: Rng) -> Envelope:
        """A pluck, a pad, or something between."""
        attack = float(np.exp(rng.uniform(np.log(0.002), np.log(0.25))))
        return cls(
            attack, rng.uniform(0.08, 0.9), rng.choice([0.0, rng.uniform(0.2, 1)]), rng.uniform(0.05, 0.5)
        )

    def curve(self, n: int, held: float) -> Samples:
        """Its n samples for a key that is held so many s."""
        t = times(n)
        fall = self.sustain + (1 - self.sustain) * np.exp(-4 * np.maximum(t - self.attack, 0) / self.decay)
        let_go = np.exp(-5 * np.maximum(t - held, 0) / self.release)
        return np.minimum(1, t / self.attack) * fall * let_go


@dataclass(frozen=True)
class Subtractive:
    """Detuned oscillators of one shape and some noise, through a resonant low-pass that an envelope moves."""

    weights: Samples
    detune: tuple[float, ...]
    noise: float
    cutoff: float
    sweep: float
    resonance: float
    loudness: Envelope
    filtering: Envelope
    vibrato: tuple[float, float]

    @classmethod
    def drawn(cls, rng: Rng) -> Subtractive:
        """A preset."""
        k = np.arange(1, 120)
        shapes = {
            "saw": 1 / k,
            "square": (k % 2) / k,
            "pulse": np.sin(np.pi * k * rng.uniform(0.08, 0.35)) / k,
            "triangle": (k % 2) / k**2,
        }
        cents = np.linspace(-1, 1, int(rng.integers(1, 4))) * rng.uniform(3, 14)
        return cls(
            shapes[str(rng.choice(list(shapes)))],
            tuple(2 ** (cents / 1200)),
            float(rng.choice([0, rng.uniform(0.01, 0.12)])),
            rng.uniform(1.5, 8),
            rng.uniform(0, 3),
            rng.uniform(0, 0.85),
            Envelope.drawn(rng),
            Envelope.drawn(rng),
            (rng.uniform(3, 7), float(rng.choice([0, rng.uniform(0.002, 0.012)]))),
        )

    def play(self, hz: float, n: int, held: float, rng: Rng) -> Samples:
        """A note: the cutoff follows the key, in harmonics of the fundamental."""
        rate, depth = self.vibrato
        bend = 1 + depth * np.sin(2 * np.pi * rate * times(n) + rng.uniform(0, 6)) * np.minimum(1, times(n))
        cutoff = self.cutoff * 2 ** (self.sweep * self.filtering.curve(n, held))
        sound = np.zeros(n)
        for factor in self.detune:
            sound += self._filtered(hz * factor * bend, cutoff, n)
        hiss = signal.lfilter([0.3], [1, -0.7], rng.standard_normal(n))
        return (sound / len(self.detune) + self.noise * hiss) * self.loudness.curve(n, held)

    def _filtered(self, hz: Samples, cutoff: Samples, n: int) -> Samples:
        """The oscillator, each harmonic weighed by a second-order low-pass at the moment's cutoff."""
        phase = 2 * np.pi * np.cumsum(hz) / SR
        q, sound = 0.7 + 6 * self.resonance**2, np.zeros(n)
        for k, weight in enumerate(self.weights[: int(TOP / hz.max())], 1):
            x = k / cutoff
            if weight:
                sound += weight / np.sqrt((1 - x**2) ** 2 + (x / q) ** 2) * np.sin(k * phase)
        return sound


@dataclass(frozen=True)
class Operator:
    """A sine at a ratio of the key's frequency, its strength over time."""

    ratio: float
    strength: float
    envelope: Envelope


@dataclass(frozen=True)
class FM:
    """Four sines, of which some move the phases of others, as in the synthesisers of the eighties."""

    operators: tuple[Operator, ...]
    stacked: bool
    feedback: float

    @classmethod
    def drawn(cls, rng: Rng) -> FM:
        """A preset: the first operator is heard at the key's own frequency."""
        ratios = [1.0, *rng.choice([1, 1, 2, 3, 4, 5, 7, 1.41, 3.5], 3)]
        strengths = [1.0, *rng.uniform(0.3, 3.5, 3)]
        operators = (
            Operator(float(r), float(s), Envelope.drawn(rng)) for r, s in zip(ratios, strengths, strict=True)
        )
        return cls(tuple(operators), bool(rng.random() < 0.5), rng.uniform(0, 0.8))

    def play(self, hz: float, n: int, held: float, rng: Rng) -> Samples:
        """A note: one stack of four, or two pairs; high notes are modulated less, lest they fold back."""
        tame = min(1.0, 900 / hz)
        a, b, c, d = (
            (operator.ratio, operator.strength * operator.envelope.curve(n, held))
            for operator in self.operators
        )
        angle = 2 * np.pi * hz * times(n) + rng.uniform(0, 6)

        def sine(ratio: float, moved: Samples | float = 0.0) -> Samples:
            return np.sin(ratio * angle + moved)

        top = tame * d[1] * sine(d[0], self.feedback * tame * sine(d[0]))
        if self.stacked:
            third = tame * c[1] * sine(c[0], top)
            return a[1] * sine(a[0], tame * b[1] * sine(b[0], third))
        return a[1] * (
            sine(a[0], tame * b[1] * sine(b[0])) + 0.6 * sine(a[0], 0.7 * tame * c[1] * sine(c[0], top))
        )
