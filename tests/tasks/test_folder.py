"""A folder with a sub-folder per class, and what people have in such folders besides."""

import shutil

import pytest

from otoscope.tasks import TaskError, check, load_task


def test_classes_are_the_sub_folders(sounds):
    task = load_task(f"folder:{sounds}")
    assert task.name == "sounds"
    assert task.labeling("class").classes == ("cat", "dog barks")
    assert task.clips["clip"].tolist() == [
        *("cat/a.wav", "cat/b.flac", "cat/d.MP3", "cat/deep/c.ogg"),
        *("dog barks/a.wav", "dog barks/b.flac", "dog barks/deep/c.ogg"),
    ]


def test_what_is_not_audio_is_named(sounds):
    (sounds / "cat" / "notes.txt").write_text("meow")
    (sounds / "loose.wav").write_bytes(b"")
    with pytest.warns(
        UserWarning, match=r"left out 2 files, not audio or in no class: cat/notes\.txt, loose"
    ):
        task = load_task(f"folder:{sounds}")
    assert len(task) == 7


def test_an_empty_class_is_kept_for_the_check_to_name(sounds):
    (sounds / "cow").mkdir()
    task = load_task(f"folder:{sounds}")
    assert task.labeling("class").classes == ("cat", "cow", "dog barks")
    with pytest.raises(TaskError, match="no clip bears cow"):
        check(task)


def test_one_class_is_too_few(sounds):
    shutil.rmtree(sounds / "cat")
    with pytest.raises(TaskError, match=r"has 1 class \(dog barks\)"):
        check(load_task(f"folder:{sounds}"))


def test_sub_folders_named_after_splits_are_the_split(tmp_path, wav):
    for split in ("train", "val", "test"):
        for name in ("cat", "dog"):
            wav(tmp_path / "pets" / split / name / "a.wav")
    task = load_task(f"folder:{tmp_path / 'pets'}")
    assert task.labeling("class").classes == ("cat", "dog")
    assert task.labeling("class").split == "split"
    assert sorted(set(task.clips["split"])) == ["test", "train", "valid"]


def test_a_folder_without_sub_folders(tmp_path, wav):
    wav(tmp_path / "flat" / "a.wav")
    with pytest.raises(
        TaskError, match=r"no sub-folder holds audio .*; expected the official layout:\n  DIR/"
    ):
        load_task(f"folder:{tmp_path / 'flat'}")
