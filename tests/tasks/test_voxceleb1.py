"""VoxCeleb1: two folders or one, a tab-separated table, two partitions, and speakers that are a class."""

import warnings

import pytest
from layout_voxceleb1 import META

from otoscope.tasks import TaskError, check, load_task

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*where the whole data set gives:UserWarning",
    "ignore:.*nationalities are of one:UserWarning",
    "ignore:.*clips without (Nationality|Set):UserWarning",
)


@pytest.fixture
def root(layout):
    return layout("voxceleb1")


def load(root, **options):
    return load_task(f"voxceleb1:{root}", **options)


def lines(path):
    return path.read_text().splitlines()


def write(path, found):
    path.write_text("\n".join(found) + "\n")


def test_each_labeling_has_the_split_of_its_question(root):
    clips = load(root).clips
    assert clips.groupby("speaker")["split"].nunique().max() == 2
    assert clips.groupby("speaker")["set"].nunique().max() == 1


def test_it_has_what_one_expects_and_no_other_warning(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    assert len(caught) == 2  # the number of clips; nationalities of one speaker


def test_clips_of_dev_and_test_are_named_as_if_merged(layout):
    task = load(layout("voxceleb1/apart"))
    assert task.clips["clip"].str.startswith("wav/id1").all()
    assert task.clips["path"].str.contains("/dev/wav/").sum() == 8
    assert task.clips["path"].str.contains("/test/wav/").sum() == 4
    check(task)


def test_half_of_it_keeps_the_rows_of_the_other(layout):
    root = layout("voxceleb1/apart") / "vox1"
    task = load(root / "dev")  # the lists lie one folder above
    assert len(task) == 12
    assert [one.name for one in task.labelings] == ["speaker", "gender", "nationality"]
    with pytest.raises(TaskError, match="4 files"):
        check(task)


def test_the_folder_of_the_speakers(root):
    assert load(root / "wav").fingerprint == load(root).fingerprint


def test_the_tables_one_folder_above(root):
    before = load(root).fingerprint
    for name in ("iden_split.txt", "vox1_meta.csv"):
        (root / name).rename(root.parent / name)
    assert load(root).fingerprint == before


def test_clips_that_lie_there_twice(root, wav):
    wav(root / "dev" / "wav" / "id10001" / "1zcIwhmdeo4" / "00001.wav")
    with pytest.warns(UserWarning, match=r"1 clips lie there twice, and are read once: without wav/id10001"):
        task = load(root)
    assert len(task) == 12


def test_without_the_identification_split(root):
    (root / "iden_split.txt").unlink()
    with pytest.warns(UserWarning, match=r"no iden_split\.txt there or one folder above.*; get it from"):
        task = load(root)
    assert task.labeling("speaker").split is None
    assert "split" not in task.clips
    assert len(task) == 12
    assert task.labeling("gender").split == "set"


def test_without_the_table_of_the_speakers(root):
    (root / "vox1_meta.csv").unlink()
    with pytest.warns(
        UserWarning, match=r"no vox1_meta\.csv .* no labeling 'gender' and no 'nationality'; get"
    ):
        task = load(root)
    assert [one.name for one in task.labelings] == ["speaker"]
    for labels in (["gender"], ["speaker", "nationality"]):
        with pytest.raises(TaskError, match=r"no vox1_meta\.csv there or one folder above.*; get it from"):
            load(root, labels=labels)


@pytest.mark.parametrize("change", [lambda row: row.replace("\t", ","), lambda row: row + "\r"])
def test_the_table_saved_again_by_a_spreadsheet(root, change):
    before = load(root)
    text = "\ufeff" + "\n".join(map(change, META))
    (root / "vox1_meta.csv").write_text(text, encoding="utf-8", newline="")
    assert load(root).fingerprint == before.fingerprint
    assert before.labeling("nationality").classes == ("Ireland", "New Zealand")


def test_a_name_with_a_comma_does_not_cut_the_table(root):
    found = [row.replace("Ireland", "Korea, South") for row in META]
    write(root / "vox1_meta.csv", found)
    assert load(root).labeling("nationality").classes == ("Korea, South", "New Zealand")


def test_a_speaker_that_the_table_lacks(root):
    write(root / "vox1_meta.csv", META[:-1])
    with pytest.warns(UserWarning, match=r"vox1_meta\.csv: does not list id10270: 4 clips without Gender"):
        task = load(root)
    assert len(task) == 12
    assert task.labeling("gender").classes == ("m",)
    assert task.labeling("gender").membership(task.clips).sum() == 8


def test_a_nationality_that_is_one_speaker(root):
    with pytest.warns(UserWarning, match="1 of 2 nationalities are of one speaker each.*: New Zealand"):
        load(root)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("id10001\tX\tm\tUSA\tdev", "gives id10001 more than one Nationality"),
        ("id10003\tX\tm\tUSA\ttrial", "row 3 has Set 'trial'; expected dev or test"),
    ],
)
def test_a_table_at_odds_with_itself(root, row, message):
    write(root / "vox1_meta.csv", [*META, row])
    with pytest.raises(TaskError, match=message):
        load(root)


