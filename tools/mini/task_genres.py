"""The task `genres`: ten styles of music composed by the rules of `styles.py`, as GTZAN.

A piece draws its key, tempo, metre, chords, patterns, players and melody; the clip is four seconds from the
beginning of a bar. Chords and melody are played by fluidsynth, drums and most basses by our own synthesisers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import drums
import numpy as np
from dsp import SR, Samples, level, place
from instruments import Note, play
from sources import GENRES_SEEDS, HIGHEST_PITCH
from styles import CELLO, CONTRABASS, STYLES, Chord, Style
from synths import Subtractive

Row = dict[str, object]
Rng = np.random.Generator

PIECES, FOLDS = 24, 4
SECONDS = 4.0
STEPS = 16  # a bar of four beats
SLOT = 14.0  # seconds between pieces in a score: a bar before the clip, the clip, the last notes' tails
LEVELS_DB = (-32.0, -16.0)
CHORDS, MELODY, BASS = range(3)  # MIDI channels
BASS_PARTIALS = 24


@dataclass(frozen=True)
class Piece:
    """What a piece drew: key (0 is C), tempo, beats a bar, swing, chords by bar."""

    style: Style
    key: int
    tempo: float
    beats: int
    swing: float
    chords: tuple[Chord, ...]

    @classmethod
    def drawn(cls, style: Style, rng: Rng) -> Piece:
        """A piece in a style."""
        progression = style.progressions[rng.integers(len(style.progressions))]
        turn = int(rng.integers(len(progression)))
        return cls(
            style,
            int(rng.integers(12)),
            float(rng.uniform(*style.tempo)),
            int(rng.choice(style.metres)),
            float(rng.uniform(*style.swing)),
            (*progression[turn:], *progression[:turn]),
        )

    @property
    def bar(self) -> float:
        """Seconds of a bar."""
        return self.beats * 60 / self.tempo

    @property
    def bars(self) -> int:
        """As many as a clip and the bar before it need."""
        return 2 + int(np.ceil(SECONDS / self.bar))

    def at(self, bar: int, step: int) -> float:
        """When a sixteenth sounds: the second half of a beat comes late where the piece swings."""
        late = self.swing * 2 if step % 4 == 2 else 0.0
        return bar * self.bar + (step + late) * 15 / self.tempo

    def steps(self, pattern: str) -> Iterator[tuple[int, int, str]]:
        """Bar, step and letter of all blows of a pattern."""
        for bar in range(self.bars):
            for step, letter in enumerate(pattern[: 4 * self.beats]):
                if letter != ".":
                    yield bar, step, letter

    def chord(self, bar: int) -> Chord:
        return self.chords[bar % len(self.chords)]


def chords(piece: Piece, rng: Rng) -> list[Note]:
    """The accompaniment: struck together, or one tone after another."""
    style = piece.style
    pattern, held = style.comping[rng.integers(len(style.comping))]
    program, lowest = int(rng.choice(style.chords)), 48 + piece.key - 12 * (piece.key > 6)
    if style.chords == (30,):
        lowest -= 12  # chugging is low
    broken = pattern == "arpeggio"
    order = rng.permutation(4)
    notes = []
    for bar, step, _ in piece.steps("x.x.x.x.x.x.x.x." if broken else pattern):
        root, intervals = piece.chord(bar)
        tones = [lowest + root % 12 + i for i in intervals]
        if broken:
            tones = [(*tones, tones[0] + 12)[order[step // 2 % 4] % (len(tones) + 1)]]
        for tone in tones:
            start, velocity = piece.at(bar, step), int(rng.integers(60, 100))
            notes.append(Note(start, held * 60 / piece.tempo, tone, velocity, CHORDS, program))
    return notes


def melody(piece: Piece, rng: Rng) -> list[Note]:
    """A walk over the scale; bars differ in where its notes fall."""
    style = piece.style
    if not style.melody:
        return []
    program, notes = int(rng.choice(style.melody)), []
    top, degree = HIGHEST_PITCH.get(program, 96), int(rng.integers(0, len(style.scale)))
    home = 60 + piece.key
    for bar in range(piece.bars):
        count = int(rng.integers(style.notes[0], style.notes[1] + 1))
        steps = sorted(rng.choice(4 * piece.beats, min(count, 4 * piece.beats), replace=False))
        steps = [step - step % 2 if rng.random() < 0.7 else step for step in steps]
        for step, after in zip(steps, [*steps, 4 * piece.beats][1:], strict=True):
            if step == after:
                continue
            degree += int(rng.integers(-style.leap, style.leap + 1))
            degree = int(np.clip(degree, -3, 11))
            octave, place_in = divmod(degree, len(style.scale))
            pitch = min(home + 12 * octave + style.scale[place_in], top)
            held = (after - step) * 15 / piece.tempo * rng.uniform(0.5, 1)
            notes.append(Note(piece.at(bar, step), held, pitch, int(rng.integers(70, 118)), MELODY, program))
    return notes


def bass(piece: Piece, rng: Rng) -> list[tuple[float, float, int]]:
    """When, how long, which pitch."""
    pattern, found, walking = str(rng.choice(piece.style.bass)), [], 0
    blows = list(piece.steps(pattern))
    for number, (bar, step, letter) in enumerate(blows):
        root, intervals = piece.chord(bar)
        walking = 0 if step == 0 else walking + int(rng.choice([2, 3, 4, -2, 5]))
        offset = {"r": 0, "f": 7, "o": 12, "t": intervals[1], "w": walking}[letter]
        start = piece.at(bar, step)
        after = piece.at(*blows[number + 1][:2]) if number + 1 < len(blows) else piece.bars * piece.bar
        found.append((start, (after - start) * rng.uniform(0.6, 0.95), 36 + (piece.key + root) % 12 + offset))
    return found


def beaten(piece: Piece, rng: Rng, n: int) -> Samples:
    """The drums as samples."""
    blows, out = drums.kit(rng), np.zeros(n)
    for drum, patterns in piece.style.drums.items():
        for bar, step, letter in piece.steps(str(rng.choice(patterns))):
            if letter == "o" and rng.random() < 0.4:
                continue
            strength = rng.uniform(0.75, 1) * (0.4 if letter == "o" else 1) * (1 if step % 4 == 0 else 0.85)
            place(out, strength * blows[drum], int(piece.at(bar, step) * SR))
    return out


def synthesised(notes: list[tuple[float, float, int]], rng: Rng, n: int) -> Samples:
    """The bass by our own synthesiser."""
    voice, out = Subtractive.drawn(rng), np.zeros(n)
    voice = replace(voice, weights=voice.weights[:BASS_PARTIALS])
    for start, held, pitch in notes:
        hz = 440 * 2 ** ((pitch - 69) / 12)
        place(out, voice.play(hz, int((held + 0.3) * SR), held, rng), int(start * SR))
    return out


def mixed(sounds: list[Samples], rng: Rng) -> Samples:
    """The parts at levels of their own, 0 to 9 dB apart."""
    return sum(s / (s.std() + 1e-9) * 10 ** (-rng.uniform(0, 9) / 20) for s in sounds if s.std() > 1e-6)


def composed(style: Style, seed: int) -> tuple[Piece, list[Note], list[Samples], Rng]:
    """A piece, what fluidsynth plays of it, what we play ourselves, and the generator to mix them with."""
    rng = np.random.default_rng(seed)
    piece = Piece.drawn(style, rng)
    n = int((piece.bar + SECONDS) * SR)
    notes, low = chords(piece, rng) + melody(piece, rng), bass(piece, rng)
    own = [beaten(piece, rng, n)]
    if style.deep:
        own.append(synthesised(low, rng, n))
    else:
        program = int(rng.choice([CELLO, CONTRABASS]))
        notes += [Note(start, held, pitch, 90, BASS, program) for start, held, pitch in low]
    return piece, notes, own, rng


def clips() -> Iterator[tuple[Row, Samples]]:
    """10 styles x 24 pieces of 4 s; a fold holds six pieces of every style."""
    for number, (genre, style) in enumerate(STYLES.items()):
        first = GENRES_SEEDS.start + 1_000 * number
        pieces = [composed(style, first + k) for k in range(PIECES)]
        score = [
            replace(note, start=k * SLOT + note.start)
            for k, (_, notes, _, _) in enumerate(pieces)
            for note in notes
        ]
        sound = np.pad(play(score), (0, int(SLOT * SR)))
        for k, (piece, _, own, rng) in enumerate(pieces):
            start, begin = int(k * SLOT * SR), int(piece.bar * SR)
            whole = mixed([sound[start : start + len(own[0])], *own], rng)
            row: Row = {"clip": f"genres/{genre}-{k:02d}.ogg", "genre": genre, "piece": f"{genre}-{k:02d}"}
            row |= {"tempo": round(piece.tempo), "key": piece.key, "beats": piece.beats}
            clip = whole[begin : begin + int(SECONDS * SR)]
            yield row | {"fold": 1 + k % FOLDS}, level(clip, rng.uniform(*LEVELS_DB))
