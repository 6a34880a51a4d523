"""What the reader of ESC-50 makes of its traps."""

import os
import warnings
from pathlib import Path

import pytest

from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.esc50 import MAJOR

pytestmark = pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning")


@pytest.fixture
def esc50(layout):
    return layout("esc50")


def test_classes_are_in_the_order_of_targets(esc50):
    labeling = load_task(f"esc50:{esc50}").labeling("category")
    assert labeling.classes == ("dog", "rooster", "crackling_fire")
    assert labeling.taxonomy == {"dog": "animals", "rooster": "animals", "crackling_fire": "natural"}
    assert (labeling.split, labeling.group) == ("fold", "source")


def test_the_audio_folder_will_do(esc50):
    assert len(load_task(f"esc50:{esc50 / 'audio'}")) == 15


def test_a_fork_with_byte_order_mark_and_capitals(esc50):
    table = esc50 / "meta" / "esc50.csv"
    before = load_task(f"esc50:{esc50}").fingerprint
    text = table.read_text().replace("True", "TRUE").replace("False", "FALSE")
    table.write_text("\ufeff" + text, encoding="utf-8")
    assert load_task(f"esc50:{esc50}").fingerprint == before


def test_a_file_that_the_table_names_and_the_folder_lacks(esc50):
    (esc50 / "audio" / "3-100003-A-0.wav").unlink()
    with pytest.raises(TaskError, match=r"1 file: does not exist \(.*3-100003-A-0\.wav\)"):
        check(load_task(f"esc50:{esc50}"))


def test_a_table_without_a_column(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace("category", "label"))
    with pytest.raises(TaskError, match=r"esc50\.csv: there is no column category; it has filename, fold"):
        load_task(f"esc50:{esc50}")


def test_a_fold_that_is_no_number(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace(".wav,1,0", ".wav,one,0"))
    with pytest.raises(TaskError, match=r"column 'fold' holds 'one' in row 0; expected a whole number"):
        load_task(f"esc50:{esc50}")


def test_a_target_beyond_the_fifty(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace(".wav,1,0", ".wav,1,50"))
    with pytest.raises(TaskError, match="target 50; expected 0 to 49"):
        load_task(f"esc50:{esc50}")


def test_the_major_categories_are_ten_targets_each():
    assert len(MAJOR) * 10 == 50


def test_naming_the_audio_lists_no_other_folder(esc50, monkeypatch):
    """Where the folder above is looked at for the table, what else lies there is nobody's business."""
    (esc50 / "private" / "deep").mkdir(parents=True)
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(str(path)), scandir(path))[1])
    load_task(f"esc50:{esc50 / 'audio'}")
    assert sorted(Path(path).name for path in listed if "private" in path) == []


def test_a_table_of_which_no_clip_is_there(esc50):
    for file in (esc50 / "audio").glob("*.wav"):
        file.unlink()
    with pytest.raises(
        TaskError, match=r"names 15 clips \(.*\), and none of them is there; expected the off"
    ):
        load_task(f"esc50:{esc50}")


def test_a_row_without_a_file(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace("1-100001-A-0.wav,", ","))
    with pytest.raises(TaskError, match=r"esc50\.csv: row 0 has no filename; try getting the table again"):
        load_task(f"esc50:{esc50}")


def test_a_clip_without_a_label_stays(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text().replace("1-100001-A-0.wav,1,0,dog", "1-100001-A-0.wav,1,0,"))
    with pytest.warns(UserWarning, match=r"clips without a category: 1 \(audio/1-100001-A-0\.wav\)"):
        task = load_task(f"esc50:{esc50}")
    assert len(task) == 15
    assert task.labeling("category").classes == ("dog", "rooster", "crackling_fire")


def test_sound_that_the_table_does_not_name(esc50, wav):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*left out")
        load_task(f"esc50:{esc50}")
    wav(esc50 / "audio" / "6-1-A-0.wav")
    with pytest.warns(UserWarning, match=r"does not name: 1 \(audio/6-1-A-0\.wav\)"):
        load_task(f"esc50:{esc50}")
