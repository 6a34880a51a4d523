"""Voices of our own for espeak-ng: variant files with drawn formants, pitch and voice quality.

espeak-ng's installed variants are few, and training speaks with many of them. A variant is only a short text
file, so the task `voices` brings its own: a stratified draw (Latin hypercube) for each gender, which spreads
its voices evenly along every parameter. Women and men overlap somewhat in pitch and formants, fully in the
rest.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import qmc

# Mean pitch in Hz, and scale of the formants against espeak-ng's own voice, a man.
PITCH_HZ = {"female": (145.0, 245.0), "male": (85.0, 165.0)}
SCALE = {"female": (1.03, 1.22), "male": (0.85, 1.07)}
RATE = (140, 190)  # words a minute
FORMANTS = 9  # espeak-ng counts them from 0, which lies under the first
OF_ITS_OWN = 0.07  # how far a single formant may lie from the scale of its voice


@dataclass(frozen=True)
class Variant:
    """A voice: its name, its gender, its words a minute and the lines of its file."""

    name: str
    gender: str
    rate: int
    file: str


def draw(gender: str, count: int, seed: int) -> list[Variant]:
    """`count` voices of a gender, named female-01 and so on; the same for the same seed."""
    points = qmc.LatinHypercube(12 + 3 * FORMANTS, rng=np.random.default_rng(seed)).random(count)
    return [_variant(f"{gender}-{k:02d}", gender, point) for k, point in enumerate(points, 1)]


def _variant(name: str, gender: str, point: np.ndarray) -> Variant:
    """The voice at a point of the unit cube."""
    first, formants = point[:12].tolist(), point[12:].reshape(FORMANTS, 3)
    (low, high), (small, large) = PITCH_HZ[gender], SCALE[gender]
    mean, spread = low * (high / low) ** first[0], _between(1.12, 1.28, first[1])
    scale, slope = small * (large / small) ** first[2], _between(-0.35, 0.35, first[3])
    stress = _between(-15, 15, first[10])
    breath = max(0.0, _between(-6, 8, first[4]))  # two voices of five have none
    lines = [
        "language variant",
        f"name {name}",
        f"gender {gender}",
        f"pitch {mean / spread:.0f} {mean * spread:.0f}",
        f"flutter {_between(0, 8, first[5]):.0f}",
        f"roughness {_between(0, 4, first[6]):.0f}",
        f"voicing {_between(70, 120, first[7]):.0f}",
        f"consonants {_between(75, 125, first[8]):.0f} {_between(75, 125, first[9]):.0f}",
        f"breath 0 {' '.join(f'{breath * part:.0f}' for part in (0.7, 1, 1, 1, 1, 1, 0.7))}",
        f"stressAdd 0 0 {' '.join(f'{stress * part:.0f}' for part in (-1, -1, 0, 0, 1, 3))}",
        # Amplitude from low to high frequencies: steeper is a darker voice.
        f"tone 600 {170 * (1 + slope / 3):.0f} 1200 {135 * (1 - slope / 2):.0f} 2000 {110 * (1 - slope):.0f}",
    ]
    for number, (place, strength, width) in enumerate(formants.tolist()):
        frequency = scale * _between(1 - OF_ITS_OWN, 1 + OF_ITS_OWN, place)
        parts = (frequency, _between(0.7, 1.15, strength), _between(0.8, 1.5, width))
        lines.append(f"formant {number} {' '.join(f'{100 * part:.0f}' for part in parts)}")
    return Variant(name, gender, round(_between(*RATE, first[11])), "\n".join(lines) + "\n")


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part


def espeak_data() -> Path:
    """Where espeak-ng's own data lie."""
    about = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    return Path(about.split("Data at:")[1].strip())


@contextmanager
def installed(variants: Iterable[Variant]) -> Iterator[None]:
    """Inside the block espeak-ng knows these voices and no other variant.

    Its data are linked into a temporary directory, to which ESPEAK_DATA_PATH points until the block ends.
    """
    before = os.environ.get("ESPEAK_DATA_PATH")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "espeak-ng-data"
        (data / "voices" / "!v").mkdir(parents=True)
        for path in espeak_data().iterdir():
            if path.name != "voices":
                (data / path.name).symlink_to(path)
        for variant in variants:
            (data / "voices" / "!v" / variant.name).write_text(variant.file)
        os.environ["ESPEAK_DATA_PATH"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["ESPEAK_DATA_PATH"]
            else:
                os.environ["ESPEAK_DATA_PATH"] = before
