import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu, norm

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.designs import design_of
from otoscope.neurons.evidence import significance
from otoscope.neurons.evidence.significance import NeuronTests, neuron_tests
from otoscope.neurons.evidence.standardised import RankSums, unit_values
from otoscope.neurons.ranks import auroc
from otoscope.neurons.worlds.building import world

GROUPS = {
    "ungrouped": lambda i: None,
    "nested": lambda i: i % 12,
    "crossed": lambda i: i // 6,
}


def member_of(clips, classes):
    return np.arange(clips)[:, None] % classes == np.arange(classes)


def groups_of(design, clips):
    return None if design == "ungrouped" else np.array([GROUPS[design](i) for i in range(clips)])


def test_z_is_the_tie_corrected_rank_statistic():
    random = np.random.default_rng(0)
    values, member = random.integers(0, 6, (50, 4)) / 5, member_of(50, 3)
    z = RankSums.of(values, design_of(member), skewed=False).z(member)
    for k, j in itertools.product(range(3), range(4)):
        inside, outside = values[member[:, k], j], values[~member[:, k], j]
        p = mannwhitneyu(
            inside, outside, alternative="greater", method="asymptotic", use_continuity=False
        ).pvalue
        assert norm.sf(z[k, j]) == pytest.approx(p, rel=1e-4)


def test_without_ties_z_is_the_formula_of_the_method():
    random = np.random.default_rng(1)
    values, member = random.normal(size=(40, 3)), member_of(40, 5)
    z = RankSums.of(values, design_of(member), skewed=False).z(member)
    n, n1, n0 = 40, 8, 32
    expected = (auroc(values, member) - 0.5) / np.sqrt((n + 1) / (12 * n1 * n0))
    np.testing.assert_allclose(z, expected, atol=1e-5)


@pytest.mark.parametrize("design", list(GROUPS))
def test_mean_and_spread_and_skewness_are_those_of_the_permutations(design):
    random = np.random.default_rng(2)
    rates, member = random.binomial(5, 0.1, (36, 3)) / 5, member_of(36, 3)
    made = design_of(member, groups_of(design, 36))
    assert made.name == design
    sums = RankSums.of(unit_values(rates, made), made, skewed=False)
    z = np.stack([sums.z(made.permuted(random)) for _ in range(8000)])
    np.testing.assert_allclose(z.mean(0), 0, atol=0.06)
    np.testing.assert_allclose(z.std(0), 1, atol=0.04)
    np.testing.assert_allclose((z**3).mean(0), sums.skewness, atol=0.2)


def test_skewed_sums_are_brought_to_the_normal_scale():
    # 40 of 2,000 clips fire; the class has 40 clips too. Six of them together happen once in 5,000 times.
    values = (np.arange(2000) < 40).astype(float)[:, None]
    member = np.zeros((2000, 2), bool)
    member[34:74, 0] = True
    member[:, 1] = ~member[:, 0]
    made = design_of(member)
    plain, moved = (RankSums.of(values, made, skewed).z(member)[0, 0] for skewed in (False, True))
    from scipy.stats import hypergeom

    assert plain > 5.5
    assert moved == pytest.approx(norm.isf(hypergeom.sf(5, 2000, 40, 40)), abs=0.15)


def slow(store, member, made, permutations, seed):
    """p, pooled p and q, one loop inside the other."""
    rates = store.fired / store.tokens[:, None]
    sums = RankSums.of(unit_values(rates.astype(np.float32), made), made)
    random = np.random.default_rng(seed)
    observed = np.nanmax(sums.z(made.rows), axis=0)
    null = [np.nanmax(sums.z(made.permuted(random)), axis=0) for _ in range(permutations)]
    p, pooled = [], []
    for z in observed:
        p.append((1 + sum(each.max() >= z - 1e-4 for each in null)) / (1 + permutations))
        flat = [value for each in null for value in each]
        pooled.append((1 + sum(value >= z - 1e-4 for value in flat)) / (1 + len(flat)))
    return np.array(p), np.array(pooled), false_discovery_control(pooled)


