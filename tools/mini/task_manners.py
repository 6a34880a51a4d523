"""The task `manners`, after CREMA-D: in which manner a sentence is spoken.

48 voices, 24 women and 24 men, each in six manners on the plane of arousal and valence. A manner moves pitch,
its range, tempo, loudness, spectral tilt, breath, roughness and tremor of a voice; every clip strays from its
manner, so that no single cue tells it. Loudness is a cue here. Which of twelve sentences is spoken tells
nothing of manner or gender.

How independent the voices are: not as 48 people. Behind them are the recordings of four (rms, slt, awb and
kal16 of flite); from each come twelve voices, six of either gender, by another pitch, throat, tempo and voice
quality (`psola.py`). A fold holds the twelve voices of one of the four, so that a test never meets the
diction of a person heard in fitting. An interval over voices is too narrow for claims about people.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import soundfile
from dsp import SR, Samples, band, level
from psola import Contour, breathe, contour, respeak, tilt, tremble
from scipy.stats import qmc
from sources import MANNERS_SEEDS, TASK_SAMPLES
from texts import MANNERS as SENTENCES

Row = dict[str, object]


@dataclass(frozen=True)
class Base:
    """A voice of flite: between which frequencies in Hz it speaks; its formants, those of a man as 1."""

    hz: tuple[float, float]
    throat: float


@dataclass(frozen=True)
class Voice:
    """A speaker: a base and what is changed about it."""

    name: str
    gender: str
    base: str
    place: int  # 0 to 5 among the voices of the base and gender
    hz: float  # median pitch
    throat: float  # formants against those of a man
    rate: float  # tempo against the base
    range_st: float  # deviation of the pitch in semitones
    level_db: float
    tilt_db: float  # an octave
    breath: float  # 0 to 1


@dataclass(frozen=True)
class Manner:
    """What a manner adds to a voice, or multiplies in it (range, rate)."""

    arousal: str
    pitch_st: float
    range: float
    rate: float
    level_db: float
    tilt_db: float
    breath: float
    rough: float
    tremor: float


BASES = {
    "rms": Base((60, 180), 1.0),
    "slt": Base((110, 280), 1.14),
    "awb": Base((80, 220), 1.0),
    "kal16": Base((60, 180), 1.0),
}
MANNERS = {
    #                     pitch range  rate  level  tilt breath rough tremor
    "neutral": Manner("low", 0.0, 1.00, 1.00, 0.0, 0.0, 0.00, 0.006, 0.00),
    "calm": Manner("low", -1.0, 0.75, 0.86, -3.5, -1.0, 0.10, 0.002, 0.00),
    "sad": Manner("low", -2.0, 0.60, 0.82, -5.5, -2.0, 0.30, 0.010, 0.01),
    "glad": Manner("high", 3.5, 1.60, 1.08, 2.5, 1.5, 0.00, 0.004, 0.00),
    "angry": Manner("high", 3.0, 1.40, 1.15, 5.0, 2.5, 0.00, 0.030, 0.00),
    "afraid": Manner("high", 5.0, 0.95, 1.20, 0.0, 0.5, 0.20, 0.018, 0.04),
}
TAXONOMY = {name: manner.arousal for name, manner in MANNERS.items()}
# Deviation of a clip from its manner, in the units above (range and rate as a part of themselves).
STRAY = {
    "pitch_st": 1.3,
    "range": 0.2,
    "rate": 0.06,
    "level_db": 2.0,
    "tilt_db": 1.0,
    "breath": 0.08,
    "rough": 0.3,
}
OFFSETS_DB = (-8.0, 6.0)
GENDERS = ("female", "male")
PITCH_HZ = {"female": (150.0, 235.0), "male": (88.0, 160.0)}
THROAT = {"female": (1.03, 1.20), "male": (0.92, 1.06)}
VOICES = 24  # a gender
TOP_HZ = 6_500.0  # over this, the moved formants would tell their direction by an empty or folded band


def voices() -> list[Voice]:
    """48 voices, six women and six men of each base; spread evenly along every parameter, for each gender."""
    found = []
    for g, gender in enumerate(GENDERS):
        points = qmc.LatinHypercube(7, rng=np.random.default_rng(MANNERS_SEEDS.start + g)).random(VOICES)
        for k, (pitch, throat, *rest) in enumerate(points.tolist()):
            (low, high), (small, large) = PITCH_HZ[gender], THROAT[gender]
            base, place = [*BASES][k % len(BASES)], k // len(BASES)
            lows, highs = np.array([0.94, 1.6, -28.0, -1.0, 0.0]), np.array([1.1, 2.6, -20.0, 1.0, 0.2])
            quality = (lows + (highs - lows) * rest).tolist()
            hz = low * (high / low) ** pitch
            name = f"{base}-{gender}-{place + 1}"
            found.append(Voice(name, gender, base, place, hz, small + (large - small) * throat, *quality))
    return found


def sentence(voice: Voice, manner: str) -> str:
    """What the voice says in a manner: over the voices, every sentence comes equally often in each."""
    turn = [*BASES].index(voice.base) + GENDERS.index(voice.gender)
    return SENTENCES[(voice.place + 2 * [*MANNERS].index(manner) + 6 * turn) % len(SENTENCES)]


def stray(manner: Manner, rng: np.random.Generator) -> Manner:
    """The manner as one clip has it."""
    z = {name: deviation * rng.standard_normal() for name, deviation in STRAY.items()}
    return Manner(
        manner.arousal,
        manner.pitch_st + z["pitch_st"],
        manner.range * np.exp(z["range"]),
        manner.rate * np.exp(z["rate"]),
        float(np.clip(manner.level_db + z["level_db"], *OFFSETS_DB)),
        manner.tilt_db + z["tilt_db"],
        manner.breath + z["breath"],
        manner.rough * np.exp(z["rough"]),
        manner.tremor * rng.uniform(0.5, 1.5),
    )


def flite(text: str, base: str, rate: float) -> Samples:
    """What flite says, at 16 kHz and without the silence around it.

    Raises:
        subprocess.CalledProcessError: flite failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "said.wav")
        stretch = ["--setf", f"duration_stretch={1 / rate:.4f}"]
        subprocess.run(["flite", "-voice", base, *stretch, "-t", text, "-o", path], check=True)
        sound, rate_hz = soundfile.read(path)
    if rate_hz != SR:
        raise ValueError(f"flite's voice {base} speaks at {rate_hz} Hz; expected {SR}")
    return librosa.effects.trim(sound, top_db=35)[0]


