import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otoscope.errors import UsageError
from otoscope.neurons.filters import PRESETS, Filters, apply_filters, filters_for, order_statistic


@pytest.mark.parametrize(
    ("n", "q", "rank"),
    [(100, 0.95, 95), (10, 0.95, 10), (10, 0.25, 2), (10, 0.35, 4), (30, 0.05, 2), (10, 0.0, 1), (4, 1.0, 4)],
)
def test_the_rank_is_rounded_as_lape_rounds_it(n, q, rank):
    # 9.5 goes to 10, 2.5 to 2 (Python rounds to even), 3.5 to 4, 1.5 to 2; and never below rank 1.
    values = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert order_statistic(values, q) == [rank]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 1.0]), min_size=1), st.floats(0, 1))
def test_an_order_statistic_is_one_of_the_values(values, q):
    ordered = sorted(values)
    assert order_statistic(np.array(values), q) == [
        ordered[min(max(round(len(values) * q), 1), len(values)) - 1]
    ]


def test_three_filters_on_paper():
    # Columns: one-hot, dead, uniform, leaning, one-hot but weak.
    p = np.array([[0.9, 0.0, 0.5, 0.8, 0.02], [0.0, 0.0, 0.5, 0.1, 0.0]])
    kept = apply_filters(p, Filters(response=0.5, share=0.4, assignment=0.5))
    # Ascending: 0 0 0 0 .02 .1 .5 .5 .8 .9; rank 5 is 0.02, which the weak neuron does not exceed.
    assert kept.neurons.tolist() == [0, 3]
    assert kept.assigned.tolist() == [[True, True], [False, True]]
    leaning = -(8 / 9 * np.log(8 / 9) + 1 / 9 * np.log(1 / 9))
    np.testing.assert_allclose(kept.entropy, [0, leaning])
    assert kept.depth == pytest.approx(np.log(2) - leaning / 2)
    assert kept.coverage == 1.0


def test_equal_entropies_are_kept_in_the_order_of_neurons():
    # The same three values in all orders: equal on paper, different in the last bit of the sum.
    p = np.array([[0.1, 0.3, 0.7], [0.7, 0.1, 0.3], [0.3, 0.7, 0.1], [0.7, 0.3, 0.1], [0.2, 0.6, 1.4 / 2]]).T
    assert apply_filters(p, Filters(0.0, 0.4, 0.0)).neurons.tolist() == [0, 1]


def test_above_is_strict_so_equal_neurons_all_fail():
    kept = apply_filters(np.full((2, 10), 0.3), Filters(0.05, 1.0, 0.05))
    assert not len(kept.neurons)
    assert np.isnan(kept.depth)
    assert kept.coverage == 0.0


def test_dead_neurons_are_never_kept_even_by_filters_that_let_all_pass():
    p = np.zeros((3, 50))
    p[0, 7] = 0.01
    assert apply_filters(p, Filters(0.0, 1.0, 0.0)).neurons.tolist() == [7]


def test_kept_neurons_may_belong_to_no_class():
    # Half the neurons fire rarely and for one class; the lively ones are all above the assignment quantile.
    p = np.concatenate([np.array([[0.01], [0.0]]).repeat(10, 1), np.full((2, 10), 0.9)], axis=1)
    p += np.arange(20) * 1e-6
    kept = apply_filters(p, Filters(0.05, 0.1, 0.95))
    assert len(kept.neurons) == 2
    assert not len(kept.specific)
    assert kept.coverage == 0.0
    assert kept.depth > 0.6


@given(st.integers(0, 2**32 - 1))
def test_renaming_classes_changes_nothing_else(seed):
    random = np.random.default_rng(seed)
    p = random.integers(0, 6, (4, 60)) / 5
    order = random.permutation(4)
    one, other = (apply_filters(each, Filters(0.5, 0.2, 0.5)) for each in (p, p[order]))
    assert one.neurons.tolist() == other.neurons.tolist()
    assert np.array_equal(one.assigned[order], other.assigned)
    np.testing.assert_allclose(one.entropy, other.entropy, atol=1e-14)


def test_the_presets_of_the_method():
    assert PRESETS["lape"] == PRESETS["aape"] == Filters(0.95, 0.01, 0.95)
    assert PRESETS["aape-drop5"] == Filters(0.05, 0.01, 0.95)
    assert filters_for("aape", "esc50").share == filters_for("aape-drop5", "gise51").share == 0.02
    assert filters_for("lape", "esc50").share == filters_for("aape", "cremad").share == 0.01
    assert filters_for("aape", "esc50", share=0.5, response=0.1) == Filters(0.1, 0.5, 0.95)


def test_messages():
    with pytest.raises(
        UsageError, match="preset 'best' not found; expected specific, aape, aape-drop5, lape"
    ):
        filters_for("best")
    with pytest.raises(UsageError, match="share is 2; expected a share from 0 to 1"):
        filters_for("aape", share=2)
    with pytest.raises(UsageError, match="response is nan"):
        Filters(response=float("nan"))
