"""A small network whose loud units are known, and clips for it."""

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.audio import Waveform
from otoscope.interventions.controls.pilot import Pilot
from otoscope.interventions.running import Batch
from otoscope.models import wrap

UNITS, LOUD = 60, range(20)


def network(loud=LOUD, factor=8.0):
    """Two layers of units that all hear noise alike; what is loud in the first is passed on more strongly."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Unflatten(1, (-1, 160)),
        nn.Linear(160, UNITS),
        nn.GELU(),
        nn.Linear(UNITS, UNITS),
        nn.GELU(),
        nn.Linear(UNITS, 12),
    ).eval()
    with torch.no_grad():
        net[3].weight[:, list(loud)] *= factor
    return net


def pilot_of(net, clips=6):
    model = wrap(net, ["2", "4"], sample_rate=16000)
    random = np.random.default_rng(1)
    sounds = [Waveform(random.normal(0, 1, 1600).astype(np.float32), 1600) for _ in range(clips)]
    batches = [Batch((0, 1, 2), tuple(sounds[:3])), Batch((3, 4, 5), tuple(sounds[3:]))]
    return Pilot(model, batches, np.full(12, 2.0), seed=0)


@pytest.fixture(scope="session")
def make_network():
    return network


@pytest.fixture(scope="session")
def make_pilot():
    return lambda **loud: pilot_of(network(**loud))


@pytest.fixture(scope="session")
def pilot(make_pilot):
    return make_pilot()
