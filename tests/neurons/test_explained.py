"""Selectivity before and after the descriptors are regressed out."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, rankdata
from sklearn.linear_model import Ridge

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.explained import explained

KINDS = np.array(list("abc"))


def recording(store_of, seed=0, clips=180, groups=None):
    """Neuron 0 hears a pitch by which classes differ, 1 the class itself, 2 nothing, 3 never fires."""
    random = np.random.default_rng(seed)
    kind = np.arange(clips) % 3 if groups is None else groups % 3
    table = pd.DataFrame({"f0": kind + random.standard_normal(clips), "db": random.standard_normal(clips)})
    drive = np.stack([1.5 * table["f0"] - 1.5, 1.5 * kind - 1.5, 0 * kind], axis=1)
    fired = random.binomial(60, 1 / (1 + np.exp(-drive - 0.3 * random.standard_normal(drive.shape))))
    fired = np.hstack([fired, np.zeros((clips, 1), int)])
    return store_of(fired, np.full(clips, 60), KINDS[kind], groups=groups), table


ALL = [(0, 0), (0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize("groups", [None, np.arange(180) // 5])
def test_what_is_pitch_vanishes_and_what_is_class_stays(store_of, groups):
    store, table = recording(store_of, groups=groups)
    found = explained(store, table, "kind", ALL)
    pitch, own, nothing, dead = (found.iloc[i] for i in range(4))
    assert pitch["before_p"] < 0.01 < pitch["after_p"]
    assert pitch["after"] < 0.2 * pitch["before"]
    assert pitch["r2"] > 0.7
    assert own["before_p"] < 0.01
    assert own["after_p"] < 0.01
    assert nothing["before_p"] > 0.01
    assert nothing["before_chance"] == pytest.approx(nothing["before"], abs=0.1)
    assert dead[2:].isna().all()
    for which in ("before", "after"):  # over the three neurons that have a p
        assert found[f"{which}_q"][:3].tolist() == false_discovery_control(found[f"{which}_p"][:3]).tolist()


def test_agrees_with_the_slow_version(store_of):
    store, table = recording(store_of)
    found = explained(store, table, "kind", ALL[:1], permutations=5, seed=2)
    y, x = rankdata(store.fired[:, 0]), rankdata(table.to_numpy(), axis=0)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    fold = np.random.default_rng(2).permutation(np.arange(180) % 5)
    left = np.empty(180)
    for number in range(5):
        train = fold != number
        left[~train] = y[~train] - Ridge(alpha=0.01 * train.sum()).fit(x[train], y[train]).predict(x[~train])
    for name, values in (("before", y), ("after", left)):
        classes = [values[np.arange(180) % 3 == k] for k in range(3)]
        between = sum(len(each) * (each.mean() - values.mean()) ** 2 for each in classes)
        assert found[name][0] == pytest.approx(between / ((values - values.mean()) ** 2).sum())


def test_level_where_only_the_descriptor_counts(store_of):
    p = []
    for seed in range(60):
        store, table = recording(store_of, seed=seed, clips=90, groups=np.arange(90) // 3)
        p.append(explained(store, table, "kind", ALL[:1], permutations=39, seed=seed)["after_p"][0])
    assert np.mean(np.array(p) <= 0.05) <= 10 / 60


def test_seeds_repeat_and_missing_values_are_taken(store_of):
    store, table = recording(store_of)
    table.loc[::4, "db"] = np.nan
    first, again = (explained(store, table, "kind", ALL, permutations=20, seed=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert first.iloc[:3].notna().all(axis=None)


def test_errors(store_of):
    store, table = recording(store_of)
    with pytest.raises(UsageError, match="0 neurons"):
        explained(store, table, "kind", [])
    with pytest.raises(UsageError, match="layer 0 has units 0 to 3"):
        explained(store, table, "kind", [(0, 9)])
    few, part = recording(store_of, clips=12, groups=np.arange(12) // 4)
    with pytest.raises(OtoscopeError, match="6 distinct permutations"):
        explained(few, part, "kind", ALL)
    both = store_of(np.ones((6, 1)), np.full(6, 2), ["a,b", "a", "b", "a", "b", "a"], multilabel=True)
    with pytest.raises(UsageError, match="several classes"):
        explained(both, pd.DataFrame({"db": np.arange(6.0)}), "kind", [(0, 0)])
