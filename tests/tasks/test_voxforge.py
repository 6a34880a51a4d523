"""VoxForge: three sources of a label that the sound does not tell, users, and files that never arrived."""

import warnings

import pytest
from layout_voxforge import ROWS, TABLE, URLS

from otoscope.tasks import TaskError, check, load_task

CROSSING = "ignore:.*users have clips in more than one part:UserWarning"
pytestmark = pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning", CROSSING)


@pytest.fixture
def root(layout):
    return layout("voxforge")


def load(root):
    return load_task(f"voxforge:{root}")


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")


def remove(root, *names):
    for name in names:
        (root / name).unlink()


def test_families_are_the_taxonomy(root):
    taxonomy = load(root).labeling("language").taxonomy
    assert taxonomy == {"de": "Germanic", "es": "Romance", "ru": "Slavic"}


def test_anonymous_archives_are_users_of_their_own(root):
    assert load(root).clips["user"].nunique() == 4


@pytest.mark.filterwarnings("default")
def test_users_in_several_parts_are_told_and_the_split_is_kept(root):
    with pytest.warns(UserWarning, match=r"1 users have clips in more than one part .*\(ralf: 4 clips\)"):
        load(root)


def test_it_has_what_one_expects_and_no_other_warning(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    assert len(caught) == 2  # the number of clips; users


def test_the_table_comes_first(root):
    before = load(root).fingerprint
    write(root / "voxforge_urls.txt", [url.replace("/de/", "/fr/") for url in URLS])
    assert load(root).fingerprint == before


@pytest.mark.parametrize("name", ["voxforge", "voxforge/urls"])
def test_the_labels_one_folder_above(layout, wav, name):
    root = layout(name)
    before = load(root).fingerprint
    for path in root.glob("*.*"):
        path.rename(root.parent / path.name)
    wav(root.parent / "esc50" / "audio" / "a.wav")
    wav(root.parent / "copy" / ROWS[0][0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task = load(root)
    assert task.fingerprint == before
    assert task.clips["path"].str.startswith(f"{root}/").all()
    assert not any("left out" in str(one.message) for one in caught)


def test_the_table_beside_folders_of_languages(layout):
    root = layout("voxforge/folders")
    write(root / "voxforge.csv", TABLE)
    task = load(root)
    assert task.labeling("language").split == "split"
    check(task)


def test_rows_whose_download_failed_stay(root):
    (root / ROWS[0][0]).unlink()
    task = load(root)
    assert len(task) == 10
    with pytest.raises(TaskError, match=r"1 file: .*anonymous-20080504-fyh/wav/a0405\.wav"):
        check(task)


def test_a_table_of_which_nothing_is_there(root):
    write(root / "voxforge.csv", [TABLE[0], "none-20080101-abc/wav/a.wav,de,train"])
    with (
        pytest.warns(match="left out 10 clips"),
        pytest.raises(TaskError, match="holds none of the recordings; exp"),
    ):
        load(root)


def test_clips_that_the_table_lacks(root, wav):
    wav(root / "ralf-20070803-de9" / "wav" / "new.wav")
    wav(root / "ralf-20070803-de9" / "flac" / "new.flac")
    with pytest.warns(
        UserWarning, match=r"left out 2 clips that voxforge\.csv does not name: ralf-20070803-de9/"
    ):
        assert len(load(root)) == 10


def test_flac_is_taken_where_evars_table_does_not_decide(layout, wav):
    root = layout("voxforge/urls")
    wav(root / "ralf-20070803-de9" / "flac" / "new.flac")
    task = load(root)
    assert task.clips["clip"].tolist()[-3] == "ralf-20070803-de9/flac/new.flac"
    assert task.clips["language"].tolist()[-3] == "de"


def test_sound_in_no_archive(root, wav):
    wav(root / "loose.wav")
    with pytest.warns(UserWarning, match=r"left out 1 audio files in no \{archive\}/wav/: loose\.wav"):
        load(root)


def test_archives_that_the_list_lacks_are_without_a_label(layout):
    root = layout("voxforge/urls")
    write(root / "voxforge_urls.txt", URLS[1:])
    with pytest.warns(UserWarning, match=r"2 clips of unknown language: anonymous-20080504-fyh/wav/a0405"):
        task = load(root)
    assert len(task) == 10
    assert task.labeling("language").classes == ("de", "es")


def test_an_archive_listed_under_two_languages(layout):
    root = layout("voxforge/urls")
    write(root / "voxforge_urls.txt", [*URLS, URLS[0].replace("/ru/", "/fr/")])
    with pytest.warns(UserWarning, match="2 clips of unknown language: anonymous-20080504-fyh"):
        load(root)


def test_clips_that_lie_there_twice(layout, wav):
    root = layout("voxforge/folders")
    wav(root / "downloads" / "en" / ROWS[0][0])
    with pytest.warns(UserWarning, match="1 clips lie there twice, and are read once: without ru/Trunk"):
        assert len(load(root)) == 10


def test_a_list_of_other_archives(layout):
    root = layout("voxforge/urls")
    write(root / "voxforge_urls.txt", ["www.voxforge.org/downloads/de/Trunk/Audio/other-20080101-abc.tgz"])
    with pytest.raises(
        TaskError, match=r"(?s)tells the language of none of the recordings; expected.*get the sound"
    ):
        load(root)


@pytest.mark.parametrize("line", ["http://www.voxforge.org/de/a.tgz", "a/de/Trunk/Audio/a.zip", "de"])
def test_a_line_that_names_no_archive(layout, line):
    root = layout("voxforge/urls")
    write(root / "voxforge_urls.txt", [*URLS, line])
    with pytest.raises(
        TaskError, match=r"voxforge_urls\.txt: the line .* names no archive; expected lines like"
    ):
        load(root)


def test_rows_without_a_name_a_label_or_a_part(root):
    rows = [*TABLE[:-2], f"{ROWS[-2][0]},,test", f"{ROWS[-1][0]},de,later"]
    write(root / "voxforge.csv", rows)
    with pytest.warns() as caught:
        task = load(root)
    told = "\n".join(str(one.message) for one in caught)
    assert f"1 clips of unknown language: {ROWS[-2][0]}" in told
    assert f"1 rows name no part of the split: {ROWS[-1][0]}" in told
    assert len(task) == 10
    write(root / "voxforge.csv", [*rows, ",de,test"])
    with pytest.raises(TaskError, match=r"voxforge\.csv: row 10 has no file_name"):
        load(root)


def test_a_table_of_something_else(root):
    write(root / "voxforge.csv", ["a,b", "1,2"])
    with pytest.raises(
        TaskError, match=r"voxforge\.csv: there is no column file_name, label, split; it has a, b"
    ):
        load(root)


def test_names_that_lead_out_of_the_folder(root):
    write(root / "voxforge.csv", [*TABLE, "../../secret/wav/a.wav,de,train"])
    with pytest.raises(TaskError, match=r"'\.\./\.\./secret/wav/a\.wav' leads out of the folder"):
        load(root)


@pytest.mark.parametrize(
    ("name", "file"), [("voxforge", "voxforge.csv"), ("voxforge/urls", "voxforge_urls.txt")]
)
def test_windows_line_ends_and_a_mark_at_the_start(layout, name, file):
    root = layout(name)
    before = load(root).fingerprint
    text = (root / file).read_text().replace("\n", "\r\n")
    (root / file).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(root).fingerprint == before


def test_labels_spelt_otherwise_are_kept_as_they_are(root):
    write(root / "voxforge.csv", [row.replace(",ru,", ",Russian,") for row in TABLE])
    labeling = load(root).labeling("language")
    assert labeling.classes == ("Russian", "de", "es")
    assert "Russian" not in labeling.taxonomy
