"""The two probes: what they learn, and that they agree with scikit-learn's own."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from otoscope.interventions import LinearProbe, logistic_probe
from otoscope.interventions.probes.basis import Span, basis
from otoscope.interventions.probes.linear import _held_out
from otoscope.interventions.probes.logistic import STRENGTHS, logistic_probes
from otoscope.interventions.probes.precision import mean_average_precision


def blobs(classes, clips, features=8, apart=3.0, seed=0):
    """Embeddings around one centre per class, and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(clips) % classes
    centres = apart * rng.normal(size=(classes, features))
    return (10 + 2 * (rng.normal(size=(clips, features)) + centres[y])).astype(np.float32), y


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_separable_classes_are_learnt(classes):
    X, y = blobs(classes, 280)
    names = np.array([f"class {k}" for k in range(classes)])[y]
    probe = LinearProbe(learning_rate=0.01).fit(X[:140], names[:140])
    assert probe.score(X[140:], names[140:]) > 0.97


def test_two_classes_are_learnt_whichever_is_rare():
    """The published head never learns the second of two classes and scores the share of the first."""
    X, y = blobs(2, 400, apart=1.5)
    for rare in (0, 1):
        keep = np.flatnonzero((y != rare) | (np.arange(400) % 8 == rare))
        probe = LinearProbe(learning_rate=0.01).fit(X[keep], y[keep])
        for k in (0, 1):
            assert (probe.predict(X[y == k]) == k).mean() > 0.9
        lead = probe.decision_function(X)
        assert lead.shape == (400,)
        np.testing.assert_array_equal(lead > 0, probe.predict(X) == 1)


def test_with_time_to_learn_it_agrees_with_logistic_regression():
    X, y = blobs(4, 1200, apart=1.2)
    probe = LinearProbe(learning_rate=0.01).fit(X[:600], y[:600])
    rival = make_pipeline(StandardScaler(), LogisticRegression(C=100)).fit(X[:600], y[:600])
    assert abs(probe.score(X[600:], y[600:]) - rival.score(X[600:], y[600:])) < 0.02
    assert (probe.predict(X[600:]) == rival.predict(X[600:])).mean() > 0.95


def test_the_vocabulary_is_explicit_and_in_its_order():
    X, y = blobs(3, 60)
    names = np.array(["c", "a", "b"])[y]
    probe = LinearProbe(learning_rate=0.05, classes=["c", "a", "b", "never heard"]).fit(X, names)
    assert list(probe.classes_) == ["c", "a", "b", "never heard"]
    assert probe.coef_.shape == (4, 8)
    assert probe.score(X, names) > 0.95
    with pytest.raises(ValueError, match="the labels b are not among the classes a, c"):
        LinearProbe(classes=["a", "c"]).fit(X, names)


def test_a_seed_repeats_and_torchs_own_generator_is_left_alone():
    X, y = blobs(3, 90)
    state = torch.get_rng_state()
    first, again = LinearProbe(random_state=3).fit(X, y), LinearProbe(random_state=3).fit(X, y)
    np.testing.assert_array_equal(first.coef_, again.coef_)
    assert not np.array_equal(first.coef_, LinearProbe(random_state=4).fit(X, y).coef_)
    assert torch.equal(state, torch.get_rng_state())


def test_training_stops_by_the_validation_clips_given():
    X, y = blobs(2, 200)
    probe = LinearProbe(learning_rate=0.01, patience=5)
    # Labels turned round: the more it learns, the worse it scores.
    turned = probe.fit(X, y, validation=(X, 1 - y))
    assert turned.n_iter_ < 20
    assert probe.fit(X, y, validation=(X, y)).n_iter_ == 200  # ties count as improvement


def test_scikit_learns_own_checks_pass():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(LinearProbe(learning_rate=0.05, epochs=60))


@pytest.mark.parametrize("features", [150, 500])  # with fewer than half as many clips they are rotated
def test_the_logistic_probe_is_scikit_learns_with_the_best_strength(features):
    X, y = blobs(3, 90, features=features, apart=0.3)
    probe = logistic_probe(X, y)
    strength = probe[-1].C
    assert strength in STRENGTHS
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000, tol=1e-8)).fit(X, y)
    new, _ = blobs(3, 90, features=features, apart=0.3, seed=1)
    # The rotation onto the clips' span changes nothing.
    np.testing.assert_allclose(probe.decision_function(new), plain.decision_function(new), atol=0.02)


def test_the_logistic_probe_computes_in_double_precision():
    """In float32 the search sometimes ends on rounding, with a warning of scikit-learn's."""
    X, y = blobs(2, 20)
    assert logistic_probe(X.astype(np.float32), y)[-1].coef_.dtype == np.float64


