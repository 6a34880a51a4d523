"""UrbanSound8K: its many formats, sources in two folds, and tables that were edited."""

import warnings

import pandas as pd
import pytest
import soundfile

from otoscope.tasks import TaskError, check, load_task

TABLE = "metadata/UrbanSound8K.csv"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def root(layout):
    return layout("urbansound8k")


def load(root):
    return load_task(f"urbansound8k:{root}")


def edit(root, row, column, value):
    """Change one cell of the table."""
    table = pd.read_csv(root / TABLE, dtype=str)
    table.loc[row, column] = value
    table.to_csv(root / TABLE, index=False)


def told(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    return [str(one.message) for one in caught]


def test_every_format_of_wav_is_read(root):
    task = load(root)
    check(task)
    found = {
        (info.samplerate, info.channels, info.format, info.subtype)
        for info in map(soundfile.info, task.clips["path"])
    }
    assert found == {
        (44100, 2, "WAV", "PCM_16"),
        (22050, 1, "WAV", "PCM_16"),
        (48000, 2, "WAV", "PCM_24"),
        (96000, 1, "WAVEX", "PCM_24"),
        (44100, 1, "WAV", "FLOAT"),
    }
    assert task.read(7, 16000).real == 800  # 0.05 s
    assert "start" not in task.clips  # the table's start lies in the source recording, not in the slice


def test_sources_in_more_than_one_fold_are_told(root):
    assert any(
        message.endswith(
            "source recordings in more than one fold: 1 (77751), with 4 clips; the official folds are kept"
        )
        for message in told(root)
    )
    assert sorted(set(load(root).clips.query("source == '77751'")["fold"])) == [3, 4]


def test_without_such_sources_nothing_is_told(root):
    for row in range(4, 8):
        edit(root, row, "fsID", str(row))
    assert not any("more than one fold" in message for message in told(root))


def test_files_that_the_table_does_not_list_are_named(root):
    assert f"{root}/audio: left out files not in {TABLE}: 1 (fold2/copy of a slice.wav)" in told(root)


def test_a_listed_file_that_is_not_there_keeps_its_row(root):
    (root / load(root).clips["clip"][3]).unlink()
    task = load(root)
    assert len(task) == 20
    with pytest.raises(TaskError, match=r"1 file.*fold2/100002-1-2-0\.wav"):
        check(task)


def test_a_copy_that_calls_the_column_class_name(root):
    expected = load(root).fingerprint
    text = (root / TABLE).read_text()
    (root / TABLE).write_text(text.replace("classID,class\n", "classID,class_name\n"))
    assert load(root).fingerprint == expected


def test_windows_line_ends_a_byte_order_mark_and_semicolons(root):
    expected = load(root).fingerprint
    text = (root / TABLE).read_text().replace("\n", "\r\n").replace(",", ";")
    (root / TABLE).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(root).fingerprint == expected


def test_classes_are_in_the_order_of_their_ids(root):
    text = (root / TABLE).read_text().replace("car_horn", "zither")
    (root / TABLE).write_text(text)
    assert load(root).labeling("class").classes == ("zither", "street_music")


@pytest.mark.parametrize("column", ["class", "salience"])
def test_a_clip_without_a_label_stays(root, column):
    edit(root, 2, column, "")
    task = load(root)
    assert len(task) == 20
    assert task.labeling(column).labels(task.clips)[2] == []
    assert any(
        message.endswith(f"clips without a {column}: 1 (audio/fold2/100002-9-2-0.wav)")
        for message in told(root)
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("fold", "11", r"UrbanSound8K\.csv: row 3 has fold 11; expected 1 to 10"),
        ("fold", "two", r"column 'fold' holds 'two' in row 3; expected a whole number"),
        ("fold", "", r"column 'fold' holds nan in row 3; expected a whole number"),
        ("classID", "10", r"row 3 has classID 10; expected 0 to 9"),
        ("classID", "horn", r"column 'classID' holds 'horn' in row 3"),
        ("salience", "3", r"row 3 has salience 3; expected 1 to 2"),
        ("fsID", "", r"row 3 has no fsID; try getting the table again"),
        ("slice_file_name", "", r"row 3 has no slice_file_name"),
        ("slice_file_name", "../../../secret.wav", r"secret\.wav' leads out of the folder"),
        ("slice_file_name", "100002-9-2-0.wav", r"1 clip names occur more than once"),
    ],
)
def test_a_table_that_is_not_as_expected(root, column, value, message):
    edit(root, 3, column, value)
    with pytest.raises(TaskError, match=message):
        load(root)


def test_a_table_without_a_column(root):
    table = pd.read_csv(root / TABLE).drop(columns=["fsID", "class"])
    table.to_csv(root / TABLE, index=False)
    with pytest.raises(TaskError, match="there is no column fsID, class; it has slice_file_name, start"):
        load(root)


def test_a_copy_with_both_names_of_the_column(root):
    expected = load(root).fingerprint
    first, *rows = (root / TABLE).read_text().splitlines()
    (root / TABLE).write_text("\n".join([f"{first},class_name", *(f"{row},x" for row in rows)]))
    assert load(root).fingerprint == expected


def test_a_table_without_rows(root):
    (root / TABLE).write_text((root / TABLE).read_text().splitlines()[0] + "\n")
    with pytest.raises(TaskError, match=r"UrbanSound8K\.csv: names no clips; try getting the table again"):
        load(root)
