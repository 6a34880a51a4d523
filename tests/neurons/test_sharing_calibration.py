"""Tests of sharing hold their level where classes share nothing but base rates, and find what is planted.

(i) the labels say nothing; (ii) every class has neurons of its own, and what two of them share follows from
base rates. Classes are equally large, or of 96 to 12 clips; the groups are nested.
"""

import functools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import otoscope
from otoscope.neurons.filters import Filters
from otoscope.neurons.sharing.relabelled import Side
from otoscope.neurons.sharing.tested import sharing_tests

LEVELS = (0.01, 0.05, 0.1)
EQUAL = {"groups": 6}
UNEQUAL = {"class_sizes": (96, 48, 24, 16, 12)}
SIZES = {"equal": EQUAL, "unequal": UNEQUAL}
COMMON = {"classes": 5, "clips": 4, "layers": 2, "units": 200, "group_effect": 0.2}
PERMUTATIONS = 99


def side(world):
    return replace(Side.of(world, "class", "aape"), filters=Filters(share=0.1))


def judged(seed, *worlds):
    return sharing_tests([side(world) for world in worlds], PERMUTATIONS, seed)


@functools.cache
def chosen_p(sizes, strength, correlation, across, seeds):
    """p of one pair of classes in each world, drawn at random; those that cannot be tested count as 1."""
    found = []
    for seed in range(*seeds):
        settings = COMMON | SIZES[sizes] | {"strength": strength, "correlation": correlation, "specific": 8}
        # Other clips, and for no labeling to say anything, the same neurons: base rates are shared.
        worlds = [otoscope.world(**settings, seed=seed, draw=draw) for draw in range(1 + across)]
        table = judged(seed, *worlds).pairs.table
        if strength:  # across, classes of one name do share what is planted
            table = table[table["category_a"] != table["category_b"]]
        found.append(table["p"].fillna(1.0).sample(1, random_state=seed).item())
    return np.array(found)


def check_level(p):
    for level in LEVELS:
        assert (p <= level).sum() <= stats.binom.ppf(0.995, len(p), level), level


@pytest.mark.slow  # worlds that the page "Calibration" has not; it has 200 of each setting
@pytest.mark.parametrize("strength", [0.0, 2.0])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_the_level_holds_where_only_base_rates_are_shared(sizes, across, strength):
    check_level(chosen_p(sizes, strength, 0.3, across, (1000, 1040)))


def test_the_level_holds_in_a_few_worlds():
    check_level(chosen_p("unequal", 0.0, 0.3, False, (0, 12)))


def jointly(seed, sizes, own=4, common=12, draw=0):
    """A world in which the first two classes have neurons in common, and each has some of its own."""
    first, world = (
        otoscope.world(**COMMON, **SIZES[sizes], strength=0.0, seed=seed, draw=each) for each in (0, draw)
    )
    rate = (first.fired / first.tokens[:, None]).mean(axis=0)
    random = np.random.default_rng(seed)
    free = random.permutation(np.flatnonzero((rate > 0.05) & (rate < 0.5)))
    names = list(world.labelings["class"].classes)
    parts = np.split(free[: common + own * len(names)], common + own * np.arange(len(names)))
    for cells, classes in zip(parts, (names[:2], *([name] for name in names)), strict=True):
        rows = np.flatnonzero(world.clips["class"].isin(classes))
        shape = (len(rows), len(cells))
        world.fired[np.ix_(rows, cells)] = random.binomial(world.tokens[rows][:, None], 0.97, shape)
    return world


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES)
def test_planted_sharing_is_found(sizes):
    tables = [judged(seed, jointly(seed, sizes)).pairs.table for seed in range(20)]
    first = np.array([table["p"][0] for table in tables])
    others = np.concatenate([table["p"][1:] for table in tables])
    assert (first <= 0.05).mean() >= 0.6
    assert (others <= 0.05).mean() <= 0.05


@pytest.mark.slow
def test_the_same_classes_share_by_name_on_other_clips():
    worlds = [[jointly(seed, "equal", draw=draw) for draw in range(2)] for seed in range(10)]
    found = [judged(seed, *each) for seed, each in enumerate(worlds)]
    assert np.mean([each.names.p_labels <= 0.05 for each in found]) >= 0.9
