"""Instruments of our own with pipes and reeds: four blown families, each one model (see `luthier.py`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dsp import Samples, decay, times, wander
from tones import Key, Peaks, Rng, Vibrato, noise, peaks, spread, through, tone, unit


@dataclass(frozen=True)
class Rank:
    """A rank of pipes, a drawbar or a set of reeds: its pitch over the key's, timbre and share."""

    ratio: float
    slope: float  # of the harmonics: amplitude as k to the power of minus this
    even: float  # how strong the even ones are; 0: pipes stopped at one end
    cents: float
    gain: float

    @classmethod
    def drawn(cls, rng: Rng, ratio: float, sines: bool) -> Rank:
        """A flute, principal or reed (or a sine); those above 8 feet are weaker."""
        even = float(rng.choice([1, 1, rng.uniform(0, 0.3)]))
        gain = 1.0 if ratio == 1 else rng.uniform(0.3, 1) / ratio**0.4
        return cls(ratio, 6.0 if sines else rng.uniform(0.6, 2.5), even, rng.normal(0, 1.5), gain)


@dataclass(frozen=True)
class Organ:
    """Ranks of 8 feet and above, speaking with a chiff or click, in a swell box that force opens."""

    ranks: tuple[Rank, ...]
    chiff: float
    speech: float  # s until a pipe speaks
    release: float  # s
    wind: float
    tremulant: tuple[float, float]  # Hz and depth
    box: float  # Hz that a half-open box lets through

    @classmethod
    def drawn(cls, rng: Rng) -> Organ:
        """From drawbars (sines) and flutes to principals and reeds."""
        sines = rng.random() < 0.3
        above = rng.choice([2, 3, 4, 5, 6, 8], int(rng.integers(1 + sines, 5)), replace=False)
        ranks = tuple(Rank.drawn(rng, float(ratio), sines) for ratio in (1, *sorted(above)))
        return cls(
            ranks, spread(rng, 0.03, 0.5), spread(rng, 0.006, 0.08), spread(rng, 0.06, 0.4),
            spread(rng, 0.002, 0.02), (rng.uniform(5, 7), rng.uniform(0.05, 0.3) * (rng.random() < 0.4)),
            spread(rng, 2000, 8000),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """All ranks, as loud at the end as at the start."""
        cut = self.box * (0.4 + 1.2 * key.force) * 2 ** (0.5 * key.octaves)
        rate, depth = self.tremulant
        swing = np.sin(2 * np.pi * rate * times(key.n) + rng.uniform(0, 6))
        sound = np.zeros(key.n)
        for rank in self.ranks:
            hz = key.hz * rank.ratio * 2 ** ((rank.cents + 25 * depth * swing) / 1200)

            def amplitude(k: int, rank: Rank = rank) -> float:
                odd = k % 2 or rank.even
                return rank.gain * odd * k**-rank.slope * np.exp(-key.hz * rank.ratio * k / cut)

            sound += tone(hz, amplitude)
        sound = unit(sound) * (1 + depth * swing)
        start = self.chiff * decay(key.n, 3 * self.speech + 0.02) * noise(key, rng, 2 * key.hz, 6 * key.hz)
        sound += 0.3 * start + self.wind * noise(key, rng, 300, 4000)
        return sound * key.sustained(self.speech, self.release)


@dataclass(frozen=True)
class Brass:
    """Lips on a bore with a bell: the louder, the more harmonics, from moment to moment."""

    cut: float  # Hz to which the harmonics of a middling middle C reach
    swell: float  # how much force raises it
    attack: float  # s
    release: float  # s
    blip: float  # how much the start overshoots, in loudness and in pitch
    air: float
    vibrato: Vibrato
    bell: Peaks

    @classmethod
    def drawn(cls, rng: Rng) -> Brass:
        """From a horn or tuba to a trombone or muted trumpet."""
        size = spread(rng, 0.7, 2)
        return cls(
            spread(rng, 700, 2200) / size, rng.uniform(0.8, 1.6), spread(rng, 0.025, 0.12),
            spread(rng, 0.06, 0.3), rng.uniform(0.1, 0.6), spread(rng, 0.003, 0.03),
            Vibrato.drawn(rng, 18, 0.4),
            peaks(rng, [(450, 700), (1000, 1500), (2000, 3500)], (-10, 12), size),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """Harmonics up to a frequency that follows the loudness."""
        t, rise = times(key.n), key.sustained(self.attack * (1.4 - 0.7 * key.force), self.release)
        burst = np.exp(-(((t - self.attack) / (0.6 * self.attack)) ** 2))
        loud = rise * (1 + self.blip * burst) * (1 + 0.05 * wander(rng, key.n, 5))
        scale = self.cut * 2 ** (0.6 * key.octaves)
        cut = scale * (0.25 + (2 * key.force) ** self.swell * loud)
        hz = key.hz * self.vibrato.bend(self.vibrato.wave(key.n, rng), rng)
        hz *= 1 - 0.06 * self.blip * np.exp(-t / 0.02)
        sound = tone(hz, lambda k: k**-0.2 * np.exp(-k * key.hz / cut)) * loud
        breath = self.air * noise(key, rng, 500, 4000) * (rise + 3 * burst * self.blip)
        return through(unit(sound) + 0.3 * breath, self.bell)


@dataclass(frozen=True)
class Reed:
    """A reed on a bore: a cylinder's odd harmonics or all of a cone's, up to where the holes leak."""

    even: float  # the even harmonics, of the odd ones
    cut: float  # Hz to which the harmonics of a middling note are alike
    steep: float
    attack: float  # s
    release: float  # s
    breath: float
    vibrato: Vibrato
    bore: Peaks

    @classmethod
    def drawn(cls, rng: Rng) -> Reed:
        """From a clarinet to an oboe, bassoon or saxophone."""
        size = spread(rng, 0.8, 2)
        return cls(
            float(rng.choice([rng.uniform(0.03, 0.2), rng.uniform(0.6, 1.5)])), spread(rng, 900, 2600) / size,
            rng.uniform(2, 4), spread(rng, 0.02, 0.09), spread(rng, 0.05, 0.25), spread(rng, 0.004, 0.06),
            Vibrato.drawn(rng, 22, 0.5), peaks(rng, [(350, 650), (1000, 1600), (2600, 3600)], (0, 14), size),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """The high harmonics speak after the low ones, and with more force."""
        rise = key.sustained(self.attack, self.release)
        slow = np.log(key.sustained(self.attack * 1.5, self.release) + 1e-5)
        cut = self.cut * (0.35 + 1.3 * key.force) * 2 ** (0.4 * key.octaves)
        wave = self.vibrato.wave(key.n, rng)

        def amplitude(k: int) -> Samples:
            odd = 1.0 if k % 2 else self.even
            return odd * np.exp(0.08 * (k - 1) * slow) / (1 + (k * key.hz / cut) ** self.steep)

        sound = tone(key.hz * self.vibrato.bend(wave, rng), amplitude)
        air = self.breath * noise(key, rng, 1000, 6000) * (1 + 2 * np.exp(-times(key.n) / 0.03))
        swell = (1 + 0.004 * self.vibrato.cents * wave) * (1 + 0.04 * wander(rng, key.n, 6))
        return through(unit(sound) + 0.3 * air, self.bore) * rise * swell


@dataclass(frozen=True)
class Pipe:
    """An air jet on an edge: few harmonics, much breath, a chiff, and a vibrato that is one of loudness."""

    harmonics: Samples  # amplitudes at middling force; the first is 1
    attack: float  # s
    release: float  # s
    breath: float
    chiff: float
    over: int  # the harmonic at which it starts to speak
    vibrato: Vibrato
    swing: float  # depth of the vibrato in loudness

    @classmethod
    def drawn(cls, rng: Rng) -> Pipe:
        """From an ocarina or pan pipe to a recorder or flute."""
        k = np.arange(1, 9)
        even = float(rng.choice([1, 1, rng.uniform(0.02, 0.2)]))
        amplitudes = k ** -spread(rng, 1.3, 4) * 10 ** (rng.uniform(-6, 6, 8) / 20) * np.where(k % 2, 1, even)
        return cls(
            amplitudes / amplitudes[0], spread(rng, 0.03, 0.12), spread(rng, 0.06, 0.3),
            spread(rng, 0.02, 0.3), spread(rng, 0.05, 0.6), int(rng.integers(2, 4)),
            Vibrato.drawn(rng, 15, 0.6), rng.uniform(0.05, 0.3),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """The tone in its breath, which hisses around the harmonics."""
        t, wave = times(key.n), self.vibrato.wave(key.n, rng)
        hz = key.hz * self.vibrato.bend(wave, rng)
        force = (0.4 + 1.2 * key.force) * (1 + self.swing * wave * (self.vibrato.cents > 0))
        sound = unit(tone(hz, lambda k: self.harmonics[k - 1] * force ** (0.9 * k) if k <= 8 else 0.0))
        early = decay(key.n, 4 * self.attack, self.attack / 3)
        edge = early * (
            np.sin(self.over * 2 * np.pi * key.hz * t) + noise(key, rng, 1.5 * key.hz, 5 * key.hz)
        )
        air = noise(key, rng, 0.8 * key.hz, 3 * key.hz) + 0.5 * noise(key, rng, 1500, 6500)
        rise = key.sustained(self.attack * (1.3 - 0.6 * key.force), self.release)
        return (sound + 0.2 * self.breath * air) * rise + 0.2 * self.chiff * edge * key.let_go(0.1)
