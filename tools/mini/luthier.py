"""Instruments of our own with strings and bars: four families, each one model of which a seed draws.

An instrument is drawn once and for all; a note of it follows its key: the pitch, how hard it is played (which
makes it louder AND brighter), and how long it is held. The blown families are in `winds.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dsp import SR, Samples, band, coloured, decay, times, wander
from scipy import signal
from tones import TOP, Key, Peaks, Rng, Vibrato, noise, peaks, spread, through, tone, unit


@dataclass(frozen=True)
class Keyboard:
    """Stiff strings in pairs, struck by a hammer, on a soundboard, until a damper falls."""

    place: float  # of the hammer along the string
    stiffness: float  # at middle C; it raises the high partials
    felt: float  # Hz to which a hammer of middling force excites middle C
    ring: float  # s in which its fundamental fades
    dulling: float  # how much sooner the high partials do, a kHz
    unison: float  # cents between the two strings
    knock: float
    damper: float  # s
    board: Peaks

    @classmethod
    def drawn(cls, rng: Rng) -> Keyboard:
        """From a soft-hammered piano to a harpsichord or clavichord."""
        ranges = [(80, 160), (200, 400), (500, 900), (1000, 2000), (2200, 4500)]
        return cls(
            rng.uniform(0.05, 0.3), spread(rng, 3e-5, 7e-4), spread(rng, 700, 6000), spread(rng, 1.5, 9),
            spread(rng, 0.2, 2), rng.uniform(0, 2.5), spread(rng, 0.01, 0.12), spread(rng, 0.08, 0.5),
            peaks(rng, ranges, (-8, 8)),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """Partials of each string; the second sounds on when the first has given its energy away."""
        k = np.arange(1, int(TOP / key.hz) + 1)
        b = min(self.stiffness * 2 ** (1.2 * key.octaves), 2e-3)
        hz = key.hz * k * np.sqrt((1 + b * k**2) / (1 + b))
        cut = self.felt * (0.3 + 1.5 * key.force) * 2 ** (0.5 * key.octaves)
        strength = np.sin(np.pi * k * self.place) / k * np.exp(-hz / cut)
        seconds = self.ring * 2 ** (-0.7 * key.octaves) / (1 + self.dulling * hz / 1000)
        cents = np.array([-0.5, 0.5]) * self.unison
        sound, t = np.zeros(key.n), times(key.n)
        for share, longer, c in zip((1, 0.35), (1, 3), cents, strict=True):
            for f, a, s in zip(hz * 2 ** (c / 1200), share * strength, longer * seconds, strict=True):
                if f < TOP and abs(a) > 1e-5:
                    sound += a * np.sin(2 * np.pi * f * t) * 10 ** (-3 * t / s)
        blow = coloured(rng, key.n, 1.5) * decay(key.n, 0.12) * self.knock * key.force
        return (
            through(unit(sound) + 0.3 * blow, self.board) * key.let_go(self.damper) * np.minimum(1, t / 2e-3)
        )


@dataclass(frozen=True)
class Mallet:
    """Bars of wood, glass or metal, hit by a mallet, some over a tube and some with a damper."""

    undercut: float  # 0 a plain bar (partials 1, 2.76, 5.40, 8.93), 1 one tuned to 1, 4, 10, 18
    ring: float  # s, of the fundamental at middle C
    dulling: float  # how much sooner the higher partials fade: 0 not at all, 1 in proportion
    hardness: float  # Hz to which a blow of middling force excites
    weights: Samples  # of the partials: where the bar is hit
    split: float  # cents between the two tones of a partial, which beat
    tremolo: tuple[float, float]  # Hz and depth of turning lids
    click: float
    damper: float  # s; inf: it rings on

    @classmethod
    def drawn(cls, rng: Rng) -> Mallet:
        """From a xylophone to a vibraphone, celesta or glockenspiel."""
        metal = rng.random()
        lids = rng.uniform(0.2, 0.6) * (rng.random() < 0.3 * (metal > 0.5))
        return cls(
            float(rng.choice([0, 1, rng.random()])), 0.5 * 14**metal * rng.uniform(0.7, 1.4),
            1.3 - metal * rng.uniform(0.6, 1), spread(rng, 700, 5000), np.append(1, rng.uniform(0.1, 1, 3)),
            spread(rng, 0.2, 4), (rng.uniform(3, 7), lids), spread(rng, 0.02, 0.3),
            float(rng.choice([np.inf, rng.uniform(0.1, 0.6)])),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """Four partials, each of two tones that beat."""
        ratios = (
            np.array([1, 2.756, 5.404, 8.933]) ** (1 - self.undercut)
            * np.array([1, 4, 10, 18]) ** self.undercut
        )
        cut = self.hardness * (0.3 + 1.5 * key.force) * 2 ** (0.6 * key.octaves)
        t, sound = times(key.n), np.zeros(key.n)
        for ratio, weight in zip(ratios, self.weights, strict=True):
            hz, seconds = key.hz * ratio, self.ring * 2 ** (-0.6 * key.octaves) / ratio**self.dulling
            if hz < TOP:
                beat = 1 + 0.4 * np.cos(2 * np.pi * hz * (2 ** (self.split / 1200) - 1) * t)
                blow = weight / ratio**0.3 * np.exp(-(hz - key.hz) / cut)
                sound += blow * beat * np.sin(2 * np.pi * hz * t) * 10 ** (-3 * t / seconds)
        rate, depth = self.tremolo
        sound = unit(sound) * (1 - depth * np.sin(np.pi * rate * t + rng.uniform(0, 3)) ** 2)
        stick = noise(key, rng, 0.5 * cut, 2 * cut) * decay(key.n, 0.03) * self.click * key.force
        return (sound + 0.3 * stick) * key.let_go(self.damper) * np.minimum(1, t / 1e-3)


@dataclass(frozen=True)
class Guitar:
    """A plucked string (Karplus and Strong's loop) on a body of wood, or amplified until it distorts."""

    place: float  # where it is plucked along the string
    pick: float  # Hz to which a pluck of middling force excites
    rough: float  # the noise in it
    ring: float  # s, of the fundamental at middle C
    dulling: float  # the loop's loss of high frequencies at middle C, 0 to 0.5
    courses: tuple[float, ...]  # of one or two strings, in cents
    drive: float  # 0: not amplified
    damper: float  # s
    body: Peaks

    @classmethod
    def drawn(cls, rng: Rng) -> Guitar:
        """From gut and steel strings to an overdriven electric."""
        second = (0.0, rng.uniform(2, 7)) if rng.random() < 0.25 else (0.0,)
        ranges = [(85, 125), (170, 260), (330, 480), (600, 1200), (1500, 2600), (2800, 5000)]
        return cls(
            rng.uniform(0.06, 0.4), spread(rng, 400, 3000), rng.uniform(0.2, 1), spread(rng, 2, 9),
            spread(rng, 0.005, 0.15), second, float(rng.choice([0, 0, spread(rng, 2, 25)])),
            spread(rng, 0.08, 0.4), peaks(rng, ranges, (-3, 9), size=rng.uniform(0.8, 1.3)),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """Its strings through the body or the amplifier."""
        sound = unit(sum(self._string(key.hz * 2 ** (c / 1200), key, rng) for c in self.courses))
        if self.drive:
            fine = signal.resample_poly(self.drive * (0.3 + key.force) * sound, 4, 1)
            sound = band(signal.resample_poly(np.tanh(fine), 1, 4), 70, 4500)
        return through(sound, self.body) * key.let_go(self.damper)

    def _string(self, hz: float, key: Key, rng: Rng) -> Samples:
        """A pluck that goes around a loop of one period, a little duller each time."""
        period, w = SR / hz, 2 * np.pi * hz / SR
        s = min(0.5, self.dulling * 2 ** (-1.6 * key.octaves))
        lag = np.arctan2(s * np.sin(w), 1 - s + s * np.cos(w)) / w
        whole = int(period - lag - 1)
        d = period - lag - whole  # 1 to 2: the rest, interpolated after Lagrange
        taps = [np.prod([(d - j) / (i - j) for j in range(4) if j != i]) for i in range(4)]
        once = 10 ** (-3 / (hz * self.ring * 2 ** (-0.5 * key.octaves)))
        loop = np.zeros(whole + 5)
        loop[0], loop[whole:] = 1, -once * np.convolve(taps, [1 - s, s])
        pluck = np.zeros(key.n)
        pluck[: int(period)] = self.rough * rng.standard_normal(int(period)) / np.sqrt(period)
        pluck[0] += 1
        pole = np.exp(-2 * np.pi * self.pick * (0.3 + 1.5 * key.force) / SR)
        pluck = signal.lfilter([(1 - pole) ** 2], [1, -2 * pole, pole**2], pluck)
        away = max(1, round(self.place * period))
        pluck[away:] -= pluck[:-away].copy()
        return signal.lfilter([1], loop, pluck)


@dataclass(frozen=True)
class Bowed:
    """Strings that stick to a bow and slip, on a body of some size, played alone or by a section."""

    place: float  # of the bow along the string
    bow: float  # Hz to which a bow of middling force excites
    attack: float  # s
    release: float  # s
    hiss: float  # of the hair
    players: int
    vibrato: Vibrato
    body: Peaks

    @classmethod
    def drawn(cls, rng: Rng) -> Bowed:
        """From a viol or fiddle to a cello, or several of them."""
        ranges = [(260, 300), (420, 580), (800, 1100), (1400, 2000), (2200, 3300), (3800, 5000)]
        return cls(
            rng.uniform(0.05, 0.2), spread(rng, 1500, 6000), spread(rng, 0.05, 0.3), spread(rng, 0.08, 0.5),
            spread(rng, 0.01, 0.1), int(rng.choice([1, 1, 1, 4])), Vibrato.drawn(rng, 28, 0.8),
            peaks(rng, ranges, (3, 14), size=spread(rng, 0.8, 2.5)),
        )  # fmt: skip

    def play(self, key: Key, rng: Rng) -> Samples:
        """A saw of each player; more force is a faster and brighter start."""
        cut = self.bow * (0.25 + 1.5 * key.force) * 2 ** (0.4 * key.octaves)
        rise = key.sustained(self.attack * (1.4 - 0.8 * key.force), self.release)
        sound = np.zeros(key.n)
        for _ in range(self.players):
            apart = 2 ** (rng.uniform(-6, 6) * (self.players > 1) / 1200)
            hz = key.hz * apart * self.vibrato.bend(self.vibrato.wave(key.n, rng), rng)
            saw = tone(
                hz, lambda k: (0.15 + abs(np.sin(np.pi * k * self.place))) / k * np.exp(-k * key.hz / cut)
            )
            sound += saw * (1 + 0.1 * wander(rng, key.n, 5))
        scratch = 1 + 3 * np.exp(-times(key.n) / 0.04)
        hair = self.hiss * scratch * noise(key, rng, 800, 6000) * (0.5 + np.abs(unit(sound)))
        return through(unit(sound) + 0.4 * hair, self.body) * rise
