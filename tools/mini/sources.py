"""What training hears: its voices, instruments, texts and seeds, and the seeds of the seven held-out tasks.

`training.parquet` says of every training clip where it comes from; tests compare it with the tasks.
`check_disjoint` runs before a clip is written.
"""

from __future__ import annotations

import re
from itertools import chain, pairwise

from texts import HELD_OUT, MANNERS, TRAINING

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

# espeak-ng's own voice variants; the task `voices` has variants of ours.
TRAINING_VOICES = (
    *("Annie", "f1", "f3", "grandma", "shelby", "zac"),
    *("m1", "m2", "m4", "m5", "m6", "m8", "Alex", "Gene", "Jacky", "Lee", "Marco", "Mario", "Mike", "Diogo"),
    *("quincy", "paul", "victor", "sandro", "robert", "marcelo", "norbert", "pedro", "grandpa", "ed"),
    *("kaukovalta", "iven", "croak", "UniRobot", "klatt2", "klatt4"),
)
# ---- instruments: General MIDI programs (counted from 0) of FluidR3 --------------------------------------
# Groups are the broad labels; they are coarser than, and cut across, the families of the task `notes`.
TRAINING_PROGRAMS: dict[str, tuple[int, ...]] = {
    "music-struck": (2, 5, 9, 10, 13, 15, 47, 108, 112, 114),
    "music-plucked": (27, 29, 31, 32, 33, 34, 35, 36, 37, 45, 46, 104, 105, 106, 107),
    "music-sustained": (18, 21, 22, 23, 44, 48, 49, 50, 51, 52, 53, 54, 109),
    "music-blown": (59, 61, 62, 63, 64, 66, 68, 70, 74, 76, 77, 78, 111),
    "music-synthetic": (38, 39, 80, 81, 82, 86, 87, 88, 89, 91, 92, 94, 95),
}
TASK_OCTAVES = (2, 3, 4, 5, 6)  # octave 4 holds middle C (MIDI 60 to 71)
# Above these MIDI pitches FluidR3 has no sample for the program: it would be silent.
HIGHEST_PITCH = {40: 93, 43: 57, 58: 72, 65: 84, 67: 72, 69: 85}


def shared_phrases() -> set[str]:
    """Runs of three words that a training text and a sentence of a task share (there are none)."""

    def runs(text: str) -> set[str]:
        words = re.findall(r"[^\W\d_]+", text.lower())
        return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)}

    trained = set().union(*map(runs, TRAINING.values()))
    said = [*chain.from_iterable(HELD_OUT.values()), *MANNERS]
    return trained & set().union(*map(runs, said))


def check_disjoint() -> None:
    """Refuse to render when a source stands on both sides of the split.

    Raises:
        ValueError: naming the sources that are shared.
    """
    if phrases := shared_phrases():
        raise ValueError(f"phrases in training and held out: {sorted(phrases)}")
    tasks = (EVENTS_SEEDS, NOTES_SEEDS, VOICES_SEEDS, EFFECTS_SEEDS, SYNTH_SEEDS, MANNERS_SEEDS, GENRES_SEEDS)
    ranges = sorted((TRAINING_SEEDS, *tasks), key=lambda r: r.start)
    if any(a.stop > b.start for a, b in pairwise(ranges)):
        raise ValueError(f"seed ranges overlap: {ranges}")
