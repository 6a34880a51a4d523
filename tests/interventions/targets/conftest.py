"""What a choice of neurons may look at: the toy's learning clips, and a recording worked out on paper."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope.interventions.targets import Learning
from otoscope.tasks import Labeling

NEURONS = 200  # in two layers
TOKENS = 20


@dataclass
class Told:
    """A recording in memory: as much of a store as choices read."""

    fired: np.ndarray
    clips: pd.DataFrame
    layers: tuple = (SimpleNamespace(units=NEURONS // 2), SimpleNamespace(units=NEURONS // 2))
    info: dict = field(default_factory=lambda: {"model": {"name": "told", "fingerprint": "f" * 64}})

    @property
    def tokens(self):
        return np.full(len(self.clips), TOKENS)

    @property
    def layer_tokens(self):
        return np.repeat(self.tokens[:, None], len(self.layers), axis=1)

    def labeling(self, name):
        return Labeling.of(self.clips, name)

    def counts(self, neurons, clips=slice(None)):
        return self.fired[clips, neurons]


def told(*, last="as the others"):
    """Three classes of 12 clips. Neuron 0.3 fires for a and b, 1.5 for c; no other knows any class.

    The last third of the clips of each class is not for learning; there, with another `last`, neuron 0.7
    fires for a and nothing else does.
    """
    kinds = np.array(list("abc") * 12)
    fired = np.random.default_rng(0).integers(2, 8, (36, NEURONS)).astype(np.uint16)
    fired[:, 3] = 16 * (kinds != "c")
    fired[:, 105] = 15 * (kinds == "c")
    if last != "as the others":
        fired[24:] = 0
        fired[24:, 7] = TOKENS * (kinds[24:] == "a")
    return Told(fired, pd.DataFrame({"clip": [f"c{n}" for n in range(36)], "kind": kinds}))


def learning_of(store, label="kind", clips=24, seed=0):
    return Learning(store, store.labeling(label), np.arange(clips), seed)


@pytest.fixture
def paper():
    return learning_of(told())


@pytest.fixture
def other_test_clips():
    """As `paper`, but for what the clips that are not for learning hold."""
    return learning_of(told(last="another matter"))


@pytest.fixture
def silent():
    """No neuron tells a class from another."""
    store = told()
    store.fired[:] = TOKENS // 2
    return learning_of(store)


@pytest.fixture
def learning(store):
    """The toy's clips of all groups but the last."""
    rows = np.flatnonzero(store.clips["group"] != store.clips["group"].iloc[-1])
    return Learning(store, store.labeling("tone"), rows)
