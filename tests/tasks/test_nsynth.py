"""What the reader of NSynth makes of its traps."""

import json
import shutil
import warnings

import pytest

from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.nsynth import FAMILIES, QUALITIES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def nsynth(layout):
    return layout("nsynth")


def told(place):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_task(f"nsynth:{place}")
    return [str(one.message).partition(": ")[2] for one in caught]


def edit(root, change, split="train"):
    """Change the first note of an examples.json."""
    file = root / f"nsynth-{split}" / "examples.json"
    document = json.loads(file.read_text())
    change(document[min(document)])
    file.write_text(json.dumps(document))


def test_defects_and_labels_that_train_lacks_are_told(nsynth):
    assert told(nsynth)[:-1] == [
        "3 notes lie outside MIDI 21 to 108; they are kept, as in EVAR",
        "2 notes of brass_acoustic_046 in test, from pitch 84 up, are known to be noise; they are kept, as "
        "in EVAR",
        "left out 1 sounds that no examples.json names: nsynth-train/audio/vocal_acoustic_000-060-100.wav",
        "2 notes of valid and test have no label 'family', as train lacks mallet",
        "3 notes of valid and test have no label 'pitch', as train lacks 10, 110, 112",
        "3 notes of valid and test have no label 'octave', as train lacks -1, 8",
        "2 notes of valid and test have no label 'chroma', as train lacks A#, D",
        "1 notes of valid and test have no label 'velocity', as train lacks 50",
    ]


def test_octaves_are_the_taxonomy_of_pitches(nsynth):
    task = load_task(f"nsynth:{nsynth}")
    assert task.labeling("pitch").taxonomy == {"36": "2", "60": "4", "100": "7"}
    assert set(task.labeling("pitch").taxonomy.values()) == set(task.labeling("octave").classes)


def test_synth_lead_is_a_family_and_in_no_test(nsynth):
    task = load_task(f"nsynth:{nsynth}")
    test = task.labeling("family").in_split(task.clips, "test")
    assert "synth_lead" in task.labeling("family").classes
    assert "synth_lead" not in set(task.clips["family"][test])


def test_the_numbers_of_families_and_qualities_are_the_data_sets(nsynth):
    """The order of our lists is that of the data set's own numbers."""
    document = json.loads((nsynth / "nsynth-train" / "examples.json").read_text())
    for note in document.values():
        assert FAMILIES[note["instrument_family"]] == note["instrument_family_str"]
        assert [q for q, mark in zip(QUALITIES, note["qualities"], strict=True) if mark] == note[
            "qualities_str"
        ]


def test_who_names_one_of_the_folders_means_that_one(nsynth):
    task = load_task(f"nsynth:{nsynth / 'nsynth-test'}")
    assert set(task.clips["split"]) == {"test"}
    assert task.clips["clip"].str.startswith("nsynth-test/audio/").all()


def test_a_step_up_in_the_place(nsynth):
    assert len(load_task(f"nsynth:{nsynth / 'nsynth-test' / '..'}")) == len(load_task(f"nsynth:{nsynth}"))


def test_test_alone_has_the_classes_of_what_is_there(nsynth):
    shutil.rmtree(nsynth / "nsynth-train")
    shutil.rmtree(nsynth / "nsynth-valid")
    expected = "no nsynth-train and no nsynth-valid; classes are those of what is there, not those of train"
    assert expected in told(nsynth)
    task = load_task(f"nsynth:{nsynth}")
    assert task.labeling("pitch").classes == ("10", "100", "110", "112")
    assert task.labeling("pitch").taxonomy["10"] == "-1"
    assert task.labeling("family").classes == ("bass", "brass", "mallet")
    assert task.clips["pitch"].tolist() == [10, 100, 100, 110, 112]
    assert not any("no label" in one for one in told(nsynth))


def test_a_folder_that_is_not_there_is_told(nsynth):
    shutil.rmtree(nsynth / "nsynth-valid")
    assert "no nsynth-valid" in told(nsynth)
    assert set(load_task(f"nsynth:{nsynth}").clips["split"]) == {"train", "test"}


def test_a_note_without_sound_is_named_by_the_check(nsynth):
    (nsynth / "nsynth-test" / "audio" / "brass_acoustic_046-100-025.wav").unlink()
    with pytest.raises(TaskError, match=r"1 file: does not exist \(.*brass_acoustic_046-100-025\.wav\)"):
        check(load_task(f"nsynth:{nsynth}"))


