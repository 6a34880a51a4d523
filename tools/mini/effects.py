"""The twenty events made a second way: modulated, waveshaped, in delay lines, from grains, from spectra.

Where the makers of `events.py`, `textures.py` and `people.py` filter noise and sum sines, these modulate,
repeat and shape, and call none of the others. Rhythms and ranges of pitch are alike, as the events are. As
there, `thing` draws what sounds and `take` how it sounds this time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dsp import SR, Samples, decay, place, times, wander
from scipy import signal

Rng = np.random.Generator
Curve = Samples | float


# ---- ways of making sound ----------------------------------------------------------------------------------


def fm(hz: Curve, ratio: float, index: Curve, n: int, phase: float = 0.0) -> Samples:
    """A sine at hz whose phase another sine, at ratio times hz, moves by `index` radians (Chowning)."""
    angle = 2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / SR + phase
    return np.sin(angle + index * np.sin(ratio * angle))


def string(excitation: Samples, hz: float, damping: float, loss: float) -> Samples:
    """A delay line with a low-pass in its loop (Karplus and Strong): `loss` below 1, damping 0 to 0.5."""
    delay = max(2, round(SR / hz))
    loop = np.zeros(delay + 2)
    loop[0], loop[delay], loop[delay + 1] = 1, -loss * (1 - damping), -loss * damping
    return signal.lfilter([1.0], loop, excitation)


def grains(n: int, at: Samples, grain: Callable[[int], Samples]) -> Samples:
    """The grains number 0, 1, ... placed at these times in s."""
    out = np.zeros(n)
    for k, start in enumerate(at):
        place(out, grain(k), int(start * SR))
    return out


def spectrum(take: Rng, n: int, shape: Callable[[Samples, Samples], Samples]) -> Samples:
    """Noise whose short-time spectrum is shape(frequencies in Hz as a column, times in s as a row)."""
    frequencies, frames = np.arange(257)[:, None] * SR / 512, np.arange(n // 128 + 5)[None] * 128 / SR
    phases = np.exp(2j * np.pi * take.random((257, frames.shape[1])))
    sound = signal.istft(shape(frequencies, frames) * phases, SR, nperseg=512, noverlap=384)[1]
    return sound[:n]


def bump(frequencies: Samples, centre: Curve, width: float) -> Samples:
    """A bell-shaped weight around a centre in Hz, `width` in octaves."""
    return np.exp(-0.5 * (np.log2(np.maximum(frequencies, 20) / centre) / width) ** 2)


def formant_grain(hz: Samples, widths: Samples, weights: Samples, seconds: float) -> Samples:
    """One pitch period of a voice: a damped sine for each formant (Rodet's FOF)."""
    t = times(int(seconds * SR))
    rise = np.minimum(1, t / 0.002)
    return sum(
        a * rise * np.exp(-np.pi * w * t) * np.sin(2 * np.pi * f * t)
        for f, w, a in zip(hz, widths, weights, strict=True)
    )


def voice(pitch: Samples, formants: Samples, thing: Rng, take: Rng, breath: float) -> Samples:
    """A voice of formant grains that follows a curve of pitch in Hz, with jitter and breath."""
    n, widths = len(pitch), np.array([90.0, 130.0, 190.0])[: len(formants)]
    weights = thing.uniform(0.4, 1, len(formants)) * 0.7 ** np.arange(len(formants))
    cycles = np.cumsum(pitch * np.exp(0.03 * take.standard_normal(n).cumsum() / np.sqrt(n))) / SR
    starts = np.flatnonzero(np.diff(np.floor(cycles), prepend=-1)) / SR

    def grain(_: int) -> Samples:
        one = formant_grain(formants * take.uniform(0.97, 1.03), widths, weights, 0.02)
        return one * (1 + breath * take.standard_normal(len(one)))

    return grains(n, starts, grain)


def rhythm(take: Rng, n: int, every: float, jitter: float) -> Samples:
    """Times in s, about `every` s apart."""
    count = int(n / SR / every) + 2
    return take.uniform(0, every) + every * (np.arange(count) + jitter * take.uniform(-0.5, 0.5, count))


def hump(m: int, power: float = 1.0) -> Samples:
    """An envelope of m samples that rises and falls like half a sine."""
    return np.sin(np.pi * np.linspace(0, 1, m)) ** power


# ---- animals -----------------------------------------------------------------------------------------------


def bark(thing: Rng, take: Rng, n: int) -> Samples:
    """Grains of two formants on a pitch that jumps up and drops."""
    pitch, formants = thing.uniform(170, 600), thing.uniform([450, 1000], [1000, 2400])
    length, every, rough = thing.uniform(0.1, 0.24), thing.uniform(0.3, 0.85), thing.uniform(0.2, 0.9)

    def one(_: int) -> Samples:
        m = int(length * take.uniform(0.8, 1.2) * SR)
        return voice(pitch * (0.75 + 0.5 * hump(m)), formants, thing, take, rough) * hump(m, 0.7)

    return grains(n, rhythm(take, n, every, 0.4), one)


def bird(thing: Rng, take: Rng, n: int) -> Samples:
    """Chirps by frequency modulation: a slow ratio makes the warble, the index its depth."""
    hz, warble, index = thing.uniform(2200, 5000), thing.uniform(0.004, 0.02), thing.uniform(4, 30)
    length, every, slope = thing.uniform(0.06, 0.3), thing.uniform(0.18, 0.5), thing.uniform(-0.3, 0.3)

    def one(_: int) -> Samples:
        m = int(length * take.uniform(0.8, 1.2) * SR)
        glide = hz * take.uniform(0.95, 1.05) * np.linspace(1 - slope / 2, 1 + slope / 2, m)
        return fm(np.minimum(glide, 6500), warble, index, m, take.uniform(0, 6)) * hump(m)

    return grains(n, rhythm(take, n, every, 0.5), one)


def cricket(thing: Rng, take: Rng, n: int) -> Samples:
    """A file scraped over: teeth that pluck a very short string, in strokes."""
    hz, teeth = thing.uniform(2600, 6000), thing.uniform(90, 220)
    strokes, chirps = thing.uniform(14, 35), thing.uniform(0.6, 3.5)
    t = times(n) + take.random()
    plucks = np.diff(np.floor(t * teeth * 4), prepend=0) * np.maximum(0, np.sin(2 * np.pi * strokes * t))
    plucks *= np.sin(2 * np.pi * chirps * t) > thing.uniform(-0.8, 0.3)
    body = string(plucks * (1 + 0.3 * take.standard_normal(n)), hz, 0.02, 0.97)
    return body - np.convolve(body, np.ones(9) / 9, "same")


def frog(thing: Rng, take: Rng, n: int) -> Samples:
    """Croaks: a ring-modulated tone opened by a train of sharp pulses."""
    hz, rate, sharp = thing.uniform(280, 1300), thing.uniform(28, 80), thing.uniform(3, 12)
    length, every = thing.uniform(0.15, 0.4), thing.uniform(0.45, 1.0)

    def one(_: int) -> Samples:
        m = int(length * take.uniform(0.8, 1.2) * SR)
        pulse = np.maximum(0, np.sin(2 * np.pi * rate * take.uniform(0.9, 1.1) * times(m))) ** sharp
        return fm(hz * take.uniform(0.95, 1.05), 0.5, 1.5, m) * pulse * hump(m, 0.5)

    return grains(n, rhythm(take, n, every, 0.4), one)


# ---- nature ------------------------------------------------------------------------------------------------


def drops(thing: Rng, take: Rng, n: int) -> Samples:
    """Plips: a modulated tone whose index and loudness die in a few hundredths of a second, after a tick."""
    hz, ring, every = thing.uniform(450, 1800), thing.uniform(0.04, 0.14), thing.uniform(0.14, 0.7)
    bend, spread = thing.uniform(0.2, 1), thing.uniform(0.05, 0.4)

    def one(_: int) -> Samples:
        m = int(0.22 * SR)
        fall = decay(m, ring * 1.8, 0.0005)
        rise = hz * np.exp(spread * take.standard_normal()) * (1 + bend * (1 - fall))
        tick = take.standard_normal(m) * decay(m, 0.004, 0.0002)
        return (fm(np.minimum(rise, 7000), 1.0, 0.8 * fall, m) * fall + 0.2 * tick) * take.uniform(0.3, 1)

    return grains(n, rhythm(take, n, every, 0.9), one)


def rain(thing: Rng, take: Rng, n: int) -> Samples:
    """Thousands of grains of a millisecond or two, each from its own place in the spectrum."""
    rate, low, high = thing.uniform(900, 3500), thing.uniform(900, 2200), thing.uniform(5000, 7400)
    big = thing.uniform(0, 0.03)

    def one(_: int) -> Samples:
        heavy = take.random() < big
        m, hz = int(take.uniform(0.0008, 0.004) * SR * (6 if heavy else 1)), take.uniform(low, high)
        size = take.exponential() * (3 if heavy else 1)
        return np.hanning(m) * np.sin(2 * np.pi * hz * times(m) + take.uniform(0, 6)) * size

    return grains(n, np.sort(take.uniform(-0.01, n / SR, int(rate * n / SR))), one)


def thunder(thing: Rng, take: Rng, n: int) -> Samples:
    """Shock waves that arrive over many paths, each later one duller."""
    start, spread = take.uniform(-0.5, 0.4), thing.uniform(0.3, 1.1)
    bright, paths = thing.uniform(120, 500), int(thing.integers(60, 200))

    def one(k: int) -> Samples:
        m = int(SR / bright * take.uniform(1, 6))
        return np.linspace(1, -1, m) * hump(m, 0.5) * take.exponential() * np.exp(-2 * delays[k] / spread)

    delays = np.sort(take.exponential(spread, paths))
    return grains(n, start + delays, one)


def wind(thing: Rng, take: Rng, n: int) -> Samples:
    """A spectrum with one ridge that glides with the gusts."""
    hz, width, depth = thing.uniform(250, 1000), thing.uniform(0.2, 0.7), thing.uniform(0.3, 0.9)
    gust = wander(take, n + 1024, thing.uniform(0.5, 2))[::128]

    def shape(frequencies: Samples, frames: Samples) -> Samples:
        moved = np.interp(np.arange(frames.shape[1]), np.arange(len(gust)), gust)[None]
        low = 0.6 * bump(frequencies, 120, 1.2)
        return (bump(frequencies, hz * 2 ** (0.5 * moved), width) + low) * np.exp(depth * moved)

    return spectrum(take, n, shape)


# ---- people ------------------------------------------------------------------------------------------------


def clapping(thing: Rng, take: Rng, n: int) -> Samples:
    """Cupped hands: a puff that excites a short, dull tube; one pair of hands or several."""
    out = np.zeros(n)
    for _ in range(int(thing.integers(1, 10))):
        hollow, every = thing.uniform(600, 1800), thing.uniform(0.18, 0.34)

        def one(_: int, hollow: float = hollow) -> Samples:
            m = int(0.05 * SR)
            puff = np.sign(take.standard_normal(m)) * decay(m, take.uniform(0.012, 0.03), 0.0003)
            return string(puff, hollow * take.uniform(0.95, 1.05), 0.45, 0.7) * take.uniform(0.4, 1)

        out += grains(n, rhythm(take, n, every, 0.15), one)
    return out


def cough(thing: Rng, take: Rng, n: int) -> Samples:
    """A breath let go: a spectrum of three ridges that opens at once and closes slowly, then a croak."""
    ridges, every = thing.uniform([500, 1300, 2500], [900, 2000, 4000]), thing.uniform(0.4, 0.95)
    length, pitch, croak = thing.uniform(0.15, 0.3), thing.uniform(80, 220), thing.uniform(0.3, 1.5)

    def one(_: int) -> Samples:
        m = int(length * take.uniform(0.8, 1.2) * SR)
        noise = spectrum(take, m, lambda f, t: sum(bump(f, r, 0.25) for r in ridges) + 0 * t)
        noise = np.pad(noise, (0, m - len(noise)))
        tail = voice(pitch * np.linspace(1.2, 0.8, m), ridges[:2], thing, take, 0.6) * hump(m, 2)
        return noise / noise.std() * decay(m, length, 0.006) + croak * tail / (tail.std() + 1e-9) * 0.4

    return grains(n, rhythm(take, n, every, 0.4), one)


def footsteps(thing: Rng, take: Rng, n: int) -> Samples:
    """A dull board under the heel, then grains of grit under the sole."""
    every, board, grit = thing.uniform(0.34, 0.75), thing.uniform(70, 200), thing.uniform(0.05, 0.8)
    bright, roll = thing.uniform(1500, 5500), thing.uniform(0.05, 0.14)

    def one(_: int) -> Samples:
        m = int(0.3 * SR)
        heel = string(np.sign(take.standard_normal(m)) * decay(m, 0.01, 0.0005), board, 0.5, 0.8)
        starts = roll + np.sort(take.exponential(0.03, 60))
        crunch = grains(
            m,
            starts,
            lambda _: (
                np.hanning(24) * np.sin(take.uniform(0.4, 1) * bright * times(24) * 6.28) * take.random()
            ),
        )
        return (heel / heel.std() + grit * crunch / (crunch.std() + 1e-9)) * take.uniform(0.7, 1)

    return grains(n, rhythm(take, n, every * take.uniform(0.92, 1.08), 0.12), one)


def laugh(thing: Rng, take: Rng, n: int) -> Samples:
    """A row of voiced grains, each with a breath before it, falling in pitch."""
    pitch, every = thing.uniform(150, 450), thing.uniform(0.16, 0.27)
    formants, row = thing.uniform([550, 1100, 2300], [900, 1800, 3000]), int(thing.integers(4, 9))
    out, at = np.zeros(n), take.uniform(0, 0.3)
    while at < n / SR:
        for k in range(row):
            m = int(every * 0.65 * take.uniform(0.9, 1.1) * SR)
            curve = pitch * (1.2 - 0.4 * k / row) * np.linspace(1.05, 0.95, m)
            place(out, voice(curve, formants, thing, take, 0.4) * hump(m) * (1 - 0.5 * k / row), int(at * SR))
            at += every * take.uniform(0.93, 1.07)
        at += take.uniform(0.3, 0.8)
    return out


# ---- home --------------------------------------------------------------------------------------------------


def alarm(thing: Rng, take: Rng, n: int) -> Samples:
    """A buzzer: a modulated tone that is switched on and off in bursts."""
    hz, ratio, index = thing.uniform(600, 2600), thing.choice([1.0, 2.0, 0.5, 1.5]), thing.uniform(0.2, 2.5)
    beep, burst, rest = thing.uniform(0.05, 0.25), int(thing.integers(1, 5)), thing.uniform(0.1, 0.6)
    step = beep * thing.uniform(1.4, 2.2)
    cycle = (times(n) + take.uniform(0, 1)) % (burst * step + rest)
    on = (cycle < burst * step) & (cycle % step < beep)
    gate = np.convolve(on.astype(float), np.hanning(96) / np.hanning(96).sum(), "same")
    return fm(hz * take.uniform(0.98, 1.02), float(ratio), index, n) * gate


def glass(thing: Rng, take: Rng, n: int) -> Samples:
    """A pane that is a bank of modes, struck hard once and by its own pieces afterwards."""
    modes = thing.uniform(1500, 2800) * thing.uniform(1, 2.7, 9)
    start, fall, pieces = take.uniform(0, 0.7), thing.uniform(0.2, 0.7), int(thing.integers(12, 50))
    struck = np.zeros(n)
    struck[int(start * SR)] = 8
    after = ((start + take.exponential(fall, pieces)) * SR).astype(int)
    np.add.at(struck, after[after < n], take.uniform(0.3, 2, (after < n).sum()))
    ring = thing.uniform(0.05, 0.3)
    out = np.zeros(n)
    for hz in modes:
        r = 10 ** (-3 / (ring * take.uniform(0.5, 2) * SR))
        blows = struck * take.uniform(0.2, 1, n)
        out += signal.lfilter([0, r], [1, -2 * r * np.cos(2 * np.pi * min(hz, 7600) / SR), r * r], blows)
    crack = np.sign(take.standard_normal(n)) * np.where(times(n) > start, 10 ** (-60 * (times(n) - start)), 0)
    return out / out.std() + 0.6 * crack


def knock(thing: Rng, take: Rng, n: int) -> Samples:
    """A hollow door: a click in a tube whose far end swallows the treble."""
    hollow, second, gap = thing.uniform(110, 300), thing.uniform(1.4, 2.4), thing.uniform(0.13, 0.32)
    out, at, group = np.zeros(n), take.uniform(0, 0.4), int(thing.integers(2, 6))
    while at < n / SR:
        for _ in range(group):
            m = int(0.2 * SR)
            click = np.zeros(m)
            click[: int(take.integers(8, 30))] = take.uniform(0.7, 1)
            sound = string(click, hollow, 0.5, 0.9) + 0.6 * string(click, hollow * second, 0.5, 0.85)
            place(out, (sound - sound.mean()) * decay(m, 0.15, 0.0003) * take.uniform(0.6, 1), int(at * SR))
            at += gap * take.uniform(0.85, 1.15)
        at += take.uniform(0.3, 0.8)
    return out


def typing(thing: Rng, take: Rng, n: int) -> Samples:
    """Keys: a clack going down and a softer one coming up, each a comb of a few reflections."""
    comb, every, up = thing.uniform(900, 3500), thing.uniform(0.09, 0.28), thing.uniform(0.04, 0.1)

    def one(_: int) -> Samples:
        m = int(0.16 * SR)
        clack = np.zeros(m)
        for at, loud in ((0.0, 1.0), (up * take.uniform(0.8, 1.2), thing.uniform(0.2, 0.6))):
            place(clack, loud * take.uniform(-1, 1, 20), int(at * SR))
        return string(clack, comb * take.uniform(0.7, 1.4), 0.3, 0.75) * take.uniform(0.4, 1)

    return grains(n, rhythm(take, n, every, 1.3), one)


# ---- city --------------------------------------------------------------------------------------------------


def bell(thing: Rng, take: Rng, n: int) -> Samples:
    """Chowning's bell: an inharmonic ratio, an index that dies with the sound."""
    hz, ratio = np.exp(thing.uniform(np.log(180), np.log(900))), thing.choice([1.4, 2.756, 1.73, 3.14])
    index, long, every = thing.uniform(2, 7), thing.uniform(0.8, 3.5), thing.uniform(0.5, 1.6)

    def one(_: int) -> Samples:
        fall = decay(n, long, 0.001)
        pair = fm(hz, float(ratio), index * fall**0.5, n) + 0.5 * fm(
            hz * 1.004, float(ratio), index * fall, n
        )
        return pair * fall * take.uniform(0.5, 1)

    return grains(n, rhythm(take, n, every, 0.15), one)


def engine(thing: Rng, take: Rng, n: int) -> Samples:
    """One cycle of noise for each cylinder, repeated as fast as the shaft turns, driven into saturation."""
    turns, cylinders, drive = thing.uniform(9, 40), int(thing.integers(1, 5)), thing.uniform(1, 6)
    size = 512
    cycle = thing.standard_normal((cylinders, size)) * np.exp(-np.linspace(0, thing.uniform(3, 9), size))
    cycle = cycle.ravel() * np.repeat(thing.uniform(0.5, 1, cylinders), size)
    table = signal.fftconvolve(np.tile(cycle, 3), np.hanning(thing.integers(8, 60)), "same")[
        len(cycle) : 2 * len(cycle)
    ]
    speed = turns * np.exp(0.06 * wander(take, n, 1.5) + take.uniform(-0.3, 0.3) * times(n))
    at = (np.cumsum(speed) / SR * len(table)) % len(table)
    return np.tanh(drive * np.interp(at, np.arange(len(table)), table) / table.std())


def horn(thing: Rng, take: Rng, n: int) -> Samples:
    """Two reeds: tones bent by a saturating curve until they are rich, sounded once or twice."""
    hz, interval = thing.uniform(200, 480), thing.choice([1.2, 1.25, 1.335, 1.5])
    drive, every = thing.uniform(2, 9), thing.uniform(0.7, 1.7)

    def one(_: int) -> Samples:
        m = int(take.uniform(0.25, 1.0) * SR)
        edge = np.minimum(1, np.minimum(times(m), times(m)[::-1]) / 0.015)
        lift = drive * np.minimum(1, times(m) / 0.05 + 0.3)
        reeds = (
            np.tanh(lift * (np.sin(2 * np.pi * hz * r * times(m)) + 0.3)) for r in (1.0, float(interval))
        )
        return sum(reeds) * edge

    return grains(n, rhythm(take, n, every, 0.3), one)


def siren(thing: Rng, take: Rng, n: int) -> Samples:
    """A disc with holes that chops the air faster and slower, or two pitches in turn."""
    low, ratio, hz = thing.uniform(320, 850), thing.uniform(1.3, 2.3), thing.uniform(0.3, 3)
    two, sharp = thing.random() < 0.35, thing.uniform(1, 5)
    cycle = (times(n) * (min(hz, 1.3) if two else hz) + take.random()) % 1
    curve = (cycle > 0.5).astype(float) if two else 1 - np.abs(2 * cycle - 1)
    angle = 2 * np.pi * np.cumsum(low * ratio**curve * take.uniform(0.97, 1.03)) / SR
    return np.tanh(sharp * np.sin(angle + 0.6 * np.sin(angle)))


# ---- backgrounds that are no class -------------------------------------------------------------------------


def air(thing: Rng, take: Rng, n: int) -> Samples:
    """A steady spectrum that falls with frequency."""
    slope = thing.uniform(0, 1)
    return spectrum(take, n, lambda f, t: np.maximum(f, 60) ** -slope + 0 * t)


def hum(thing: Rng, take: Rng, n: int) -> Samples:
    """Mains: a saturated sine with a weak hiss."""
    mains = np.tanh(thing.uniform(1, 6) * np.sin(2 * np.pi * thing.choice([50.0, 60.0, 100.0]) * times(n)))
    return mains + 0.1 * take.uniform(-1, 1, n)


def flutter(thing: Rng, take: Rng, n: int) -> Samples:
    """A steady spectrum that a slow wave opens and shuts."""
    rate = thing.uniform(1, 20)
    return air(thing, take, n) * (1 + np.sin(2 * np.pi * rate * times(n) + take.uniform(0, 6)))


MAKERS = {
    "alarm": alarm, "bark": bark, "bell": bell, "bird": bird, "clapping": clapping, "cough": cough,
    "cricket": cricket, "drops": drops, "engine": engine, "footsteps": footsteps, "frog": frog,
    "glass": glass, "horn": horn, "knock": knock, "laugh": laugh, "rain": rain, "siren": siren,
    "thunder": thunder, "typing": typing, "wind": wind,
}  # fmt: skip
NEUTRAL = {"air": air, "flutter": flutter, "hum": hum}
