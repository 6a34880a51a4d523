"""Sounds that only training hears, backgrounds of mixtures, broad labels of all procedural sounds."""

from __future__ import annotations

import events
import numpy as np
from dsp import (
    SR,
    Samples,
    band,
    coloured,
    decay,
    harmonics,
    level,
    place,
    resonator,
    reverberate,
    sweep,
    times,
    wander,
)
from events import Maker, Rng, onsets
from sources import TRAINING_SAMPLES


def meow(thing: Rng, take: Rng, n: int) -> Samples:
    """A voiced arc of half a second through moving formants."""
    pitch, out = thing.uniform(300, 700), np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.8, 1.6), 0.3):
        m = int(take.uniform(0.35, 0.7) * SR)
        arc = np.sin(np.pi * np.linspace(0, 1, m))
        voice = harmonics(pitch * (0.8 + 0.4 * arc) * take.uniform(0.9, 1.1), 0.8 ** np.arange(1, 15))
        place(out, (band(voice, 600, 1500) + arc * band(voice, 1500, 3000)) * arc, at)
    return out


def cricket(thing: Rng, take: Rng, n: int) -> Samples:
    """A high carrier in rapid pulses, grouped in chirps."""
    hz, pulse, chirp = thing.uniform(2500, 6500), thing.uniform(20, 60), thing.uniform(0.5, 4)
    t = times(n) + take.random()
    gate = np.maximum(0, np.sin(2 * np.pi * pulse * t)) * (
        np.sin(2 * np.pi * chirp * t) > thing.uniform(-0.9, 0.4)
    )
    return sweep(hz * take.uniform(0.98, 1.02), n) * gate


def frog(thing: Rng, take: Rng, n: int) -> Samples:
    """Croaks: trains of damped pulses."""
    hz, rate, out = thing.uniform(250, 1500), thing.uniform(25, 90), np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.4, 1.1), 0.3):
        m = int(take.uniform(0.1, 0.4) * SR)
        pulses = np.diff(np.floor(times(m) * rate * take.uniform(0.9, 1.1)), prepend=-1)
        place(out, resonator(pulses, hz, 0.03) * np.hanning(m), at)
    return out


def horn(thing: Rng, take: Rng, n: int) -> Samples:
    """A vehicle's horn: two steady harmonic tones, sounded once or twice."""
    hz, out = thing.uniform(220, 520), np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.6, 1.8), 0.3):
        m = int(take.uniform(0.2, 1.0) * SR)
        tone = sum(
            harmonics(np.full(m, hz * r), 0.8 ** np.arange(1, 14))
            for r in (1, thing.choice([1.2, 1.25, 1.5]))
        )
        place(out, tone * np.minimum(1, np.minimum(times(m), times(m)[::-1]) / 0.02), at)
    return out


def whistle(thing: Rng, take: Rng, n: int) -> Samples:
    """A pure tone gliding along a random curve, with some breath."""
    hz = thing.uniform(700, 3000) * np.exp(thing.uniform(0.05, 0.4) * wander(take, n, thing.uniform(1, 6)))
    return sweep(np.minimum(hz, 7500), n) + thing.uniform(0, 0.2) * take.standard_normal(n)


def bounce(thing: Rng, take: Rng, n: int) -> Samples:
    """A ball: impacts that come faster and softer."""
    hz, keep = thing.uniform(150, 1200), thing.uniform(0.7, 0.9)
    at, gap, loud, out = take.uniform(0, 0.4), take.uniform(0.25, 0.6), 1.0, np.zeros(n)
    while at < n / SR and gap > 0.015:
        m = int(0.15 * SR)
        place(out, loud * resonator(take.standard_normal(m) * decay(m, 0.01, 0.0005), hz, 0.06), int(at * SR))
        at, gap, loud = at + gap, gap * keep, loud * keep
    return out