def test_a_table_without_its_columns(root):
    write(root / "vox1_meta.csv", [row.rpartition("\t")[0] for row in META])
    with pytest.raises(TaskError, match=r"vox1_meta\.csv: there is no column Set; it has VoxCeleb1 ID"):
        load(root)


@pytest.mark.parametrize(
    "line", ["4 id10001/1zcIwhmdeo4/00001.wav", "1 wav/id10001/1zcIwhmdeo4/00001.wav", "1 ../../x.wav", "x"]
)
def test_a_line_that_is_none(root, line):
    write(root / "iden_split.txt", [*lines(root / "iden_split.txt"), line])
    with pytest.raises(
        TaskError, match=r"iden_split\.txt: the line .* is not of the list; expected lines like"
    ):
        load(root)


def test_a_clip_in_two_parts(root):
    found = lines(root / "iden_split.txt")
    write(root / "iden_split.txt", [*found, found[0].replace("1", "2", 1)])
    with pytest.raises(TaskError, match=r"puts id10001/1zcIwhmdeo4/00001\.wav into two parts"):
        load(root)


def test_windows_line_ends(root):
    before = load(root).fingerprint
    (root / "iden_split.txt").write_bytes("\r\n".join(lines(root / "iden_split.txt")).encode())
    assert load(root).fingerprint == before


def test_a_video_in_two_parts_is_told_and_kept(root):
    found = lines(root / "iden_split.txt")
    write(root / "iden_split.txt", ["3" + found[0][1:], *found[1:]])
    with pytest.warns(UserWarning, match=r"1 videos have clips in more than one part .*id10001/1zcIwhmdeo4"):
        task = load(root)
    assert task.clips["split"][0] == "test"


def test_clips_that_the_list_lacks(root):
    write(root / "iden_split.txt", lines(root / "iden_split.txt")[1:])
    with pytest.warns(UserWarning, match=r"left out 1 clips that iden_split\.txt does not name: id10001/1zc"):
        assert len(load(root)) == 11


def test_a_listed_clip_that_is_not_there_keeps_its_row(root):
    (root / "wav" / "id10001" / "1zcIwhmdeo4" / "00001.wav").unlink()
    task = load(root)
    assert len(task) == 12
    with pytest.raises(TaskError, match=r"1 file: .*wav/id10001/1zcIwhmdeo4/00001\.wav"):
        check(task)


def test_another_data_set_with_a_folder_wav(tmp_path, wav):
    wav(tmp_path / "wav" / "a.wav")
    with (
        pytest.warns(match="no iden_split"),
        pytest.raises(TaskError, match="none of its clips is in wav or dev/wav"),
    ):
        load(tmp_path)
    with (
        pytest.warns(match="no iden_split"),
        pytest.raises(TaskError, match=r"looked for clips of iden_split.*; found wav; expected the official"),
    ):
        load(tmp_path)


def test_a_table_without_speakers_gives_no_labelings(root):
    write(root / "vox1_meta.csv", META[:1])
    with pytest.warns(UserWarning, match="12 clips without Gender"):
        task = load(root)
    assert [labeling.name for labeling in task.labelings] == ["speaker"]
