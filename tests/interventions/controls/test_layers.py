"""Control sets: matched per layer, apart from the target, repeatable."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions import control_sets
from otoscope.models.base import Layer

LAYERS = [Layer("0", 12), Layer("1", 30), Layer("2", 6)]
TARGET = [(0, 0), (0, 11), (1, 4), (2, 0), (2, 1), (2, 2)]


def test_sets_match_the_target_per_layer_and_never_touch_it():
    sets = control_sets(TARGET, LAYERS, 50, seed=1)
    assert len(sets) == 50
    for drawn in sets:
        assert Counter(layer for layer, _ in drawn) == {0: 2, 1: 1, 2: 3}
        assert len(set(drawn)) == len(drawn)
        assert not set(drawn) & set(TARGET)
        assert all(0 <= unit < LAYERS[layer].units for layer, unit in drawn)


def test_every_other_unit_is_drawn_sooner_or_later():
    drawn = {unit for each in control_sets([(0, 5)], LAYERS, 300) for _, unit in each}
    assert drawn == set(range(12)) - {5}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_a_seed_repeats_and_a_shorter_series_begins_a_longer_one(seed, draws):
    long = control_sets(TARGET, LAYERS, 8, seed=seed)
    assert control_sets(TARGET, LAYERS, draws, seed=seed) == long[:draws]


def test_another_seed_gives_other_sets():
    assert control_sets(TARGET, LAYERS, 5, seed=0) != control_sets(TARGET, LAYERS, 5, seed=1)


def test_a_layer_with_too_few_other_units_is_refused():
    with pytest.raises(
        OtoscopeError, match=r"layer 2 \(2\) has 6 units, 4 of them in the target: 2 are left"
    ):
        control_sets([(2, unit) for unit in range(4)], LAYERS, 1)


def test_an_unknown_neuron_is_refused():
    with pytest.raises(UsageError, match=r"neuron 3\.0: .*no layer 3"):
        control_sets([(3, 0)], LAYERS, 1)
