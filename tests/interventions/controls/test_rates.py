"""Control sets that fire as often as the target."""

from collections import Counter

import numpy as np
import pytest

from otoscope.errors import OtoscopeError
from otoscope.interventions.controls.rates import rate_sets
from otoscope.models.base import Layer

LAYERS = [Layer("0", 400), Layer("1", 100)]
RATES = {0: np.arange(400) / 400, 1: np.r_[np.zeros(90), np.arange(8, 18) / 32]}
TARGET = [(0, 0), (0, 200), (0, 201), (1, 95)]


def test_a_neurons_stand_in_is_one_of_those_that_fire_most_nearly_as_often():
    sets = rate_sets(TARGET, LAYERS, RATES, 200, seed=0)
    for drawn in sets:
        assert Counter(layer for layer, _ in drawn) == {0: 3, 1: 1}
        assert len(set(drawn)) == len(drawn)
        assert not set(drawn) & set(TARGET)
    low = {unit for drawn in sets for layer, unit in drawn if layer == 0 and unit < 100}
    assert low == set(range(1, 21))  # the twenty nearest to unit 0
    # Of 92 and 98, which are equally far, either one is among the five nearest to 95.
    assert {unit for drawn in sets for layer, unit in drawn if layer == 1} == {92, 93, 94, 96, 97, 98}


def test_units_that_fire_equally_often_are_equally_likely():
    drawn = {unit for each in rate_sets([(1, 40)], LAYERS, RATES, 1000, seed=0) for _, unit in each}
    assert drawn == set(range(90)) - {40}


def test_a_seed_repeats_and_a_shorter_series_begins_a_longer_one():
    long = rate_sets(TARGET, LAYERS, RATES, 8, seed=3)
    assert rate_sets(TARGET, LAYERS, RATES, 3, seed=3) == long[:3]
    assert rate_sets(TARGET, LAYERS, RATES, 8, seed=4) != long


def test_half_a_layer_is_replaced_by_the_other_half():
    layers, target = [Layer("0", 10)], [(0, unit) for unit in range(5)]
    (drawn,) = rate_sets(target, layers, {0: np.zeros(10)}, 1, seed=0)
    assert drawn == [(0, unit) for unit in range(5, 10)]
    with pytest.raises(OtoscopeError, match="5 are left and 6 are needed") as caught:
        rate_sets([*target, (0, 5)], [Layer("0", 11)], {0: np.zeros(11)}, 1, seed=0)
    assert "choose a smaller target" in str(caught.value)
