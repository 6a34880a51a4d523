"""Firing shares: fired over tokens, whatever the blocks."""

import numpy as np
import pytest

from otoscope.neurons.rates import rate_blocks, rates_of


@pytest.fixture
def store(store_of):
    fired = np.random.default_rng(0).integers(0, 11, (6, 7))
    tokens = np.array([[10, 20], [10, 20], [11, 22], [10, 20], [12, 24], [10, 20]])
    return store_of(fired, tokens, list("ababab"), units=[3, 4])


def test_shares_are_counts_over_the_tokens_of_each_layer(store):
    rows = np.array([0, 2, 5])
    whole = np.concatenate([shares for _, shares in rate_blocks(store, rows, 2)], axis=1)
    tokens = np.repeat(store.by_layer[rows], [3, 4], axis=1)
    np.testing.assert_allclose(whole, store.fired[rows] / tokens, rtol=1e-6)


@pytest.mark.parametrize("block", [1, 3, 7, None])
def test_blocks_do_not_matter(store, block):
    rows = np.arange(6)
    parts = list(rate_blocks(store, rows, block))
    assert parts[0][0].start == 0
    assert parts[-1][0].stop == 7
    expected = np.concatenate([shares for _, shares in rate_blocks(store, rows, 7)], axis=1)
    np.testing.assert_array_equal(np.concatenate([shares for _, shares in parts], axis=1), expected)


def test_a_few_neurons_in_any_order(store):
    rows = np.arange(6)
    whole = np.concatenate([shares for _, shares in rate_blocks(store, rows)], axis=1)
    np.testing.assert_array_equal(rates_of(store, rows, np.array([6, 0, 3])), whole[:, [6, 0, 3]])
