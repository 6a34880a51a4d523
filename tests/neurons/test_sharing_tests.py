"""Tests of sharing: small cases on paper, uniform shuffles, what is found in worlds, and the round trip."""

import itertools

import numpy as np
import pytest

import otoscope
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons import Sharing, select, share
from otoscope.neurons.sharing.margins import excess_over_margins
from otoscope.neurons.sharing.orders import ordered
from otoscope.neurons.sharing.paper import PAPER_FIGURES, paper_figure
from otoscope.neurons.sharing.profiles import profile_correlation
from otoscope.neurons.sharing.relabelled import Incidence, Side, relabelled
from otoscope.neurons.sharing.swaps import swap_randomised
from otoscope.neurons.sharing.tested import sharing_test
from otoscope.neurons.sharing.testing import name_test, pooled_p


def incidence(rows):
    table = np.array(rows, dtype=bool)
    return Incidence(np.arange(table.shape[1]), table)


def test_swaps_keep_margins_and_reach_the_five_tables_equally():
    start = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=bool)
    tables = np.concatenate(list(swap_randomised(start, 5000, 1)))
    assert (tables.sum(axis=1) == start.sum(axis=0)).all()
    assert (tables.sum(axis=2) == start.sum(axis=1)).all()
    counts = np.unique(tables.reshape(5000, -1), axis=0, return_counts=True)[1]
    assert len(counts) == 5
    assert abs(counts - 1000).max() < 120


def test_permuted_labels_give_each_of_the_labelings_on_paper(store_of):
    # 4 clips of 10 tokens, labels a a b b: 6 labelings, in which the sums of p are worked out one by one.
    fired = np.random.default_rng(1).integers(0, 11, (4, 6))
    store = store_of(fired, [10, 10, 10, 10], ["a", "a", "b", "b"])
    side = Side.of(store, "kind", "aape")
    expected = set()
    for chosen in itertools.combinations(range(4), 2):
        rest = [clip for clip in range(4) if clip not in chosen]
        permuted = fired[[*chosen, *rest]]
        sets = select(
            store_of(permuted, [10, 10, 10, 10], ["a", "a", "b", "b"]),
            "kind",
            preset="aape",
            permutations=0,
            twins=False,
        ).sets()
        expected.add(tuple(tuple(sorted(unit for _, unit in sets[name])) for name in "ab"))
    found = {
        tuple(tuple(one.neurons[row].tolist()) for row in one.assigned)
        for one, _ in relabelled(side, None, 200, 0)
    }
    assert found == expected


def test_pooled_p_on_paper():
    # Two pairs, three draws: 8 standardised values, of which the found ones have ranks that can be counted.
    found, drawn = np.array([2.0, 0.0]), np.array([[0.0, 1.0], [1.0, 2.0], [1.0, 1.0]])
    z, p = pooled_p(found, drawn)
    assert np.allclose(z, [np.sqrt(2), -np.sqrt(2)])
    assert p.tolist() == [2 / 8, 1.0]
    assert pooled_p(np.ones(1), np.ones((5, 1)))[1].tolist() == [1.0]


def test_margins_explain_what_they_force():
    # Every neuron is of all classes or of the one class that has any more: nothing can be otherwise.
    forced = incidence([[1, 1, 1], [1, 1, 0], [1, 1, 0]])
    assert np.allclose(excess_over_margins(forced, forced)[0, 1:], 0, atol=0.1)
    pairs = incidence([[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]])
    excess = excess_over_margins(pairs, pairs)
    # By symmetry each neuron is of each class with probability 1/2: two classes share 6/4 on average.
    assert excess[0, 1] == pytest.approx((3 - 1.5) / np.sqrt(6 * 3 / 16 + 0.5))
    assert excess[0, 2] == pytest.approx((0 - 1.5) / np.sqrt(6 * 3 / 16 + 0.5))


def test_incidences_share_neurons_by_their_numbers():
    one = Incidence(np.array([2, 5]), np.array([[True, True], [False, True]]))
    other = Incidence(np.array([5, 9]), np.array([[True, False]]))
    assert one.shared(other).tolist() == [[1], [1]]
    assert one.jaccard(other).tolist() == [[1 / 2], [1.0]]


def test_few_names_are_tested_against_permuted_labels_alone():
    found = name_test(np.eye(4), np.zeros((99, 4, 4)))
    assert (found.difference, found.distinct, found.p_labels, found.p_names, found.p) == (
        1.0,
        24,
        0.01,
        None,
        None,
    )
    assert "not against permuted names" in found.note
    assert "no test of names" in name_test(np.eye(1), np.zeros((9, 1, 1))).note


