"""Procedural sound events: the twelve of the held-out task, which training hears from other seeds.

A maker takes two random generators and a length in samples. The first, `thing`, draws what sounds (this dog,
this bell: the recipe); the second, `take`, draws how it sounds this time. Clips of one recipe therefore share
a group in the task. A maker returns the sound at any level; `dsp.level` sets it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dsp import (
    SR,
    Samples,
    band,
    coloured,
    decay,
    harmonics,
    place,
    resonator,
    sweep,
    times,
    wander,
)

Rng = np.random.Generator
Maker = Callable[[Rng, Rng, int], Samples]


def onsets(take: Rng, n: int, every_s: float, jitter: float) -> list[int]:
    """Sample positions about every `every_s` s, each moved by up to half a share `jitter` of it."""
    at, found = take.uniform(-0.3, 0.7) * every_s, []
    while at < n / SR:
        found.append(int((at + take.uniform(-1, 1) * jitter * every_s / 2) * SR))
        at += every_s
    return found or [int(0.1 * n)]


def siren(thing: Rng, take: Rng, n: int) -> Samples:
    """A tone that wails, yelps or alternates between two pitches."""
    low, ratio = thing.uniform(350, 900), thing.uniform(1.25, 2.2)
    kind, hz = thing.choice(["wail", "yelp", "two-tone"]), thing.uniform(0.3, 1.2)
    amplitudes = thing.uniform(0.3, 1) ** np.arange(1, thing.integers(3, 9))
    rate = {"wail": hz, "yelp": 3 * hz + 1, "two-tone": hz + 0.3}[str(kind)] * take.uniform(0.9, 1.1)
    cycle = (times(n) * rate + take.random()) % 1
    curve = np.where(cycle < 0.5, 0.0, 1.0) if kind == "two-tone" else 0.5 - 0.5 * np.cos(2 * np.pi * cycle)
    return harmonics(low * ratio**curve * take.uniform(0.96, 1.04), amplitudes)


def bark(thing: Rng, take: Rng, n: int) -> Samples:
    """Short voiced bursts whose pitch rises and falls, with breath, through two formants."""
    pitch, length = thing.uniform(180, 650), thing.uniform(0.09, 0.25)
    formants, rough = thing.uniform([500, 1100], [1100, 2600]), thing.uniform(0.1, 0.6)
    every = thing.uniform(0.28, 0.9)
    out = np.zeros(n)
    for at in onsets(take, n, every * take.uniform(0.85, 1.2), 0.4):
        m = int(length * take.uniform(0.8, 1.25) * SR)
        arc = np.sin(np.pi * np.linspace(0.05, 1, m) ** 0.7)
        voice = harmonics(pitch * take.uniform(0.9, 1.1) * (0.7 + 0.5 * arc), 0.85 ** np.arange(1, 25))
        voice += rough * 3 * take.standard_normal(m)
        sound = sum(band(voice, f * 0.75, f * 1.3) for f in formants) + 0.15 * voice
        place(out, sound * arc**1.5 * take.uniform(0.6, 1), at)
    return out


def rain(thing: Rng, take: Rng, n: int) -> Samples:
    """A hiss with many tiny drops in it."""
    rate, top = thing.uniform(40, 500), thing.uniform(4000, 7600)
    hiss, ring = thing.uniform(0.15, 1), thing.uniform(0.002, 0.012)
    clicks = np.where(take.random(n) < rate / SR, take.exponential(1, n), 0.0) * take.choice([-1, 1], n)
    drops = sum(resonator(clicks, take.uniform(1500, 6000), ring * take.uniform(0.5, 2)) for _ in range(3))
    wash = band(coloured(take, n, thing.uniform(0, 1)), thing.uniform(300, 1500), top)
    return drops / (drops.std() + 1e-9) + hiss * wash / wash.std()


def knock(thing: Rng, take: Rng, n: int) -> Samples:
    """Groups of knocks on something wooden: a few damped modes struck by a short thud."""
    modes = thing.uniform(90, 260) * np.cumprod(thing.uniform(1.3, 2.1, 5))
    rings, gap = thing.uniform(0.04, 0.16, 5), thing.uniform(0.13, 0.32)
    per_group = int(thing.integers(2, 6))
    out, at = np.zeros(n), take.uniform(0, 0.4)
    while at < n / SR:
        for _ in range(per_group):
            hit = take.standard_normal(int(0.3 * SR)) * decay(int(0.3 * SR), 0.02, 0.0005)
            sound = sum(
                resonator(hit, f, r) * take.uniform(0.6, 1.2) for f, r in zip(modes, rings, strict=True)
            )
            place(out, sound * take.uniform(0.6, 1), int(at * SR))
            at += gap * take.uniform(0.85, 1.15)
        at += take.uniform(0.3, 0.8)
    return out


def alarm(thing: Rng, take: Rng, n: int) -> Samples:
    """Electronic beeps: a fixed pitch switched on and off, now and then two pitches in turn."""
    hz, second = thing.uniform(700, 3600), thing.choice([1.0, 1.0, 1.25, 0.75])
    period, duty = thing.uniform(0.1, 0.6), thing.uniform(0.3, 0.7)
    shape, burst = thing.uniform(0, 0.6), int(thing.integers(1, 5))
    cycles = times(n) / (period * take.uniform(0.97, 1.03)) + take.random() * 4
    tone = sweep(np.where(np.floor(cycles) % 2 == 0, hz, hz * second) * take.uniform(0.98, 1.02), n)
    on = (cycles % 1 < duty) & (np.floor(cycles) % (burst + 1) < burst)
    gate = np.convolve(on.astype(float), np.ones(80) / 80, "same")
    return gate * (tone + shape * np.sign(tone) * 0.7)


def engine(thing: Rng, take: Rng, n: int) -> Samples:
    """Explosions at a firing rate that wanders, through the resonances of a body."""
    rate, rough = thing.uniform(18, 95), thing.uniform(0.05, 0.3)
    body, ring = thing.uniform([80, 250, 700], [220, 650, 2200]), thing.uniform(0.01, 0.05, 3)
    speed = (
        rate
        * take.uniform(0.85, 1.2)
        * np.exp(0.06 * wander(take, n, 1.5) + take.uniform(-0.25, 0.25) * times(n))
    )
    cycle = np.cumsum(speed) / SR
    strokes = np.diff(np.floor(cycle), prepend=0) * (1 + rough * 3 * take.standard_normal(n))
    sound = sum(resonator(strokes, f, r) / (f / 100) ** 0.3 for f, r in zip(body, ring, strict=True))
    noise = band(take.standard_normal(n), 100, thing.uniform(800, 3500)) * (0.4 + (cycle * 0.5) % 1)
    return sound / (sound.std() + 1e-9) + rough * 2 * noise / (noise.std() + 1e-9)


def wind(thing: Rng, take: Rng, n: int) -> Samples:
    """Noise through a narrow passage whose pitch and strength follow the gusts."""
    hz, width, depth = thing.uniform(180, 900), thing.uniform(0.15, 0.7), thing.uniform(0.3, 0.9)
    gust = wander(take, n, thing.uniform(0.6, 2.5))
    out = 0.4 * band(coloured(take, n, 1.5), 40, 500) * np.exp(depth * gust)
    # Three fixed bands, crossfaded by the gusts, stand for one that glides.
    for k, offset in enumerate((0.7, 1.0, 1.4)):
        centre = hz * offset
        near = np.exp(-((gust - (k - 1) * 1.1) ** 2))
        passage = band(take.standard_normal(n), centre * (1 - width / 2), centre * (1 + width / 2))
        out = out + near * np.exp(depth * gust) * passage / passage.std() * 0.3
    return out


def bird(thing: Rng, take: Rng, n: int) -> Samples:
    """A motif of short high glides, repeated as one bird repeats itself."""
    base = thing.uniform(1900, 5200)
    motif = [
        (
            thing.uniform(0.04, 0.18),
            thing.uniform(0.75, 1.35),
            thing.uniform(-0.25, 0.25),
            thing.uniform(0.03, 0.12),
        )
        for _ in range(thing.integers(1, 6))
    ]
    trill, rest = thing.uniform(0, 0.05), thing.uniform(0.15, 0.6)
    out, at = np.zeros(n), take.uniform(-0.1, 0.3)
    while at < n / SR:
        for length, ratio, slope, gap in motif:
            m = int(length * take.uniform(0.9, 1.1) * SR)
            x = np.linspace(0, 1, m)
            hz = (
                base
                * ratio
                * (1 + slope * x + trill * np.sin(2 * np.pi * 28 * times(m)))
                * take.uniform(0.97, 1.03)
            )
            place(out, sweep(np.minimum(hz, 7600), m) * np.sin(np.pi * x), int(at * SR))
            at += length + gap
        at += rest * take.uniform(0.6, 1.6)
    return out


def footsteps(thing: Rng, take: Rng, n: int) -> Samples:
    """Pairs of heel and sole on a floor that is hard, hollow or gritty."""
    every, heel = thing.uniform(0.33, 0.75), thing.uniform(60, 240)
    grit, bright, split = thing.uniform(0.05, 1), thing.uniform(900, 5500), thing.uniform(0.05, 0.13)
    out = np.zeros(n)
    for at in onsets(take, n, every * take.uniform(0.92, 1.08), 0.12):
        m = int(0.25 * SR)
        thud = resonator(
            take.standard_normal(m) * decay(m, 0.03, 0.001), heel * take.uniform(0.85, 1.15), 0.09
        )
        sole = band(take.standard_normal(m), bright * 0.4, bright) * decay(m, take.uniform(0.08, 0.2), 0.012)
        place(out, thud / thud.std() * take.uniform(0.7, 1.1), at)
        place(out, grit * sole / sole.std() * take.uniform(0.4, 1), at + int(split * SR))
    return out


def glass(thing: Rng, take: Rng, n: int) -> Samples:
    """Something of glass breaks: a crack, then shards ringing at many high pitches."""
    low, shards, fall = thing.uniform(1300, 2600), int(thing.integers(10, 45)), thing.uniform(0.15, 0.7)
    ring = thing.uniform(0.05, 0.25)
    start, out = take.uniform(0, 0.7), np.zeros(n)
    m = int(0.15 * SR)
    place(out, 2 * band(take.standard_normal(m) * decay(m, 0.06, 0.0005), 800, 7500), int(start * SR))
    for _ in range(shards):
        hz, m = low * take.uniform(1, 4) ** take.uniform(0.5, 1), int(0.5 * SR)
        sound = sweep(min(hz, 7700), m, take.uniform(0, 6)) * decay(m, ring * take.uniform(0.5, 2), 0.0005)
        place(out, sound * take.uniform(0.1, 0.7), int((start + take.exponential(fall)) * SR))
    return out


def bell(thing: Rng, take: Rng, n: int) -> Samples:
    """A struck bell: inharmonic partials, the higher ones dying sooner."""
    hz, long = np.exp(thing.uniform(np.log(220), np.log(1500))), thing.uniform(0.8, 4)
    ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.7, 3.8, 5.1]) * (1 + 0.02 * thing.standard_normal(8))
    strengths, every = thing.uniform(0.2, 1, 8), thing.uniform(0.45, 1.6)
    out = np.zeros(n)
    for at in onsets(take, n, every, 0.15):
        sound = sum(
            a * take.uniform(0.8, 1.2) * sweep(hz * r, n, take.uniform(0, 6)) * decay(n, long / r**0.7)
            for a, r in zip(strengths, ratios, strict=True)
            if hz * r < 7500
        )
        place(out, sound * take.uniform(0.5, 1), at)
    return out


def drops(thing: Rng, take: Rng, n: int) -> Samples:
    """Water drops: bubbles, each a damped sine whose pitch rises as it rings."""
    hz, rise, ring = thing.uniform(400, 1700), thing.uniform(0.1, 0.9), thing.uniform(0.03, 0.12)
    every, spread = thing.uniform(0.12, 0.7), thing.uniform(0.02, 0.4)
    out = np.zeros(n)
    for at in onsets(take, n, every, 0.9):
        m = int(0.2 * SR)
        pitch = hz * np.exp(spread * take.standard_normal()) * (1 + rise * times(m) / ring)
        place(out, sweep(np.minimum(pitch, 7500), m) * decay(m, ring * 2, 0.001) * take.uniform(0.3, 1), at)
    return out


TASK_EVENTS: dict[str, Maker] = {
    "alarm": alarm, "bark": bark, "bell": bell, "bird": bird, "drops": drops, "engine": engine,
    "footsteps": footsteps, "glass": glass, "knock": knock, "rain": rain, "siren": siren, "wind": wind,
}  # fmt: skip
