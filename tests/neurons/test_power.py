from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.neurons.evidence.power import chance_to_find, power, smallest_shift
from otoscope.plots.power import power_curves
from otoscope.tasks import Labeling


def task(labels, groups=None, multilabel=False, classes=None):
    clips = pd.DataFrame({"kind": labels})
    if groups is not None:
        clips["voice"] = groups
    group = None if groups is None else "voice"
    labeling = (
        Labeling("kind", "kind", classes, group=group)
        if classes
        else Labeling.of(clips, "kind", multilabel=multilabel, group=group)
    )
    return SimpleNamespace(clips=clips, labeling=lambda name: labeling)


def nested(per_class, clips=3):
    rows = [(name, f"{name}{g}") for name, n in per_class.items() for g in range(n) for _ in range(clips)]
    return task(*zip(*rows, strict=True))


def crossed(groups, classes="abc"):
    rows = [(name, g) for g in range(groups) for name in classes for _ in range(2)]
    return task(*zip(*rows, strict=True))


@pytest.mark.parametrize(("paired", "groups"), [(False, 6), (False, 20), (True, 8)])
def test_a_shift_of_this_size_is_found_as_often_as_promised(paired, groups):
    shift = smallest_shift(groups, (groups,), 0.01, 0.8, paired)
    random = np.random.default_rng(0)
    a, b = random.normal(shift, 1, (20000, groups)), random.normal(0, 1, (20000, groups))
    if paired:
        d = a - b
        value, df = d.mean(1) / np.sqrt(d.var(1, ddof=1) / groups), groups - 1
    else:
        va, vb = a.var(1, ddof=1) / groups, b.var(1, ddof=1) / groups
        value = (a.mean(1) - b.mean(1)) / np.sqrt(va + vb)
        df = (va + vb) ** 2 / ((va**2 + vb**2) / (groups - 1))
    assert np.mean(student.sf(value, df) < 0.01) == pytest.approx(0.8, abs=0.025)


def test_more_groups_see_less_and_more_classes_or_candidates_need_more():
    assert smallest_shift(20, (20,), 0.01) < smallest_shift(10, (10,), 0.01)
    assert smallest_shift(10, (10, 10, 10), 0.01) > smallest_shift(10, (10,), 0.01)
    assert smallest_shift(10, (10,), 1e-5) > smallest_shift(10, (10,), 0.01)


def test_groups_of_the_halves_and_what_can_be_tested():
    found = power(nested({"a": 12, "b": 7, "c": 6}), "kind", neurons=1000)
    table = found.table
    assert found.design == "nested"
    assert table["groups"].tolist() == [12, 7, 6]
    assert table["groups_b"].tolist() == [6, 4, 3]
    assert table["testable"].tolist() == [True, True, False]
    assert "3 of its 6 groups" in table["reason"][2]
    assert np.isnan(table["shift"][2])
    assert table["shift"][0] == pytest.approx(smallest_shift(6, (4,), 0.05 / 21))
    assert (table["shift_of_many"] <= table["shift"]).tolist() == [True, True, False]
    assert found.candidates == 21
    assert "can test 2 of 3 classes, on 4 to 6 groups each" in found.sentences[1]
    # a shift of d between two normal distributions has an AUROC of Phi(d / sqrt(2)): 0.65 at 0.545
    assert "less than 0.54 standard deviations between clips" in found.sentences[3]


def test_crossed_groups_are_shared():
    found = power(crossed(14), "kind", neurons=3000)
    assert found.design == "crossed"
    assert found.table["groups"].tolist() == [14] * 3
    assert found.table["groups_b"].tolist() == [7] * 3
    expected = smallest_shift(0, (7, 7), 0.05 / 60, 0.8, True)
    assert found.table["shift"].tolist() == pytest.approx([expected] * 3)


def test_where_nothing_can_be_tested_it_says_what_would_do():
    found = power(crossed(6), "kind")
    assert not found.table["testable"].any()
    assert found.table["reason"].str.len().min() > 10
    assert "11 or more groups shared by both" in found.sentences[1]
    few = power(nested({"a": 2, "b": 2}), "kind")
    assert few.distinct == 6
    assert "fewer than 100, so nothing is tested by permutation" in few.sentences[0]
    assert "7 or more groups each" in few.sentences[1]


