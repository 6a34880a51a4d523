"""Targets by selector: as many for each class, each the selector's best."""

import numpy as np
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import selectors_of, unique
from otoscope.neurons.ranks import auroc


def test_every_selector_and_class_has_as_many(paper):
    found = unique(selectors_of(["auroc", "lap", "mad"], neurons=4)(paper))
    assert [target.name for target in found[:3]] == ["a by auroc", "b by auroc", "c by auroc"]
    assert len(found) == 9
    for target in found:
        assert target.name == f"{target.of} by {target.at}"
        assert (target.series, target.categories, len(target.neurons)) == ("selector", (target.of,), 4)
    tops = {target.name: target.neurons for target in selectors_of(["lap", "csi"], neurons=1)(paper)}
    assert tops["a by lap"] == tops["b by lap"] == tops["a by csi"] == ((0, 3),)
    assert tops["c by lap"] == tops["c by csi"] == ((1, 5),)


def test_the_order_is_that_of_the_score_computed_slowly(paper):
    clips = paper.store.clips["kind"].to_numpy()[:24]
    area = auroc(paper.store.fired[:24] / 20, clips[:, None] == np.array(list("abc")))
    for target, row in zip(selectors_of(["auroc"], neurons=10)(paper), area, strict=True):
        first = np.argsort(-row.round(9), kind="stable")[:10]
        assert target.neurons == tuple(sorted((int(n) // 100, int(n) % 100) for n in first))


def test_what_a_selector_cannot_fill_is_left_out_and_said(paper):
    with pytest.warns(UserWarning, match=r"rank fewer than 40 neurons for a class: .* by aape \(\d+\)"):
        found = selectors_of(["lap", "aape"], neurons=40)(paper)
    assert {target.at for target in found} == {"lap"}


def test_specific_takes_part_with_what_it_selects(learning, paper):
    with pytest.warns(UserWarning, match=r"fewer than 1 .*: a by specific \(0\), b by specific \(0\)"):
        found = selectors_of(["specific", "lap"], neurons=1)(paper)
    assert [target.neurons for target in found if target.at == "specific"] == [((1, 5),)]
    with pytest.raises(OtoscopeError, match="classes can be tested"):
        selectors_of(["specific"], neurons=1)(learning)  # six groups, and it asks for more


def test_errors_name_the_value_and_what_to_try(paper):
    with pytest.raises(UsageError, match="neurons is 0; expected 1 or more for each class"):
        selectors_of(["lap"], neurons=0)
    with pytest.raises(UsageError, match="selector 'best' not found; expected one of lap"):
        selectors_of(["specific", "best"], neurons=1)
    with pytest.raises(UsageError, match="no selector is named"):
        selectors_of([], neurons=1)
    with pytest.raises(OtoscopeError, match="nothing is left; try fewer neurons, or other selectors"):
        selectors_of(["aape"], neurons=150)(paper)
