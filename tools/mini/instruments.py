"""Sampled instruments: MIDI files of our own, played by fluidsynth with the FluidR3 soundfont."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from sources import SAMPLE_RATE, TRAINING_PROGRAMS, TRAINING_SAMPLES

SOUNDFONT = os.environ.get("SOUNDFONT", "/usr/share/sounds/sf2/FluidR3_GM.sf2")
TICKS = 500  # a second: 500 ticks a quarter note, a quarter note a second
DRUMS = 9  # General MIDI's percussion channel
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 5, 7), (0, 3, 6), (0, 4, 7, 11), (0, 7, 12))


@dataclass(frozen=True)
class Note:
    """A note: when (s), how long (s), MIDI pitch, velocity 1 to 127, channel, program (none for drums)."""

    start: float
    seconds: float
    pitch: int
    velocity: int
    channel: int = 0
    program: int | None = None


def midi(notes: list[Note]) -> bytes:
    """The notes as a standard MIDI file of one track, with a program change before a note that needs one."""
    events: list[tuple[int, int, bytes]] = []
    for note in notes:
        start, stop = round(note.start * TICKS), round((note.start + note.seconds) * TICKS)
        if note.program is not None:
            events.append((start, 1, bytes([0xC0 | note.channel, note.program])))
        events.append((start, 2, bytes([0x90 | note.channel, note.pitch, note.velocity])))
        events.append((stop, 0, bytes([0x80 | note.channel, note.pitch, 0])))
    track = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")
    now = 0
    for tick, _, message in sorted(events):
        track += _variable_length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + (6).to_bytes(4, "big") + b"\x00\x00\x00\x01" + TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def _variable_length(value: int) -> bytes:
    """MIDI's delta time: seven bits a byte, most significant first."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))


def play(notes: list[Note], *, room: bool = True, soundfont: str = SOUNDFONT) -> np.ndarray:
    """The notes as float samples, mono at 16 kHz (fluidsynth's reverb and chorus only with `room`).

    Raises:
        RuntimeError: fluidsynth is missing its soundfont or failed.
    """
    if not Path(soundfont).is_file():
        raise RuntimeError(f"{soundfont}: no soundfont there; the README beside this file names its package")
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "score.mid"), Path(folder, "sound.wav")
        score.write_bytes(midi(notes))
        effects = ["-R", str(int(room)), "-C", str(int(room))]
        command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", str(SAMPLE_RATE), *effects]
        done = subprocess.run(
            [*command, "-F", str(sound), soundfont, str(score)], capture_output=True, check=False
        )
        if done.returncode or not sound.exists():
            raise RuntimeError(f"fluidsynth: {done.stderr.decode().strip()}")
        return soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(axis=1)


def _melody(
    rng: np.random.Generator, start: float, program: int, channel: int = 0, centre: int = 0
) -> list[Note]:
    """A phrase of 2 to 12 notes a clip, walking over a random scale."""
    scale, root = SCALES[rng.integers(len(SCALES))], (centre or int(rng.integers(40, 84)))
    steps, step = int(rng.integers(2, 13)), int(rng.integers(0, 7))
    length, notes = 2.0 / steps, []
    for k in range(steps):
        step += int(rng.integers(-3, 4))
        octave, degree = divmod(step, len(scale))
        pitch = int(np.clip(root + 12 * octave + scale[degree], 24, 104))
        held = length * rng.uniform(0.5, 1.2)
        notes.append(Note(start + k * length, held, pitch, int(rng.integers(50, 121)), channel, program))
    return notes


def _solo(rng: np.random.Generator, start: float, program: int) -> list[Note]:
    """One clip of one program: a note, a chord, repeated chords or a phrase."""
    kind = rng.choice(["note", "chord", "chords", "phrase"], p=[0.4, 0.15, 0.15, 0.3])
    if kind == "phrase":
        return _melody(rng, start, program)
    if kind == "note":
        pitches, velocity = [int(rng.integers(28, 101))], int(rng.integers(40, 125))
        return [Note(start + rng.uniform(0, 0.3), rng.uniform(0.2, 1.9), pitches[0], velocity, 0, program)]
    notes = []
    beats = 1 if kind == "chord" else int(rng.integers(2, 6))
    for beat in range(beats):
        root, chord = int(rng.integers(36, 80)), CHORDS[rng.integers(len(CHORDS))]
        velocity, spread = int(rng.integers(45, 120)), rng.uniform(0, 0.08)
        at, held = start + beat * 2.0 / beats, rng.uniform(0.6, 1.1) * 1.9 / beats
        notes += [Note(at + i * spread, held, root + p, velocity, 0, program) for i, p in enumerate(chord)]
    return notes


def _drums(rng: np.random.Generator, start: float) -> list[Note]:
    """Two seconds of a random pattern of three to five percussion instruments."""
    grid = int(rng.choice([8, 12, 16]))
    notes = []
    for pitch in rng.choice(np.arange(35, 70), size=rng.integers(3, 6), replace=False):
        played = rng.random(grid) < rng.uniform(0.15, 0.6)
        played[0] |= not notes
        notes += [
            Note(start + k * 2.0 / grid, 0.1, int(pitch), int(rng.integers(50, 125)), DRUMS)
            for k in np.flatnonzero(played)
        ]
    return notes


def _band(rng: np.random.Generator, start: float) -> list[Note]:
    """Two or three programs at once, mostly over drums."""
    programs = [p for group in TRAINING_PROGRAMS.values() for p in group]
    notes = _drums(rng, start) if rng.random() < 0.7 else []
    for channel in range(int(rng.integers(2, 4))):
        notes += _melody(rng, start, int(rng.choice(programs)), channel, centre=int(rng.integers(36, 84)))
    return notes


def training_clips(rng: np.random.Generator, clips: int = 60) -> list[tuple[np.ndarray, str, str]]:
    """Clips (samples, label, source) of one score: solos of the training programs, drums, bands."""
    labels = [*TRAINING_PROGRAMS, "music-drums", "music-band"]
    slot, notes, about = 3.2, [], []  # a slot leaves the tail of the clip before room to fade
    for k in range(clips):
        label, start = str(rng.choice(labels)), 0.1 + k * slot
        if label == "music-drums":
            notes += _drums(rng, start)
            about.append((label, "drums"))
        elif label == "music-band":
            notes += _band(rng, start)
            about.append((label, "band"))
        else:
            program = int(rng.choice(TRAINING_PROGRAMS[label]))
            notes += _solo(rng, start, program)
            about.append((label, f"program {program}"))
    samples = play(notes, room=bool(rng.random() < 0.6))
    samples = np.pad(samples, (0, max(0, int((clips + 1) * slot * SAMPLE_RATE) - len(samples))))
    found = []
    for k, (label, source) in enumerate(about):
        at = int((k * slot + rng.uniform(0, 0.12)) * SAMPLE_RATE)
        clip = samples[at : at + TRAINING_SAMPLES]
        if np.abs(clip).max() > 1e-3:  # a program may be silent far outside its range
            found.append((clip, label, source))
    return found
