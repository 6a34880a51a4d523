"""VocalSound: the author's paths, empty files, a table without a header."""

import json
import shutil
import warnings

import pandas as pd
import pytest
from layout_vocalsound import EMPTY, LISTS

from otoscope.tasks import TaskError, check, load_task

META = "meta/all_meta.csv"


@pytest.fixture
def root(layout):
    return layout("vocalsound")


@pytest.fixture
def told(root):
    """The task of a folder, and what was told of it beside the number of clips."""

    def load(place=None, **settings):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            task = load_task(f"vocalsound:{place or root}", **settings)
        said = [str(one.message) for one in caught]
        return task, [message for message in said if "where the whole data set gives 21024" not in message]

    return load


def rewrite(root, part, change):
    """Change the entries of a list."""
    file = root / "datafiles" / f"{LISTS[part]}.json"
    document = json.loads(file.read_text())
    change(document["data"])
    file.write_text(json.dumps(document))


def test_a_whole_release_has_nothing_to_tell(told):
    assert told()[1] == []


def test_a_file_without_sound_keeps_its_row_and_the_check_names_it(told):
    task, _ = told()
    assert EMPTY in set(task.clips["clip"])
    with pytest.raises(TaskError, match=rf"1 file: holds no samples \(\S+/{EMPTY}\)"):
        check(task)


def test_the_classes_are_in_the_order_of_the_table(root, told):
    (root / "class_labels_indices_vs.csv").write_text(
        "\ufeffindex,mid,display_name\r\n1,/m/01b_21,Cough\r\n0,/m/0dl9sf8,Throat clearing\r\n"
    )
    assert told()[0].labelings[0].classes == ("Throat clearing", "Cough")


def test_without_that_table_the_order_is_the_official_one(root, told):
    (root / "class_labels_indices_vs.csv").unlink()
    task, said = told()
    assert said == []
    assert task.labelings[0].classes == ("Cough", "Throat clearing")


@pytest.mark.parametrize("path", ["C:\\vs\\audio\\", "", "/other/"])
def test_only_the_files_name_counts_in_the_lists(root, told, path):
    def change(entries):
        for entry in entries:
            entry["wav"] = path + entry["wav"].rpartition("/")[2]

    rewrite(root, "test", change)
    assert told()[1] == []


@pytest.mark.parametrize("folder", ["audio_44k", "data_44k", "."])
def test_the_folder_of_sound_may_be_called_otherwise(root, told, folder):
    for path in sorted((root / "audio_16k").iterdir()):
        (root / folder).mkdir(exist_ok=True)
        path.rename(root / folder / path.name)
    task, said = told()
    assert said == []
    assert task.clips["path"][0].startswith(str(root / folder))


def test_the_folder_of_sound_may_be_named_itself(root, told):
    task, said = told(root / "audio_16k")
    assert said == []
    assert task.fingerprint == told()[0].fingerprint


def test_a_flat_folder_of_sound_alone(root, told, tmp_path):
    """As EVAR has it: no lists, no tables; the sound is what the names tell."""
    flat = tmp_path / "work" / "16k" / "vocalsound"
    shutil.copytree(root / "audio_16k", flat)
    (flat / "f0003_0_yawn.wav").write_bytes(b"RIFF")
    task, said = told(flat)
    assert [labeling.name for labeling in task.labelings] == ["sound", "gender", "speaker"]
    assert {labeling.split for labeling in task.labelings} == {None}
    assert sorted(set(task.clips["sound"])) == ["Cough", "Throat clearing"]
    assert len(task) == 9
    assert "there is no datafiles/tr.json, val.json and te.json, so there is no split" in said[0]
    assert "left out 1 files that no list names or that are not named like f0003_0_cough.wav" in said[1]
    assert "there is no meta/all_meta.csv, so there is no labeling age, country" in said[2]
    with pytest.raises(TaskError, match=r"there is no meta/all_meta\.csv, so there is no labeling age"):
        told(flat, labels=["country"])


def test_files_that_no_list_names_are_left_out_and_told(root, told, wav):
    wav(root / "audio_16k" / "m0099_0_cough.wav")
    wav(root / "aaa" / "demo.wav")
    task, said = told()
    assert len(task) == 9
    assert "left out 2 files" in said[0]


def test_a_listed_file_that_is_not_there_keeps_its_row(root, told, wav):
    (root / "audio_16k" / "m0011_0_cough.wav").unlink()
    wav(root / "aaa" / "demo.wav")
    task, _ = told()
    assert len(task) == 9
    with pytest.raises(TaskError, match=r"does not exist \(\S+/audio_16k/m0011_0_cough\.wav\)"):
        check(task)


