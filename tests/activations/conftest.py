"""Toy sounds, a toy model and toy tasks."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from otoscope.tasks import Labeling, Task

HERE = Path(__file__).parent
if str(HERE) not in sys.path:  # worker processes get it from here
    sys.path.insert(0, str(HERE))

from toy_audio_model import FRAME, RATE, ToyModel  # noqa: E402


def noise(samples, seed):
    return np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)


@pytest.fixture
def write_clips(tmp_path):
    """Write clips of so many samples each, and make a task of them."""

    def write(lengths, seconds=None, name="toy", folder="sounds"):
        where = tmp_path / folder
        where.mkdir(exist_ok=True)
        paths = []
        for index, samples in enumerate(lengths):
            path = where / f"{index:04d}.wav"
            soundfile.write(path, noise(samples, index), RATE, subtype="FLOAT")
            paths.append(str(path))
        clips = pd.DataFrame(
            {
                "clip": [f"{index:04d}.wav" for index in range(len(lengths))],
                "path": paths,
                "kind": ["even" if index % 2 == 0 else "odd" for index in range(len(lengths))],
            }
        )
        labelings = (Labeling("kind", "kind", ("even", "odd")),) if len(lengths) > 1 else ()
        return Task(name, clips, labelings, seconds=seconds)

    return write


@pytest.fixture
def model():
    return ToyModel()


@pytest.fixture
def task(write_clips):
    """Six clips of three lengths, one of them of several chunks."""
    return write_clips([10 * FRAME, 10 * FRAME, 17 * FRAME, 10 * FRAME, 65 * FRAME, 17 * FRAME])
