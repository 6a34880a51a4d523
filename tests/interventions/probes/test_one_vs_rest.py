"""Logistic regression where a clip may have several classes: it is scikit-learn's own, for each class."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otoscope.interventions.probes.logistic import STRENGTHS
from otoscope.interventions.probes.one_vs_rest import one_vs_rest


def tagged(clips, classes=3, features=12, apart=1.0, seed=0):
    rng = np.random.default_rng(seed)
    member = rng.random((clips, classes)) < 0.35
    return 3 + member @ (apart * np.eye(classes, features)) + rng.normal(size=(clips, features)), member


@pytest.mark.parametrize(("clips", "features"), [(150, 12), (40, 200)])  # without and with the rotation
def test_it_is_scikit_learns_with_the_best_strength(clips, features):
    X, member = tagged(clips, features=features)
    (probe,) = one_vs_rest(X.astype(np.float32), member, None, seeds=[0])
    new, _ = tagged(clips, features=features, seed=1)
    logits = probe.decision_function(new)
    for k, strength in enumerate(probe.strengths):
        assert strength in STRENGTHS
        plain = LogisticRegression(C=strength, max_iter=5000, tol=1e-8)
        rival = make_pipeline(StandardScaler(), plain).fit(X.astype(np.float32).astype(float), member[:, k])
        np.testing.assert_allclose(logits[:, k], rival.decision_function(new), atol=0.02)


def test_each_class_has_a_strength_of_its_own():
    """What cannot be learnt is held down, and what can be is not held down with it."""
    X, member = tagged(200, apart=5.0)
    member[:, 2] = np.random.default_rng(9).random(200) < 0.5
    (probe,) = one_vs_rest(X, member, None, seeds=[0])
    assert probe.strengths[2] < probe.strengths[:2].min()


def test_a_class_without_a_clip_is_not_learnt():
    X, member = tagged(60)
    member[:, 1] = False
    (probe,) = one_vs_rest(X, member, None, seeds=[0])
    assert list(probe.classes_) == [0, 2]
    assert probe.decision_function(X).shape == (60, 2)


def test_a_class_that_every_clip_has_is_certain():
    X, member = tagged(60)
    member[:, 1] = True
    (probe,) = one_vs_rest(X, member, None, seeds=[0])
    assert (probe.decision_function(X)[:, 1] > 1).all()


def test_the_strength_is_judged_on_whole_groups():
    """Where groups are plain and their classes are not, folds that split groups trust weak penalties."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(24), 6)
    member = (rng.random((24, 2)) < 0.5)[group]
    X = 4 * rng.normal(size=(24, 30))[group] + rng.normal(size=(144, 30))
    whole, split = one_vs_rest(X, member, group, seeds=[0]), one_vs_rest(X, member, None, seeds=[0])
    assert (whole[0].strengths < split[0].strengths).all()


def test_one_group_leaves_nothing_to_judge_by():
    X, member = tagged(30)
    (probe,) = one_vs_rest(X, member, np.zeros(30, dtype=int), seeds=[0])
    assert (probe.strengths == STRENGTHS[2]).all()


def test_seeds_repeat_and_share_what_they_can():
    X, member = tagged(90)
    first, again, other = one_vs_rest(X, member, None, seeds=[0, 0, 1])
    assert first is again
    assert (other is first) == (other.strengths == first.strengths).all()
