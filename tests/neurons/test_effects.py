import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.neurons import select
from otoscope.neurons.evidence.held_out import HeldOut, auroc, halves, held_out, pairs_of
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.redrawing import draws_of


def noise(store_of, clips=48, neurons=6, classes="abc", seed=0, groups=None, **settings):
    random = np.random.default_rng(seed)
    tokens = random.integers(3, 12, clips)
    fired = random.binomial(tokens[:, None], random.uniform(0.1, 0.9, neurons), (clips, neurons))
    labels = [classes[i % len(classes)] for i in range(clips)]
    return store_of(fired, tokens, labels, groups=groups, **settings)


def test_auroc_agrees_with_scikit_learn_ties_and_all():
    random = np.random.default_rng(0)
    rates = random.integers(0, 5, (60, 7)) / 4
    member = random.random((60, 3)) < 0.3
    expected = [[roc_auc_score(member[:, k], rates[:, j]) for j in range(7)] for k in range(3)]
    np.testing.assert_allclose(auroc(rates, member), expected, rtol=0, atol=1e-14)


def test_auroc_without_a_class_or_without_a_number_is_unknown():
    rates = np.array([[0.0, 1.0], [0.5, np.nan], [0.5, 0.0]])
    member = np.array([[True, False, True], [True, False, False], [True, False, False]])
    found = auroc(rates, member)
    assert np.isnan(found[:2]).all()
    assert found[2, 0] == 0
    assert np.isnan(found[2, 1])
    assert auroc(np.ones((4, 1)), np.eye(4, dtype=bool)).tolist() == [[0.5]] * 4


def test_auroc_of_other_shapes_is_refused():
    with pytest.raises(UsageError, match=r"rates has shape \(3,\) and member \(3, 1\)"):
        auroc(np.zeros(3), np.ones((3, 1), bool))


