"""A target among control sets: on paper, by loops, by simulation, and against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import kstest

from otoscope.interventions.effects.ranks import adjusted_p, rank_p, t_of


def slow_adjusted(target, controls, least):
    sets = [list(target), *map(list, controls)]
    distances = []
    for each in sets:
        row = []
        for k, value in enumerate(each):
            column = [other[k] for other in sets]
            spread = max(np.std(column), least[k])
            row.append(abs(value - np.mean(column)) / spread if spread > 1e-9 else 0.0)
        distances.append(row)
    return [
        (1 + sum(max(other) >= own - 1e-9 for other in distances[1:])) / len(sets) for own in distances[0]
    ]


def test_on_paper():
    controls = np.array([[0.0, 0.0], [0.1, 0.0], [-0.1, 0.0]])
    assert rank_p(np.array([-2.0, 0.0]), controls).tolist() == [1 / 4, 1]
    assert adjusted_p(np.array([-2.0, 0.0]), controls).tolist() == [1 / 4, 1]
    # The target does nothing, all control sets do: as far out as it can be.
    assert rank_p(np.array([0.0]), np.full((19, 1), -3.0)).tolist() == [1 / 20]


def test_one_control_set_tells_nothing():
    assert rank_p(np.array([-9.0]), np.zeros((1, 1))).tolist() == [1]
    assert adjusted_p(np.array([-9.0]), np.zeros((1, 1))).tolist() == [1]
    assert np.isnan(t_of(np.array([-9.0]), np.zeros((1, 1)))).all()


def test_a_single_clip_is_not_as_far_as_can_be():
    """Accuracy of two classes of ten clips: the target loses all of one, a control set one of the other."""
    target, controls = np.array([-1.0, 0.0]), np.zeros((20, 2))
    controls[3, 1] = -0.1
    assert adjusted_p(target, controls)[0] == pytest.approx(2 / 21)
    assert adjusted_p(target, controls, np.array([0.1, 0.1]))[0] == pytest.approx(1 / 21)


@pytest.mark.parametrize("seed", range(4))
def test_the_adjusted_p_is_what_loops_find(seed):
    random = np.random.default_rng(seed)
    target, controls = random.normal(size=4) * 2, random.normal(size=(12, 4)) * [1, 5, 0.1, 1]
    controls[:, 3] = target[3] = 0.5
    for least in (np.zeros(4), np.array([2.0, 0.0, 0.5, 1.0])):
        found = adjusted_p(target, controls, least)
        np.testing.assert_allclose(found, slow_adjusted(target, controls, least))
    single = [slow_adjusted(target[k : k + 1], controls[:, k : k + 1], [0.0])[0] for k in range(4)]
    np.testing.assert_allclose(rank_p(target, controls), single)
    assert (adjusted_p(target, controls) >= rank_p(target, controls)).all()


def test_the_order_of_draws_and_the_unit_do_not_matter():
    random = np.random.default_rng(0)
    target, controls = random.normal(size=3), random.normal(size=(9, 3))
    p = adjusted_p(target, controls)
    np.testing.assert_array_equal(adjusted_p(target, controls[::-1]), p)
    np.testing.assert_array_equal(adjusted_p(target * [1, 100, 7] + 3, controls * [1, 100, 7] + 3), p)


def test_a_target_drawn_as_controls_are_has_uniform_p():
    """Classes correlated, skewed, of unequal spread: p of one class and the smallest adjusted one."""
    random = np.random.default_rng(0)
    single, smallest = [], []
    for _ in range(600):
        common = random.exponential(size=(20, 1))
        sets = (common + random.exponential(size=(20, 6)) ** 2) * [1, 2, 4, 8, 16, 32]
        single.append(rank_p(sets[0], sets[1:])[0])
        smallest.append(adjusted_p(sets[0], sets[1:]).min())
    for p in (single, smallest):
        # p has steps of 1 / 20: spread within the step it is uniform between 0 and 1.
        spread = np.array(p) - random.random(len(p)) / 20
        assert kstest(spread, "uniform").pvalue > 0.01


def test_a_value_that_is_not_known_has_no_p_and_hides_no_other():
    target, controls = np.array([np.nan, -2.0]), np.array([[0.0, 0.0], [0.1, 0.2], [0.3, 0.1]])
    for p in (rank_p(target, controls), adjusted_p(target, controls)):
        assert np.isnan(p[0])
        assert p[1] == 1 / 4


def test_t_is_that_of_a_regression_on_being_the_target():
    random = np.random.default_rng(1)
    target, controls = random.normal(size=3) - 2, random.normal(size=(8, 3))
    t, p = t_of(target, controls)
    is_target = sm.add_constant(np.array([1.0] + 8 * [0.0]))
    for k in range(3):
        fit = sm.OLS(np.concatenate([target[k : k + 1], controls[:, k]]), is_target).fit()
        assert (t[k], p[k]) == pytest.approx((fit.tvalues[1], fit.pvalues[1]))
    assert np.isnan(t_of(target, np.ones((5, 3)))[0]).all()
