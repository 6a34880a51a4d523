"""The task `notes`, after NSynth: notes of 192 instruments in eight families, five octaves, three velocities.

An instrument is a program of a soundfont. No two of them, and no instrument and anything that training plays,
have a sample of a soundfont in common (tests/tools/test_mini_notes.py compares them by their sound). That
leaves 14 to 19 independent programs a family, of 24 instruments: as many of them as are missing, recordings
first, are heard a second time with another body, in the same fold. A family has three or four programs
recorded for FluidR3, two to seven recorded for sf_GMbank and seven or eight played by a Yamaha YMF262
(OPL-3), a synthesiser chip that imitates all of them.

The notes of an instrument keep their own loudness: the level is drawn once, for the medium one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from dsp import SR, Samples
from instruments import Note, play
from scipy import signal
from soundfonts import path
from sources import NOTES_SEEDS, TASK_OCTAVES, TASK_SAMPLES

Row = dict[str, object]

TAXONOMY: dict[str, str] = {
    "keyboard": "struck", "mallet": "struck", "guitar": "plucked", "bowed": "bowed",
    "organ": "blown", "brass": "blown", "reed": "blown", "pipe": "blown",
}  # fmt: skip
"""Family -> how it is excited."""

FLUID, GMBANK, OPL = "FluidR3_GM", "sf_GMbank", "OPL-3_FM_128M"
LICENCES = {FLUID: "MIT", GMBANK: "public domain", OPL: "CC-BY-SA-4.0"}
"""Soundfont -> its licence in Debian. TimGM6mb is left out: GPL-2, and nearly half of it is sf_GMbank."""

# Programs count from 0, families are General MIDI's (so accordion and harmonica stand with the organs).
PROGRAMS: dict[str, dict[str, tuple[int, ...]]] = {
    "keyboard": {FLUID: (0, 4, 6, 7), GMBANK: (0, 4, 5, 6), OPL: tuple(range(8))},
    "mallet": {FLUID: (8, 11, 12, 14), GMBANK: (8, 10, 11, 12, 13, 14, 114), OPL: tuple(range(8, 16))},
    "organ": {FLUID: (16, 17, 19, 20), GMBANK: (16, 18, 21, 22), OPL: tuple(range(16, 24))},
    "guitar": {FLUID: (24, 26, 28, 30), GMBANK: (24, 26, 27, 29), OPL: tuple(range(24, 31))},
    "bowed": {FLUID: (40, 41, 42), GMBANK: (40, 42, 48), OPL: (40, 41, 42, 43, 44, 48, 49, 110)},
    "brass": {FLUID: (56, 57, 58, 60), GMBANK: (56, 61), OPL: tuple(range(56, 64))},
    "reed": {FLUID: (65, 67, 69, 71), GMBANK: (65, 68, 70, 71, 111), OPL: tuple(range(64, 72))},
    "pipe": {FLUID: (72, 73, 75, 79), GMBANK: (73, 75, 79), OPL: tuple(range(72, 80))},
}
SOUNDS_BELOW = {
    (FLUID, 16): 24,
    (FLUID, 17): 12,
    (GMBANK, 16): 12,
    (GMBANK, 18): 12,
    (OPL, 17): 12,
    (OPL, 18): 12,
}
"""Organs that double a key below: semitones to play higher, so that the lowest tone is the one named."""
HIGHEST = {
    (FLUID, 17): 96, (FLUID, 19): 70, (FLUID, 26): 96, (FLUID, 28): 84, (FLUID, 40): 93, (FLUID, 41): 96,
    (FLUID, 57): 96, (FLUID, 58): 72, (FLUID, 60): 96, (FLUID, 65): 84, (FLUID, 67): 72, (FLUID, 69): 85,
    (GMBANK, 16): 96, (GMBANK, 18): 96, (OPL, 23): 96,
}  # fmt: skip
"""The MIDI pitch above which a program is silent or out of tune, or (19) doubles the key below."""

INSTRUMENTS, FOLDS = 24, 4  # a family; of all
VELOCITIES = {"soft": (30, 45), "medium": (65, 80), "loud": (105, 120)}
LEVELS_DB = (-30.0, -18.0)  # of an instrument's medium note
SHIFTS = (-4, -3, 3, 4)  # semitones by which another body is larger or smaller
SLOT_S = 7.0  # a bell needs that long to fade before the next note


@dataclass(frozen=True)
class Instrument:
    """A program of a soundfont, or (`second`) the same with another body."""

    family: str
    soundfont: str
    program: int
    second: bool
    fold: int

    @property
    def name(self) -> str:
        """Soundfont, program and, for another body, a b."""
        return f"{self.soundfont.split('_')[0].lower()}-{self.program:03d}{'b' * self.second}"

    @property
    def octaves(self) -> list[int]:
        """The octaves of which it has six semitones or more."""
        return [o for o in TASK_OCTAVES if 12 * (o + 1) + 5 <= self.highest]

    @property
    def highest(self) -> int:
        """The highest MIDI pitch that it has; another body may need keys above the note."""
        return HIGHEST.get((self.soundfont, self.program), 127) - max(SHIFTS) * self.second


def instruments() -> list[Instrument]:
    """24 a family, six a fold; both bodies of a program in one fold."""
    found = []
    for family, fonts in PROGRAMS.items():
        programs = [(font, program) for font, numbers in fonts.items() for program in numbers]
        places = np.zeros(FOLDS, int)
        for k, source in enumerate(programs):
            bodies = (False, True)[: 1 + (k < INSTRUMENTS - len(programs))]
            fold = int(places.argmin())
            places[fold] += len(bodies)
            found += [Instrument(family, *source, second, fold + 1) for second in bodies]
    return found


def octaves(chosen: list[Instrument]) -> list[tuple[int, ...]]:
    """For each instrument the octaves of its soft, medium and loud note, balanced over families and folds."""
    rng, seen, found = np.random.default_rng(NOTES_SEEDS.start), Counter(), []
    for instrument in chosen:

        def cells(triple: tuple[int, ...], who: Instrument = instrument) -> list[tuple[object, ...]]:
            return [
                cell
                for octave, velocity in zip(triple, VELOCITIES, strict=True)
                for cell in ((octave, who.family), (octave, velocity), (octave, who.fold, who.family))
            ]

        options = rng.permutation(list(permutations(instrument.octaves, len(VELOCITIES)))).tolist()
        best = min(options, key=lambda triple: sum(seen[cell] for cell in cells(triple)))
        seen.update(cells(best))
        found.append(tuple(best))
    return found


def another_body(sounds: list[Samples], ratio: float, rng: np.random.Generator) -> list[Samples]:
    """The notes stretched by `ratio`, which lowers them by as much, through two resonances or dips."""
    peaks = [(rng.uniform(250, 900), rng.uniform(1, 3)), (rng.uniform(1200, 4000), rng.uniform(1, 3))]
    gains = 10 ** (rng.choice([-8, -5, 5, 8], 2) / 20) - 1
    found = []
    for x in sounds:
        stretched = signal.resample(x, round(len(x) * ratio))
        found.append(
            stretched
            + sum(
                g * signal.lfilter(*signal.iirpeak(hz, q, fs=SR), stretched)
                for g, (hz, q) in zip(gains, peaks, strict=True)
            )
        )
    return found


def notes(instrument: Instrument, triple: tuple[int, ...], seed: int) -> tuple[list[int], list[Samples]]:
    """The pitches and the sounds of an instrument's soft, medium and loud note, all at one gain."""
    rng = np.random.default_rng(seed)
    shift = int(rng.choice(SHIFTS)) if instrument.second else 0
    up = shift + SOUNDS_BELOW.get((instrument.soundfont, instrument.program), 0)
    pitches, score = [], []
    for k, (octave, (soft, loud)) in enumerate(zip(triple, VELOCITIES.values(), strict=True)):
        lowest = 12 * (octave + 1)
        pitches.append(int(rng.integers(lowest, min(lowest + 12, instrument.highest + 1))))
        velocity, held = int(rng.integers(soft, loud + 1)), rng.uniform(0.5, 1.7)
        score.append(Note(0.1 + k * SLOT_S, held, pitches[-1] + up, velocity, 0, instrument.program))
    sound = play(score, room=False, soundfont=str(path(instrument.soundfont)))
    sound = np.pad(sound, (0, int(len(score) * SLOT_S * SR)))
    starts = [int((k * SLOT_S + rng.uniform(0, 0.1)) * SR) for k in range(len(score))]
    found = [sound[at : at + 2 * TASK_SAMPLES] for at in starts]
    if instrument.second:
        cents = rng.choice([-1, 1]) * rng.uniform(5, 25)
        found = another_body(found, 2 ** ((shift - cents / 100) / 12), rng)
    found = [x[:TASK_SAMPLES] - x[:TASK_SAMPLES].mean() for x in found]
    gain = 10 ** (rng.uniform(*LEVELS_DB) / 20) / found[1].std()
    gain = min(gain, 0.95 / max(np.abs(x).max() for x in found))
    return pitches, [gain * x for x in found]


def clips() -> Iterator[tuple[Row, Samples]]:
    """8 families x 24 instruments x a soft, a medium and a loud note, each in another octave."""
    chosen = instruments()
    for number, (instrument, triple) in enumerate(zip(chosen, octaves(chosen), strict=True), 1):
        pitches, sounds = notes(instrument, triple, NOTES_SEEDS.start + number)
        for octave, velocity, pitch, x in zip(triple, VELOCITIES, pitches, sounds, strict=True):
            row: Row = {"clip": f"notes/{instrument.name}-{pitch}.ogg", "family": instrument.family}
            row |= {"octave": octave, "velocity": velocity, "instrument": instrument.name, "pitch": pitch}
            row |= {"soundfont": instrument.soundfont, "program": instrument.program, "fold": instrument.fold}
            yield row, x
