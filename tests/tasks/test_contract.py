"""One suite for every reader: what any task must keep, whatever its data set."""

import importlib
import pickle
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from layout_case import Layout

from otoscope import audio
from otoscope.tasks import Labeling, Reader, Task, available, check, load_task
from otoscope.tasks.registry import readers

HERE = Path(__file__).parent
LAYOUTS: dict[str, Layout] = {
    name: layout
    for path in sorted(HERE.glob("layout_*.py"))
    if path.stem != "layout_case"
    for name, layout in importlib.import_module(path.stem).LAYOUTS.items()
}
OFFICIAL = [name for name in LAYOUTS if readers()[name.partition("/")[0]].citation]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # tiny copies are not the whole data sets


@dataclass
class Built:
    name: str
    layout: Layout
    root: Path
    reader: Reader

    def spec(self, root: Path | None = None) -> str:
        pattern = self.layout.spec or f"{self.name.partition('/')[0]}:{{root}}"
        return pattern.format(root=root or self.root)

    def load(self, **options) -> Task:
        return load_task(self.spec(), **options)


def make(name, folder, wav) -> Built:
    layout = LAYOUTS[name]
    if layout.needs:
        pytest.importorskip(layout.needs)
    folder.mkdir(exist_ok=True)
    return Built(name, layout, layout.build(folder, wav), readers()[name.partition("/")[0]])


@pytest.fixture(params=list(LAYOUTS))
def built(request, tmp_path, wav) -> Built:
    return make(request.param, tmp_path / "unpacked", wav)


@pytest.fixture
def task(built) -> Task:
    return built.load()


@pytest.fixture(params=OFFICIAL)
def official(request, tmp_path, wav) -> Built:
    return make(request.param, tmp_path / "unpacked", wav)


def test_every_reader_has_a_layout():
    """A new reader costs one file, one class and one fixture: without the fixture this fails."""
    covered = {id(readers()[name.partition("/")[0]]) for name in LAYOUTS}
    assert [reader.name for reader in available() if id(reader) not in covered] == []


def test_its_clips_are_those_of_the_data_set(task, built):
    for column, values in built.layout.clips.items():
        found = [None if pd.isna(value) is True else value for value in task.clips[column]]
        assert found == list(values), column


def test_its_labelings_classes_groups_and_splits(task, built):
    layout = built.layout
    assert [labeling.name for labeling in task.labelings] == list(layout.classes)
    for labeling in task.labelings:
        assert labeling.classes == tuple(layout.classes[labeling.name]) or not layout.classes[labeling.name]
        if layout.groups or layout.splits:
            assert labeling.group == layout.groups.get(labeling.name), labeling.name
            assert labeling.split == layout.splits.get(labeling.name), labeling.name


def test_its_clips_have_distinct_names_and_files_that_are_there(task):
    assert task.clips["clip"].is_unique
    assert not any(Path(clip).is_absolute() for clip in task.clips["clip"])
    assert list(task.clips.index) == list(range(len(task)))


def test_it_reads_every_clip_that_has_sound(task):
    for index, path in enumerate(task.clips["path"]):
        try:
            seconds = audio.header(path).seconds
        except audio.AudioError:
            continue  # a trap of the data set, which the check names
        waveform = task.read(index, 16000)
        assert waveform.real == len(waveform.samples)
        if "start" not in task.clips:
            assert abs(waveform.real - 16000 * seconds) < 1


def test_its_labelings_are_those_that_the_reader_states(task, built):
    stated = built.reader.labelings
    assert not stated or set(task.clips) >= {labeling.column for labeling in task.labelings}
    assert not stated or [labeling.name for labeling in task.labelings] == list(stated)
    for labeling in task.labelings:
        assert len(labeling.classes) <= (stated.get(labeling.name) or np.inf)


def test_membership_is_what_the_column_says(task):
    for labeling in task.labelings:
        member = labeling.membership(task.clips)
        assert member.shape == (len(task), len(labeling.classes))
        assert labeling.multilabel or (member.sum(axis=1) <= 1).all()
        assert member.any(axis=0).all()
        for row, labels in zip(member, labeling.labels(task.clips), strict=True):
            assert [labeling.classes[at] for at in np.flatnonzero(row)] == sorted(
                labels, key=labeling.classes.index
            )


def test_membership_does_not_depend_on_the_order_of_clips(task):
    order = np.random.default_rng(0).permutation(len(task))
    for labeling in task.labelings:
        shuffled = labeling.membership(task.clips.iloc[order])
        np.testing.assert_array_equal(shuffled, labeling.membership(task.clips)[order])


def test_its_groups_and_splits_are_told_for_every_labelled_clip(task):
    for labeling in task.labelings:
        labelled = labeling.membership(task.clips).any(axis=1)
        groups = labeling.groups(task.clips)
        assert groups is None or (groups[labelled] >= 0).all()
        if labeling.split:
            parts = set(task.clips[labeling.split][labelled])
            assert parts <= {"train", "valid", "test"} or all(isinstance(part, int) for part in parts)


def test_no_group_lies_on_both_sides_of_a_split(task, built):
    for labeling in task.labelings:
        if labeling.group and labeling.split and labeling.name not in built.layout.crossing:
            assert (task.clips.groupby(labeling.group)[labeling.split].nunique() <= 1).all()