def test_tables_without_sound(nsynth):
    for folder in nsynth.glob("*/audio"):
        shutil.rmtree(folder)
    with pytest.raises(
        TaskError, match=r"none of the 13 notes is there, such as nsynth-train/audio/bass_syn"
    ):
        load_task(f"nsynth:{nsynth}")


@pytest.mark.parametrize("inside", [True, False])
def test_the_tfrecord_form_is_refused(nsynth, inside):
    for folder in nsynth.iterdir():
        shutil.rmtree(folder)
        if inside:
            folder.mkdir()
            (folder / f"{folder.name}.tfrecord").write_bytes(b"")
    (nsynth / "nsynth-train.tfrecord").write_bytes(b"")
    with pytest.raises(
        TaskError, match=r"holds the TFRecord form \(nsynth-.*\), which is not read(.|\n)*json/wav archives"
    ):
        load_task(f"nsynth:{nsynth}")


def test_folders_that_are_links_elsewhere(nsynth, tmp_path):
    (nsynth / "nsynth-test").rename(tmp_path / "elsewhere")
    (nsynth / "nsynth-test").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TaskError, match="'nsynth-test' is a link that leads out of the folder"):
        load_task(f"nsynth:{nsynth}")


def test_a_file_in_place_of_the_folder(nsynth):
    for folder in list(nsynth.iterdir()):
        shutil.rmtree(folder)
    (nsynth / "nsynth-test").write_text("")
    with pytest.raises(TaskError, match="nsynth-train and nsynth-valid and nsynth-test cannot be read"):
        load_task(f"nsynth:{nsynth}")


FIRST = "note bass_synthetic_033-036-025"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pitch": "high"},
            "column 'pitch' holds 'high' in row bass_synthetic_033-036-025; expected a whole",
        ),
        ({"velocity": 25.5}, "column 'velocity' holds .*25.5.* in row bass_synthetic_033-036-025; expected"),
        ({"instrument_family_str": "drum"}, FIRST + " is of 'drum'; expected one of bass, brass, flute"),
        ({"instrument_source_str": 2}, FIRST + " is of 2; expected one of acoustic, electronic, synthetic"),
        ({"qualities": [0, 1]}, FIRST + r" has qualities \[0, 1\]; expected 10 zeros and ones"),
        ({"qualities": [[]] * 10}, FIRST + r" has qualities .*; expected 10 zeros and ones"),
        ({"qualities": "dark"}, FIRST + " has qualities 'dark'; expected 10 zeros and ones"),
        ({"instrument_str": None}, "clips have a label but no instrument"),
    ],
)
def test_a_value_that_is_not_as_expected(nsynth, change, message):
    edit(nsynth, lambda note: note.update(change))
    with pytest.raises(TaskError, match=message):
        load_task(f"nsynth:{nsynth}")


def test_a_field_that_is_missing(nsynth):
    edit(nsynth, lambda note: note.pop("pitch"), split="test")
    with pytest.raises(TaskError, match=r"json: note bass_synthetic_009-010-025 has no 'pitch'; it has inst"):
        load_task(f"nsynth:{nsynth}")


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "3"])
def test_a_table_of_another_shape(nsynth, text):
    (nsynth / "nsynth-valid" / "examples.json").write_text(text)
    with pytest.raises(TaskError, match=r"examples\.json: expected an object with an object for every note"):
        load_task(f"nsynth:{nsynth}")


def test_a_table_that_is_cut_off(nsynth):
    file = nsynth / "nsynth-valid" / "examples.json"
    file.write_text(file.read_text()[:-9])
    with pytest.raises(TaskError, match=r"examples\.json: is no JSON .*try getting it again"):
        load_task(f"nsynth:{nsynth}")


@pytest.mark.parametrize("folder", ["*", "nsynth-test"])
def test_a_table_without_notes(nsynth, folder):
    for file in nsynth.glob(f"{folder}/examples.json"):
        file.write_text("{}")
    with pytest.raises(TaskError, match="name no notes"):
        load_task(f"nsynth:{nsynth}")


def test_a_name_that_leads_out_of_the_folder(nsynth):
    file = nsynth / "nsynth-valid" / "examples.json"
    document = json.loads(file.read_text())
    document["../../../secret"] = document.pop(min(document))
    file.write_text(json.dumps(document))
    with pytest.raises(TaskError, match=r"secret\.wav' leads out of the folder"):
        load_task(f"nsynth:{nsynth}")
