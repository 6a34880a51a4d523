"""Render the three downstream tasks of the embedded miniature, from sources that the training never heard.

    python tools/mini/render_tasks.py --out src/otoscope/tasks/data/mini.zip

The zip holds Ogg Opus clips of 2.0 s (stored, not compressed again) and a table for each task: events.csv,
notes.csv, voices.csv. With the same versions of espeak-ng, fluidsynth, libsndfile, NumPy and SciPy the zip
comes out the same to the byte.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import sources
import textures
from dsp import SR, Samples, level, opus, reverberate
from events import TASK_EVENTS
from instruments import Note, play
from ogg import restamp
from speech import speak
from texts import HELD_OUT

LEVELS_DB = (-32.0, -16.0)
N = sources.TASK_SAMPLES
RECIPES, EVENT_FOLDS = 10, 5  # a class: ten things that sound, with two and three takes in turn: 25 clips
BEHIND = ("hiss", "machine", "pulses")  # backgrounds of events, none of them a class
NOTES = 10  # an instrument
SENTENCES_A_TAKE = 4  # of a language's twelve; another take says other sentences

Row = dict[str, object]


def event_clip(name: str, recipe: int, take: int) -> Samples:
    """One take of one recipe of an event, sometimes in a room, sometimes over a background."""
    seed = sources.EVENTS_SEEDS.start + 1_000 * list(TASK_EVENTS).index(name) + recipe
    thing, rng = np.random.default_rng(seed), np.random.default_rng([seed, take])
    lead = SR // 10  # filters and sweeps start from rest
    x = TASK_EVENTS[name](thing, rng, N + lead)[lead:]
    if rng.random() < 0.35:
        x = reverberate(x, rng)
    if rng.random() < 0.4:
        maker = textures.LABELS[
            "event-machine" if (kind := str(rng.choice(BEHIND))) == "machine" else "event-abstract"
        ]
        behind = maker[kind](rng, rng, N)
        x = x / x.std() + behind / behind.std() * 10 ** (-rng.uniform(8, 25) / 20)
    return level(x, rng.uniform(*LEVELS_DB))


def events() -> Iterator[tuple[Row, Samples]]:
    """12 events x 10 recipes x 2 or 3 takes; a fold holds two recipes of every event."""
    for name in TASK_EVENTS:
        for recipe in range(RECIPES):
            for take in range(2 + recipe % 2):
                row: Row = {"clip": f"events/{name}-{recipe}-{take}.ogg", "event": name}
                row |= {"recipe": f"{name}-{recipe}", "fold": 1 + recipe % EVENT_FOLDS}
                yield row, event_clip(name, recipe, take)


def note_pitches(program: int, rng: np.random.Generator) -> list[int]:
    """Ten MIDI pitches, spread as evenly over the task's octaves as the range of the program allows."""
    top = sources.HIGHEST_PITCH.get(program, 127)
    octaves = [o for o in sources.TASK_OCTAVES if 12 * (o + 1) + 5 <= top]  # six semitones or more
    found: list[int] = []
    for octave, count in Counter(np.resize(rng.permutation(octaves), NOTES).tolist()).items():
        lowest = 12 * (octave + 1)
        found += rng.choice(np.arange(lowest, min(lowest + 12, top + 1)), count, replace=False).tolist()
    return sorted(found)


def notes() -> Iterator[tuple[Row, Samples]]:
    """8 families x 4 instruments x 10 notes; a fold holds one instrument of every family."""
    slot = 7.0  # a bell needs that long to fade before the next note
    for family, programs in sources.TASK_PROGRAMS.items():
        for fold, (program, instrument) in enumerate(programs.items(), 1):
            rng = np.random.default_rng(sources.NOTES_SEEDS.start + program)
            score, rows = [], []
            for k, pitch in enumerate(note_pitches(program, rng)):
                velocity, held = int(rng.integers(45, 121)), rng.uniform(0.5, 1.7)
                key = pitch + sources.SOUNDS_BELOW.get(program, 0)
                score.append(Note(0.1 + k * slot, held, key, velocity, 0, program))
                row: Row = {"clip": f"notes/{instrument}-{pitch}.ogg", "family": family}
                row |= {"octave": pitch // 12 - 1, "instrument": instrument, "pitch": pitch}
                rows.append(row | {"velocity": velocity, "fold": fold})
            sound = np.pad(play(score, room=False), (0, int(slot * SR)))
            for k, row in enumerate(rows):
                at = int((k * slot + rng.uniform(0, 0.1)) * SR)
                yield row, level(sound[at : at + N], rng.uniform(*LEVELS_DB))


def voices() -> Iterator[tuple[Row, Samples]]:
    """16 speakers x 6 languages x 3 takes; two women and two men a fold, one take of each a speaker_fold."""
    pairs = [*zip(sources.FEMALE_SPEAKERS.items(), sources.MALE_SPEAKERS.items(), strict=True)]
    people = [
        (k, gender, *who)
        for k, pair in enumerate(pairs)
        for gender, who in zip(("female", "male"), pair, strict=True)
    ]
    for number, (k, gender, speaker, (pitch, rate)) in enumerate(people):
        for language in sources.TASK_LANGUAGES:
            rng = np.random.default_rng(
                [sources.VOICES_SEEDS.start, number, sources.TASK_LANGUAGES.index(language)]
            )
            for take in range(len(HELD_OUT[language]) // SENTENCES_A_TAKE):
                # Two sentences of the take's own four: one alone may last less than a clip.
                said = take * SENTENCES_A_TAKE + rng.choice(SENTENCES_A_TAKE, 2, replace=False)
                text = " ".join(f"{HELD_OUT[language][i]}." for i in said)
                sound = speak(text, language, speaker, pitch, rate)
                at = int(rng.integers(0, len(sound) - N))
                code = language.split("-")[0]
                row: Row = {"clip": f"voices/{speaker}-{code}-{take}.ogg", "language": code, "gender": gender}
                row |= {
                    "speaker": speaker,
                    "sentences": f"{code}-{said[0]}-{said[1]}",
                    "fold": 1 + k % 4,
                    "speaker_fold": 1 + take,
                }
                yield row, level(sound[at : at + N], rng.uniform(*LEVELS_DB))


def write(out: Path) -> None:
    """Render all three tasks into the zip `out`."""
    sources.check_disjoint()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name, task in (("events", events()), ("notes", notes()), ("voices", voices())):
            rows = []
            for row, samples in task:
                rows.append(row)
                _add(archive, str(row["clip"]), restamp(opus(samples)))
            _add(archive, f"{name}.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode())
            print(f"{name}: {len(rows)} clips", file=sys.stderr)
    partial.rename(out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """A file in the zip with a fixed date, so that the same content gives the same zip."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("src/otoscope/tasks/data/mini.zip"))
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