@pytest.fixture(scope="module")
def jointly():
    """A world in which the first two classes have twelve neurons in common, and each has four of its own."""
    world = otoscope.world(classes=5, groups=6, clips=4, layers=2, units=200, strength=0.0, seed=3)
    random = np.random.default_rng(3)
    free = random.permutation(np.flatnonzero(np.abs(world.fired.mean(axis=0) / 50 - 0.25) < 0.2))
    names = list(world.labelings["class"].classes)
    for cells, classes in (
        (free[:12], names[:2]),
        *((free[12 + 4 * k : 16 + 4 * k], [names[k]]) for k in range(5)),
    ):
        rows = np.flatnonzero(world.clips["class"].isin(classes))
        world.fired[np.ix_(rows, cells)] = random.binomial(
            world.tokens[rows][:, None], 0.97, (len(rows), len(cells))
        )
    return world


@pytest.fixture
def wide(monkeypatch):
    """The preset with a tenth of the neurons: the world has 400."""
    from otoscope.neurons.filters import PRESETS, Filters

    monkeypatch.setitem(PRESETS, "aape", Filters(share=0.1))


@pytest.mark.usefixtures("wide")
def test_classes_that_have_neurons_in_common_are_found_and_others_are_not(jointly, tmp_path):
    found = sharing_test(jointly, "class", permutations=99)
    marks = found.marks.to_numpy()
    assert marks[0, 1]
    assert marks[1, 0]
    assert marks.sum() == 2
    counted = share(select(jointly, "class", preset="aape", permutations=0, twins=False))
    assert np.array_equal(found.shared, counted.shared)
    assert "*" in {text.get_text()[-1:] for text in found.plot().texts}
    found.save(tmp_path)
    assert Sharing.load(tmp_path).document() == found.document()


@pytest.mark.usefixtures("wide")
def test_a_recording_and_another_draw_of_it_share_by_name(jointly):
    found = sharing_test(jointly, "class", jointly, "shuffled", permutations=49)
    assert found.tests.names.p_labels > 1 / 50
    assert "of the same clips" in found.tests.note
    same = sharing_test(jointly, "class", jointly, permutations=49)
    assert same.tests.names.p_labels == 1 / 50
    assert same.tests.names.distinct == 120
    assert same.tests.names.p == same.tests.names.p_labels


def test_two_classes_are_not_tested():
    found = sharing_test(otoscope.world(classes=2), "class", permutations=9)
    assert found.tests.pairs.table["p"].isna().all()
    assert "Not tested: 2 classes" in found.tests.note


def test_too_few_permutations_of_the_labels_are_said():
    found = sharing_test(otoscope.world(classes=3, groups=1), "class", permutations=9)
    assert "nested design of 'class' has 6 distinct permutations" in found.tests.note


def test_errors():
    known = otoscope.world()
    with pytest.raises(UsageError, match="permutations is 0"):
        sharing_test(known, "class", permutations=0)
    with pytest.raises(UsageError, match="'specific' is not tested"):
        sharing_test(known, "class", preset="specific")
    with pytest.raises(OtoscopeError, match="of different models"):
        sharing_test(known, "class", otoscope.world(seed=1), permutations=5)
    with pytest.raises(UsageError, match="order 'size' not found"):
        ordered(["a"], "size")


@pytest.mark.parametrize("name", PAPER_FIGURES)
def test_every_figure_of_the_paper_is_one_call(name):
    stores = [otoscope.world(draw=draw) for draw in range(len(PAPER_FIGURES[name].tasks))]
    labels = dict(zip(("label", "other_label"), ["class"] * len(stores), strict=False))
    axes = paper_figure(name, *stores, **labels, permutations=5)
    assert axes.get_title().startswith(f"{name}: world")


def test_figures_of_other_tasks_are_refused():
    with pytest.raises(
        OtoscopeError, match="is of gtzan by 'genre', and the recording is of the task 'world'"
    ):
        paper_figure("genre", otoscope.world())
    with pytest.raises(UsageError, match="given 1 recordings; expected 2: of surge and nsynth"):
        paper_figure("octave", otoscope.world())
    with pytest.raises(UsageError, match="figure 'colour' not found"):
        paper_figure("colour", otoscope.world())


def test_where_groups_do_not_say_what_to_permute_one_says_it(store_of):
    # The groups 1 and 2 hold both labels, group 3 one of them several times.
    fired = np.random.default_rng(1).integers(0, 11, (8, 40))
    store = store_of(fired, [10] * 8, list("abababaa"), groups=list("11222233"))
    for test in (sharing_test, profile_correlation):
        with pytest.raises(OtoscopeError, match="neither nested in its groups nor crossed"):
            test(store, "kind", permutations=3)
        test(store, "kind", permutations=3, design="crossed")
        with pytest.raises(OtoscopeError, match="neither nested in its groups nor crossed"):
            test(store, "kind", store, "kind", permutations=3, design="crossed")
        test(store, "kind", store, "kind", permutations=3, design="crossed", other_design="ungrouped")
    tested = sharing_test(
        store, "kind", store, "kind", permutations=3, design="crossed", other_design="ungrouped"
    )
    assert tested.tests.designs == ("crossed", "ungrouped")
