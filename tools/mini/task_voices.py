"""The task `voices`, after VoxForge and VoxCeleb1: who speaks which language.

48 voices of espeak-ng, 24 women and 24 men, none of which training knows (`variants.py`), speak six languages
of two families. Half of the voices, the speakers, have four takes in each language, the others one. A take
has three sentences of its own, of which a clip holds 2.0 s; which ones tells nothing of voice or gender.

A voice is a set of parameters of one synthesiser: the voices differ in throat, pitch and tempo but share
their articulation, so languages are easier to tell than in recordings, and speakers closer
to one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from dsp import Samples, level
from sources import TASK_SAMPLES, VOICES_SEEDS
from speech import speak
from texts import HELD_OUT
from variants import Variant, draw, installed

Row = dict[str, object]

# Language -> family. `SPOKEN` and `WRITTEN` have the names in espeak-ng and in texts.toml where they differ:
# espeak-ng 1.51 takes fr-fr, but then ignores the variant without a word.
TAXONOMY = {
    "de": "germanic", "en": "germanic", "nl": "germanic",
    "es": "romance", "fr": "romance", "it": "romance",
}  # fmt: skip
SPOKEN = {"en": "en-us"}
WRITTEN = {
    "en": "en-us",
    "fr": "fr-fr",
}
VOICES, SPEAKERS = 24, 12  # a gender
TAKES, SENTENCES_A_TAKE, FOLDS = 4, 3, 4
LEVELS_DB = (-32.0, -16.0)
PITCH = 50  # espeak-ng's middle: the variant alone sets the pitch


def voices() -> dict[str, list[Variant]]:
    """Gender -> its voices; the first twelve are the speakers."""
    return {g: draw(g, VOICES, VOICES_SEEDS.start + i) for i, g in enumerate(("female", "male"))}


def sentences(language: str, take: int, turn: int) -> tuple[str, str]:
    """Two of the three sentences of a take (0 to 3), in the order that it is the turn of."""
    own = HELD_OUT[WRITTEN.get(language, language)][take * SENTENCES_A_TAKE :][:SENTENCES_A_TAKE]
    orders = [*permutations(own, 2)]
    return orders[turn % len(orders)]


def clip(voice: Variant, number: int, language: str, take: int) -> tuple[Row, Samples]:
    """One take of a voice, the `number`-th of its gender, while the voice is installed."""
    which = (voice.gender == "male", number, list(TAXONOMY).index(language), take)
    rng = np.random.default_rng([VOICES_SEEDS.start, *which])
    text = " ".join(f"{s}." for s in sentences(language, take, number))
    sound = speak(text, SPOKEN.get(language, language), voice.name, PITCH, voice.rate)
    at = int(rng.integers(0, len(sound) - TASK_SAMPLES))
    row: Row = {
        "clip": f"voices/{voice.name}-{language}-{take + 1}.ogg",
        "language": language,
        "gender": voice.gender,
        "voice": voice.name,
        "speaker": voice.name if number < SPEAKERS else "",
        "text": text,
        "fold": 1 + number % FOLDS,
        "speaker_fold": 1 + take,
    }
    return row, level(sound[at : at + TASK_SAMPLES], rng.uniform(*LEVELS_DB))


def clips() -> Iterator[tuple[Row, Samples]]:
    """24 speakers x 6 languages x 4 takes and 24 voices x 6 languages x 1; six women and six men a fold."""
    for people in voices().values():
        for number, voice in enumerate(people):
            # A voice with one take says what some take of the speakers says, not always that of its own fold.
            takes = range(TAKES) if number < SPEAKERS else [(number + number // FOLDS) % TAKES]
            with installed([voice]):
                made = [clip(voice, number, language, take) for language in TAXONOMY for take in takes]
            yield from made
