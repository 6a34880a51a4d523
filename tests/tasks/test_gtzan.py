"""What the reader of GTZAN makes of its traps."""

import shutil

import pytest

from otoscope.tasks import TaskError, check, load_task

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*left out 3 sounds that the lists do not name:UserWarning"),
]
LISTS = ("train_filtered.txt", "valid_filtered.txt", "test_filtered.txt")


@pytest.fixture
def gtzan(layout):
    return layout("gtzan")


def test_the_lists_choose_the_clips(gtzan):
    message = r"left out 3 sounds that the lists do not name, as EVAR does: genres/blues/blues\.00003\.wav"
    with pytest.warns(UserWarning, match=message):
        task = load_task(f"gtzan:{gtzan}")
    assert "blues/blues.00003.wav" not in set(task.clips["clip"])
    assert task.clips["path"][0] == str(gtzan / "genres" / "blues" / "blues.00000.wav")


def test_the_copy_with_other_folders(gtzan):
    before = load_task(f"gtzan:{gtzan}").fingerprint
    (gtzan / "Data").mkdir()
    (gtzan / "genres").rename(gtzan / "Data" / "genres_original")
    for place in (gtzan, gtzan / "Data", gtzan / "Data" / "genres_original"):
        if place.name == "genres_original":
            for name in LISTS:
                shutil.copy(gtzan / name, gtzan / "Data")
        assert load_task(f"gtzan:{place}").fingerprint == before


@pytest.mark.parametrize("folder", ["genres", "music_dataset_split/GTZAN_split"])
def test_the_lists_in_a_folder_of_it(gtzan, folder):
    before = load_task(f"gtzan:{gtzan}").fingerprint
    (gtzan / folder).mkdir(parents=True, exist_ok=True)
    for name in LISTS:
        (gtzan / name).rename(gtzan / folder / name)
    assert load_task(f"gtzan:{gtzan}").fingerprint == before


@pytest.mark.parametrize("place", ["genres", "."])
def test_the_lists_in_the_folder_above(gtzan, place):
    before = load_task(f"gtzan:{gtzan}").fingerprint
    if place == ".":
        for name in LISTS:
            (gtzan / name).rename(gtzan.parent / name)
    assert load_task(f"gtzan:{gtzan / place}").fingerprint == before


def test_a_flat_folder(gtzan):
    before = load_task(f"gtzan:{gtzan}").fingerprint
    for file in (gtzan / "genres").glob("*/[!.]*.wav"):
        file.rename(gtzan / file.name)
    shutil.rmtree(gtzan / "genres")
    task = load_task(f"gtzan:{gtzan}")
    assert task.clips["path"][0] == str(gtzan / "blues.00000.wav")
    assert task.fingerprint == before


def test_of_two_copies_the_fuller_one_is_read(gtzan):
    shutil.copytree(gtzan / "genres" / "blues", gtzan / "again" / "blues")
    assert all("genres" in path for path in load_task(f"gtzan:{gtzan}").clips["path"])


def test_lists_with_windows_line_ends_and_a_byte_order_mark(gtzan):
    before = load_task(f"gtzan:{gtzan}").fingerprint
    for name in LISTS:
        text = (gtzan / name).read_text()
        (gtzan / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n")
    assert load_task(f"gtzan:{gtzan}").fingerprint == before


def test_without_lists_it_says_where_they_are(gtzan):
    for name in LISTS:
        (gtzan / name).unlink()
    with pytest.raises(
        TaskError,
        match=r"looked for train_filtered\.txt or (.|\n)*the lists from https://github\.com/jongpillee",
    ):
        load_task(f"gtzan:{gtzan}")


def test_the_clip_that_cannot_be_decoded_is_named_by_the_check(gtzan):
    task = load_task(f"gtzan:{gtzan}")
    assert "jazz/jazz.00054.wav" in set(task.clips["clip"])
    with pytest.raises(TaskError, match=r"1 file: is truncated \(.*jazz\.00054\.wav\)"):
        check(task)


def test_a_listed_clip_that_is_not_there_is_named(gtzan):
    (gtzan / "genres" / "jazz" / "jazz.00054.wav").unlink()
    with pytest.raises(TaskError, match=r"1 file: does not exist \(.*genres/jazz/jazz\.00054\.wav\)"):
        check(load_task(f"gtzan:{gtzan}"))


@pytest.mark.parametrize(
    "line",
    ["blues.00000.wav", "rock/blues.00000.wav", "../a.wav", "blues/blues.00001.au", "a/../a.00000.wav"],
)
def test_a_line_that_is_no_clip(gtzan, line):
    (gtzan / "test_filtered.txt").write_text(line)
    with pytest.raises(TaskError, match=r"test_filtered\.txt: line .* is not like blues/blues\.00000\.wav"):
        load_task(f"gtzan:{gtzan}")


def test_a_clip_in_two_lists(gtzan):
    shutil.copy(gtzan / "train_filtered.txt", gtzan / "test_filtered.txt")
    with pytest.raises(TaskError, match=r"3 clip names occur more than once \(blues/blues\.00000\.wav"):
        load_task(f"gtzan:{gtzan}")


@pytest.mark.parametrize("names", [LISTS, LISTS[1:2]])
def test_empty_lists(gtzan, names):
    for name in names:
        (gtzan / name).write_text("")
    with pytest.raises(TaskError, match=rf"{' and '.join(names)} name no clips; try getting it again"):
        load_task(f"gtzan:{gtzan}")