def test_the_strength_is_judged_on_whole_groups():
    """Where groups are plain and their classes are not, folds that split groups trust weak penalties."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(24), 6)
    y = group % 2
    X = 4 * rng.normal(size=(24, 30))[group] + rng.normal(size=(144, 30))
    assert logistic_probe(X, y, group)[-1].C < logistic_probe(X, y)[-1].C


@pytest.mark.parametrize("apart", [0.05, 0.2, 0.6])
def test_the_strength_is_that_of_the_least_loss(apart):
    X, y = blobs(3, 90, features=40, apart=apart)
    inner = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    losses = []
    for strength in STRENGTHS:
        plain = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000, tol=1e-6))
        told = [plain.fit(X[train], y[train]).predict_proba(X[test]) for train, test in inner]
        losses.append(
            sum(log_loss(y[test], p, normalize=False) for p, (_, test) in zip(told, inner, strict=True))
        )
    assert STRENGTHS[int(np.argmin(losses))] == logistic_probe(X, y)[-1].C


def test_a_class_with_one_clip_leaves_nothing_to_judge_by():
    X, _ = blobs(2, 11)
    probe = logistic_probe(X, np.arange(11) // 10)
    assert probe[-1].get_params()["C"] == STRENGTHS[2]


def test_seeds_that_choose_the_same_strength_share_a_fit():
    X, y = blobs(3, 90, features=20, apart=0.5)
    several = logistic_probes(X, y, None, seeds=range(4))
    for seed, probe in enumerate(several):
        alone = logistic_probe(X, y, seed=seed)
        assert probe[-1].C == alone[-1].C
        np.testing.assert_array_equal(probe[-1].coef_, alone[-1].coef_)
    assert len({id(probe[-1]) for probe in several}) == len({probe[-1].C for probe in several})


def test_the_basis_turns_few_clips_without_stretching_them():
    X = np.random.default_rng(0).normal(size=(10, 60)) * np.arange(1, 61)
    turned = basis(X)
    plain = StandardScaler().fit_transform(X)
    new = turned.transform(X)
    assert new.shape == (10, 10)
    np.testing.assert_allclose(new @ new.T, plain @ plain.T, atol=1e-9)
    assert not isinstance(basis(X[:, :20])[-1], Span)  # half of the features: it would not pay


# --- several classes a clip ---


def tagged(clips=400, classes=4, features=10, apart=6.0, seed=0):
    """Embeddings that are the sum of one direction per class that a clip bears, and noise."""
    rng = np.random.default_rng(seed)
    member = rng.random((clips, classes)) < 0.3
    directions = apart * np.eye(classes, features)
    return (member @ directions + rng.normal(size=(clips, features))).astype(np.float32), member


def test_evars_probe_learns_several_classes_a_clip():
    X, member = tagged()
    probe = LinearProbe(learning_rate=0.01).fit(X[:200], member[:200])
    logits = probe.decision_function(X[200:])
    assert logits.shape == (200, 4)
    assert mean_average_precision(logits, member[200:]) > 0.95
    np.testing.assert_array_equal(probe.predict(X[200:]), logits > 0)
    assert list(probe.classes_) == [0, 1, 2, 3]


def test_its_loss_is_the_mean_binary_cross_entropy():
    X, member = tagged(20)
    probe = LinearProbe().fit(X, member)
    logits = np.random.default_rng(0).normal(size=(20, 4))
    p = 1 / (1 + np.exp(-logits))
    by_hand = -np.where(member, np.log(p), np.log(1 - p)).mean()
    given = torch.from_numpy(logits), torch.from_numpy(member.astype(float))
    assert float(probe._loss(*given)) == pytest.approx(by_hand)


def test_several_classes_stop_by_average_precision():
    X, member = tagged(200)
    probe = LinearProbe(learning_rate=0.01, patience=5)
    assert probe.fit(X, member, validation=(X, ~member)).n_iter_ < 20
    weights = LinearProbe(learning_rate=0.01).fit(X, member, validation=(X, member))
    # Of equal score is what comes last: nothing is lost by going on.
    assert mean_average_precision(weights.decision_function(X), member) > 0.95


def test_two_classes_of_which_a_clip_may_have_both_have_a_logit_each():
    X, member = tagged(classes=2)
    probe = LinearProbe(learning_rate=0.01).fit(X, member)
    logits = probe.decision_function(X)
    assert logits.shape == (400, 2)
    both = member.all(axis=1)
    assert (logits[both] > 0).mean() > 0.9


def test_every_class_is_held_out_and_learnt_where_it_can_be():
    member = np.zeros((60, 3), dtype=int)
    member[:50, 0] = 1
    member[50:52, 1] = 1  # two clips: one on each side
    member[52, 2] = 1  # one clip: it must be learnt
    for seed in range(20):
        held = _held_out(member, np.random.default_rng(seed))
        assert 5 <= held.sum() <= 8
        assert member[held][:, :2].any(axis=0).all()
        assert member[~held].any(axis=0).all()
