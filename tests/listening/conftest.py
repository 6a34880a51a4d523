"""A planted toy, recorded with its sound on disk: where and when each neuron fires is known."""

import pytest

from otoscope.activations import record
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
