"""Surge: pitch from the file's name, category from the folder's, the split from EVAR's table."""

import warnings

import pandas as pd
import pytest
from layout_surge import PRESETS, TABLE

from otoscope.tasks import TaskError, check, load_task

KICK, FLUTE, OBOE = PRESETS


@pytest.fixture
def root(layout):
    return layout("surge")


@pytest.fixture
def told(root):
    """The task of a folder, and all that was told of it."""

    def load(place=None):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            task = load_task(f"surge:{place or root}")
        return task, [str(one.message) for one in caught]

    return load


def test_a_whole_folder_has_nothing_to_tell(told):
    task, said = told()
    assert said == []
    check(task)


def test_the_pitches_have_their_octaves(told):
    assert told()[0].labeling("pitch").taxonomy == {"21": "0", "60": "4", "108": "8"}


def test_a_prefix_before_the_number_does_not_matter(root, told):
    for path in sorted(root.glob("surge/*/[0-9]*.ogg")):
        path.rename(path.with_name(f"2nd_take-{path.name}"))
    assert told()[0].clips["pitch"].tolist() == [21, 60, 108] * 3


def test_files_without_a_key_are_left_out_and_told(root, told, wav):
    for name in ("mix.ogg", "020.ogg", "109.ogg", "0060.ogg"):
        wav(root / "surge" / FLUTE / name)
    wav(root / "demos" / "060.wav")
    task, said = told()
    assert len(task) == 9
    assert len(said) == 1
    assert "left out 5 files, in no preset's folder or without a note from 021 to 108" in said[0]


@pytest.mark.parametrize("place", ["surge", "."])
def test_the_table_may_lie_above_or_below(root, told, place):
    below = root / "surge" / "evar" / "predefined"
    if place == ".":
        below.mkdir(parents=True)
        (root / TABLE).rename(below / TABLE)
    task, said = told(root / place)
    assert said == []
    assert set(task.clips["split"]) == {"train", "valid", "test"}
    assert task.clips["clip"][0] == f"{KICK}/021.ogg"


def test_without_the_table_there_is_no_split(root, told):
    (root / TABLE).unlink()
    task, (said,) = told()
    assert f"there is no {TABLE}, so there is no split; get it from https://github.com" in said
    assert {labeling.split for labeling in task.labelings} == {None}


def test_presets_that_the_table_lacks_are_left_out_and_counted(root, told):
    (root / TABLE).write_text(f"tone,split\n{FLUTE},train\n{OBOE},test\n")
    task, (said,) = told()
    assert f"does not name 1 presets ({KICK}): left out 3 clips" in said
    assert set(task.clips["preset"]) == {FLUTE, OBOE}


def test_presets_of_the_table_that_are_not_there_are_counted(root, told):
    with (root / TABLE).open("a") as file:
        file.write("surge-patches-factory-Winds-Tuba-velocity64,train\r\n")
    assert "1 of the 4 presets of" in told()[1][0]


def test_folders_of_other_names_have_no_category(root, told):
    (root / "surge" / KICK).rename(root / "surge" / "kick")
    (root / "surge" / FLUTE).rename(root / "surge" / "surge-patches-factory-Init-velocity64")
    (root / TABLE).write_text(
        f"tone,split\nkick,train\nsurge-patches-factory-Init-velocity64,valid\n{OBOE},test\n"
    )
    task, (said,) = told()
    assert "6 clips without a category, of folders not named like surge-patches-factory-Winds" in said
    by_preset = task.clips.groupby("preset").first()
    assert by_preset["category"][OBOE] == "Winds"
    assert pd.isna(by_preset["category"]["kick"])
    assert pd.isna(by_preset["bank"]["kick"])
    assert by_preset["bank"]["surge-patches-factory-Init-velocity64"] == "factory"


def test_one_preset_alone(root, told):
    task, said = told(root / "surge" / FLUTE)
    assert task.clips["clip"].tolist() == [f"{FLUTE}/{note}.ogg" for note in ("021", "060", "108")]
    assert "there is no" in said[0]


def test_a_preset_that_lies_there_twice_is_read_once(root, told, wav):
    wav(root / "copy" / FLUTE / "021.ogg")
    task, (said,) = told()
    assert len(task) == 9
    assert f"1 clips lie there twice, and are read once: without surge/{FLUTE}/021.ogg" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("preset,split\nx,train\n", "there is no column tone; it has preset, split"),
        (f"tone,split\n{FLUTE},later\n", "row 0 has split 'later'; expected train, valid or test"),
        (f"tone,split\n{FLUTE},train\n{FLUTE},test\n", f"puts {FLUTE} into two parts"),
        ("tone,split\nx,train\n", "names none of the presets there; expected the official layout"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_table_that_is_not_the_split(root, text, message):
    (root / TABLE).write_text(text)
    with pytest.raises(TaskError, match=message):
        load_task(f"surge:{root}")
