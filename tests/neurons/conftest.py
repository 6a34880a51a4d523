"""A recording held in memory, and tasks small enough to work out on paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otoscope.tasks import Labeling


@dataclass
class MemoryStore:
    """The part of a store that the neurons' room reads."""

    fired: np.ndarray  # (clips, neurons)
    by_layer: np.ndarray  # tokens, (clips, layers), or (clips, 1) where all layers have the same
    clips: pd.DataFrame
    labelings: dict[str, Labeling]
    layers: tuple[Any, ...]
    info: dict[str, Any] = field(
        default_factory=lambda: {"model": {"name": "toy", "fingerprint": "f"}, "task": {"name": "t"}}
    )

    @property
    def tokens(self) -> np.ndarray:
        return self.by_layer[:, 0]

    @property
    def layer_tokens(self) -> np.ndarray:
        return np.broadcast_to(self.by_layer, (len(self.clips), len(self.layers)))

    def labeling(self, name: str) -> Labeling:
        return self.labelings[name]

    def counts(self, neurons: slice, clips: slice = slice(None)) -> np.ndarray:
        return self.fired[clips, neurons]


def make_store(
    fired: Any,
    tokens: Any,
    labels: Sequence[Any],
    *,
    groups: Sequence[Any] | None = None,
    units: Sequence[int] | None = None,
    multilabel: bool = False,
    task: str = "t",
) -> MemoryStore:
    fired = np.asarray(fired, dtype=np.uint16)
    clips = pd.DataFrame({"clip": [f"c{i}" for i in range(len(fired))], "kind": labels})
    if groups is not None:
        clips["voice"] = groups
    labeling = Labeling.of(clips, "kind", multilabel=multilabel, group=None if groups is None else "voice")
    layers = tuple(SimpleNamespace(units=n) for n in units or [fired.shape[1]])
    store = MemoryStore(fired, np.asarray(tokens).reshape(len(fired), -1), clips, {"kind": labeling}, layers)
    store.info["task"]["name"] = task
    return store


@pytest.fixture
def store_of() -> Callable[..., MemoryStore]:
    return make_store


@pytest.fixture(scope="session")
def store_of_any() -> Callable[..., MemoryStore]:
    """The same, for tests that hypothesis repeats."""
    return make_store
