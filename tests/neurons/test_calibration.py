"""p-values hold their level in worlds where there is nothing to find, and find what there is.

A p-value is randomised over its ties: uniform between the shares of permutations strictly above the observed
value, and at or above it. Of an exact test that is uniform on (0, 1), and Kolmogorov-Smirnov may judge it.
"""

import functools
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import otoscope
from otoscope.neurons import select

LEVELS = (0.01, 0.05, 0.1)
FEW, MANY = 40, 200
PERMUTATIONS = 99
DESIGNS = {
    "ungrouped": {"groups": 5, "clips": 4},
    "nested": {"groups": 6, "clips": 3},
    "crossed": {"groups": 6, "clips": 3},
}
SMALL = {"classes": 3, "layers": 2, "units": 40, "tokens": (10, 20), "strength": 0.0}
UNEQUAL = {"class_sizes": (36, 12, 9), "clips": 3, "groups": 6}


@functools.cache
def p_values(design, seeds, unequal=False, forced=None, group_effect=0.3):
    """p of depth and excess in null worlds, and the same randomised over ties: two of shape (seeds, 2)."""
    settings = UNEQUAL if unequal else DESIGNS[design]
    plain, even = [], []
    for seed in range(seeds):
        world = otoscope.world(**SMALL, **settings, design=design, group_effect=group_effect, seed=seed)
        found = select(
            world,
            "class",
            share=0.1,
            response=0.5,
            assignment=0.5,
            permutations=PERMUTATIONS,
            design=forced,
            seed=seed + 1000,
        )
        chance = found.chance
        plain.append((chance.depth.p, chance.excess.p))
        random = np.random.default_rng(seed)
        even.append(
            [
                randomised(chance.values[name].to_numpy(), value, random)
                for name, value in (("depth", found.depth), ("excess", chance.found_excess))
            ]
        )
    return np.array(plain), np.array(even)


def randomised(permuted, found, random):
    tie = 1e-6 * abs(found)
    above, alike = (permuted > found + tie).sum(), (np.abs(permuted - found) <= tie).sum()
    return (above + random.uniform() * (1 + alike)) / (1 + len(permuted))


def most_within(level, seeds):
    """The upper end of the 99 % binomial interval of rejections at a level."""
    return stats.binom.ppf(0.995, seeds, level)


def check_level(ps, even):
    for column in range(2):  # depth, excess
        for level in LEVELS:
            assert (ps[:, column] <= level).sum() <= most_within(level, len(ps)), (column, level)
        assert stats.kstest(even[:, column], "uniform").pvalue > 0.001


@pytest.mark.parametrize("design", DESIGNS)
def test_the_level_holds_in_a_few_null_worlds(design):
    check_level(*p_values(design, FEW))


@pytest.mark.slow
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_level_holds_in_null_worlds_of_seeds_0_to_199(design, unequal):
    check_level(*p_values(design, MANY, unequal))


@pytest.mark.filterwarnings("ignore:The design ungrouped ignores")
def test_permuting_clips_of_groups_calls_nothing_something():
    ps, even = p_values("nested", FEW, forced="ungrouped")
    assert (ps <= 0.05).mean(axis=0).min() > 0.3
    for column in range(2):
        assert stats.kstest(even[:, column], "uniform").pvalue < 1e-4


@pytest.mark.filterwarnings("ignore:The design ungrouped ignores")
def test_permuting_clips_does_no_harm_where_groups_have_no_effect():
    check_level(*p_values("nested", FEW, forced="ungrouped", group_effect=0.0))


def test_the_tool_warns_of_permuting_clips_of_groups():
    world = otoscope.world(groups=6)
    with pytest.warns(UserWarning, match=r"ignores that the 96 clips of labeling 'class' come in 24 groups"):
        found = select(world, "class", preset="aape", design="ungrouped", permutations=5)
    assert "so p comes out too small" in found.chance.note


def test_it_does_not_warn_without_reason(recwarn):
    select(otoscope.world(design="ungrouped"), "class", preset="aape", design="ungrouped", permutations=2)
    select(otoscope.world(groups=3, clips=1), "class", preset="aape", design="ungrouped", permutations=2)
    select(otoscope.world(groups=3), "class", preset="aape", permutations=2)
    select(otoscope.world(groups=3), "class", preset="aape", design="ungrouped", permutations=0)
    assert not [each for each in recwarn if "ignores that" in str(each.message)]


@pytest.mark.parametrize("design", DESIGNS)
def test_an_effect_is_found(design):
    world = otoscope.world(**{**SMALL, "strength": 2.0, "specific": 3}, **DESIGNS[design], design=design)
    chance = select(world, "class", share=0.1, response=0.5, assignment=0.5, permutations=PERMUTATIONS).chance
    assert chance.depth.p <= 0.02
    assert chance.excess.p <= 0.02


ROOT = Path(__file__).parents[2]


@pytest.fixture
def experiments(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return {each.name: each for each in importlib.import_module("calibration").EXPERIMENTS}


def kept(name, setting):
    """What the page "Calibration" has of a setting."""
    table = pd.read_csv(ROOT / "docs" / "results" / "calibration" / f"{name}.csv")
    return table[(table[list(setting)] == pd.Series(setting)).all(axis=1)]


@pytest.mark.slow
def test_the_table_of_levels_can_be_made_again(experiments):
    for setting in experiments["level"].settings:
        rows = kept("level", setting)
        for seed in range(5):
            again = experiments["level"].measure(setting, seed)
            assert rows[rows["seed"] == seed][list(again)].iloc[0].to_dict() == pytest.approx(again, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("classes", ["equal", "unequal", "twins alone", "twins among 6 others"])
def test_specific_selects_in_five_of_a_hundred_null_worlds_of_seeds_0_to_199(experiments, design, classes):
    setting = {"design": design, "classes": classes, "group_effect": 0.0 if design == "ungrouped" else 0.5}
    wrong = sum(experiments["null"].measure(setting, seed)["worlds"] for seed in range(MANY))
    assert wrong <= most_within(0.05, MANY)


@pytest.mark.slow
@pytest.mark.parametrize(("design", "clips", "group_effect"), [("nested", 20, 0.0), ("crossed", 10, 0.5)])
def test_planted_neurons_are_found_from_twelve_groups(experiments, design, clips, group_effect):
    setting = {
        "design": design, "groups": 12, "clips": clips, "strength": 1.0, "group_effect": group_effect
    }  # fmt: skip
    rows = [experiments["power"].measure(setting, seed) for seed in range(100)]
    planted, found, wrong = (sum(row[name] for row in rows) for name in ("planted", "found", "wrong"))
    assert found >= stats.binom.ppf(0.005, planted, 0.95)
    assert wrong <= stats.binom.ppf(0.995, found + wrong, 0.05)


@pytest.mark.slow
def test_group_effects_cost_a_nested_labeling_what_the_page_says(experiments):
    setting = {"design": "nested", "groups": 12, "clips": 10, "strength": 1.0, "group_effect": 0.25}
    rows = [experiments["power"].measure(setting, seed) for seed in range(100, 150)]  # other worlds
    planted, found = (sum(row[name] for row in rows) for name in ("planted", "found"))
    page = kept("power", setting).iloc[0]
    test = stats.fisher_exact([[found, planted - found], [page["found"], page["planted"] - page["found"]]])
    assert test.pvalue > 0.001
