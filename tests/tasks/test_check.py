"""check: all that is wrong, in one message."""

from pathlib import Path

import pandas as pd
import pytest
import soundfile

from otoscope.tasks import Labeling, Task, TaskError, check


@pytest.fixture
def make(tmp_path, wav):
    def build(labels, classes=None):
        paths = [wav(tmp_path / f"{index}.wav") for index in range(len(labels))]
        table = pd.DataFrame({"clip": [path.name for path in paths], "path": map(str, paths), "pet": labels})
        labeling = Labeling("pet", "pet", tuple(classes)) if classes else Labeling.of(table, "pet")
        return Task("toy", table, (labeling,))

    return build


def test_nothing_wrong_says_nothing(make):
    assert check(make(["cat", "cat", "dog", "dog"])) is None


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["cat", "cat"], None, r"labeling 'pet' has 1 class \(cat\); expected two or more; try the folder"),
        ([None, None], None, "labeling 'pet' has 0 class"),
        (["cat", "cat", "dog"], None, "only one clip bears dog; expected two or more a class"),
        (["cat", "cat", "dog", "dog"], ("cat", "dog", "cow"), "no clip bears cow"),
        (["cat", "Cat", "cat", "Cat"], None, "'Cat' and 'cat' differ only in case or blanks"),
        (["a b", "a  b ", "a b", "a  b "], None, "'a  b ' and 'a b' differ only in case or blanks"),
    ],
)
def test_labels(make, labels, classes, message):
    with pytest.raises(TaskError, match=message):
        check(make(labels, classes))


def test_files(make, tmp_path):
    task = make(["cat", "dog"] * 4)
    (tmp_path / "0.wav").unlink()
    (tmp_path / "1.wav").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "2.wav").write_bytes(b"")
    (tmp_path / "3.wav").write_text("not a sound at all")
    whole = (tmp_path / "4.wav").read_bytes()
    (tmp_path / "4.wav").write_bytes(whole[:-100])
    (tmp_path / "5.wav").write_bytes(whole[:-200])
    soundfile.write(tmp_path / "6.wav", [0.5], 16000)
    with pytest.raises(TaskError) as caught:
        check(task)
    message = str(caught.value)
    assert message.startswith("task 'toy' cannot be used as it is:\n  - ")
    for part in (
        f"1 file: does not exist ({tmp_path}/0.wav)",
        f"1 file: is a Git-LFS pointer ({tmp_path}/1.wav); expected audio; try `git lfs pull`",
        f"1 file: is empty (0 bytes) ({tmp_path}/2.wav)",
        f"1 file: cannot be decoded ({tmp_path}/3.wav)",
        f"2 files: is truncated ({tmp_path}/4.wav, {tmp_path}/5.wav)",
        f"1 file: holds one sample ({tmp_path}/6.wav)",
    ):
        assert part in message
    assert "7.wav" not in message
    assert check(task, files=False) is None


def test_labels_and_files_are_told_together(make, tmp_path):
    task = make(["cat", "Cat", "dog"], ("cat", "Cat", "dog", "cow"))
    (tmp_path / "2.wav").unlink()
    with pytest.raises(TaskError) as caught:
        check(task)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "  - labeling 'pet'",
        "  - labeling 'pet'",
        "  - labeling 'pet'",
        "  - 1 file",
    ]


def test_many_files_are_counted_and_a_few_named(make, tmp_path):
    task = make(["cat", "dog"] * 8)
    for path in task.clips["path"]:
        Path(path).write_bytes(b"")
    with pytest.raises(TaskError, match=r"16 files: is empty .*9\.wav and 6 more"):
        check(task)
