"""Probe scores: figures worked out by hand, and a store end to end."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.interventions import LinearProbe, probe_accuracy
from otoscope.interventions.probes import Fold, fit_probes, make_splits, truth_of, usable
from otoscope.interventions.probes.intervals import group_interval, precision_interval
from otoscope.interventions.probes.precision import mean_average_precision
from otoscope.tasks import Labeling


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
    assert score.fold_scores == tuple(hit[made["fold"] == k].mean() for k in range(5))
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


def test_the_other_probe_is_judged_beside_the_one_that_counts(store):
    score, turned = probe_accuracy(store, "tone"), probe_accuracy(store, "tone", probe="evar")
    assert [each.probe for each in (score, *score.beside)] == ["logistic", "evar"]
    assert [each.probe for each in (turned, *turned.beside)] == ["evar", "logistic"]
    assert score.beside[0].score == turned.score
    assert score.beside[0].splits == score.splits
    document = score.document()
    assert set(document["by_probe"]) == {"logistic", "evar"}
    for name, each in (("logistic", score), ("evar", score.beside[0])):
        assert document["by_probe"][name] == {
            "accuracy": each.accuracy,
            "interval": list(each.interval),
            "fold_accuracy": list(each.fold_scores),
        }
    assert not probe_accuracy(store, "tone", probe=KNeighborsClassifier()).beside


# --- several labels a clip ---


@pytest.fixture(scope="module")
def tagged(store):
    """The planted store, asked which of several tones there are: its tone, and one at random."""
    rng = np.random.default_rng(0)
    clips, labeling = store.clips, store.labeling("tone")
    more = rng.choice(["hiss", "hum", None], len(clips))
    tags = [
        tone if other is None else f"{tone},{other}" for tone, other in zip(clips["tone"], more, strict=True)
    ]
    classes = (*labeling.classes, "hiss", "hum", "never")
    of = Labeling("tags", "tags", classes, multilabel=True, group=labeling.group)
    return SimpleNamespace(
        clips=clips.assign(tags=tags),
        labeling=lambda name: of,
        tokens=store.tokens,
        embedding=store.embedding,
        info=store.info,
    )


def test_several_labels_are_scored_by_average_precision(tagged):
    score = probe_accuracy(tagged, "tags", seed=1)
    assert (score.measure, score.n) == ("mAP", len(tagged.clips))
    assert np.isnan(score.accuracy)
    table = score.per_category.set_index("category")
    assert (table.loc[["400 Hz", "600 Hz"], "average_precision"] > 0.95).all()
    assert np.isnan(table.loc["never", "average_precision"])
    member = tagged.labeling("tags").membership(tagged.clips)
    np.testing.assert_array_equal(table["clips"], member.sum(axis=0))
    assert score.chance == pytest.approx(member[:, :-1].mean())
    assert score.score == pytest.approx(table["average_precision"].mean())
    assert table.loc["hiss", "average_precision"] < score.score  # at random
    low, high = score.interval
    assert low < score.score < high
    assert score.beside[0].probe == "evar"


def test_average_precision_is_scikit_learns_on_what_is_kept(tagged):
    score = probe_accuracy(tagged, "tags")
    kept = score.predictions
    assert list(kept.columns) == ["clip", "group", "fold", "category", "present", "logit"]
    for name, rows in kept[kept["category"] != "never"].groupby("category", observed=True):
        expected = average_precision_score(rows["present"], rows["logit"])
        found = score.per_category.set_index("category").loc[name, "average_precision"]
        assert found == pytest.approx(expected)
    per_fold = [
        np.mean(
            [
                average_precision_score(c["present"], c["logit"])
                for _, c in rows.groupby("category", observed=True)
                if c["present"].any()
            ]
        )
        for _, rows in kept.groupby("fold")
    ]
    np.testing.assert_allclose(score.fold_scores, per_fold)


def test_the_document_names_its_measure(tagged):
    document = probe_accuracy(tagged, "tags").document()
    assert document["measure"] == "mAP"
    assert document["by_probe"]["logistic"]["mAP"] == document["mAP"]
    assert len(document["by_probe"]["evar"]["fold_mAP"]) == len(document["fold_mAP"])
    assert set(document["by_category"]["hum"]) == {"clips", "average_precision"}
    assert "accuracy" not in document
    to_json(document)


@pytest.mark.filterwarnings("ignore:Label not 5")  # nobody has the sixth
@pytest.mark.parametrize(
    "probe",
    [OneVsRestClassifier(GaussianNB()), KNeighborsClassifier(9), LinearProbe(learning_rate=0.03)],
)
def test_any_classifier_of_several_labels_can_take_the_probes_place(tagged, probe):
    labeling = tagged.labeling("tags")
    fold = make_splits(labeling, tagged.clips, usable(tagged)).folds[0]
    (fitted,) = fit_probes(tagged, labeling, fold, probe, seeds=[0])
    logits = fitted.logits(tagged.embedding[fold.test])
    assert logits.shape == (len(fold.test), 6)
    member = labeling.membership(tagged.clips)[fold.test]
    assert mean_average_precision(logits[:, :3], member[:, :3]) > 0.6  # at random a third


# --- training ---


@pytest.mark.parametrize("label", ["tone", "tags"])
def test_the_probe_that_counts_comes_first_with_all_its_seeds(tagged, store, label):
    where = tagged if label == "tags" else store
    labeling = where.labeling(label)
    fold = make_splits(labeling, where.clips, usable(where)).folds[0]
    fitted = fit_probes(where, labeling, fold, "evar", seeds=[4, 5])
    assert [(each.name, each.seed) for each in fitted] == [
        ("evar", 4),
        ("evar", 5),
        ("logistic", 4),
        ("logistic", 5),
    ]
    assert {each.multilabel for each in fitted} == {label == "tags"}
    for each in fitted:
        assert each.logits(where.embedding[:3]).shape == (3, len(labeling.classes))
    if label == "tags":  # what was never heard cannot be named
        assert all(np.isneginf(each.logits(where.embedding[:3])[:, -1]).all() for each in fitted)
    first, second = (each.classifier.coef_ for each in fitted[:2])
    assert not np.array_equal(first, second)


def test_evars_probe_has_evars_rate_for_the_model(store):
    labeling = store.labeling("tone")
    fold = make_splits(labeling, store.clips, usable(store)).folds[0]
    named = SimpleNamespace(
        clips=store.clips,
        embedding=store.embedding,
        info={"model": {"name": "m2d:m2d_vit_base-80x608p16x16/a.pth"}},
    )
    for where, rate in ((store, 3e-4), (named, 3e-5)):
        probe = fit_probes(where, labeling, fold, "evar", seeds=[0])[0]
        assert probe.classifier.learning_rate == rate


def test_evars_probe_stops_by_the_validation_clips_of_the_split(store):
    labeling = store.labeling("tone")
    fold = make_splits(labeling, store.clips, usable(store)).folds[0]
    part = Fold(fold.train[::2], fold.train[1::2], fold.test)
    (fitted,) = fit_probes(store, labeling, part, LinearProbe(), seeds=[3])
    truth = truth_of(labeling, store.clips)
    X = store.embedding
    by_hand = LinearProbe(random_state=3).fit(
        X[part.train], truth[part.train], (X[part.valid], truth[part.valid])
    )
    np.testing.assert_array_equal(fitted.classifier.coef_, by_hand.coef_)


def test_classifiers_are_given_the_seeds_they_can_take(store):
    labeling = store.labeling("tone")
    fold = make_splits(labeling, store.clips, usable(store)).folds[0]
    trees = fit_probes(store, labeling, fold, DecisionTreeClassifier(max_depth=1), seeds=[0, 1])
    assert [each.classifier.random_state for each in trees] == [0, 1]
    first, second = fit_probes(store, labeling, fold, KNeighborsClassifier(), seeds=[0, 1])
    assert first.classifier is second.classifier


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


def test_the_interval_of_average_precision_is_that_of_drawing_groups_again():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(12), 5)
    member = rng.random((60, 3)) < 0.4
    logits = member + rng.normal(size=(60, 3))
    low, high = precision_interval(logits, member, group)
    slow = []
    for _ in range(400):
        rows = np.concatenate([np.flatnonzero(group == g) for g in rng.integers(0, 12, 12)])
        slow.append(mean_average_precision(logits[rows], member[rows]))
    np.testing.assert_allclose([low, high], np.quantile(slow, [0.025, 0.975]), atol=0.02)