def intonation(pitch: Contour, voice: Voice, manner: Manner, rng: np.random.Generator) -> Samples:
    """The pitch in Hz of every sample: the contour of the base, moved and stretched to voice and manner."""
    contour_st = 12 * np.log2(pitch.hz)
    own = contour_st[pitch.voiced]
    around = (contour_st - np.median(own)) / own.std() * voice.range_st * manner.range
    hz = voice.hz * 2 ** ((manner.pitch_st + np.clip(around, -9, 9)) / 12)
    return tremble(hz, manner.tremor, rng.uniform(5, 9))


def clip(voice: Voice, manner: str) -> tuple[Row, Samples]:
    """A voice's sentence in a manner."""
    which = (GENDERS.index(voice.gender), [*BASES].index(voice.base), voice.place, [*MANNERS].index(manner))
    rng = np.random.default_rng([MANNERS_SEEDS.start, *which])
    base, this, text = BASES[voice.base], stray(MANNERS[manner], rng), sentence(voice, manner)
    x = flite(text, voice.base, voice.rate * this.rate)
    pitch = contour(x, *base.hz)
    x = respeak(x, pitch, intonation(pitch, voice, this, rng), voice.throat / base.throat, this.rough, rng)
    x = breathe(x, float(np.clip(voice.breath + this.breath, 0, 0.8)), rng)
    x = band(tilt(x, voice.tilt_db + this.tilt_db), 40, TOP_HZ, order=4)
    at = int(rng.integers(0, len(x) - TASK_SAMPLES))
    row: Row = {"clip": f"manners/{voice.name}-{manner}.ogg", "manner": manner, "gender": voice.gender}
    row |= {"voice": voice.name, "base": voice.base, "text": text, "fold": 1 + which[1]}
    return row, level(x[at : at + TASK_SAMPLES], voice.level_db + this.level_db)


def clips() -> Iterator[tuple[Row, Samples]]:
    """48 voices x 6 manners; a fold holds the voices of one base, six women and six men."""
    for voice in voices():
        yield from (clip(voice, manner) for manner in MANNERS)