def typing(thing: Rng, take: Rng, n: int) -> Samples:
    """Keys or clicks at irregular times."""
    hz, out = thing.uniform(1200, 5000), np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.05, 0.3), 1.4):
        m = int(0.06 * SR)
        key = take.standard_normal(m) * decay(m, take.uniform(0.01, 0.04), 0.0005)
        place(out, resonator(key, hz * take.uniform(0.7, 1.3), 0.015) * take.uniform(0.3, 1), at)
    return out


def hammer(thing: Rng, take: Rng, n: int) -> Samples:
    """Blows on metal: a few bright inharmonic modes."""
    modes, ring, out = thing.uniform(400, 6500, 6), thing.uniform(0.1, 0.7), np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.25, 0.9), 0.2):
        m = int(0.6 * SR)
        hit = sum(
            sweep(f, m, take.uniform(0, 6)) * decay(m, ring * take.uniform(0.5, 1.2), 0.0005) for f in modes
        )
        place(out, hit * take.uniform(0.5, 1), at)
    return out


def stream(thing: Rng, take: Rng, n: int) -> Samples:
    """Running water: very many bubbles over a soft hiss."""
    out = thing.uniform(0.02, 0.2) * band(coloured(take, n, 1), 300, 6000)
    for _ in range(int(thing.uniform(60, 250))):
        m = int(take.uniform(0.02, 0.08) * SR)
        hz = take.uniform(350, 2500) * (1 + take.uniform(0, 0.6) * np.linspace(0, 1, m))
        place(out, sweep(hz, m) * np.hanning(m) * take.exponential(0.4), int(take.integers(0, n)))
    return out


def fire(thing: Rng, take: Rng, n: int) -> Samples:
    """Crackles of all sizes over a low roar."""
    sparks = np.where(take.random(n) < thing.uniform(5, 60) / SR, take.pareto(1.5, n), 0.0)
    crackle = band(resonator(np.minimum(sparks, 30), thing.uniform(1000, 5000), 0.01), 300, 7500)
    return crackle / (crackle.std() + 1e-9) + thing.uniform(0.1, 0.7) * band(coloured(take, n, 2), 40, 400)


def thunder(thing: Rng, take: Rng, n: int) -> Samples:
    """A roll of low noise that swells and dies."""
    swell = np.exp(thing.uniform(0.5, 1.2) * wander(take, n, thing.uniform(1, 4)))
    return band(coloured(take, n, thing.uniform(1.5, 2.5)), 25, thing.uniform(150, 900)) * swell


def machine(thing: Rng, take: Rng, n: int) -> Samples:
    """A steady hum of mains harmonics or of a motor, with the air it moves."""
    hz = thing.choice([50.0, 60.0, thing.uniform(80, 400)])
    amplitudes = thing.random(20) ** 3
    hum = harmonics(hz * (1 + 0.002 * wander(take, n, 2)), amplitudes)
    air = band(coloured(take, n, thing.uniform(0, 2)), 60, thing.uniform(500, 7000))
    return hum / (hum.std() + 1e-9) + thing.uniform(0.05, 1.5) * air / air.std()


def drill(thing: Rng, take: Rng, n: int) -> Samples:
    """A whine that speeds up and slows down, with rattling."""
    hz = thing.uniform(200, 900) * np.exp(0.15 * wander(take, n, thing.uniform(0.5, 2)))
    whine = harmonics(hz, thing.uniform(0.2, 1, 14))
    rattle = take.standard_normal(n) * (
        0.5 + 0.5 * np.sign(np.sin(2 * np.pi * thing.uniform(15, 60) * times(n)))
    )
    return whine + thing.uniform(0.2, 1.5) * band(rattle, 500, 7000)


def hiss(thing: Rng, take: Rng, n: int) -> Samples:
    """Coloured noise, steady or swelling, full or in a band."""
    x = coloured(take, n, thing.uniform(0, 2.2))
    if thing.random() < 0.5:
        low = thing.uniform(50, 3000)
        x = band(x, low, low * thing.uniform(1.5, 6))
    return x * np.exp(thing.uniform(0, 0.8) * wander(take, n, thing.uniform(0.5, 6)))


