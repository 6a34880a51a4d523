import numpy as np
import pandas as pd
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.evidence.stability import Stability, chance_jaccard, stability
from otoscope.neurons.worlds.building import world


@pytest.fixture(scope="module")
def known():
    return world(units=60, strength=2.0)


def test_a_selector_that_says_the_same_each_time_agrees_with_itself(known):
    masks = []

    def always(clips):
        masks.append(clips)
        return [(0, 1, known.labelings["class"].classes[0]), (0, 2, known.labelings["class"].classes[1])]

    found = stability(known, "class", always, splits=3)
    whole = found.by_category.iloc[0]
    assert whole["category"] == ""
    assert whole["jaccard"] == 1
    assert whole["neurons"] == 2
    assert found.by_category["jaccard"].isna().tolist() == [False, False, False, True, True]
    for a, b in zip(masks[::2], masks[1::2], strict=True):
        assert (a ^ b).all()
        assert not set(known.clips["group"][a]) & set(known.clips["group"][b])


def test_jaccard_by_hand(known):
    name = known.labelings["class"].classes[0]
    answers = iter([[(0, 0, name), (0, 1, name)], [(0, 1, name), (0, 2, name), (0, 3, name)]])
    row = stability(known, "class", lambda clips: next(answers), splits=1).table.iloc[1]
    assert row[["first", "second", "shared", "jaccard"]].tolist() == [2, 3, 1, 0.25]


def test_a_selector_by_chance_agrees_as_expected(known):
    random, name = np.random.default_rng(0), known.labelings["class"].classes[0]

    def any_twenty(clips):
        return [(0, unit, name) for unit in random.choice(60, 20, replace=False).tolist()]

    found = stability(known, "class", any_twenty, splits=150).by_category.iloc[0]
    assert found["jaccard"] == pytest.approx(chance_jaccard(20, 20, 60), abs=0.02) or found["expected"] < 0.1
    assert chance_jaccard(20, 20, 60) == pytest.approx(0.204, abs=0.005)
    assert found["expected"] == pytest.approx(chance_jaccard(20, 20, 180))


def test_planted_neurons_are_stable(known):
    share = 8 / 180
    from otoscope.neurons import select

    found = stability(
        known,
        "class",
        lambda clips: select(known, "class", preset="aape", share=share, clips=clips, permutations=0),
        splits=4,
    )
    whole = found.by_category.iloc[0]
    assert whole["jaccard"] > 5 * whole["expected"]


def test_a_preset_by_name_and_equal_seeds(known):
    one, two = (stability(known, "class", "lape", splits=2, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    with pytest.raises(UsageError, match="preset 'no' not found"):
        stability(known, "class", "no", splits=1)
    with pytest.raises(UsageError, match="splits is 0"):
        stability(known, "class", "lape", splits=0)


def test_a_class_of_one_group_cannot_be_halved(store_of):
    store = store_of(np.ones((6, 2)), np.full(6, 2), list("aabbbb"), groups=[0, 0, 1, 1, 2, 2])
    with pytest.raises(OtoscopeError, match="no recorded clip among the clips chosen is of class 'a'"):
        stability(store, "kind", lambda clips: [], splits=1)


def test_stability_comes_back_as_it_was_saved(known, tmp_path):
    found = stability(known, "class", "aape", splits=2)
    found.save(tmp_path / "x")
    again = Stability.load(tmp_path / "x")
    pd.testing.assert_frame_equal(again.table, found.table)
    assert repr(again) == repr(found)
    assert "all classes" in found._repr_html_()
    with pytest.raises(OtoscopeError, match=r"no stability.json"):
        Stability.load(tmp_path)
