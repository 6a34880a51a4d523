"""Donors: any learning clip, or one that bears a class of the target."""

import numpy as np
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import Target, draw_donors

CLASSES = ("a", "b", "c")
TRUTH = np.arange(90) % 3
LEARNING, TEST = np.arange(60), np.arange(60, 90)
A, BC, PLAIN = (Target(name, names, ((0, 1),)) for name, names in (("A", "a"), ("B", ("b", "c")), ("P", ())))


def draw(how, targets, truth=TRUTH, learning=LEARNING, seed=0):
    return draw_donors(how, targets, truth, learning, TEST, seed, classes=CLASSES)


def test_resample_takes_any_learning_clip():
    donors = draw("resample", [A, PLAIN])
    assert list(donors) == ["any"]
    assert list(donors["any"]) == TEST.tolist()
    givers = set(donors["any"].values())
    assert givers <= set(LEARNING.tolist())
    assert set(TRUTH[list(givers)].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("many", [False, True])
def test_patch_takes_learning_clips_of_the_targets_classes(many):
    truth = np.eye(3, dtype=bool)[TRUTH] if many else TRUTH
    donors = draw("patch", [A, BC, A], truth)
    assert list(donors) == ["a", "b+c"]
    assert all(list(each) == TEST.tolist() for each in donors.values())
    assert {int(TRUTH[giver]) for giver in donors["a"].values()} == {0}
    assert {int(TRUTH[giver]) for giver in donors["b+c"].values()} == {1, 2}
    assert max(max(each.values()) for each in donors.values()) < 60


def test_a_draw_is_repeated_by_its_seed_whatever_is_drawn_beside_it():
    assert draw("patch", [A])["a"] == draw("patch", [BC, A])["a"]
    assert draw("patch", [A])["a"] != draw("patch", [A], seed=1)["a"]


def test_other_changes_need_none():
    assert draw("gain", [A, PLAIN]) is None
    assert draw("mean", [A]) is None


def test_nothing_to_patch_from():
    with pytest.raises(UsageError, match=r"target 'P' has no classes, .*try how='resample'"):
        draw("patch", [A, PLAIN])
    with pytest.raises(OtoscopeError, match="target 'A': no clip outside the test set is of its classes"):
        draw("patch", [A], learning=np.array([1, 2]))
