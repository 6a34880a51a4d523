"""Rank correlations with descriptors, and the flag "follows X"."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.following import rank_correlations, ranks_among
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.meaning.result import Follows
from otoscope.neurons.worlds.building import world


def recording(store_of, clips=120, neurons=30, seed=0, groups=None):
    random = np.random.default_rng(seed)
    table = pd.DataFrame(random.standard_normal((clips, 3)), columns=["db", "f0", "flat"])
    kind = np.arange(clips) % 3
    table["f0"] += kind  # the classes differ in pitch
    drive = random.standard_normal((clips, neurons))
    drive[:, 0] += 2 * table["db"]  # follows loudness
    drive[:, 1] += 2 * kind  # follows the class, and pitch with it
    fired = random.binomial(20, 1 / (1 + np.exp(-drive)))
    fired[:, 2] = 0
    return store_of(fired, np.full(clips, 20), np.array(list("abc"))[kind], groups=groups), table


def test_ranks_among_some_are_those_of_scipy():
    random = np.random.default_rng(0)
    values, used = random.integers(0, 9, (50, 700)), random.random(50) < 0.6
    np.testing.assert_array_equal(ranks_among(rankdata(values, axis=0), used), rankdata(values[used], axis=0))


def test_correlations_are_those_of_scipy(store_of):
    store, table = recording(store_of)
    table.loc[:40, "f0"] = np.nan
    table.loc[3, "flat"] = -np.inf
    found = rank_correlations(store, table.assign(clip="x"))
    assert list(found.columns) == ["db", "f0", "flat"]
    for name in found:
        known = np.isfinite(table[name].to_numpy())
        for neuron in (0, 1, 7):
            expected = spearmanr(store.fired[known, neuron], table[name][known]).statistic
            assert found[name][neuron] == pytest.approx(expected, abs=1e-5)
    assert found.iloc[2].isna().all()


@pytest.mark.parametrize("grouping", ["ungrouped", "nested", "crossed"])
def test_what_follows_is_told_from_what_knows_the_class(store_of, grouping):
    clips = np.arange(240)
    groups = {"ungrouped": None, "nested": clips // 2 // 3 * 3 + clips % 3, "crossed": clips // 60}[grouping]
    store, table = recording(store_of, clips=240, groups=groups)
    found = follows(store, table, "kind")
    assert found.design == grouping
    assert found.table["follows"][0] == "db"
    assert found.table["follows"].iloc[1:].eq("").all()
    assert found.correlations["f0"][1] > 0.4  # over clips it looks as if it followed pitch
    assert np.isnan(found.table["p"][2])
    assert found.following.to_dict() == {"db": 1}


def slow_within(rates, values, kinds):
    x, y = rankdata(rates), rankdata(values)
    for each in set(kinds):
        x[kinds == each] -= x[kinds == each].mean()
        y[kinds == each] -= y[kinds == each].mean()
    return x @ y / np.sqrt((x @ x) * (y @ y))


def test_within_agrees_with_the_slow_version(store_of):
    store, table = recording(store_of)
    found = follows(store, table[["db"]], "kind", permutations=19)
    kinds = store.clips["kind"].to_numpy()
    for neuron in (0, 1, 5):
        expected = slow_within(store.fired[:, neuron], table["db"], kinds)
        assert found.table["within"][neuron] == pytest.approx(expected, abs=1e-5)


def test_flags_are_what_passes_the_threshold(store_of):
    store, table = recording(store_of)
    found = follows(store, table, "kind")
    limits = found.thresholds.set_index("descriptor")["threshold"]
    passed = found.table["within"].abs() > found.table["descriptor"].map(limits)
    assert (passed == (found.table["follows"] != "")).all()


def test_order_of_clips_does_not_matter_to_correlations_and_seeds_repeat(store_of):
    store, table = recording(store_of)
    first, again = (follows(store, table, "kind", seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    order = np.random.default_rng(1).permutation(len(table))
    turned = store_of(store.fired[order], store.tokens[order], store.clips["kind"][order].tolist())
    pd.testing.assert_frame_equal(
        rank_correlations(turned, table.iloc[order]), rank_correlations(store, table), atol=1e-5
    )


def test_a_descriptor_that_is_nan_is_never_followed(store_of):
    store, table = recording(store_of)
    table["flat"] = np.nan
    table["constant"] = 1.0
    found = follows(store, table, "kind")
    assert found.thresholds.set_index("descriptor")["threshold"]["flat"] != 1
    assert set(found.table["descriptor"]) <= {"db", "f0", ""}


def test_null_worlds_are_flagged_at_most_at_alpha(store_of):
    flagged = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        groups = np.repeat(np.arange(24), 5)
        effect = random.standard_normal((24, 8))[groups]
        fired = random.binomial(20, 1 / (1 + np.exp(-effect)))
        table = pd.DataFrame(random.standard_normal((24, 2))[groups] + 0.2 * random.standard_normal((120, 2)))
        kinds = np.array(list("ab"))[groups % 2]
        store = store_of(fired, np.full(120, 20), kinds, groups=groups)
        flagged += (follows(store, table, "kind", permutations=39, seed=seed).table["follows"] != "").any()
    assert flagged <= 9  # 99.9 % binomial point of 60 at 0.05


def test_a_world_with_neurons_that_follow():
    made = world(classes=4, groups=24, clips=4, acoustic=6, strength=2.0, seed=0)
    found = follows(made, made.descriptors, "class").table.set_index(["layer", "unit"])
    truth = made.truth.drop_duplicates(["layer", "unit"]).set_index(["layer", "unit"])
    acoustic = truth[truth["kind"] == "acoustic"]
    flags = found["follows"]
    assert (flags.loc[acoustic.index] == acoustic["follows"]).mean() > 0.8
    assert (flags.drop(acoustic.index) == "").all()


def test_it_is_kept_and_read_again(store_of, tmp_path):
    store, table = recording(store_of)
    found = follows(store, table, "kind")
    found.save(tmp_path)
    again = Follows.load(tmp_path)
    assert again.document() == found.document()
    pd.testing.assert_frame_equal(again.table, found.table)
    assert "1 of 30 neurons" in repr(again)
    assert "db" in again._repr_html_()


def test_errors(store_of, tmp_path):
    store, table = recording(store_of)
    with pytest.raises(UsageError, match=r"10 permutations and alpha 0\.05"):
        follows(store, table, "kind", permutations=10)
    with pytest.raises(UsageError, match="descriptors have 5 rows and 3 columns"):
        rank_correlations(store, table[:5])
    few, part = recording(store_of, clips=6)
    with pytest.raises(OtoscopeError, match="there are 8 distinct permutations within classes"):
        follows(few, part, "kind")
    with pytest.raises(OtoscopeError, match=r"holds no follows\.json"):
        Follows.load(tmp_path)
