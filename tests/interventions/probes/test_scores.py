"""Probe scores: figures worked out by hand, and a store end to end."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.interventions import LinearProbe, probe_accuracy
from otoscope.interventions.probes.scores import group_interval


def test_planted_tones_are_read_and_shuffled_labels_are_not(store):
    score = probe_accuracy(store, "tone")
    assert score.n == len(store.clips)
    assert score.chance == pytest.approx(1 / 3)
    assert score.accuracy == 1
    assert probe_accuracy(store, "shuffled").interval[0] < 0.5


def test_the_figures_follow_from_the_predictions(store):
    score = probe_accuracy(store, "tone", seed=3)
    made = score.predictions
    assert sorted(made["clip"]) == sorted(store.clips["clip"])
    hit = made["category"] == made["predicted"]
    assert (made["correct"] == hit).all()
    assert score.accuracy == hit.mean()
    assert score.fold_accuracy == tuple(hit[made["fold"] == k].mean() for k in range(5))
    assert not made.groupby("group")["fold"].nunique().gt(1).any()
    table = score.per_category.set_index("category")
    assert table["clips"].sum() == score.n
    assert table.loc["400 Hz", "accuracy"] == hit[made["category"] == "400 Hz"].mean()
    low, high = score.interval
    assert low <= score.accuracy <= high


def test_a_seed_repeats_and_the_document_is_json(store):
    first, again = probe_accuracy(store, "tone", seed=5), probe_accuracy(store, "tone", seed=5)
    document = first.document()
    assert to_json(document) == to_json(again.document())
    assert set(document) >= {
        "label",
        "classes",
        "accuracy",
        "interval",
        "n",
        "chance",
        "splits",
        "by_category",
    }
    assert document["provenance"]["recording"]["model"]["fingerprint"]
    assert "400 Hz" in first._repr_html_()


def test_evars_probe_and_any_classifier_can_take_its_place(store):
    assert probe_accuracy(store, "tone", probe=LinearProbe(learning_rate=0.03)).accuracy > 0.9
    neighbours = probe_accuracy(store, "tone", probe=KNeighborsClassifier(n_neighbors=1))
    assert neighbours.probe == "KNeighborsClassifier(n_neighbors=1)"
    evar = probe_accuracy(store, "tone", probe="evar")
    assert (evar.probe, evar.n) == ("evar", len(store.clips))
    with pytest.raises(UsageError, match="probe 'svm' is not known; expected 'logistic', 'evar'"):
        probe_accuracy(store, "tone", probe="svm")


def test_an_unknown_labeling_is_refused(store):
    with pytest.raises(OtoscopeError, match="tone"):
        probe_accuracy(store, "mood")


def test_the_interval_counts_groups_not_clips():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(20), 50)
    value = (rng.random(20) < 0.5).astype(float)[group]  # clips of a group stand or fall together
    low, high = group_interval(value, group)
    low_1, high_1 = group_interval(value, np.arange(1000))
    assert high - low > 4 * (high_1 - low_1)
    # By the normal approximation for 20 groups.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(value.mean() * (1 - value.mean()) / 20), rel=0.15)
