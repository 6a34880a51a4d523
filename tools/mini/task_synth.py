"""The task `synth`: notes of a synthesiser, as Surge: 24 presets, half subtractive and half FM."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from dsp import SR, Samples, level
from sources import SYNTH_SEEDS, TASK_OCTAVES, TASK_SAMPLES
from synths import FM, Subtractive

Row = dict[str, object]

KINDS = {"subtractive": Subtractive, "fm": FM}
PRESETS = {f"{kind[:3]}-{number:02d}": kind for kind in KINDS for number in range(12)}
TAXONOMY: dict[str, str] = PRESETS
"""Preset -> how it makes its sound."""

NOTES, FOLDS = 5, 4  # notes an octave; folds of presets
LEVELS_DB = (-32.0, -16.0)


def clips() -> Iterator[tuple[Row, Samples]]:
    """24 presets x 5 octaves x 5 notes; a fold holds six presets, a note_fold one note of every octave."""
    for number, (preset, kind) in enumerate(PRESETS.items()):
        seed = SYNTH_SEEDS.start + 1_000 * number
        voice = KINDS[kind].drawn(np.random.default_rng(seed))
        for octave in TASK_OCTAVES:
            rng = np.random.default_rng(seed + octave)
            for note_fold, step in enumerate(rng.choice(12, NOTES, replace=False), 1):
                pitch = 12 * (octave + 1) + int(step)
                start = int(rng.uniform(0, 0.15) * SR)
                hz = 440 * 2 ** ((pitch - 69) / 12)
                note = voice.play(hz, TASK_SAMPLES - start, rng.uniform(0.5, 1.6), rng)
                row: Row = {"clip": f"synth/{preset}-{pitch}.ogg", "octave": octave, "preset": preset}
                row |= {"pitch": pitch, "fold": 1 + number % FOLDS, "note_fold": note_fold}
                yield row, level(np.pad(note, (start, 0)), rng.uniform(*LEVELS_DB))
