"""FSD50K: several labels a clip, optional uploaders, halves that were not downloaded, edited tables."""

import json
import shutil
import warnings

import pytest

from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.fsd50k import LONG

DEV, EVAL = "FSD50K.ground_truth/dev.csv", "FSD50K.ground_truth/eval.csv"
VOCABULARY = "FSD50K.ground_truth/vocabulary.csv"
UPLOADERS = "FSD50K.metadata/dev_clips_info_FSD50K.json"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def root(layout):
    return layout("fsd50k")


def load(root):
    return load_task(f"fsd50k:{root}")


def told(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    return [str(one.message) for one in caught]


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_clip_bears_each_of_its_labels(root):
    task = load(root)
    check(task)
    labeling = task.labeling("label")
    assert labeling.multilabel
    assert labeling.membership(task.clips).sum(axis=1).tolist() == [1, 2, 3, 1, 2, 1, 2]
    assert "Bathtub_(filling_or_washing)" in labeling.classes


def test_ids_stay_text(root):
    assert "FSD50K.dev_audio/7.wav" in set(load(root).clips["clip"])


def test_clips_that_are_too_long_are_kept_and_told(root):
    assert len(LONG) == 12
    assert (
        f"{root}: clips of 30 s or more, from wrong metadata, are kept: 1 (FSD50K.dev_audio/83298.wav)"
        in told(root)
    )


def test_such_an_id_in_the_evaluation_set_is_nothing_special(root):
    replace(root / DEV, "83298,", "83297,")
    replace(root / EVAL, "37199,", "83298,")
    (root / "FSD50K.dev_audio/83298.wav").rename(root / "FSD50K.eval_audio/83298.wav")
    assert not any("30 s" in message for message in told(root))


def test_uploaders_on_both_sides_of_the_split_are_told(root):
    assert any(
        "uploaders with clips in more than one part of the split: 1 (bob)" in one for one in told(root)
    )


def test_without_uploaders_there_are_no_groups(root):
    (root / UPLOADERS).unlink()
    task = load(root)
    assert task.labeling("label").group is None
    assert "uploader" not in task.clips
    assert f"{root}: no {UPLOADERS}: uploaders are unknown, and clips have no groups" in told(root)


def test_a_clip_whose_uploader_is_not_told_is_a_group_of_its_own(root):
    about = json.loads((root / UPLOADERS).read_text())
    del about["64760"]
    about["16399"] = {"uploader": None}
    about["7"] = "?"
    (root / UPLOADERS).write_text(json.dumps(about))
    task = load(root)
    assert task.clips["uploader"][1:4].tolist() == ["unknown, clip 16399", "bob", "unknown, clip 7"]
    assert any("clips without an uploader: 3 (FSD50K.dev_audio/64760.wav, " in line for line in told(root))


@pytest.mark.parametrize(
    ("text", "message"),
    [("[]", r"dev_clips_info.*holds no clips by their ids"), ("{", r"dev_clips_info.* no JSON")],
)
def test_uploaders_that_are_none(root, text, message):
    (root / UPLOADERS).write_text(text)
    with pytest.raises(TaskError, match=message):
        load(root)


@pytest.mark.parametrize(("part", "left"), [("dev", ["test"]), ("eval", ["train", "valid"])])
def test_a_half_that_was_not_downloaded_is_left_out(root, part, left):
    shutil.rmtree(root / f"FSD50K.{part}_audio")
    (root / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json").unlink()
    task = load(root)
    assert sorted(set(task.clips["split"])) == left
    assert task.labeling("label").group == "uploader"
    assert any(f"no file of FSD50K.{part}_audio is there" in message for message in told(root))


def test_without_any_sound_it_is_refused(root):
    for part in ("dev", "eval"):
        shutil.rmtree(root / f"FSD50K.{part}_audio")
    with pytest.raises(TaskError, match=r"names FSD50K\.dev_audio/64760\.wav, .* none of its files is there"):
        load(root)


def test_a_listed_file_that_is_not_there_keeps_its_row(root):
    (root / "FSD50K.dev_audio/7.wav").unlink()  # an archive whose parts were not all joined
    with pytest.raises(TaskError, match=r"1 file.*dev_audio/7\.wav"):
        check(load(root))


def test_sound_that_is_not_listed_is_named(root, wav):
    wav(root / "FSD50K.eval_audio" / "new.wav")
    (root / "FSD50K.eval_audio" / "._37199.wav").write_bytes(bytes(211))
    assert f"{root}: left out sound not in the ground truth: 1 (new.wav)" in told(root)


def test_windows_line_ends_a_byte_order_mark_and_blanks(root):
    expected = load(root).fingerprint
    for name in (DEV, EVAL, VOCABULARY):
        text = (root / name).read_text().replace("\n", "\r\n")
        (root / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    replace(root / DEV, '"Bathtub_(filling_or_washing),Liquid"', '"Bathtub_(filling_or_washing), Liquid"')
    assert load(root).fingerprint == expected


def test_quotes_in_the_vocabulary(root):
    replace(root / VOCABULARY, "Hi-hat", '"Hi-hat"')
    assert "Hi-hat" in load(root).labeling("label").classes


def test_a_clip_without_labels_stays(root):
    replace(root / DEV, "7,Tick-tock,", "7,,")
    task = load(root)
    assert task.labeling("label").labels(task.clips)[3] == []
    assert f"{root}: clips without a label: 1 (FSD50K.dev_audio/7.wav)" in told(root)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (DEV, "64760,Hi-hat", "64760,Hat", r"dev\.csv: clip 64760 has the label Hat, not in FSD50K"),
        (EVAL, "37199,Hi-hat", "37199,hi-hat", r"eval\.csv: clip 37199 has the label hi-hat, not in"),
        (DEV, "/m/03qtq,train", "/m/03qtq,test", r"row 0 has split 'test'; expected train or val"),
        (DEV, "/m/03qtq,train", "/m/03qtq,", r"row 0 has split nan; expected train or val"),
        (DEV, "64760,Hi-hat", ",Hi-hat", r"dev\.csv: row 0 has no fname"),
        (DEV, "64760,Hi-hat", "16399,Hi-hat", "1 clip names occur more than once"),
        (DEV, "64760,Hi-hat", "../../64760,Hi-hat", r"leads out of the folder"),
        (EVAL, "fname,labels", "name,labels", r"eval\.csv: there is no column fname; it has name, labels"),
        (DEV, ",split", ",part", r"dev\.csv: there is no column split"),
        (
            VOCABULARY,
            "1,Liquid,",
            "1;Liquid;",
            r"vocabulary\.csv: line 2 is '1;Liquid;/m/04k94'; expected index",
        ),
        (VOCABULARY, "0,Tick", "index,label,mid\n0,Tick", r"vocabulary\.csv: line 1 is 'index,label,mid'"),
        (VOCABULARY, "Owl", "Hi-hat", r"lists \['Hi-hat'\] more than once"),
    ],
)
def test_tables_that_are_not_as_expected(root, name, old, new, message):
    replace(root / name, old, new)
    with pytest.raises(TaskError, match=message):
        load(root)


@pytest.mark.parametrize("name", [DEV, EVAL])
def test_a_table_without_rows(root, name):
    (root / name).write_text((root / name).read_text().splitlines()[0] + "\n")
    with pytest.raises(TaskError, match=r"\w+\.csv: names no clips; try getting the table again"):
        load(root)
