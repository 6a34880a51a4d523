"""Real files of 0.1 s for tiny copies of the official layouts."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope import audio

EMOTIONS = ("ANG", "HAP", "SAD")
HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # the layouts of the data sets are modules of their own
    sys.path.insert(0, HERE)


@pytest.fixture
def wav():
    """Write a tone; every call a different one, so that no two files are alike."""
    counter = iter(range(10_000))

    def write(path, rate=16000, seconds=0.1, channels=1):
        path.parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin(np.arange(round(seconds * rate)) * (0.05 + 0.01 * next(counter)))
        audio.write(path, np.stack([wave] * channels, axis=1), rate)
        return path

    return write


@pytest.fixture
def layout(tmp_path, wav):
    """Make a data set's tiny copy: layout("esc50") returns its folder."""
    from test_contract import LAYOUTS

    return lambda name: LAYOUTS[name].build(tmp_path, wav)


@pytest.fixture
def sounds(layout):
    """Two classes of one's own; every suffix, several rates, and what a computer leaves behind."""
    return layout("folder")


@pytest.fixture
def evar(tmp_path, wav):
    """EVAR's cremad.csv beside its flat audio folder; the last row is of no split."""
    root = tmp_path / "evar"
    rows = []
    for actor, split in (("1002", "train"), ("1003", "train"), ("1009", "valid"), ("1001", "test")):
        for emotion in EMOTIONS:
            name = f"{actor}_DFA_{emotion}_XX.wav"
            wav(root / "16k" / "cremad" / name)
            rows.append((name, emotion, actor, split))
    rows.append(("1003_TAI_ANG_XX.wav", "ANG", "1003", ""))
    table = pd.DataFrame(rows, columns=["file_name", "label", "speaker_id", "split"])
    table.to_csv(root / "cremad.csv", index=False)
    return root
