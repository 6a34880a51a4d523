"""Examples, from the recording alone."""

import time

import numpy as np
import pytest

from otoscope.errors import UsageError
from otoscope.listening.card import KINDS
from otoscope.listening.examples import Column, columns_of, examples_of
from otoscope.neurons.addresses import flat_index


def column(fired, peak, tokens=10):
    fired = np.array(fired)
    return Column(0, 0, fired, np.full(len(fired), tokens), np.array(peak, np.float32))


class Clips:
    """What examples need of a store."""

    def __init__(self, count):
        import pandas as pd

        self.clips = pd.DataFrame({"clip": [f"{i}.wav" for i in range(count)]})
        self.labelings = {}


def rows(examples, kind):
    return [each.row for each in examples if each.kind == kind]


def test_planted_clips_come_first(store, toy, detectors):
    columns = columns_of(store, [address for address, _ in detectors])
    for (_, category), each in zip(detectors, columns, strict=True):
        shown = [each for each in examples_of(store, each, 6) if each.kind in ("share", "peak")]
        assert len(shown) == 9
        assert {example.labels["tone"] for example in shown} == {category}


def test_every_kind_by_a_case_worked_on_paper():
    #                 0    1    2     3    4    5     6     7
    of = column([9, 5, 5, 1, 0, 0, 2, 0], [2.0, 9.0, 1.0, 0.1, -0.2, -3.0, 0.5, -4.0])
    found = examples_of(Clips(8), of, 2)
    assert rows(found, "share") == [0, 1]  # 1 and 2 fire alike; 1 peaks higher
    assert rows(found, "peak") == [2]  # 0 and 1 stand above already
    assert rows(found, "near") == [3]  # 0.1 is nearest to 0
    assert rows(found, "least") == [7]  # of those that never fire the one furthest below
    assert [each.kind for each in found] == sorted((each.kind for each in found), key=KINDS.index)


def test_a_silent_neuron_has_no_examples_of_firing():
    found = examples_of(Clips(3), column([0, 0, 0], [-1.0, -2.0, -0.5]), 4)
    assert rows(found, "share") == rows(found, "peak") == []
    assert rows(found, "near") == [2, 0]


def test_a_skipped_clip_is_no_example():
    of = Column(0, 0, np.array([0, 3]), np.array([0, 10]), np.array([np.nan, 1.0], np.float32))
    assert {each.row for each in examples_of(Clips(2), of, 4)} == {1}


def test_columns_are_what_the_store_holds(store):
    neurons = [(2, 119), (0, 0), (1, 7), (0, 1)]
    for (layer, unit), each in zip(neurons, columns_of(store, neurons), strict=True):
        number = flat_index(store.layers, layer, unit)
        assert (each.layer, each.unit) == (layer, unit)
        assert np.array_equal(each.fired, store.fired.values.reshape(len(each.fired), -1)[:, number])
        assert np.array_equal(each.peak, store.peak.values.reshape(len(each.fired), -1)[:, number])
        assert np.allclose(each.share, each.fired / store.tokens)


def test_a_neuron_that_is_not_there_is_named(store):
    with pytest.raises(UsageError, match=r"no unit 120; layer 1 has units 0 to 119"):
        list(columns_of(store, [(1, 120)]))


def test_no_audio_is_read(store, monkeypatch):
    monkeypatch.setattr("otoscope.audio.decode", lambda *_, **__: pytest.fail("audio was read"))
    start = time.perf_counter()
    (one,) = columns_of(store, [(0, 3)])
    assert examples_of(store, one, 6)
    assert time.perf_counter() - start < 5  # a hang, not a speed