def test_a_list_that_differs_from_the_names_counts(root, told):
    rewrite(root, "test", lambda entries: entries[0].update(labels="/m/01b_21"))
    task, (said,) = told()
    assert "1 clips have another sound in the lists than in their names; the lists count: m0011_0" in said
    assert task.clips.set_index("clip")["sound"]["m0011_0_throatclearing.wav"] == "Cough"


def test_speakers_that_the_table_lacks_are_counted(root, told):
    lines = (root / META).read_text().splitlines()
    (root / META).write_text("\r\n".join(lines[1:]))
    task, said = told()
    assert len(said) == 4
    assert "does not list f0003: 3 clips without age" in said[0]
    assert pd.isna(task.clips["country"][0])


def test_empty_cells_and_odd_ages(root, told):
    (root / META).write_text(
        "f0003,f,17,,English,no\nf0004,f,,USA,English,\nm0011,m,80,USA,,no\nm0012,m,x,,,\n"
    )
    task, said = told()
    assert "5 clips of speakers of no age from 18 to 80: 17, x" in said[-1]
    assert "has no country for f0003, m0012: 5 clips without country" in said[1]
    assert len(said) == 5
    assert task.clips.groupby("speaker")["age"].first().to_dict()["m0011"] == "49-80"


def test_a_table_with_a_header(root, told):
    text = (root / META).read_text()
    (root / META).write_text("spk_id,gender,age,country,language,health\n" + text)
    assert told()[1] == []


def test_a_table_in_json(root, told):
    whole = told()[0]
    (root / META).rename(root / "aside.csv")
    rows = [["f0003", "f", 18, "USA", "English", "no"], ["f0004", "f", 26, "South Korea", "Korean", "no"]]
    rows += [["m0011", "m", 80, "USA", "English", "asthma, mild"], ["m0012", "m", 48, "USA", "English", "no"]]
    (root / "meta/all_meta.json").write_text(json.dumps(rows))
    assert told()[0].fingerprint == whole.fingerprint
    (root / "meta/all_meta.json").write_text(json.dumps({"f0003": {"age": 18}}))
    task, (said,) = told()
    assert "all_meta.json: is no list of lists, speaker, gender, age" in said
    assert len(task.labelings) == 3


def test_a_malformed_line_of_the_table(root, told):
    with (root / META).open("a") as file:
        file.write("m0013,m,40\n")
    with pytest.raises(TaskError, match=r"all_meta\.csv: row 5 is \['m0013', 'm', '40'\]; expected 6 fields"):
        told()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entries: entries[0].update(labels="/m/0"), "is of '/m/0'; expected one of /m/01j3sz"),
        (lambda entries: entries[0].pop("wav"), "expected an object whose data are objects with wav"),
        (
            lambda entries: entries.append({**entries[0], "spk_id": "f0009"}),
            "names m0011_0_throatclearing.wav again, otherwise",
        ),
    ],
)
def test_a_list_that_cannot_be_used(root, told, change, message):
    rewrite(root, "test", change)
    with pytest.raises(TaskError, match=message):
        told()


@pytest.mark.parametrize("text", ["[]", '{"data": 3}', '{"data": ["a"]}', "{}"])
def test_a_list_of_another_form(root, told, text):
    (root / "datafiles/te.json").write_text(text)
    with pytest.raises(TaskError, match=r"te\.json: expected an object whose data"):
        told()


def test_a_list_that_is_missing(root, told):
    (root / "datafiles/val.json").unlink()
    with pytest.raises(TaskError, match=r"datafiles/val\.json not there beside the other lists"):
        told()


def test_a_table_without_speakers_gives_no_labelings(root, told):
    (root / META).write_text("")
    task, said = told()
    assert len(said) == 4
    assert [labeling.name for labeling in task.labelings] == ["sound", "gender", "speaker"]


@pytest.mark.parametrize("row", ["", "0,,Cough\n", "0,/m/01b_21,\n"])
def test_a_table_of_classes_that_names_none(root, told, row):
    (root / "class_labels_indices_vs.csv").write_text("index,mid,display_name\n" + row)
    with pytest.raises(TaskError, match=r"indices_vs\.csv: expected a mid and a display_name in every row"):
        told()


def test_another_data_set_with_a_folder_meta(layout):
    with (
        pytest.warns(UserWarning, match="there is no split"),
        pytest.raises(
            TaskError, match=r"looked for files named like f0003.*; found audio, meta, README\.md; e"
        ),
    ):
        load_task(f"vocalsound:{layout('esc50')}")


def test_an_open_quote_in_the_table_spoils_its_own_line(root, told):
    with (root / META).open("a") as file:
        file.write('m0013,"m,40\n' + "m0014,m,40,USA,English,no\n" * 9000)
    with pytest.raises(TaskError, match=r"all_meta\.csv: row 5 is .*; expected 6 fields"):
        told()
