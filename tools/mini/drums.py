"""A drum kit of our own: each piece draws one, so that no recording of a drum is needed."""

from __future__ import annotations

import numpy as np
from dsp import SR, Samples, band, decay, sweep, times

Rng = np.random.Generator


def _metal(rng: Rng, low: float, seconds: float) -> Samples:
    """A cymbal: six square waves that do not fit together, high-passed, and noise."""
    m = int(seconds * 1.2 * SR)
    waves = sum(np.sign(np.sin(2 * np.pi * f * times(m))) for f in low * rng.uniform(1, 1.9, 6))
    return band(waves + 2 * rng.standard_normal(m), rng.uniform(3500, 5500), 7600) * decay(m, seconds, 0.0005)


def kit(rng: Rng) -> dict[str, Samples]:
    """Drum -> one blow at full strength.

    >>> sorted(kit(np.random.default_rng(0)))
    ['crash', 'hat', 'kick', 'open', 'ride', 'snare']
    """
    m = int(0.5 * SR)
    low, drop, long = rng.uniform(42, 65), rng.uniform(1, 4), rng.uniform(0.15, 0.45)
    kick = sweep(low * (1 + drop * decay(m, 0.08)), m) * decay(m, long, 0.001)
    kick += rng.uniform(0, 0.2) * rng.standard_normal(m) * decay(m, 0.01, 0.0003)
    tone = sweep(rng.uniform(160, 240) * (1 + 0.4 * decay(m, 0.04)), m) * decay(m, rng.uniform(0.08, 0.2))
    rattle = band(rng.standard_normal(m), rng.uniform(700, 2000), 7500) * decay(m, rng.uniform(0.1, 0.3))
    snare = tone * rng.uniform(0.3, 1) + rattle
    return {
        "kick": kick,
        "snare": 0.8 * snare / np.abs(snare).max(),
        "hat": 0.30 * _normal(_metal(rng, 320, rng.uniform(0.03, 0.09))),
        "open": 0.30 * _normal(_metal(rng, 320, rng.uniform(0.2, 0.45))),
        "ride": 0.25 * _normal(_metal(rng, 450, rng.uniform(0.3, 0.8))),
        "crash": 0.45 * _normal(_metal(rng, 280, rng.uniform(0.9, 1.6))),
    }


def _normal(sound: Samples) -> Samples:
    return sound / np.abs(sound).max()
