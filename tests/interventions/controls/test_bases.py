"""Directions in place of neurons."""

import numpy as np
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions import Directions, Gain, embed
from otoscope.interventions.controls.bases import leading_components, random_directions
from otoscope.models.base import Layer

LAYERS = [Layer("0", 12), Layer("1", 30)]
TARGET = [(0, 0), (0, 11), (1, 4), (1, 5), (1, 29)]


def orthonormal(basis):
    return np.allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-6)


def test_random_directions_are_orthonormal_and_as_many_as_the_targets_neurons():
    for bases in random_directions(TARGET, LAYERS, 5, seed=0):
        assert {layer: basis.shape for layer, basis in bases.items()} == {0: (2, 12), 1: (3, 30)}
        assert all(orthonormal(basis) and basis.dtype == np.float32 for basis in bases.values())


def test_a_seed_repeats_and_a_shorter_series_begins_a_longer_one():
    long, short = (random_directions(TARGET, LAYERS, draws, seed=2) for draws in (4, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(long, short, strict=False))
    assert not np.allclose(long[0][1], long[1][1])


def test_components_are_those_of_a_singular_value_decomposition():
    values = np.random.default_rng(0).normal(3, np.arange(1, 31), (50, 30)).astype(np.float32)
    found = leading_components(TARGET, LAYERS, lambda layer: values[:, : LAYERS[layer].units])
    _, _, axes = np.linalg.svd(values - values.mean(axis=0))
    assert found[0].shape == (2, 12)
    assert np.allclose(np.abs(found[1] @ axes[:3].T), np.eye(3), atol=1e-4)


def test_more_components_than_clips_allow_are_refused():
    with pytest.raises(
        OtoscopeError, match=r"layer 0 \(0\): the target has 2 neurons there, and 2 clips have 1"
    ):
        leading_components([(0, 0), (0, 1)], LAYERS, lambda _: np.zeros((2, 12), np.float32))


def test_an_unknown_neuron_is_refused():
    with pytest.raises(UsageError, match="no unit 12"):
        random_directions([(0, 12)], LAYERS, 1, seed=0)


def test_along_the_axes_of_units_directions_are_gains(pilot):
    own = np.eye(60, dtype=np.float32)[[3, 40]]
    conditions = [(), (Gain.of([(0, 3), (0, 40)]),), (Directions({0: own}),)]
    ((_, _, (clean, by_gain, by_direction)),) = embed(pilot.model, pilot.batches[:1], conditions)
    assert not np.allclose(by_gain, clean, atol=1e-3)
    assert np.allclose(by_gain, by_direction, atol=1e-5)