def pulses(thing: Rng, take: Rng, n: int) -> Samples:
    """Noise switched on and off, or amplitude-modulated."""
    rate, sharp = thing.uniform(1, 25), thing.uniform(0.5, 8)
    gate = 1 / (1 + np.exp(-sharp * 3 * np.sin(2 * np.pi * (rate * times(n) + take.random()))))
    return coloured(take, n, thing.uniform(0, 2)) * gate


def tones(thing: Rng, take: Rng, n: int) -> Samples:
    """A few partials anywhere, each gliding and swelling by itself: like nothing in particular."""
    out = np.zeros(n)
    for _ in range(int(thing.integers(1, 7))):
        hz = np.exp(take.uniform(np.log(80), np.log(6000))) * np.exp(0.2 * take.random() * wander(take, n, 2))
        out += sweep(np.minimum(hz, 7600), n) * np.exp(0.8 * wander(take, n, 3))
    return out


# Broad labels; each joins several sounds, so that none is a class of the held-out task.
LABELS: dict[str, dict[str, Maker]] = {
    "event-impact": {
        "knock": events.knock, "footsteps": events.footsteps, "glass": events.glass,
        "bounce": bounce, "typing": typing, "hammer": hammer,
    },
    "event-signal": {
        "siren": events.siren, "alarm": events.alarm, "bell": events.bell, "horn": horn, "whistle": whistle,
    },
    "event-animal": {
        "bark": events.bark, "bird": events.bird, "meow": meow, "cricket": cricket, "frog": frog,
    },
    "event-nature": {
        "rain": events.rain, "drops": events.drops, "wind": events.wind,
        "stream": stream, "fire": fire, "thunder": thunder,
    },
    "event-machine": {"engine": events.engine, "machine": machine, "drill": drill},
    "event-abstract": {"hiss": hiss, "pulses": pulses, "tones": tones},
}  # fmt: skip
BACKGROUNDS: dict[str, Maker] = {
    "hiss": hiss, "machine": machine, "stream": stream, "thunder": thunder, "fire": fire, "pulses": pulses,
    "wind": events.wind, "rain": events.rain, "engine": events.engine,
}  # fmt: skip


def background(rng: Rng, n: int) -> Samples:
    """Any of the backgrounds, RMS 1."""
    maker = BACKGROUNDS[str(rng.choice(list(BACKGROUNDS)))]
    x = maker(rng, rng, n)
    return x / (x.std() + 1e-9)


def training_clips(rng: Rng, clips: int = 50) -> list[tuple[Samples, str, str]]:
    """`clips` procedural clips (samples, label, source), all labels alike often."""
    found = []
    for _ in range(clips):
        label = str(rng.choice(list(LABELS)))
        name = str(rng.choice(list(LABELS[label])))
        # The first 0.1 s is dropped: filters and sweeps start from rest.
        lead = SR // 10
        x = LABELS[label][name](rng, rng, TRAINING_SAMPLES + lead)[lead:]
        found.append((level(x, -20), label, name))
    return found


def mix(foreground: Samples, rng: Rng, behind: Samples | None = None) -> tuple[Samples, str]:
    """The foreground with a background 2 to 25 dB below it, in a room half of the time.

    Args:
        foreground: samples that give the mixture its label.
        rng: draws everything else.
        behind: another clip as background; without it a procedural one is drawn.

    Returns:
        The mixture at any level, and its signal-to-noise ratio in words.
    """
    if rng.random() < 0.6:
        foreground = reverberate(foreground, rng)
    if behind is None:
        behind = background(rng, len(foreground))
    snr = rng.uniform(2, 25)
    behind = behind * (foreground.std() + 1e-9) / (behind.std() + 1e-9) * 10 ** (-snr / 20)
    return foreground + behind, f"{snr:.0f} dB over background"
