"""Average precision: worked out by hand, against scikit-learn, and with clips that count several times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from otoscope.interventions.probes.precision import average_precision, mean_average_precision


def test_cases_worked_out_by_hand():
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    for present, expected in (
        ([1, 1, 0, 0], 1.0),  # all in front
        ([0, 0, 0, 1], 1 / 4),  # the last of four
        ([0, 1, 0, 1], (1 / 2 + 2 / 4) / 2),
        ([1, 1, 1, 1], 1.0),
    ):
        assert average_precision(scores, np.array(present, dtype=bool))[0] == pytest.approx(expected)
    # In one place they are found together: their share.
    assert average_precision(np.zeros(4), np.array([True, False, False, False]))[0] == 0.25
    assert np.isnan(average_precision(scores, np.zeros(4, dtype=bool))[0])


def test_minus_infinity_is_the_last_place():
    scores = np.array([-np.inf, 0.0, -np.inf])
    assert average_precision(scores, np.array([True, True, False]))[0] == pytest.approx((1 + 2 / 3) / 2)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 40), st.integers(1, 30))
def test_it_is_scikit_learns_with_ties_and_weights(seed, clips, values):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, clips).astype(float)
    present = rng.random(clips) < 0.4
    present[0] = True
    times = rng.integers(0, 3, (3, clips))
    times[:, 0] += 1
    for count, found in zip(times, average_precision(scores, present, times), strict=True):
        # A clip that counts twice is there twice.
        twice = np.repeat(np.arange(clips), count)
        assert found == pytest.approx(average_precision_score(present[twice], scores[twice]))
        assert found == pytest.approx(average_precision(scores[twice], present[twice])[0])


def test_the_mean_over_classes_leaves_out_those_without_a_clip():
    scores = np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    present = np.array([[1, 1, 0], [0, 0, 0]], dtype=bool)
    assert mean_average_precision(scores, present) == pytest.approx((1 + 1 / 2) / 2)
