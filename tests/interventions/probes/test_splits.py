"""Splits: the data set's own first, groups never on both sides, classes on both."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions import make_splits
from otoscope.interventions.probes import truth_of
from otoscope.interventions.probes.splits import Fold, thinned
from otoscope.tasks import Labeling


def table(clips=60, classes=3, groups=10, **columns):
    number = np.arange(clips)
    return pd.DataFrame(
        {
            "clip": [f"{n}.wav" for n in number],
            "label": [f"c{n % classes}" for n in number],
            "speaker": [f"s{(n // classes) % groups}" for n in number],
            **columns,
        }
    )


def labeling(**settings):
    return Labeling("sound", "label", ("c0", "c1", "c2"), **settings)


def dealt(of, clips, usable=None, **settings):
    return make_splits(of, clips, np.ones(len(clips), dtype=bool) if usable is None else usable, **settings)


def test_a_split_column_is_taken_as_it_is():
    split = ["train", "val", "test", "TEST ", "train"] * 12
    splits = dealt(labeling(split="split"), table(split=split))
    (fold,) = splits.folds
    assert [len(fold.train), len(fold.valid), len(fold.test)] == [24, 12, 24]
    assert set(fold.test % 5) == {2, 3}
    np.testing.assert_array_equal(fold.learning, np.setdiff1d(np.arange(60), fold.test))
    assert splits.description == "the data set's split (column 'split': 24 train, 12 valid, 24 test clips)"


@pytest.mark.parametrize("kind", [int, float, str])
def test_fold_numbers_make_a_fold_each(kind):
    fold = [kind(1 + n // 3 % 5) for n in range(60)]
    splits = dealt(labeling(split="fold"), table(fold=fold))
    assert [set(each.test // 3 % 5) for each in splits.folds] == [{0}, {1}, {2}, {3}, {4}]
    assert all(len(each.train) == 48 and not len(each.valid) for each in splits.folds)


def test_clips_without_split_label_or_sound_are_never_used():
    clips = table(split=["train", "test"] * 30)
    clips.loc[[0, 7], "split"] = None
    clips.loc[[12, 13], "label"] = None
    usable = np.arange(60) != 20
    (fold,) = dealt(labeling(split="split"), clips, usable).folds
    assert not set(np.concatenate([fold.train, fold.test])) & {0, 7, 12, 13, 20}


def test_groups_on_both_sides_of_a_published_split_are_named():
    splits = dealt(labeling(split="split", group="speaker"), table(split=["train"] * 42 + ["test"] * 18))
    assert splits.description.endswith("up to 6 groups of 'speaker' lie on both sides")
    apart = table(split=["train" if n // 3 % 10 < 7 else "test" for n in range(60)])
    assert "both sides" not in dealt(labeling(split="split", group="speaker"), apart).description


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 12))
def test_groups_are_never_split_and_every_clip_is_tested_once(seed, groups):
    clips = table(groups=groups)
    splits = dealt(labeling(group="speaker"), clips, seed=seed)
    assert len(splits.folds) == min(5, groups)
    for fold in splits.folds:
        assert not set(clips["speaker"].iloc[fold.train]) & set(clips["speaker"].iloc[fold.test])
        assert set(clips["label"].iloc[fold.train]) == {"c0", "c1", "c2"}
    np.testing.assert_array_equal(np.sort(np.concatenate([f.test for f in splits.folds])), np.arange(60))


def test_without_groups_folds_are_stratified_by_class_and_seeded():
    clips = table()
    splits = dealt(labeling(), clips, seed=7)
    assert splits.description == "5 folds stratified by class (seed 7)"
    for fold in splits.folds:
        assert clips["label"].iloc[fold.test].value_counts().tolist() == [4, 4, 4]
    again = dealt(labeling(), clips, seed=7)
    assert all(np.array_equal(a.test, b.test) for a, b in zip(splits.folds, again.folds, strict=True))
    other = dealt(labeling(), clips, seed=8)
    assert not np.array_equal(splits.folds[0].test, other.folds[0].test)


def test_small_classes_make_fewer_folds():
    clips = table()
    clips.loc[clips.index[clips["label"] == "c2"][3:], "label"] = "c0"
    assert len(dealt(labeling(), clips).folds) == 3


@pytest.mark.parametrize(
    ("of", "change", "message"),
    [
        (labeling(split="s"), {"s": "train"}, r"gives 60 usable train clips and 0 test clips; expected some"),
        (labeling(split="s"), {"s": ["train", "dev"] * 30}, r"holds 'train'; expected train, valid and test"),
        (labeling(split="s"), {"s": 3}, r"has the single fold 3; expected at least 2"),
        (
            labeling(split="s"),
            {"s": ["train", "train", "test"] * 20},
            r"'c2' occurs in test and not in training",
        ),
        (labeling(), {"label": "c1"}, r"has usable clips of 1 class; expected at least 2"),
        (
            labeling(),
            {"label": ["c0"] * 30 + ["c1"] * 29 + ["c2"]},
            r"has one clip only for 'c2'; expected 2",
        ),
        (
            labeling(group="speaker"),
            {"speaker": ["s0", "s1", "s2"] * 20},
            r"has one group of the column 'speaker' only for 'c0', 'c1', 'c2'",
        ),
        (Labeling("sound", "label", ("c0",)), {"label": "c0"}, r"'sound' has 1 class; expected at least 2"),
    ],
)
def test_what_cannot_be_learnt_and_tested_is_refused(of, change, message):
    with pytest.raises(OtoscopeError, match=message):
        dealt(of, table(**change))


# --- several labels a clip ---


def several(clips=60, groups=10, **columns):
    """Every clip has two of four classes, or one of them."""
    number = np.arange(clips)
    labels = [f"c{n % 4}" if n % 3 == 0 else f"c{n % 4},c{(n + 1 + n // 4) % 4}" for n in number]
    return table(clips, groups=groups).assign(label=labels, **columns)


def multilabel(**settings):
    return Labeling("tags", "label", ("c0", "c1", "c2", "c3"), multilabel=True, **settings)


def test_the_truth_is_a_number_or_which_classes_there_are():
    clips = table(4)
    clips.loc[3, "label"] = None
    np.testing.assert_array_equal(truth_of(labeling(), clips), [0, 1, 2, -1])
    clips["label"] = ["c0,c3", "c1", "c2", None]
    expected = [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(truth_of(multilabel(), clips), np.array(expected, dtype=bool))


def test_clips_with_several_labels_are_split_by_their_column_as_well():
    (fold,) = dealt(multilabel(split="s"), several(s=["train", "val", "test"] * 20)).folds
    assert set(fold.test % 3) == {2}
    assert set(fold.valid % 3) == {1}


def test_clips_with_several_labels_are_dealt_at_random_and_by_the_seed():
    clips = several()
    clips.loc[[4, 9], "label"] = None
    splits = dealt(multilabel(), clips, seed=3)
    assert splits.description == "5 folds at random (seed 3)"
    tested = np.sort(np.concatenate([fold.test for fold in splits.folds]))
    np.testing.assert_array_equal(tested, np.setdiff1d(np.arange(60), [4, 9]))
    again, other = dealt(multilabel(), clips, seed=3), dealt(multilabel(), clips, seed=4)
    np.testing.assert_array_equal(splits.folds[0].test, again.folds[0].test)
    assert not np.array_equal(splits.folds[0].test, other.folds[0].test)


@pytest.mark.parametrize("groups", [3, 10])
def test_groups_of_clips_with_several_labels_are_never_split(groups):
    clips = several(groups=groups)
    splits = dealt(multilabel(group="speaker"), clips, seed=1)
    kept = "clips of one speaker kept together"
    assert splits.description == f"{min(5, groups)} folds at random, {kept} (seed 1)"
    for fold in splits.folds:
        assert not set(clips["speaker"].iloc[fold.train]) & set(clips["speaker"].iloc[fold.test])


@pytest.mark.parametrize(
    ("of", "change", "message"),
    [
        (multilabel(), {"label": ["c0,c1"] * 59 + ["c1,c2"]}, r"has one clip only for 'c2'; expected 2"),
        (multilabel(), {"label": "c3"}, r"has usable clips of 1 class; expected at least 2"),
        (
            multilabel(split="s"),
            {"label": ["c0", "c1,c2", "c0,c1,c3"] * 20, "s": ["train", "train", "test"] * 20},
            r"'c3' occurs in test and not in training; expected every class on both sides",
        ),
        (
            multilabel(group="speaker"),
            {"label": ["c0,c1"] * 54 + ["c2"] * 6, "speaker": ["s0", "s1"] * 27 + ["s3"] * 6},
            r"has one group of the column 'speaker' only for 'c2'",
        ),
        (
            Labeling("tags", "label", ("c0",), multilabel=True),
            {"label": "c0"},
            r"'tags' has 1 class; expected at least 2",
        ),
    ],
)
def test_several_labels_that_cannot_be_learnt_and_tested_are_refused(of, change, message):
    with pytest.raises(OtoscopeError, match=message):
        dealt(of, table(**change))


@pytest.mark.parametrize("least", [3, 7, 20])
def test_fewer_test_clips_are_of_all_classes_alike_and_of_as_many_groups_as_can_be(least):
    clips = table(clips=180, groups=10)
    of = labeling(group="speaker")
    fold = dealt(of, clips).folds[0]
    truth, groups = truth_of(of, clips), of.groups(clips)
    few = thinned(fold, truth, groups, least)
    assert len(few.test) == least
    assert set(few.test) <= set(fold.test)
    assert (np.diff(few.test) > 0).all()
    assert np.ptp(np.bincount(truth[few.test], minlength=3)) <= 1
    in_class = len(np.unique(groups[fold.test]))  # every speaker has clips of every class here
    for k in range(3):
        mine = groups[few.test[truth[few.test] == k]]
        assert len(np.unique(mine)) == min(len(mine), in_class)
    assert (few.train == fold.train).all()
    assert thinned(fold, truth, groups, least).test.tolist() == few.test.tolist()
    assert thinned(fold, truth, groups, 1000) is fold


def test_fewer_test_clips_with_several_labels_have_every_class():
    member = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 0, 0], [1, 1, 1]], dtype=bool)
    fold = Fold(np.arange(0), np.arange(0), np.arange(6))
    for seed in range(20):
        assert member[thinned(fold, member, None, 3, seed=seed).test].any(axis=0).all()


def test_fewer_test_clips_than_classes_are_refused():
    clips = table(clips=90)
    fold = dealt(labeling(), clips).folds[0]
    with pytest.raises(
        UsageError, match="clips is 2; expected at least 3, one of each class in the test set"
    ):
        thinned(fold, truth_of(labeling(), clips), None, 2)