@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_halves_share_no_group_and_are_of_one_size(store_of, design):
    groups = {
        "ungrouped": None,
        "nested": [i % 24 for i in range(48)],
        "crossed": [i // 6 for i in range(48)],
    }
    store = noise(store_of, groups=groups[design])
    clips = labelled_clips(store, "kind")
    splits = [halves(clips, seed) for seed in range(6)]
    for a, b in splits:
        assert (a ^ b).all()
        units = np.arange(48) if clips.groups is None else clips.groups
        assert not set(units[a]) & set(units[b])
        for k in range(3):
            held = [len(set(units[half & clips.membership[:, k]])) for half in (a, b)]
            assert abs(held[0] - held[1]) <= 1
    assert len({a.tobytes() for a, _ in splits}) > 1
    np.testing.assert_array_equal(halves(clips, 3)[0], splits[3][0])


def test_effects_are_the_aurocs_of_the_pairs(store_of):
    store = noise(store_of, units=[2, 4])
    asked = [(1, 3, "b"), (0, 1, "a"), (1, 3, "c")]
    found = held_out(store, "kind", asked, bootstrap=200)
    rates = store.fired / store.tokens[:, None]
    for row, (_, _, name), column in zip(found.table.to_dict("records"), asked, (5, 1, 5), strict=True):
        assert row["category"] == name
        assert row["auroc"] == pytest.approx(roc_auc_score(store.clips["kind"] == name, rates[:, column]))
        assert 0 <= row["low"] <= row["auroc"] <= row["high"] <= 1
        assert row["groups"] == 16
    assert list(found.table) == ["layer", "unit", "category", "auroc", "low", "high", "groups"]
    assert found.by_category["auroc"].tolist() == found.table["auroc"].to_numpy()[[1, 0, 2]].tolist()


def test_intervals_equal_a_slow_bootstrap(store_of):
    store = noise(store_of, groups=[i // 6 for i in range(48)])
    found = held_out(store, "kind", [(0, 2, "a")], bootstrap=50, seed=4)
    random = np.random.default_rng(4).spawn(3)[0]  # the stream of the first class
    times = random.integers(8, size=(50, 7))  # every group holds the class, and others; one less is drawn
    rates, of_class = store.fired[:, 2] / store.tokens, (store.clips["kind"] == "a").to_numpy()
    drawn = []
    for groups in times:
        rows = np.concatenate([np.arange(6 * g, 6 * g + 6) for g in groups])
        drawn.append(roc_auc_score(of_class[rows], rates[rows]))
    assert found.table[["low", "high"]].iloc[0].tolist() == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def test_what_else_was_selected_does_not_matter(store_of):
    store = noise(store_of, groups=[i % 24 for i in range(48)])
    whole = held_out(store, "kind", [(0, 1, "a"), (0, 2, "b"), (0, 3, "b")], bootstrap=100, seed=1)
    alone = held_out(store, "kind", [(0, 2, "b")], bootstrap=100, seed=1)
    pd.testing.assert_frame_equal(whole.table.iloc[[1]].reset_index(drop=True), alone.table)


def test_a_class_of_one_group_has_no_interval(store_of):
    groups = [0 if i % 3 == 0 else i % 24 + 1 for i in range(48)]
    found = held_out(noise(store_of, groups=groups), "kind", [(0, 1, "a"), (0, 1, "b")], bootstrap=50)
    assert found.table["groups"].tolist() == [1, 8]
    assert found.table["low"].isna().tolist() == [True, False]


@pytest.mark.slow
def test_intervals_cover_the_truth_with_twenty_groups(store_of):
    covered = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        group = np.repeat(np.arange(40), 4)
        r = random.normal(size=40)[group] * 0.5 + random.normal(size=160) + (group % 2) * 1.0
        fired = np.clip(np.round(500 + 100 * r), 0, 1000)[:, None]
        store = store_of(fired, np.full(160, 1000), np.where(group % 2, "a", "b"), groups=group)
        row = held_out(store, "kind", [(0, 0, "a")], bootstrap=400, seed=seed).table.iloc[0]
        truth = 0.7365  # Phi(1 / sqrt(2 * 1.25))
        covered += row["low"] <= truth <= row["high"]
    assert covered / 300 > 0.88


def test_clips_that_the_selection_has_seen_are_refused(store_of):
    store = noise(store_of, groups=[i % 24 for i in range(48)])
    store.info["task"]["fingerprint"] = "t"
    clips = labelled_clips(store, "kind")
    a, b = halves(clips, 0)
    chosen = select(
        store, "kind", preset="aape", clips=a, permutations=0, response=0.5, share=0.5, assignment=0.5
    )
    found = held_out(store, "kind", chosen, clips=b, seen=a, bootstrap=0)
    assert len(found.table) == chosen.pairs
    assert found.provenance["seen"] == "none of them"
    assert held_out(store, "kind", chosen, clips=b, bootstrap=0).provenance["seen"] == "not known"
    with pytest.raises(OtoscopeError, match=r"groups to measure on were seen by the selection"):
        held_out(store, "kind", chosen, clips=np.arange(48) >= 24, seen=np.arange(48) < 24)
    with pytest.raises(OtoscopeError, match=r"has seen \d+ of the 48 clips"):
        held_out(store, "kind", chosen)


def test_groups_are_drawn_among_their_like():
    member, unit = np.array([1, 1, 0, 0, 0, 0], bool), np.array([0, 1, 2, 3, 4, 4])
    times = draws_of(member, unit, 500, np.random.default_rng(0))
    np.testing.assert_allclose(times[:2].sum(axis=0), 2)
    np.testing.assert_allclose(times[2:].sum(axis=0), 3)
    # The variance of the mean of n is that of n values, sum of squares over n (n - 1).
    value = np.array([1.0, 5.0, 9.0])
    mean = value @ draws_of(member, unit, 20000, np.random.default_rng(0))[2:] / 3
    assert mean.var() == pytest.approx(value.var(ddof=1) / 3, rel=0.05)
    np.testing.assert_allclose(times.mean(axis=1), 1, atol=0.15)
    assert draws_of(member[:3], unit[:3], 9, np.random.default_rng(0)).shape == (3, 0)


def test_bad_pairs_are_named(store_of):
    store = noise(store_of)
    with pytest.raises(UsageError, match=r"class 'z', which labeling 'kind' has not"):
        held_out(store, "kind", [(0, 1, "z")])
    with pytest.raises(UsageError, match=r"no unit 9"):
        held_out(store, "kind", [(0, 9, "a")])
    with pytest.raises(UsageError, match=r"no column category"):
        pairs_of(pd.DataFrame({"layer": [0], "unit": [1]}))
    with pytest.raises(UsageError, match=r"bootstrap is -1"):
        held_out(store, "kind", [], bootstrap=-1)


def test_none_selected_is_a_table_without_rows(store_of, tmp_path):
    found = held_out(noise(store_of), "kind", [])
    assert len(found.table) == 0
    assert found.by_category["neurons"].tolist() == [0, 0, 0]
    found.save(tmp_path)
    assert "NaN" not in (tmp_path / "effects.json").read_text()


def test_effects_come_back_as_they_were_saved(store_of, tmp_path):
    found = held_out(noise(store_of), "kind", [(0, 1, "a")], bootstrap=20)
    found.save(tmp_path / "x")
    again = HeldOut.load(tmp_path / "x")
    pd.testing.assert_frame_equal(again.table, found.table)
    pd.testing.assert_frame_equal(again.by_category, found.by_category)
    assert to_json(again.document()) == to_json(found.document())
    assert "AUROC" in found._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no effects.json"):
        HeldOut.load(tmp_path)
