"""Sounds that people make without words, as filtered noise and harmonics; training hears none of them."""

from __future__ import annotations

import numpy as np
from dsp import SR, Samples, band, decay, harmonics, place
from events import Rng, onsets


def cough(thing: Rng, take: Rng, n: int) -> Samples:
    """A burst of noise through a throat, a voiced tail, once to three times."""
    throat, pitch = thing.uniform([450, 1200, 2600], [800, 1900, 3800]), thing.uniform(90, 260)
    voiced, length = thing.uniform(0.2, 1.2), thing.uniform(0.12, 0.26)
    out = np.zeros(n)
    for at in onsets(take, n, thing.uniform(0.35, 0.9), 0.4):
        m = int(length * take.uniform(0.8, 1.2) * SR)
        burst = take.standard_normal(m) * decay(m, length * 0.9, 0.004)
        tail = harmonics(pitch * np.linspace(1.2, 0.8, m), 0.8 ** np.arange(1, 20))
        tail *= np.sin(np.pi * np.linspace(0, 1, m)) ** 2 * voiced
        sound = sum(band(burst + tail, f * 0.7, f * 1.35) for f in throat)
        place(out, sound * take.uniform(0.6, 1), at)
    return out


def laugh(thing: Rng, take: Rng, n: int) -> Samples:
    """Short voiced syllables in a quick regular row, falling in pitch, with breath between them."""
    pitch, every = thing.uniform(160, 480), thing.uniform(0.15, 0.26)
    formants, breath = thing.uniform([500, 1100], [900, 1900]), thing.uniform(0.1, 0.6)
    row, out, at = int(thing.integers(4, 9)), np.zeros(n), take.uniform(0, 0.25)
    while at < n / SR:
        for k in range(row):
            m = int(every * take.uniform(0.55, 0.75) * SR)
            fall = pitch * (1.15 - 0.35 * k / row) * take.uniform(0.96, 1.04)
            voice = harmonics(fall * np.linspace(1.08, 0.94, m), 0.82 ** np.arange(1, 24))
            voice += breath * take.standard_normal(m)
            sound = sum(band(voice, f * 0.75, f * 1.3) for f in formants) * np.sin(
                np.pi * np.linspace(0, 1, m)
            )
            place(out, sound * (1 - 0.6 * k / row), int(at * SR))
            at += every * take.uniform(0.92, 1.08)
        at += take.uniform(0.3, 0.7)
    return out


def clapping(thing: Rng, take: Rng, n: int) -> Samples:
    """Hands: short bursts of noise in a band that each pair of hands has to itself; one to many people."""
    people, out = int(thing.integers(1, 12)), np.zeros(n)
    for _ in range(people):
        hand, every = thing.uniform(700, 2600), thing.uniform(0.17, 0.33)
        at = take.uniform(0, every)
        while at < n / SR:
            m = int(0.06 * SR)
            clap = take.standard_normal(m) * decay(m, take.uniform(0.02, 0.05), 0.0008)
            place(out, band(clap, hand * 0.6, hand * 1.7) * take.uniform(0.5, 1), int(at * SR))
            at += every * take.uniform(0.93, 1.07)
    return out
