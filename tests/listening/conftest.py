"""A planted toy, recorded with its sound on disk: where and when each neuron fires is known."""

import numpy as np
import pandas as pd
import pytest

from otoscope.activations import record
from otoscope.listening import Card, Example, Heard, Mel, Profile
from otoscope.neurons import planted

SETTINGS = {"classes": 3, "detectors": 2, "units": 120, "design": "crossed", "groups": 6, "clips": 3}


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("clips"), **SETTINGS)


@pytest.fixture(scope="session")
def store(toy, tmp_path_factory):
    return record(toy.model, toy.task, tmp_path_factory.mktemp("store") / "toy.zarr")


@pytest.fixture(scope="session")
def detectors(toy):
    """The planted neurons: (layer, unit) and the class of each."""
    return [((row.layer, row.unit), row.category) for row in toy.truth.itertuples()]


def heard(activation, seconds=2.0):
    """A clip of two bands by four columns of tokens."""
    grid = pd.DataFrame(
        [
            (4 * row + column, column / 2, (column + 1) / 2, low, high, row, column)
            for row, (low, high) in enumerate([(0.0, 1000.0), (1000.0, 8000.0)])
            for column in range(4)
        ],
        columns=["token", "start_s", "stop_s", "low_hz", "high_hz", "row", "column"],
    )
    mel = Mel(np.arange(80, dtype=np.uint8).reshape(8, 10), seconds, 0.0, 8000.0)
    samples = np.zeros(int(8000 * seconds), np.float32)
    return Heard(
        8000, samples, seconds, mel, np.asarray(activation, np.float32), grid, ((0.5, 1.0),), (0.25, 1.25)
    )


@pytest.fixture
def make_card():
    """A card that shows everything, with whatever is given in place of its own."""
    table = pd.DataFrame(
        {
            "category": ["dog", "cat", "cow"],
            "clips": [4, 1, 5],
            "probability": [0.1, 0.4, 0.02],
            "low": [0.05, 0.05, 0.05],
            "high": [0.2, 0.2, 0.2],
        }
    )
    one = Example(
        "share", "a.wav", 0, {"animal": "cat"}, 0.25, 2, 8, 2.0, "", heard([0, 2, 0, 0, 0, 0, 0, 1])
    )
    moved = Example("peak", "b.wav", 1, {"animal": "dog"}, 0.1, 1, 10, 4.0, "b.wav is not there any more")
    silent = Example("least", "c.wav", 2, {"animal": ""}, 0.0, 0, 8, -0.5, "", heard([-1] * 8))
    fields = {
        "store": "toy.zarr",
        "model": "toy",
        "task": "zoo",
        "layer": 7,
        "unit": 1157,
        "layer_name": "blocks.7.mlp.act",
        "layers": 12,
        "firing": 0.1,
        "clips_firing": 2,
        "clips": 10,
        "sentences": ("It fires on 10 % of all tokens.",),
        "found": pd.DataFrame(
            {
                "label": ["animal"],
                "preset": ["aape"],
                "category": ["cat"],
                "probability": [0.4],
                "entropy": [0.5],
            }
        ),
        "profiles": (Profile("animal", 0.6, 1.0986, table, "Band: 95 % of 200 permutations."),),
        "examples": (one, moved, silent),
        "follows": pd.DataFrame({"descriptor": ["loudness"], "rho": [-0.5], "follows": [""]}),
        "follows_note": "Spearman's correlation over clips.",
        "nearest": pd.DataFrame({"layer": [3], "unit": [4], "address": ["3.4"], "cosine": [0.9]}),
    }
    return lambda **given: Card(**(fields | given))
