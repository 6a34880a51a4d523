"""What is measured of a class, clip by clip: on paper, against scikit-learn, and by numerical derivatives."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from otoscope.interventions.effects.average_precision import precision_shares
from otoscope.interventions.effects.measures import classes_tested, measures_of, per_clip

BEARS = np.array([True, False, True, False, False, True, False, False])


@pytest.fixture
def scores():
    """Rankings of eight clips, the last ones full of ties."""
    random = np.random.default_rng(0)
    return np.concatenate([random.normal(size=(6, 8)), random.integers(3, size=(6, 8)), np.zeros((1, 8))])


def test_accuracy_margin_and_cross_entropy_on_paper(experiment):
    logits = [[[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]], [[0.0, 1.0], [0.0, 1.0], [0.0, 3.0]]]
    heard = experiment([0, 0, 1], logits, [("all", "target", 0)])
    clips, values = per_clip(heard, 0)
    assert clips.tolist() == [0, 1]
    assert tuple(values) == measures_of(multilabel=False) == ("accuracy", "margin", "cross_entropy")
    assert values["accuracy"][:, 0].tolist() == [[1, 0], [0, 0]]
    assert values["margin"][:, 0].tolist() == [[2, -1], [-1, -1]]
    np.testing.assert_allclose(values["cross_entropy"][0, 0], np.log1p(np.exp([-2.0, 1.0])), rtol=1e-6)


def test_average_precision_is_scikit_learns(scores):
    expected = [average_precision_score(BEARS, each) for each in scores]
    np.testing.assert_allclose(precision_shares(scores, BEARS).mean(axis=1), expected)


def test_of_weighted_clips_it_is_so_to_first_order(scores):
    step = 1e-6
    for each, found in zip(scores, precision_shares(scores, BEARS), strict=True):
        slopes = []
        for clip in range(len(BEARS)):
            ends = []
            for sign in (-1, 1):
                weights = np.ones(len(BEARS))
                weights[clip] += sign * step
                ends.append(average_precision_score(BEARS, each, sample_weight=weights))
            slopes.append((ends[1] - ends[0]) / (2 * step))
        np.testing.assert_allclose(found, found.mean() + len(BEARS) * np.array(slopes), atol=1e-5)


def test_rankings_in_parts_are_the_same(scores, monkeypatch):
    whole = precision_shares(scores, BEARS)
    monkeypatch.setattr("otoscope.interventions.effects.average_precision._CELLS", 20)
    np.testing.assert_array_equal(precision_shares(scores, BEARS), whole)


def test_several_labels_a_clip_are_measured_class_by_class(random_experiment):
    heard = random_experiment(multilabel=True, sets=2)
    logit = heard.outcomes["logit"].to_numpy().astype(float)
    for k in range(3):
        bears = heard.truth[:, k]
        clips, values = per_clip(heard, k)
        assert len(clips) == len(bears)
        assert tuple(values) == measures_of(multilabel=True)
        here = logit[..., k]
        margin = here[..., bears].mean(axis=-1) - here[..., ~bears].mean(axis=-1)
        np.testing.assert_allclose(values["margin"].mean(axis=2), margin)
        share = 1 / (1 + np.exp(-here))
        loss = -np.where(bears, np.log(share), np.log(1 - share)).mean(axis=-1)
        np.testing.assert_allclose(values["cross_entropy"].mean(axis=2), loss)
        precision = [average_precision_score(bears, each) for each in here[:, 0]]
        np.testing.assert_allclose(values["average_precision"].mean(axis=2)[:, 0], precision)


def test_classes_that_test_clips_do_not_tell_apart_are_not_tested(experiment):
    logits = np.zeros((1, 2, 3))
    assert classes_tested(experiment([0, 2], logits, [])) == [0, 2]
    truth = np.array([[True, False, True], [True, False, False]])
    assert classes_tested(experiment(truth, logits, [])) == [2]
