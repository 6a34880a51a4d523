"""Groups drawn again: by a loop over draws, and for the shapes that there is nothing to draw from."""

import numpy as np
import pytest
from scipy.stats import t as student

from otoscope.interventions.effects.bootstrap import Redrawn

CLASS = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
GROUP = np.array([7, 7, 3, 3, 3, 5, 5, 9, 9, 11])
MEMBER = CLASS[:, None] == np.arange(2)


def test_the_half_width_is_what_a_loop_over_draws_finds():
    redrawn = Redrawn.of(MEMBER, GROUP, draws=200)
    assert redrawn.weights.shape == (10, 200)
    assert redrawn.freedom.tolist() == [2, 1]
    clips = np.flatnonzero(CLASS == 0)
    values = np.random.default_rng(0).normal(size=(3, len(clips)))
    found = redrawn.half_widths(values, clips, 2)
    for row, half in zip(values, found, strict=True):
        means = [np.average(row, weights=redrawn.weights[clips, draw]) for draw in range(200)]
        assert half == pytest.approx(student.isf(0.025, 2) * np.std(means))


def test_clips_of_a_group_weigh_the_same_and_classes_keep_their_groups():
    weights = Redrawn.of(MEMBER, GROUP, draws=50).weights
    for group in np.unique(GROUP):
        assert (np.ptp(weights[group == GROUP], axis=0) == 0).all()
    # Two groups of class 1, one is drawn, for both.
    assert sorted(np.unique(weights[CLASS == 1])) == [0, 2]


def test_without_groups_it_is_the_interval_of_a_t_test():
    random = np.random.default_rng(2)
    values, clips = random.normal(size=12), np.arange(12)
    redrawn = Redrawn.of(np.ones((12, 1), dtype=bool), clips, draws=20_000)
    exact = student.isf(0.025, 11) * values.std(ddof=1) / np.sqrt(12)
    assert redrawn.half_widths(values, clips, 11) == pytest.approx(exact, rel=0.03)


def test_one_group_has_no_interval_and_equal_clips_have_one_of_no_width():
    redrawn = Redrawn.of(MEMBER, np.zeros(10, dtype=int), draws=20)
    assert redrawn.freedom.tolist() == [0, 0]
    assert np.isnan(redrawn.half_widths(np.ones((2, 10)), np.arange(10), 0)).all()
    many = Redrawn.of(MEMBER, GROUP, draws=20)
    np.testing.assert_allclose(many.half_widths(np.full((1, 10), 0.3), np.arange(10), 4), 0, atol=1e-12)


@pytest.mark.parametrize("groups", [4, 12])
def test_the_interval_covers_the_truth(groups):
    """Few groups, clips of one group alike: 95 % of intervals hold the true mean, a few percent off."""
    random, held = np.random.default_rng(3), 0
    unit = np.repeat(np.arange(groups), 5)
    clips = np.arange(len(unit))
    for seed in range(300):
        values = random.normal(size=groups)[unit] + random.normal(size=len(unit))
        redrawn = Redrawn.of(np.ones((len(unit), 1), dtype=bool), unit, seed=seed, draws=200)
        held += abs(values.mean()) <= redrawn.half_widths(values, clips, groups - 1)
    assert 0.92 <= held / 300 <= 0.98
