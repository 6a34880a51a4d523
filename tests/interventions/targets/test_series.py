"""Series: the same neurons at several gains, in growing numbers, layer by layer."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import counts_of, gains_of, given, layers_of, unique

TWO_LAYERS = SimpleNamespace(store=SimpleNamespace(layers=[SimpleNamespace(units=100)] * 2))
ADDRESSES = [(0, 3), (0, 10), (0, 11), (1, 5), (1, 20)]


def test_every_gain_keeps_the_neurons():
    series = gains_of(given(ADDRESSES, name="mine"), [0, 0.5, 2])(TWO_LAYERS)
    assert [target.name for target in series] == ["mine x0", "mine x0.5", "mine x2"]
    assert [(target.level, target.at) for target in series] == [(0, "0"), (0.5, "0.5"), (2, "2")]
    assert {(target.series, target.of, target.neurons) for target in series} == {
        ("gain", "mine", tuple(ADDRESSES))
    }


def test_layers_are_the_target_taken_apart():
    first, second = layers_of(given(ADDRESSES, name="mine"))(TWO_LAYERS)
    assert (first.name, first.at, first.by_layer) == ("mine, layer 0", "0", {0: 3})
    assert (second.name, second.at, second.by_layer) == ("mine, layer 1", "1", {1: 2})
    assert sorted(first.neurons + second.neurons) == ADDRESSES


@pytest.mark.parametrize("by", ["entropy", "probability", "auroc", "aape", "random"])
def test_counts_are_nested(paper, by):
    series = counts_of(given(ADDRESSES, name="mine"), [1, 2, 4, 5], by=by)(paper)
    assert [len(target.neurons) for target in series] == [1, 2, 4, 5]
    for smaller, larger in pairwise(series):
        assert set(smaller.neurons) < set(larger.neurons)
    assert series[-1].neurons == tuple(ADDRESSES)
    assert {(target.series, target.of) for target in series} == {("count", f"mine by {by}")}
    assert [target.at for target in series] == ["1", "2", "4", "5"]


def test_the_first_are_those_known_on_paper(paper):
    # 1.5 fires for one class only, 0.3 for two; 0.3 fires on 16 tokens of 20, 1.5 on 15.
    mine = given(ADDRESSES, name="mine")
    for by, first in (("entropy", [(1, 5), (0, 3)]), ("probability", [(0, 3), (1, 5)])):
        one, two = counts_of(mine, [1, 2], by=by)(paper)
        assert list(one.neurons) == first[:1]
        assert set(two.neurons) == set(first)


def test_the_targets_own_class_comes_first(paper):
    def of_a(learning):
        return [replace(target, categories=("a",)) for target in given(ADDRESSES)(learning)]

    (first,) = counts_of(of_a, [1], by="auroc")(paper)
    assert first.neurons == ((0, 3),)
    (most,) = counts_of(of_a, [4], by="auroc")(paper)
    assert (1, 5) not in most.neurons  # it is silent for a: the last


def test_a_random_order_is_that_of_the_seed(paper):
    maker = counts_of(given([(0, unit) for unit in range(50)]), [5], by="random")
    assert maker(paper) == maker(paper)
    assert maker(replace(paper, seed=1)) != maker(paper)


def test_series_compose(paper):
    found = unique(gains_of(layers_of(given(ADDRESSES, name="mine")), [0, 2])(paper))
    assert found[-1].name == "mine, layer 1 x2"
    assert len(found) == 4


def test_errors_name_the_value_and_what_to_try(paper):
    mine = given(ADDRESSES, name="mine")
    with pytest.raises(UsageError, match="gains are none; expected one or more, each once"):
        gains_of(mine, [])
    with pytest.raises(UsageError, match="gains are 0, 0; expected"):
        gains_of(mine, [0.0, 0])
    with pytest.raises(UsageError, match=r"gains are \[nan\]; expected finite numbers"):
        gains_of(mine, [float("nan")])
    with pytest.raises(
        UsageError, match=r"counts are \[0, 2\]; expected whole numbers of neurons, 1 or more"
    ):
        counts_of(mine, [0, 2])
    with pytest.raises(
        UsageError, match="cannot be ranked by 'size'; expected random, probability, or a sel"
    ):
        counts_of(mine, [1], by="size")
    with pytest.raises(
        OtoscopeError, match=r"target 'mine' has 5 neurons, and counts go up to 6; .*selectors_of"
    ):
        counts_of(mine, [6])(paper)
