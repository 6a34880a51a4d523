"""Self against cross: on paper, by every permutation, and against control sets."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest

from otoscope.interventions.effects import collect
from otoscope.interventions.effects.diagonal import difference, orders
from otoscope.interventions.effects.ranks import rank_p


def matrix_of(ablation, measure):
    wide = ablation.effects.query("measure == @measure and probe == @ablation.probe")
    return wide.pivot(index="target", columns="category", values="change").to_numpy()


def test_on_paper():
    assert difference(np.array([[-4.0, -1.0], [0.0, -2.0]])) == -2.5
    assert len(orders(6, 0)) == 720
    assert len(orders(7, 0)) == 2001
    assert orders(7, 0)[0].tolist() == list(range(7))


def test_it_is_that_of_the_matrix_and_of_every_permutation(random_experiment):
    ablation = collect(random_experiment(classes=4, effect=-0.4, sets=19), {}, {})
    row = ablation.diagonal.query("measure == 'margin'").iloc[0]
    changes = matrix_of(ablation, "margin")
    off = changes[~np.eye(4, dtype=bool)]
    assert (row["self"], row["cross"]) == pytest.approx((np.trace(changes) / 4, off.mean()))
    every = np.array([difference(changes[list(order)]) for order in permutations(range(4))])
    far = np.abs(every - every.mean()) >= abs(every[0] - every.mean()) - 1e-9
    assert row["p"] == pytest.approx(far.mean())
    assert row["classes"] == 4


def test_control_sets_have_no_diagonal(random_experiment):
    ablation = collect(random_experiment(classes=3, effect=-3.0, sets=19), {}, {})
    assert (ablation.diagonal["p_controls"] == 1 / 20).all()
    assert ablation.diagonal.query("measure == 'margin'")["difference"].item() < -2
    without = collect(random_experiment(classes=3, matches=()), {}, {})
    assert without.diagonal["p_controls"].isna().all()


def test_names_that_mean_nothing_have_uniform_p():
    random, p = np.random.default_rng(0), []
    for _ in range(300):
        changes = (
            random.normal(size=(4, 4)) + random.normal(size=4) * 3
        )  # some classes lose more, whatever is off
        found, *others = (difference(changes[order]) for order in orders(4, 0))
        p.append(rank_p(np.array([found]), np.array(others)[:, None])[0])
    assert kstest(np.array(p) - random.random(300) / 24, "uniform").pvalue > 0.01


def test_one_class_or_targets_of_several_have_none(random_experiment):
    both = {f"class {k}": ("class 0", "class 1") for k in range(3)}
    assert collect(random_experiment(categories=both), {}, {}).diagonal.empty
    one = {"class 0": ("class 0",)}
    assert collect(random_experiment(categories=one), {}, {}).diagonal.empty