@pytest.mark.parametrize("design", list(GROUPS))
def test_tests_equal_a_slow_loop_whatever_the_blocks(store_of, design, monkeypatch):
    random = np.random.default_rng(3)
    fired = random.binomial(20, random.uniform(0.2, 0.8, 9), (36, 9))
    groups = groups_of(design, 36)
    store = store_of(fired, np.full(36, 20), ["abc"[i % 3] for i in range(36)], groups=groups)
    found = neuron_tests(store, "kind", permutations=120, seed=5).table
    member = member_of(36, 3)
    p, pooled, q = slow(store, member, design_of(member, groups), 120, 5)
    np.testing.assert_allclose(found["p"], p)
    np.testing.assert_allclose(found["p_pooled"], pooled, atol=2e-3)
    np.testing.assert_allclose(found["q"], q, atol=2e-3)
    monkeypatch.setattr(significance, "_NEURONS", 4)
    monkeypatch.setattr(significance, "_BLOCK_BYTES", 4 * 12 * 7)
    again = neuron_tests(store, "kind", permutations=120, seed=5).table
    pd.testing.assert_frame_equal(found, again, atol=1e-4)


def test_the_order_of_clips_does_not_matter_to_z(store_of):
    random = np.random.default_rng(4)
    fired, order = random.binomial(20, 0.4, (36, 5)), random.permutation(36)
    labels, groups = np.array(["abc"[i % 3] for i in range(36)]), np.arange(36) // 6
    one, other = (
        neuron_tests(
            store_of(fired[rows], np.full(36, 20), labels[rows], groups=groups[rows]),
            "kind",
            permutations=100,
        ).table
        for rows in (np.arange(36), order)
    )
    columns = ["layer", "unit", "category", "auroc", "z"]
    pd.testing.assert_frame_equal(one[columns], other[columns], rtol=1e-5)


@pytest.mark.parametrize("design", list(GROUPS))
def test_planted_neurons_are_found_and_hardly_another(design):
    known = world(design=design, groups=16, units=60, strength=2.0, seed=3)
    found = neuron_tests(known, "class", permutations=200)
    truth = set(known.truth[["layer", "unit", "category"]].itertuples(index=False, name=None))
    hits = set(found.significant()[["layer", "unit", "category"]].itertuples(index=False, name=None))
    assert len(truth & hits) >= 7
    assert len(hits - truth) <= 1
    assert len(found.significant(by="q")) >= len(hits & truth)


def test_a_neuron_that_never_fires_is_not_tested(store_of):
    random = np.random.default_rng(6)
    fired = random.binomial(20, 0.5, (30, 3))
    fired[:, 1] = 0
    found = neuron_tests(store_of(fired, np.full(30, 20), ["ab"[i % 2] for i in range(30)]), "kind")
    assert found.table["category"].tolist()[1] == ""
    assert found.table.loc[1, ["auroc", "z", "p", "p_pooled", "q"]].isna().all()
    assert found.table.loc[[0, 2], "p"].notna().all()
    assert found.document()["tested"] == 2


def test_too_few_distinct_permutations_are_refused_with_their_number(store_of):
    store = store_of(np.ones((8, 2)), np.full(8, 2), list("aaaabbbb"), groups=[0, 0, 1, 1, 2, 2, 3, 3])
    with pytest.raises(OtoscopeError, match=r"6 distinct permutations in the nested design \(4 units"):
        neuron_tests(store, "kind")
    with pytest.raises(UsageError, match=r"permutations is 50; expected 100"):
        neuron_tests(store, "kind", permutations=50)


def test_tests_come_back_as_they_were_saved(store_of, tmp_path):
    random = np.random.default_rng(7)
    store = store_of(random.binomial(9, 0.5, (30, 3)), np.full(30, 9), ["ab"[i % 2] for i in range(30)])
    found = neuron_tests(store, "kind", permutations=100)
    found.save(tmp_path / "x")
    again = NeuronTests.load(tmp_path / "x")
    pd.testing.assert_frame_equal(again.table, found.table)
    assert again.document() == found.document()
    assert "100 permutations" in found._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no tests.json"):
        NeuronTests.load(tmp_path)
    with pytest.raises(UsageError, match="by is 'z'"):
        found.significant(by="z")


@pytest.mark.slow
@pytest.mark.parametrize("design", list(GROUPS))
def test_tests_hold_their_level_in_null_worlds(design):
    small = {"p": 0, "q": 0}
    for seed in range(100):
        known = world(design=design, strength=0.0, groups=12, units=50, group_effect=0.5, seed=seed)
        found = neuron_tests(known, "class", permutations=200, seed=seed)
        for by in small:
            small[by] += len(found.significant(by=by)) > 0
    # the 99 % interval of 5 in 100
    assert small["p"] <= 12
    assert small["q"] <= 12
