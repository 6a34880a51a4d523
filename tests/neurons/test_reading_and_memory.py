"""How often a recording is read, and how much memory that takes: what keeps real sizes affordable.

Nothing here is timed; `benchmarks/evidence.py` is what says how long things take.
"""

import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otoscope.neurons import chance, excess, probability, rates, select
from otoscope.neurons.chance import permuted_tables
from otoscope.neurons.designs import design_of
from otoscope.neurons.meaning.following import rank_correlations
from otoscope.neurons.probability import class_probabilities, labelled_clips

CLIPS, NEURONS, CLASSES = 400, 4096, 8
WHOLE = CLIPS * NEURONS * 8  # bytes of a copy of all counts in double precision


class CountingStore:
    """A store that remembers how often each neuron was read."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.read: Counter[int] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def counts(self, neurons: slice, clips: slice = slice(None)) -> np.ndarray:
        self.read.update(range(NEURONS)[neurons])
        return self.store.counts(neurons, clips)

    def passes(self) -> set[int]:
        """How often the neurons were read: {2} if each was read twice."""
        found = {self.read[neuron] for neuron in range(NEURONS)}
        self.read = Counter()
        return found


@pytest.fixture(scope="module")
def fired() -> np.ndarray:
    return np.random.default_rng(0).binomial(100, 0.3, (CLIPS, NEURONS)).astype(np.uint16)


@pytest.fixture
def store(fired: np.ndarray, store_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> CountingStore:
    """More neurons than a block holds, as in a real recording."""
    monkeypatch.setattr(probability, "_BLOCK_BYTES", 512 * 4 * CLIPS)
    monkeypatch.setattr(rates, "_BLOCK_BYTES", 512 * 4 * CLIPS)
    labels = np.repeat([f"k{k}" for k in range(CLASSES)], CLIPS // CLASSES)
    return CountingStore(store_of(fired, [100] * CLIPS, labels))


def tables(store: CountingStore, permutations: int) -> list[np.ndarray]:
    clips = labelled_clips(store, "kind")
    design = design_of(clips.membership, clips.groups, name=None, label="kind")
    return list(permuted_tables(store, clips, design, "token", permutations, 0))


def peak(run: Callable[[], Any]) -> int:
    """Most bytes that a call held at a time."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_selection_reads_every_count_once(store: CountingStore) -> None:
    select(store, "kind", preset="aape", permutations=0)
    assert store.passes() == {1}


@pytest.mark.parametrize(("batch", "passes"), [(20, 1), (10, 2), (7, 3), (1, 20)])
def test_permutations_read_every_count_once_a_batch(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch, batch: int, passes: int
) -> None:
    monkeypatch.setattr(chance, "_TABLE_BYTES", batch * 4 * CLASSES * NEURONS)
    tables(store, 20)
    assert store.passes() == {passes}


def test_batches_change_nothing(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    together = tables(store, 5)
    monkeypatch.setattr(chance, "_TABLE_BYTES", 2 * 4 * CLASSES * NEURONS)
    np.testing.assert_array_equal(tables(store, 5), together)


def test_the_default_batch_of_permutations_at_full_size_is_more_than_thirty() -> None:
    assert chance._TABLE_BYTES // (4 * 50 * 36_864) >= 30  # so 1,000 permutations read a store 33 times or so


@pytest.mark.parametrize("permutations", [0, 5])
def test_specific_reads_every_count_twice_whatever_the_permutations(
    store: CountingStore, permutations: int
) -> None:
    select(store, "kind", permutations=permutations, twins=False)
    found = store.passes()
    # The chunks that hold a neuron which stands are read again, for its effect and for its interval.
    assert min(found) >= 2
    assert max(found) <= 4


def test_correlations_read_every_count_once(store: CountingStore) -> None:
    rank_correlations(store, pd.DataFrame({"a": np.arange(CLIPS), "b": np.arange(CLIPS) % 7}))
    assert store.passes() == {1}


def test_a_selection_holds_no_copy_of_the_counts(store: CountingStore) -> None:
    """Blocks of 512 neurons, and tables of (classes, neurons): less than a quarter of a copy."""
    assert peak(lambda: select(store, "kind", preset="aape", permutations=0)) < WHOLE / 4


def test_permutations_hold_a_batch_of_tables_and_a_block(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory that more permutations take is that of the selectivity of each neuron: 4 bytes."""
    monkeypatch.setattr(chance, "_TABLE_BYTES", 10 * 4 * CLASSES * NEURONS)
    monkeypatch.setattr(excess, "_BLOCK_BYTES", 100_000)
    few, many = (
        peak(lambda number=number: select(store, "kind", preset="aape", permutations=number))
        for number in (20, 60)
    )
    assert few < WHOLE / 2
    assert many - few < 40 * NEURONS * 4 * 2


def test_specific_holds_no_copy_of_the_counts(store: CountingStore) -> None:
    assert peak(lambda: select(store, "kind", permutations=0, twins=False)) < WHOLE


def test_correlations_hold_a_few_blocks(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otoscope.neurons.meaning.following.BLOCK", 256)
    descriptors = pd.DataFrame(np.random.default_rng(1).random((CLIPS, 20)))
    # Ranks are sorted in double precision: some seven arrays of a block of 256 neurons, and the results.
    assert peak(lambda: rank_correlations(store, descriptors)) < 10 * CLIPS * 256 * 8 + 2 * NEURONS * 20 * 8


def test_sums_of_classes_are_read_in_blocks_and_stay_whole_numbers(store: CountingStore) -> None:
    clips = labelled_clips(store, "kind")
    p = class_probabilities(store, clips, "token")
    np.testing.assert_array_equal(
        p, (clips.membership.T.astype(int) @ store.fired.astype(int)) / (100 * CLIPS // CLASSES)
    )
