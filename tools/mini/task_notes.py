"""The task `notes`, after NSynth: notes of 192 instruments in eight families, five octaves, three velocities.

A family has three or four instruments recorded for FluidR3, seven or eight voices of a Yamaha YMF262 (OPL-3),
a synthesiser chip that imitates all of them, and twelve or thirteen instruments of our own, each drawn by a
seed from the family's model in `luthier.py` or `winds.py`: 31, 63 and 98 in all. No two of them, and no
instrument and anything that training plays, have a sample of a soundfont in common
(tests/tools/test_mini_notes.py compares them by their sound). Two of our own share the model of their family
and nothing else; they are as related as two draws from one distribution.

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
from luthier import Bowed, Guitar, Keyboard, Mallet
from soundfonts import path
from sources import NOTES_SEEDS, TASK_OCTAVES, TASK_SAMPLES
from tones import Key
from winds import Brass, Organ, Pipe, Reed

Row = dict[str, object]

TAXONOMY: dict[str, str] = {
    "keyboard": "struck", "mallet": "struck", "guitar": "plucked", "bowed": "bowed",
    "organ": "blown", "brass": "blown", "reed": "blown", "pipe": "blown",
}  # fmt: skip
"""Family -> how it is excited."""

FLUID, OPL, OWN = "FluidR3_GM", "OPL-3_FM_128M", "own"
LICENCES = {FLUID: "MIT", OPL: "CC-BY-SA-4.0"}
"""Soundfont -> its licence in Debian. Left out: TimGM6mb, of GPL-2, and sf_GMbank, of doubtful origin."""

# Programs count from 0, families are General MIDI's (so accordion and harmonica stand with the organs).
PROGRAMS: dict[str, dict[str, tuple[int, ...]]] = {
    "keyboard": {FLUID: (0, 4, 6, 7), OPL: tuple(range(8))},
    "mallet": {FLUID: (8, 11, 12, 14), OPL: tuple(range(8, 16))},
    "organ": {FLUID: (16, 17, 19, 20), OPL: tuple(range(16, 24))},
    "guitar": {FLUID: (24, 26, 28, 30), OPL: tuple(range(24, 31))},
    "bowed": {FLUID: (40, 41, 42), OPL: (40, 41, 42, 43, 44, 48, 49, 110)},
    "brass": {FLUID: (56, 57, 58, 60), OPL: tuple(range(56, 64))},
    "reed": {FLUID: (65, 67, 69, 71), OPL: tuple(range(64, 72))},
    "pipe": {FLUID: (72, 73, 75, 79), OPL: tuple(range(72, 80))},
}
MODELS = {
    "keyboard": Keyboard, "mallet": Mallet, "guitar": Guitar, "bowed": Bowed,
    "organ": Organ, "brass": Brass, "reed": Reed, "pipe": Pipe,
}  # fmt: skip
"""Family -> of what our own are drawn."""
SOUNDS_BELOW = {(FLUID, 16): 24, (FLUID, 17): 12, (OPL, 17): 12, (OPL, 18): 12}
"""Organs that double a key below: semitones to play higher, so that the lowest tone is the one named."""
HIGHEST = {
    (FLUID, 17): 96, (FLUID, 19): 70, (FLUID, 26): 96, (FLUID, 28): 84, (FLUID, 40): 93, (FLUID, 41): 96,
    (FLUID, 57): 96, (FLUID, 58): 72, (FLUID, 60): 96, (FLUID, 65): 84, (FLUID, 67): 72, (FLUID, 69): 85,
    (OPL, 23): 96,
}  # fmt: skip
"""The MIDI pitch above which a program is silent or out of tune, or (19) doubles the key below."""

INSTRUMENTS, FOLDS = 24, 4  # a family; of all
VELOCITIES = {"soft": (30, 45), "medium": (65, 80), "loud": (105, 120)}
LEVELS_DB = (-30.0, -18.0)  # of an instrument's medium note
OWN_SEEDS = NOTES_SEEDS.start + 1_000  # the first of them that draws an instrument; below, notes are drawn
SLOT_S = 7.0  # a bell needs that long to fade before the next note


@dataclass(frozen=True)
class Instrument:
    """A program of a soundfont, or one of our own: its `program` is then the number of its seed, from 0."""

    family: str
    soundfont: str
    program: int
    fold: int

    @property
    def name(self) -> str:
        """Soundfont and program."""
        return f"{self.soundfont.split('_')[0].lower()}-{self.program:03d}"

    @property
    def octaves(self) -> list[int]:
        """The octaves of which it has six semitones or more."""
        return [o for o in TASK_OCTAVES if 12 * (o + 1) + 5 <= self.highest]

    @property
    def highest(self) -> int:
        """The highest MIDI pitch that it has."""
        return HIGHEST.get((self.soundfont, self.program), 127)


def instruments() -> list[Instrument]:
    """24 a family; a fold has six of them, its share of the recorded, the chip's and our own."""
    found, own = [], 0
    for family, fonts in PROGRAMS.items():
        programs = [(font, program) for font, numbers in fonts.items() for program in numbers]
        missing = INSTRUMENTS - len(programs)
        programs += [(OWN, own + k) for k in range(missing)]
        own += missing
        found += [Instrument(family, *source, k % FOLDS + 1) for k, source in enumerate(programs)]
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


