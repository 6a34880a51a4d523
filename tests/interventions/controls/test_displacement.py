"""Control sets matched in displacement: nearer than a layer's others, and honest where none is near."""

from collections import Counter

import numpy as np
import pytest

from otoscope.errors import OtoscopeError
from otoscope.interventions import control_sets
from otoscope.interventions.controls.displacement import displacement_sets

LOUD = [(0, 0), (0, 3), (0, 7), (1, 5)]


def drawn(pilot, target=LOUD, draws=20, seed=0):
    return displacement_sets(target, pilot.model.layers, pilot, draws, seed=seed)


def test_sets_keep_to_the_layers_apart_from_the_target_and_are_all_different(pilot):
    found = drawn(pilot)
    assert len({tuple(neurons) for neurons in found.neurons}) == 20
    for neurons in found.neurons:
        assert Counter(layer for layer, _ in neurons) == {0: 3, 1: 1}
        assert neurons == sorted(set(neurons))
        assert not set(neurons) & set(LOUD)


def test_loud_neurons_are_matched_by_loud_ones_which_layers_alone_do_not(pilot):
    found = drawn(pilot)
    assert found.target == pytest.approx(pilot.displacements([LOUD])[0], rel=1e-5)
    assert np.allclose(found.displacements, pilot.displacements(found.neurons), rtol=1e-5)
    assert found.displacements.mean() == pytest.approx(found.target, rel=0.05)
    by_layer = pilot.displacements(control_sets(LOUD, pilot.model.layers, 20))
    assert by_layer.mean() < 0.75 * found.target
    assert found.displacements.std() < 0.3 * by_layer.std()
    assert found.shared < 0.5


def test_quiet_neurons_are_matched_by_quiet_ones(pilot):
    quiet = [(0, 30), (0, 41)]
    found = drawn(pilot, quiet)
    assert abs(np.log(found.displacements.mean() / found.target)) < 0.1
    by_layer = pilot.displacements(control_sets(quiet, pilot.model.layers, 20))
    assert np.std(found.displacements) < 0.2 * np.std(by_layer)


def test_a_seed_repeats_whatever_else_was_drawn(pilot, make_pilot):
    first = drawn(pilot, seed=5).neurons
    fresh = make_pilot()
    drawn(fresh, [(1, 1)])
    assert drawn(fresh, LOUD[::-1], seed=5).neurons == first
    assert drawn(pilot, seed=6).neurons != first


def test_where_the_targets_are_the_only_loud_ones_sets_are_larger_and_it_is_said(make_pilot):
    pilot = make_pilot(loud=[0, 3], factor=3.0)
    found = drawn(pilot, [(0, 0), (0, 3)])
    assert min(map(len, found.neurons)) > 2
    assert abs(np.log(found.displacements.mean() / found.target)) < 0.1
    assert "do not push as hard: they have" in found.words()
    assert "not controlled for" not in found.words()


def test_where_no_size_is_enough_the_miss_is_said(make_pilot):
    pilot = make_pilot(loud=[0], factor=1000.0)
    found = drawn(pilot, [(0, 0)])
    assert found.displacements.max() < 0.5 * found.target
    assert "its push is not controlled for" in found.words()


def test_neurons_that_nothing_listens_to_are_matched_by_their_like(make_pilot):
    found = drawn(make_pilot(factor=0.0), [(0, 2), (0, 9)])
    assert found.target == 0
    assert found.displacements.max() == 0
    assert {unit for neurons in found.neurons for _, unit in neurons} <= set(range(20))
    assert "by 0, the 20 sets by 0 on average" in found.words()
    assert "not controlled for" not in found.words()


def test_there_are_no_more_sets_than_different_ones(pilot):
    target = [(1, unit) for unit in range(29)]
    found = drawn(pilot, [*target, (1, 29)])
    assert len(found.neurons) == 1
    assert "20 were asked for, but no more different ones were found" in found.words()
    with pytest.raises(OtoscopeError, match="29 are left and 31 are needed"):
        drawn(pilot, [*target, (1, 29), (1, 30)])


def test_the_match_is_put_into_words(pilot):
    found = drawn(pilot)
    assert found.words().startswith(
        "displacement-matched controls of 4 neurons: on 6 clips outside the test set the target moves the "
        f"standardised embedding by {found.target:.3g}, the 20 sets by {found.displacements.mean():.3g}"
    )
    assert f"two sets share {found.shared:.0%} of their neurons" in found.words()
