"""Speech Commands: lists that decide the split, folders that are no words, and the other version."""

import warnings

import pytest
from layout_speechcommands import SPEAKERS

from otoscope.tasks import TaskError, check, load_task
from otoscope.tasks.datasets.speechcommands import ADDED, WORDS

pytestmark = pytest.mark.filterwarnings("ignore:.*where the whole data set gives:UserWarning")


@pytest.fixture
def root(layout):
    return layout("speechcommands2")


def load(root, version=2):
    return load_task(f"speechcommands{version}:{root}")


def append(path, text):
    path.write_text(path.read_text() + text)


def test_the_versions_have_30_and_35_words():
    assert len(set(WORDS)) == 30
    assert len({*WORDS, *ADDED}) == 35


def test_background_noise_is_no_class_and_needs_no_warning(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task = load(root)
    assert len(caught) == 1  # the number of clips
    assert not task.clips["clip"].str.contains("noise").any()


def test_clips_of_one_base_name_stay_apart(root):
    clips = load(root).clips
    assert clips["clip"].str.partition("/")[2].nunique() == 3
    assert len(clips) == 9


def test_train_is_what_neither_list_names(root, wav):
    wav(root / "cat" / "ffffffff_nohash_3.wav")
    wav(root / "cat" / "ffffffff_nohash_4.wav")
    clips = load(root).clips.set_index("clip")
    assert clips["split"]["cat/ffffffff_nohash_3.wav"] == "train"
    assert clips["speaker"]["cat/ffffffff_nohash_3.wav"] == "ffffffff"


def test_lists_with_windows_line_ends_and_a_mark_at_the_start(root):
    before = load(root).fingerprint
    for name in ("validation_list.txt", "testing_list.txt"):
        lines = (root / name).read_text().replace("\n", "\r\n")
        (root / name).write_bytes(b"\xef\xbb\xbf" + lines.encode())
    assert load(root).fingerprint == before


def test_the_folder_above_those_of_torchaudio(layout):
    root = layout("speechcommands2/torchaudio")
    tasks = [load(place) for place in (root, root.parent, root.parent.parent)]
    assert len({task.fingerprint for task in tasks}) == 1


def test_beside_the_other_version_torchaudios_folder_names_decide(layout):
    root = layout("speechcommands2/torchaudio")
    layout("speechcommands1").rename(root.parent / "speech_commands_v0.01")
    assert load(root.parent).labeling("word").classes == ("backward", "cat", "visual")
    assert load(root.parent, version=1).labeling("word").classes == ("bed", "cat", "zero")


def test_version_1_refuses_version_2(root):
    with pytest.raises(
        TaskError, match=r"has the words backward, visual, which version 1 lacks.*try speechcommands2:"
    ):
        load(root, version=1)


def test_version_2_refuses_version_1(layout, wav):
    root = layout("speechcommands1")
    for word in WORDS:
        wav(root / word / "0a7c2a8d_nohash_9.wav")
    with pytest.raises(
        TaskError, match=r"the 30 words of version 1 and none of backward.*try speechcommands1:"
    ):
        load(root)


def test_a_listed_clip_that_is_not_there_keeps_its_row(root):
    (root / "cat" / "16db1582_nohash_0.wav").unlink()
    task = load(root)
    assert len(task) == 9
    with pytest.raises(TaskError, match=r"1 file: .*cat/16db1582_nohash_0\.wav"):
        check(task)


def test_no_clip_at_all(root):
    for path in root.glob("*/*_nohash_0.wav"):
        path.unlink()
    with pytest.raises(TaskError, match="holds no clip of the words; expected the official layout"):
        load(root)


def test_other_files_are_counted(root, wav):
    wav(root / "_silence_" / "a.wav")
    wav(root / "meow" / "0a7c2a8d_nohash_0.wav")
    wav(root / "cat" / "loud.wav")
    wav(root / "cat" / "deep" / "0a7c2a8d_nohash_0.wav")
    with pytest.warns(
        UserWarning, match=r"left out 4 audio files .* version 0\.02: _silence_/a\.wav, cat/deep"
    ):
        task = load(root)
    assert len(task) == 9


def test_the_archives_of_the_12_class_task_are_explained(tmp_path, wav):
    for word in ("_silence_", "_unknown_", "down"):
        wav(tmp_path / "speech_commands_test_set_v0.02" / word / "0a7c2a8d_nohash_0.wav")
    with pytest.raises(TaskError, match=r"(?s)found _silence_, _unknown_, down.*another task, of 12 classes"):
        load(tmp_path / "speech_commands_test_set_v0.02")


@pytest.mark.parametrize(
    "line", ["cat\\16db1582_nohash_0.wav", "cat/loud.wav", "meow/0_nohash_0.wav", "../a"]
)
def test_a_line_that_names_no_clip(root, line):
    append(root / "testing_list.txt", line + "\n")
    with pytest.raises(TaskError, match=r"testing_list\.txt: the line .* names no clip; expected"):
        load(root)


def test_a_clip_in_both_lists(root):
    append(root / "testing_list.txt", "cat/0a7c2a8d_nohash_0.wav\n")
    with pytest.raises(
        TaskError, match=r"testing_list\.txt: names cat/0a7c2a8d_nohash_0\.wav, as validation"
    ):
        load(root)


def test_a_list_that_is_not_utf8(root):
    (root / "testing_list.txt").write_bytes(b"caf\xe9/0_nohash_0.wav")
    with pytest.raises(TaskError, match="is not UTF-8"):
        load(root)


def test_speakers_in_several_parts_are_told(root, wav):
    wav(root / "cat" / "16db1582_nohash_1.wav")
    with pytest.warns(
        UserWarning, match="1 speakers have clips in more than one part of the split .16db1582"
    ):
        load(root)


def test_speakers_of_one_clip_are_no_class(root, wav):
    wav(root / "cat" / "ffffffff_nohash_0.wav")
    with pytest.warns(UserWarning, match="1 speakers of one clip are no class of 'speaker': ffffffff"):
        task = load(root)
    assert task.labeling("speaker").classes == tuple(SPEAKERS)
    check(task)


def test_a_tar_as_it_is_distributed(root, tmp_path):
    import tarfile

    with tarfile.open(tmp_path / "speech_commands_v0.02.tar.gz", "w:gz") as archive:
        for path in root.iterdir():
            archive.add(path, f"./{path.name}")
    task = load(tmp_path / "speech_commands_v0.02.tar.gz")
    assert task.fingerprint == load(root).fingerprint
    check(task)


def test_an_empty_list_does_not_make_everything_train(root):
    (root / "testing_list.txt").write_text("\n")
    with pytest.raises(TaskError, match=r"testing_list\.txt: names no clips; expected one a line; try"):
        load(root)