def notes(instrument: Instrument, triple: tuple[int, ...], seed: int) -> tuple[list[int], list[Samples]]:
    """The pitches and the sounds of an instrument's soft, medium and loud note, all at one gain."""
    rng = np.random.default_rng(seed)
    up, pitches, score = SOUNDS_BELOW.get((instrument.soundfont, instrument.program), 0), [], []
    for k, (octave, (soft, loud)) in enumerate(zip(triple, VELOCITIES.values(), strict=True)):
        lowest = 12 * (octave + 1)
        pitches.append(int(rng.integers(lowest, min(lowest + 12, instrument.highest + 1))))
        velocity, held = int(rng.integers(soft, loud + 1)), rng.uniform(0.5, 1.7)
        score.append(Note(0.1 + k * SLOT_S, held, pitches[-1] + up, velocity, 0, instrument.program))
    starts = rng.uniform(0, 0.1, len(score))  # how long before the note the clip does
    found = (
        own(instrument, score, starts, rng)
        if instrument.soundfont == OWN
        else sampled(instrument, score, starts)
    )
    found = [x - x.mean() for x in found]
    gain = 10 ** (rng.uniform(*LEVELS_DB) / 20) / found[1].std()
    gain = min(gain, 0.95 / max(np.abs(x).max() for x in found))
    return pitches, [gain * x for x in found]


def sampled(instrument: Instrument, score: list[Note], starts: Samples) -> list[Samples]:
    """The notes of a program, each cut from its own slot of the score."""
    sound = play(score, room=False, soundfont=str(path(instrument.soundfont)))
    sound = np.pad(sound, (0, int(len(score) * SLOT_S * SR)))
    places = [int((k * SLOT_S + start) * SR) for k, start in enumerate(starts)]
    return [sound[at : at + TASK_SAMPLES] for at in places]


def own(
    instrument: Instrument, score: list[Note], starts: Samples, rng: np.random.Generator
) -> list[Samples]:
    """The notes of an instrument of our own: force moves the timbre in the model, and here the loudness."""
    drawing = np.random.default_rng(OWN_SEEDS + instrument.program)
    model, range_of_loudness, found = MODELS[instrument.family].drawn(drawing), drawing.uniform(1.2, 2), []
    for note, start in zip(score, starts, strict=True):
        hz, force = 440 * 2 ** ((note.pitch - 69) / 12), note.velocity / 127
        before = int((0.1 - start) * SR)
        x = model.play(Key(hz, force, note.seconds, TASK_SAMPLES - before), rng)
        loudest = np.sqrt(np.convolve(x**2, np.ones(800) / 800, "valid").max())  # of any 50 ms
        found.append(np.pad(x * force**range_of_loudness / loudest, (before, 0)))
    return found


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