def test_it_is_the_same_task_wherever_its_folder_lies(task, built, tmp_path):
    moved = tmp_path / "elsewhere" / built.root.name
    shutil.copytree(built.root, moved, symlinks=True)
    again = load_task(built.spec(moved))
    assert again.fingerprint == task.fingerprint
    assert again.clips["clip"].tolist() == task.clips["clip"].tolist()


def test_its_fingerprint_knows_length_and_labels(task, built):
    assert built.load(seconds=1).fingerprint != task.fingerprint
    labeling = task.labelings[0]
    labels = labeling.labels(task.clips)
    other = labels[1:] + labels[:1]
    assert other != labels
    values = other if labeling.multilabel else [row[0] if row else None for row in other]
    clips = task.clips.assign(**{labeling.column: pd.Series(values, dtype=object)})
    assert Task(task.name, clips, task.labelings).fingerprint != task.fingerprint


def test_it_survives_parquet_and_json(task, tmp_path):
    task.clips.to_parquet(tmp_path / "clips.parquet")
    labelings = [Labeling.from_document(labeling.document()) for labeling in task.labelings]
    again = Task(task.name, pd.read_parquet(tmp_path / "clips.parquet"), tuple(labelings), task.seconds)
    assert again.fingerprint == task.fingerprint
    assert again.labelings == task.labelings


def test_it_travels_to_a_worker(task):
    again = pickle.loads(pickle.dumps(task))
    assert again.fingerprint == task.fingerprint
    assert again.clips.equals(task.clips)


def test_seconds_crops_and_pads(built):
    for seconds in (0.05, 0.5):
        waveform = built.load(seconds=seconds).read(0, 16000)
        assert len(waveform.samples) == seconds * 16000


def test_labels_choose_among_its_labelings(task, built):
    last = task.labelings[-1].name
    assert [one.name for one in built.load(labels=[last]).labelings] == [last]


def test_a_part_of_it_keeps_its_classes(task):
    labeling = task.labelings[0]
    part = task.head(len(labeling.classes) + 1)
    assert len(part) == len(labeling.classes) + 1
    assert labeling.multilabel or labeling.membership(part.clips).any(axis=0).all()


def test_reading_it_twice_gives_the_same(task, built):
    again = built.load()
    pd.testing.assert_frame_equal(again.clips, task.clips)
    assert again.labelings == task.labelings


def test_the_check_of_it_names_files_only(task, built):
    """Labels, groups and splits are in order; what is wrong is wrong with files, on purpose."""
    check(task, files=False)


class TestOfficial:
    def test_it_states_citation_licence_origin_layout_and_sizes(self, official):
        reader = official.reader
        for fact in (reader.citation, reader.licence, reader.layout, reader.splits, reader.needs):
            assert fact
        assert "get it" in reader.obtain or "get the" in reader.obtain
        assert len(type(reader).__doc__.splitlines()) > 1
        task = official.load()
        assert (task.citation, task.licence) == (reader.citation, reader.licence)

    def test_it_is_found_by_all_its_names(self, official):
        place = official.spec().partition(":")[2]
        found = {load_task(f"{prefix}:{place}").fingerprint for prefix in official.reader.prefixes}
        assert found == {official.load().fingerprint}

    def test_the_folder_above_will_do(self, official):
        above = official.spec(official.root.parent)
        assert load_task(above).fingerprint == official.load().fingerprint

    def test_a_partial_data_set_is_counted(self, official):
        whole = official.reader.clips
        if whole:
            with pytest.warns(UserWarning, match=rf"\d+ clips, where the whole data set gives {whole}"):
                official.load()

    def test_an_empty_folder_is_told_what_was_looked_for(self, official, tmp_path):
        (tmp_path / "empty" / "inner").mkdir(parents=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ValueError, match=r"looked for .* and found inner; expected") as caught:
                load_task(official.spec(tmp_path / "empty"))
        message = str(caught.value)
        assert official.reader.obtain in message
        assert all(line in message for line in official.reader.layout.splitlines())

    def test_a_folder_that_is_not_there(self, official, tmp_path):
        with pytest.raises(ValueError, match="nowhere: does not exist; expected a folder"):
            load_task(official.spec(tmp_path / "nowhere"))
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match="file: is a file; expected a folder"):
            load_task(official.spec(tmp_path / "file"))

    def test_without_what_it_needs_it_is_refused(self, official):
        assert official.layout.broken
        for name, message in official.layout.broken.items():
            aside = official.root.parent.parent / "aside"
            (official.root / name).rename(aside)
            with pytest.raises(ValueError, match=message):
                official.load()
            aside.rename(official.root / name)
        official.load()

    def test_its_archive_need_not_be_unpacked(self, official, tmp_path):
        archive = shutil.make_archive(str(tmp_path / "packed"), "zip", official.root.parent)
        task = load_task(official.spec(Path(archive)))
        assert task.fingerprint == official.load().fingerprint
        assert all(path.startswith("zip://") for path in task.clips["path"])

    def test_links_that_lead_out_of_it_are_not_followed(self, official, tmp_path):
        first = official.load().clips["path"][0]
        outside = tmp_path / "outside.wav"
        Path(first).rename(outside)
        Path(first).symlink_to(outside)
        with pytest.raises(ValueError, match="a link that leads out of the folder"):
            official.load()
