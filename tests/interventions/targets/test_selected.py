"""Targets from a selection: on planted neurons, and on a recording whose selection is known on paper."""

import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import (
    all_neurons,
    class_neurons,
    counts_of,
    pairs,
    selectors_of,
    shared_neurons,
)


def neurons(targets):
    return {target.name: target.neurons for target in targets}


def test_planted_neurons_by_class_by_pair_and_all(learning, toy):
    planted = {row.category: (row.layer, row.unit) for row in toy.truth.itertuples()}
    single = class_neurons(level=0.5)(learning)
    assert neurons(single) == {name: (address,) for name, address in planted.items()}
    assert {target.level for target in single} == {0.5}
    a, b, c = learning.labeling.classes
    both = pairs()(learning)
    assert [target.categories for target in both] == [(a, b), (a, c), (b, c)]
    assert [target.name for target in both] == [f"{a}+{b}", f"{a}+{c}", f"{b}+{c}"]
    assert all(set(target.neurons) == {planted[name] for name in target.categories} for target in both)
    assert pairs([(c, a)])(learning)[0].categories == (c, a)
    (everything,) = all_neurons()(learning)
    assert (everything.name, everything.categories) == ("all", (a, b, c))
    assert set(everything.neurons) == set(planted.values())


def test_a_neuron_of_two_classes_is_shared_on_paper(paper):
    assert neurons(class_neurons()(paper)) == {"a": ((0, 3),), "b": ((0, 3),), "c": ((1, 5),)}
    (shared,) = shared_neurons()(paper)
    assert (shared.name, shared.categories, shared.neurons) == ("a&b", ("a", "b"), ((0, 3),))
    assert neurons(all_neurons()(paper)) == {"all": ((0, 3), (1, 5))}


@pytest.mark.parametrize(
    "maker",
    [
        class_neurons(),
        pairs(),
        shared_neurons(),
        all_neurons(),
        selectors_of(["auroc", "lap"], neurons=3),
        counts_of(all_neurons(), [1], by="probability"),
        counts_of(all_neurons(), [1], by="dprime"),
    ],
)
def test_test_clips_are_not_looked_at(maker, paper, other_test_clips):
    assert maker(other_test_clips) == maker(paper)


def test_errors_name_the_value_and_what_to_try(learning, paper, silent):
    with pytest.raises(UsageError, match="expected at least one class"):
        class_neurons([])
    with pytest.raises(UsageError, match="expected at least one pair"):
        pairs([])
    with pytest.raises(UsageError, match=r"\('a', 'a'\) is no pair; expected the names of two classes"):
        pairs([("a", "a")])
    with pytest.raises(UsageError, match="labeling 'kind' has no class 'd'; it has a, b, c"):
        pairs([("a", "d")])(paper)
    with pytest.raises(
        OtoscopeError, match=r"finds no neuron that is specific to two classes .* try another"
    ):
        shared_neurons()(learning)
    for maker, asked in (
        (pairs(), "a pair of classes"),
        (all_neurons(), "any class"),
        (class_neurons(), "a, b, c"),
    ):
        with pytest.raises(OtoscopeError, match=f"finds no neurons of {asked} .* that have some: none"):
            maker(silent)
