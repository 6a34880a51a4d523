"""Who is heard where: the split of all sources between training audio and the three held-out tasks.

Both renderers take their voices, instruments, texts and seeds from here and nowhere else. `check_disjoint`
runs before either writes a clip: that the models never heard a source of the tasks is a property of the code.
"""

from __future__ import annotations

import re
from itertools import pairwise

from texts import HELD_OUT, TRAINING

SAMPLE_RATE = 16_000
TRAINING_SAMPLES = 33_280  # 2.08 s: at least 208 frames with a hop of 160
TASK_SAMPLES = 32_000  # 2.0 s

# ---- seeds: disjoint ranges -------------------------------------------------------------------------------
TRAINING_SEEDS = range(1_000_000_000)
EVENTS_SEEDS = range(1_000_000_000, 1_100_000_000)
NOTES_SEEDS = range(1_100_000_000, 1_200_000_000)
VOICES_SEEDS = range(1_200_000_000, 1_300_000_000)
EFFECTS_SEEDS = range(1_300_000_000, 1_400_000_000)
SYNTH_SEEDS = range(1_400_000_000, 1_500_000_000)
MANNERS_SEEDS = range(1_500_000_000, 1_600_000_000)
GENRES_SEEDS = range(1_600_000_000, 1_700_000_000)

# ---- speech ---------------------------------------------------------------------------------------------
# Language branches are the broad labels of training; a language itself never is one.
BRANCHES: dict[str, tuple[str, ...]] = {
    "speech-germanic": ("en-us", "de", "nl", "sv", "da", "is"),
    "speech-romance": ("es", "fr-fr", "it", "pt", "ro", "ca"),
    "speech-slavic": ("ru", "pl", "cs", "bg", "hr"),
    "speech-indo-iranian": ("hi", "bn", "fa", "mr"),
    "speech-uralic": ("fi", "hu", "et"),
    "speech-turkic": ("tr", "az", "kk"),
    "speech-east-asian": ("cmn", "ja", "ko", "vi"),
    "speech-other": ("el", "lt", "cy", "eu", "id", "sw", "ar"),
}

# espeak-ng voice variants. Those that resemble a held-out one (anikaRobot, aunty, steph2, whisperf ...) are
# in neither list.
TRAINING_VOICES = (
    *("Annie", "f1", "f3", "grandma", "shelby", "zac"),
    *("m1", "m2", "m4", "m5", "m6", "m8", "Alex", "Gene", "Jacky", "Lee", "Marco", "Mario", "Mike", "Diogo"),
    *("quincy", "paul", "victor", "sandro", "robert", "marcelo", "norbert", "pedro", "grandpa", "ed"),
    *("kaukovalta", "iven", "croak", "UniRobot", "klatt2", "klatt4"),
)
# Held-out speakers: variant -> (pitch 0-99, words a minute), fixed for good.
FEMALE_SPEAKERS = {
    "Alicia": (42, 168), "Andrea": (50, 150), "anika": (38, 182), "belinda": (55, 160),
    "f2": (46, 175), "f4": (58, 145), "f5": (36, 158), "steph": (52, 190),
}  # fmt: skip
MALE_SPEAKERS = {
    "Andy": (44, 160), "Denis": (54, 172), "Storm": (40, 150), "antonio": (58, 185),
    "m3": (36, 165), "m7": (62, 155), "pablo": (48, 178), "travis": (52, 145),
}  # fmt: skip
TASK_LANGUAGES = ("de", "en-us", "es", "fr-fr", "it", "ru")

# ---- instruments: General MIDI programs (counted from 0) of FluidR3 --------------------------------------
# Groups are the broad labels; they are coarser than, and cut across, the families of the held-out task.
TRAINING_PROGRAMS: dict[str, tuple[int, ...]] = {
    "music-struck": (2, 5, 9, 10, 13, 15, 47, 108, 112, 114),
    "music-plucked": (27, 29, 31, 32, 33, 34, 35, 36, 37, 45, 46, 104, 105, 106, 107),
    "music-sustained": (18, 21, 22, 23, 44, 48, 49, 50, 51, 52, 53, 54, 109),
    "music-blown": (59, 61, 62, 63, 64, 66, 68, 70, 74, 76, 77, 78, 111),
    "music-synthetic": (38, 39, 80, 81, 82, 86, 87, 88, 89, 91, 92, 94, 95),
}
# Held-out families, four programs each. No held-out program shares a sample of the soundfont with a training
# program (that is why 1 and 3, which reuse the piano of 0, or 84, 98, 99 and 110 appear nowhere).
TASK_PROGRAMS: dict[str, dict[int, str]] = {
    "keyboard": {0: "grand-piano", 4: "rhodes", 6: "harpsichord", 7: "clavinet"},
    "mallet": {8: "celesta", 11: "vibraphone", 12: "marimba", 14: "tubular-bells"},
    "organ": {16: "drawbar-organ", 17: "percussive-organ", 19: "church-organ", 20: "reed-organ"},
    "guitar": {24: "nylon-guitar", 25: "steel-guitar", 26: "jazz-guitar", 30: "distortion-guitar"},
    "bowed": {40: "violin", 41: "viola", 42: "cello", 43: "contrabass"},
    "brass": {56: "trumpet", 57: "trombone", 58: "tuba", 60: "french-horn"},
    "reed": {65: "alto-sax", 67: "baritone-sax", 69: "english-horn", 71: "clarinet"},
    "pipe": {72: "piccolo", 73: "flute", 75: "pan-flute", 79: "ocarina"},
}
TASK_OCTAVES = (2, 3, 4, 5, 6)  # octave 4 holds middle C (MIDI 60 to 71)
# Organs that double a key one or two octaves below: semitones to play higher, so that the lowest tone that
# sounds is the one that the octave names.
SOUNDS_BELOW = {16: 24, 17: 12}
# Above these MIDI pitches the soundfont has no sample for the program: it would be silent.
HIGHEST_PITCH = {40: 93, 43: 57, 58: 72, 65: 84, 67: 72, 69: 85}


def shared_phrases() -> set[str]:
    """Runs of three words that a training text and a held-out sentence share (there are none)."""

    def runs(text: str) -> set[str]:
        words = re.findall(r"[^\W\d_]+", text.lower())
        return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)}

    trained = set().union(*map(runs, TRAINING.values()))
    return trained & set().union(*(runs(s) for sentences in HELD_OUT.values() for s in sentences))


def check_disjoint() -> None:
    """Refuse to render when a source stands on both sides of the split.

    Raises:
        ValueError: naming the sources that are shared.
    """
    held_voices = {*FEMALE_SPEAKERS, *MALE_SPEAKERS}
    if shared := held_voices & set(TRAINING_VOICES):
        raise ValueError(f"voices in training and held out: {sorted(shared)}")
    trained = {p for programs in TRAINING_PROGRAMS.values() for p in programs}
    if shared_programs := trained & {p for family in TASK_PROGRAMS.values() for p in family}:
        raise ValueError(f"programs in training and held out: {sorted(shared_programs)}")
    if phrases := shared_phrases():
        raise ValueError(f"phrases in training and held out: {sorted(phrases)}")
    tasks = (EVENTS_SEEDS, NOTES_SEEDS, VOICES_SEEDS, EFFECTS_SEEDS, SYNTH_SEEDS, MANNERS_SEEDS, GENRES_SEEDS)
    ranges = sorted((TRAINING_SEEDS, *tasks), key=lambda r: r.start)
    if any(a.stop > b.start for a, b in pairwise(ranges)):
        raise ValueError(f"seed ranges overlap: {ranges}")
