"""A planted toy, recorded: its embedding is the units' mean activation, so that every effect is known."""

import pytest

from otoscope.activations import record
from otoscope.neurons import planted

SETTINGS = {"classes": 3, "detectors": 1, "units": 100, "design": "crossed", "groups": 6, "seconds": 0.5}


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("clips"), **SETTINGS)


@pytest.fixture(scope="session")
def store(toy, tmp_path_factory):
    return record(toy.model, toy.task, tmp_path_factory.mktemp("store") / "toy.zarr")
