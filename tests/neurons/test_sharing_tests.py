"""Tests of sharing: small cases on paper, uniform shuffles, their level on noise, and the round trip."""

import numpy as np
import pandas as pd
import pytest

from otoscope.errors import UsageError
from otoscope.neurons.sharing.orders import ordered
from otoscope.neurons.sharing.swaps import swap_randomised
from otoscope.neurons.sharing.testing import as_sharing_test, name_test, pair_tests


def test_swaps_keep_margins_and_reach_the_five_tables_equally():
    start = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=bool)
    tables = np.concatenate(list(swap_randomised(start, 5000, 1)))
    assert (tables.sum(axis=1) == start.sum(axis=0)).all()
    assert (tables.sum(axis=2) == start.sum(axis=1)).all()
    counts = np.unique(tables.reshape(5000, -1), axis=0, return_counts=True)[1]
    assert len(counts) == 5
    assert abs(counts - 1000).max() < 120


def test_few_names_are_described_and_not_tested():
    names = list("abcd")
    found = name_test(pd.DataFrame(np.eye(4), index=names, columns=names))
    assert (found.difference, found.distinct, found.p) == (1.0, 24, None)
    assert as_sharing_test(found.document()) == found


def test_pairs_hold_their_level_on_independent_noise_and_round_trip():
    p = []
    for seed in range(20):
        table = np.random.default_rng(seed).random((6, 100)) < 0.3
        found = pair_tests(table, tuple("abcdef"), permutations=199, seed=seed)
        p += found.table["p"].tolist()
    assert np.mean(np.array(p) <= 0.05) < 0.09
    pd.testing.assert_frame_equal(as_sharing_test(found.document()).table, found.table)


def test_permutations_and_orders_are_checked():
    with pytest.raises(UsageError, match="permutations is 0"):
        pair_tests(np.eye(3, dtype=bool), tuple("abc"), permutations=0)
    with pytest.raises(UsageError, match="order 'size' not found"):
        ordered(["a"], "size")
