"""One suite for every reader: what any task must keep, whatever its data set."""

import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otoscope import audio
from otoscope.tasks import Labeling, Task, available, check, load_task

SPECS = {
    "folder": lambda root: f"folder:{root}",
    "esc50": lambda root: f"esc50:{root}",
    "cremad": lambda root: f"cremad:{root}",
    "gtzan": lambda root: f"gtzan:{root}",
    "manifest": lambda root: f"manifest:{root / 'cremad.csv'}@{root / '16k' / 'cremad'}",
    "mini": lambda root: "mini:voices",
}
FIXTURES = {"folder": "sounds", "manifest": "evar", "mini": "nowhere"}
OFFICIAL = ("esc50", "cremad", "gtzan")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # tiny copies are not the whole data sets


@pytest.fixture(params=list(SPECS))
def kind(request):
    return request.param


@pytest.fixture
def nowhere(tmp_path):
    """The miniature needs no folder."""
    (tmp_path / "nowhere").mkdir()
    return tmp_path / "nowhere"


@pytest.fixture
def root(kind, request):
    return request.getfixturevalue(FIXTURES.get(kind, kind))


@pytest.fixture
def task(kind, root):
    return load_task(SPECS[kind](root))


def reader_of(kind):
    name = {"manifest": "manifest:FILE[@ROOT]", "mini": "mini:voices"}.get(kind, f"{kind}:DIR")
    return next(reader for reader in available() if reader.name == name)


def test_its_clips_have_distinct_names_and_files_that_are_there(task):
    assert task.clips["clip"].is_unique
    assert all(audio.header(path).frames for path in task.clips["path"])
    assert not any(Path(clip).is_absolute() for clip in task.clips["clip"])
    assert list(task.clips.index) == list(range(len(task)))


def test_it_passes_its_own_check(task):
    check(task)


def test_it_reads_every_clip(task):
    for index in range(len(task)):
        waveform = task.read(index, 16000)
        assert waveform.real == len(waveform.samples)
        assert abs(waveform.real - 16000 * audio.header(task.clips["path"][index]).seconds) < 1


def test_its_labelings_are_those_that_the_reader_states(task, kind):
    stated = reader_of(kind).labelings
    assert not stated or tuple(labeling.name for labeling in task.labelings) == stated


def test_every_clip_bears_one_class_and_every_class_has_clips(task):
    for labeling in task.labelings:
        member = labeling.membership(task.clips)
        assert member.shape == (len(task), len(labeling.classes))
        assert (member.sum(axis=1) == 1).all()
        assert (member.sum(axis=0) >= 2).all()
        for index, label in enumerate(task.clips[labeling.column]):
            assert member[index, labeling.classes.index(str(label))]


def test_membership_does_not_depend_on_the_order_of_clips(task):
    order = np.random.default_rng(0).permutation(len(task))
    for labeling in task.labelings:
        shuffled = labeling.membership(task.clips.iloc[order])
        np.testing.assert_array_equal(shuffled, labeling.membership(task.clips)[order])


def test_its_groups_and_splits_are_told_for_every_clip(task):
    for labeling in task.labelings:
        groups = labeling.groups(task.clips)
        assert groups is None or (groups >= 0).all()
        if labeling.split:
            assert task.clips[labeling.split].notna().all()
            parts = set(task.clips[labeling.split])
            assert parts <= {"train", "valid", "test"} or all(isinstance(part, int) for part in parts)


def test_no_group_lies_on_both_sides_of_a_split(task):
    for labeling in task.labelings:
        if labeling.group and labeling.split:
            assert (task.clips.groupby(labeling.group)[labeling.split].nunique() == 1).all()


def test_it_is_the_same_task_wherever_its_folder_lies(task, kind, root, tmp_path):
    moved = tmp_path / "elsewhere" / root.name
    shutil.copytree(root, moved)
    again = load_task(SPECS[kind](moved))
    assert again.fingerprint == task.fingerprint
    assert again.clips["clip"].tolist() == task.clips["clip"].tolist()


def test_its_fingerprint_knows_length_and_labels(task, kind, root):
    assert load_task(SPECS[kind](root), seconds=1).fingerprint != task.fingerprint
    column = task.labelings[0].column
    other = task.clips.copy()
    other[column] = other[column].tolist()[::-1]
    assert Task(task.name, other, task.labelings).fingerprint != task.fingerprint


def test_it_survives_parquet_and_json(task, tmp_path):
    task.clips.to_parquet(tmp_path / "clips.parquet")
    labelings = [Labeling.from_document(labeling.document()) for labeling in task.labelings]
    again = Task(task.name, pd.read_parquet(tmp_path / "clips.parquet"), tuple(labelings), task.seconds)
    assert again.fingerprint == task.fingerprint
    assert again.labelings == task.labelings


def test_it_travels_to_a_worker(task):
    again = pickle.loads(pickle.dumps(task))
    assert again.fingerprint == task.fingerprint
    np.testing.assert_array_equal(again.read(0, 16000).samples, task.read(0, 16000).samples)


def test_seconds_crops_and_pads(kind, root):
    for seconds in (0.05, 0.5):
        waveform = load_task(SPECS[kind](root), seconds=seconds).read(0, 16000)
        assert len(waveform.samples) == seconds * 16000


def test_labels_choose_among_its_labelings(task, kind, root):
    last = task.labelings[-1].name
    assert [one.name for one in load_task(SPECS[kind](root), labels=[last]).labelings] == [last]


def test_a_part_of_it_keeps_its_classes(task):
    labeling = task.labelings[0]
    part = task.head(len(labeling.classes))
    assert len(part) == len(labeling.classes)
    assert labeling.membership(part.clips).any(axis=0).all()


def test_reading_it_twice_gives_the_same(task, kind, root):
    again = load_task(SPECS[kind](root))
    pd.testing.assert_frame_equal(again.clips, task.clips)
    assert again.labelings == task.labelings


@pytest.mark.parametrize("kind", OFFICIAL, indirect=False)
def test_official_data_sets_state_citation_licence_and_origin(kind, request):
    reader = reader_of(kind)
    assert reader.citation
    assert reader.licence
    assert "get it" in reader.obtain or "get the" in reader.obtain
    task = load_task(SPECS[kind](request.getfixturevalue(kind)))
    assert (task.citation, task.licence) == (reader.citation, reader.licence)


@pytest.mark.parametrize("kind", OFFICIAL)
def test_the_folder_above_will_do(kind, request):
    root = request.getfixturevalue(kind)
    assert load_task(f"{kind}:{root.parent}").fingerprint == load_task(f"{kind}:{root}").fingerprint


@pytest.mark.parametrize("kind", OFFICIAL)
def test_a_partial_data_set_is_counted(kind, request):
    whole = reader_of(kind).clips
    with pytest.warns(UserWarning, match=rf"\d+ clips, where the whole data set gives {whole}"):
        load_task(f"{kind}:{request.getfixturevalue(kind)}")


@pytest.mark.parametrize("kind", OFFICIAL)
def test_an_empty_folder_says_how_to_obtain_it(kind, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"expected .*; get"):
            load_task(f"{kind}:{tmp_path}")


@pytest.mark.parametrize("prefix", ["folder", *OFFICIAL])
def test_a_folder_that_is_not_there(prefix, tmp_path):
    with pytest.raises(ValueError, match="nowhere: does not exist; expected a folder"):
        load_task(f"{prefix}:{tmp_path / 'nowhere'}")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file: is a file; expected a folder"):
        load_task(f"{prefix}:{tmp_path / 'file'}")
