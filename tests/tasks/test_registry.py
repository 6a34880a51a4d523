"""From what a user writes to a reader."""

import os

import pytest

from otoscope.errors import UsageError
from otoscope.tasks import TaskError, available, load_task
from otoscope.tasks.registry import readers


@pytest.mark.parametrize("spec", ["sounds", "folder:", "urbansound:x", ":x", ""])
def test_an_unknown_task_is_answered_with_those_there(spec):
    with pytest.raises(UsageError, match=r"no task is called .*; expected one of folder:DIR, .*") as caught:
        load_task(spec)
    assert all(reader.name in str(caught.value) for reader in available())


def test_every_reader_says_how_to_name_it_and_what_it_needs():
    for reader in available():
        assert reader.name.startswith(f"{reader.prefixes[0]}:")
        assert 0 < len(reader.about) <= 75, reader.name
        assert reader.needs


def test_a_reader_with_several_names_is_listed_once():
    listed = [reader.name for reader in available()]
    assert len(listed) == len(set(listed))
    assert all(readers()[prefix] is reader for reader in available() for prefix in reader.prefixes)


def test_an_unknown_labeling(sounds):
    with pytest.raises(UsageError, match="no labeling 'mood'; it has: class"):
        load_task(f"folder:{sounds}", labels=["mood"])


@pytest.mark.parametrize("place", ["a" * 5000, "~nobody-of-this-name/x", "a/" * 3000])
def test_a_place_that_no_system_has(place):
    for reader in available():
        if reader.prefixes[0] in ("hf", "mini"):
            continue
        with pytest.raises(TaskError, match=r"does not exist; exp|no such file; exp|are not there \("):
            load_task(f"{reader.prefixes[0]}:{place}")


@pytest.mark.parametrize("level", ["data", "data/closed"])
def test_folders_that_nobody_may_look_into(tmp_path, monkeypatch, level):
    (tmp_path / "data" / "closed").mkdir(parents=True)
    listdir = os.listdir

    def guarded(path):
        if str(path).endswith(level):
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", guarded)
    with pytest.raises(
        TaskError, match=r"looked for meta/esc50\.csv there, .* and found (nothing|closed); exp"
    ):
        load_task(f"esc50:{tmp_path / 'data'}")


@pytest.mark.parametrize("labels", [(), ("label",)])
def test_a_column_of_labels_that_is_empty(tmp_path, wav, labels):
    wav(tmp_path / "a.wav")
    (tmp_path / "a.csv").write_text("file,label\na.wav,\n")
    with pytest.raises(TaskError, match="no clip has a label in the column label; try another column"):
        load_task(f"manifest:{tmp_path / 'a.csv'}", labels=labels)


def test_a_task_knows_the_words_that_read_it_again():
    assert load_task("mini:events").options == ("--task", "mini:events")
    asked = load_task("mini:voices", seconds=1.5, labels=["language", "gender"])
    assert asked.options == (
        "--task", "mini:voices", "--seconds", "1.5", "--label", "language", "--label", "gender",
    )  # fmt: skip
