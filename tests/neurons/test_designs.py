import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons import design_of


def member(labels):
    names = sorted({each for label in labels for each in label})
    return np.array([[name in label for name in names] for label in labels])


def codes(groups):
    return np.unique(list(groups), return_inverse=True)[1]


@pytest.mark.parametrize(
    ("labels", "groups", "name", "distinct"),
    [
        ("aabb", None, "ungrouped", 6),
        ("aaabbbccc", None, "ungrouped", 1680),  # 9! / 3!^3
        ("aabb", "1122", "nested", 2),
        ("abab", "1122", "crossed", 2 * 2),
        ("aabbaabb", "11112222", "crossed", 36),  # (4! / 2!^2) squared
        ("aaaabb", "112233", "nested", 3),
        ("abc", "123", "nested", 6),
        ("aba", "112", "crossed", 2),  # a group of one clip says nothing
        (["a", "ab", "ab", "b"], None, "ungrouped", 12),  # rows move as wholes
        (["ab", "ab", "b", "b"], "1122", "nested", 2),
    ],
)
def test_designs_and_distinct_permutations_on_paper(labels, groups, name, distinct):
    design = design_of(member(labels), None if groups is None else codes(groups))
    assert design.name == name
    assert design.distinct == distinct
    assert design.log10_distinct == pytest.approx(math.log10(distinct))


def test_many_permutations_are_counted_by_their_logarithm():
    labels = np.repeat(np.arange(50), 40)
    design = design_of(labels[:, None] == np.arange(50))
    exact = math.factorial(2000) // math.factorial(40) ** 50
    assert design.distinct == f"10^{math.log10(exact // 10**3200) + 3200:.0f}" == "10^3340"
    assert design.log10_distinct == pytest.approx(math.log10(exact // 10**3000) + 3000)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_the_count_is_what_enumeration_finds(seed, clips):
    random = np.random.default_rng(seed)
    rows = random.random((clips, 2)) < 0.5
    groups = random.integers(0, 2, clips)
    design = design_of(rows, groups, name="crossed")
    found = {
        tuple(map(tuple, rows[list(order)].tolist()))
        for order in permutations(range(clips))
        if np.array_equal(groups[list(order)], groups)
    }
    assert design.distinct == len(found)


@given(st.integers(0, 2**32 - 1))
def test_nested_permutations_keep_one_label_a_group(seed):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 8, 40)
    rows = (random.integers(0, 3, 8)[groups])[:, None] == np.arange(3)
    design = design_of(rows, groups)
    drawn = design.permuted(random)
    clips = drawn[design.unit]
    for group in np.unique(groups):
        assert len(np.unique(clips[groups == group], axis=0)) == 1
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, design.rows.tolist()))


@given(st.integers(0, 2**32 - 1))
def test_crossed_permutations_keep_the_labels_of_every_group(seed):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 5, 40)
    rows = random.random((40, 3)) < 0.4
    design = design_of(rows, groups, name="crossed")
    drawn = design.permuted(random)
    for group in np.unique(groups):
        one, other = (sorted(map(tuple, each[groups == group].tolist())) for each in (rows, drawn))
        assert one == other


def test_permutations_are_uniform():
    design = design_of(member("aab"))
    random = np.random.default_rng(0)
    draws = [tuple(design.permuted(random)[:, 0].tolist()) for _ in range(3000)]
    assert all(900 < draws.count(each) < 1100 for each in set(draws))
    assert len(set(draws)) == 3


def test_neither_nested_nor_crossed_asks_the_user():
    rows, groups = member("aabbab"), codes("112233")
    with pytest.raises(
        OtoscopeError,
        match=r"labeling 'pitch' is neither nested .* 2 groups of .* 1 hold more.*the design crossed",
    ):
        design_of(rows, groups, label="pitch")
    assert design_of(rows, groups, name="crossed").distinct == 2
    assert design_of(rows, groups, name="ungrouped").distinct == 20


def test_messages():
    with pytest.raises(
        UsageError, match="design 'blocked' not found; expected one of ungrouped, nested, crossed"
    ):
        design_of(member("ab"), name="blocked")
    with pytest.raises(
        UsageError, match="labeling 'x' has no groups; expected the design ungrouped, given nested"
    ):
        design_of(member("ab"), name="nested", label="x")
    with pytest.raises(UsageError, match=r"1 of 1 groups hold several labels.*try the design crossed"):
        design_of(member("ab"), np.zeros(2, dtype=int), name="nested")