def test_without_groups_clips_count():
    found = power(task(["a", "b"] * 40), "kind")
    assert found.neurons == 36_864
    assert found.table["groups_b"].tolist() == [20, 20]
    assert "20 clips each" in found.sentences[1]


def test_a_store_says_how_many_neurons_it_has(store_of):
    store = store_of(np.ones((40, 5)), [0] + [3] * 39, ["a", "b"] * 20)
    found = power(store, "kind")
    assert found.neurons == 5
    assert found.table["clips"].tolist() == [19, 20]


def test_the_order_of_clips_does_not_matter():
    one = nested({"a": 12, "b": 9})
    order = np.random.default_rng(0).permutation(len(one.clips))
    other = task(one.clips["kind"].to_numpy()[order], one.clips["voice"].to_numpy()[order])
    pd.testing.assert_frame_equal(power(one, "kind").table, power(other, "kind").table)


def test_a_class_without_a_clip_cannot_be_tested():
    found = power(task(["a", "b"] * 40, classes=("a", "b", "z")), "kind")
    assert found.table["testable"].tolist() == [True, True, False]
    assert found.table["clips"].tolist() == [40, 40, 0]


def test_bad_input_is_named():
    with pytest.raises(UsageError, match="target is 80"):
        power(nested({"a": 9, "b": 9}), "kind", target=80)
    with pytest.raises(UsageError, match="neurons is -1"):
        power(nested({"a": 9, "b": 9}), "kind", neurons=-1)
    with pytest.raises(OtoscopeError, match="several classes a clip"):
        power(task(["a,b", "b", "a"] * 5, multilabel=True), "kind")


def test_the_document_is_json():
    document = power(nested({"a": 12, "b": 3}), "kind").document()
    assert "NaN" not in to_json(document)
    assert document["classes"][0]["category"] == "a"
    assert "classes" in repr(power(crossed(14), "kind"))
    assert "<table" in power(crossed(14), "kind")._repr_html_()


@pytest.mark.parametrize("paired", [False, True])
def test_the_smallest_shift_is_found_with_the_power_asked_for(paired):
    for target in (0.5, 0.8, 0.95):
        shift = smallest_shift(7, (7, 9), 0.01, target, paired)
        assert chance_to_find(shift, 7, (7, 9), 0.01, paired) == pytest.approx(target, abs=1e-3)


def test_the_chance_is_the_level_without_a_shift_and_one_for_a_large_one():
    assert chance_to_find(0.0, 9, (9,), 0.05) == pytest.approx(0.05)
    assert chance_to_find(0.0, 9, (9, 9), 0.05) == pytest.approx(0.05**2)
    assert chance_to_find(20.0, 9, (9, 9), 0.05) == pytest.approx(1.0)


def test_one_pair_has_the_power_that_statsmodels_has():
    known = pytest.importorskip("statsmodels.stats.power")
    expected = known.TTestIndPower().power(1.1, nobs1=12, alpha=0.01, ratio=1, alternative="larger")
    assert chance_to_find(1.1, 12, (12,), 0.01) == pytest.approx(expected, abs=1e-6)
    expected = known.TTestPower().power(1.1 / np.sqrt(2), nobs=12, alpha=0.01, alternative="larger")
    assert chance_to_find(1.1, 0, (12,), 0.01, paired=True) == pytest.approx(expected, abs=1e-6)


def test_curves_show_each_shift_with_its_prediction():
    rows = [(g, s, s * g / 99, s * g / 120, s * g / 90, s * g / 95) for s in (0.5, 1.0) for g in (8, 16, 48)]
    table = pd.DataFrame(rows, columns=["groups", "strength", "recall", "low", "high", "predicted"])
    ax = power_curves(table.sample(frac=1, random_state=0))
    assert [each.get_text() for each in ax.get_legend().get_texts()] == [
        "predicted", "shift 0.5 sd", "shift 1 sd"
    ]  # fmt: skip
    assert [each.get_text() for each in ax.get_xticklabels()] == ["8", "16", "48"]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(dashed[0].get_ydata(), table["predicted"][:3])
    with pytest.raises(UsageError, match="power_curves: column 'predicted' not found"):
        power_curves(table.drop(columns="predicted"))
