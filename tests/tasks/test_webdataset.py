"""webdataset: shards by folder and by pattern, labels by their members, and samples that miss a half."""

import io
import json
import tarfile

import pytest
from layout_webdataset import CLIPS

from otoscope.tasks import TaskError, load_task


@pytest.fixture
def shard(tmp_path, wav):
    """Write a shard of members: text, or None for sound."""
    sound = wav(tmp_path / "sound.wav").read_bytes()

    def write(name, members):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                content = sound if content is None else content.encode()
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return f"webdataset:{tmp_path / 'set'}"

    return write


def four(suffix, labels="xyxy"):
    """Four samples with a label each, in members of a suffix."""
    return {
        f"{at}.{end}": label
        for at, label in enumerate(labels)
        for end, label in (("wav", None), (suffix, label))
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
class TestShards:
    @pytest.mark.parametrize("pattern", ["", "/*/*.tar", "/{train,test}/*.tar", "/t*/00[01].tar"])
    def test_of_a_folder_or_a_pattern(self, layout, pattern):
        task = load_task(f"webdataset:{layout('webdataset')}{pattern}")
        assert sorted(task.clips["clip"]) == CLIPS
        assert task.name == "shards"

    def test_numbered_ones(self, layout):
        root = layout("webdataset")
        task = load_task(f"webdataset:{root}/train/{{000..001}}.tar", labels=["animal"])
        assert task.clips["clip"].tolist() == ["000/a", "000/c", "000/deep/b", "001/a"]
        with pytest.raises(
            TaskError, match=r"2 of 4 shards are not there \(.*002\.tar, .*003\.tar\); expected"
        ):
            load_task(f"webdataset:{root}/train/{{000..003}}.tar")

    def test_compressed_ones(self, shard):
        assert len(load_task(shard("0.tar.gz", four("cls")))) == 4

    def test_they_are_not_unpacked(self, layout):
        root = layout("webdataset")
        before = sorted(root.rglob("*"))
        task = load_task(f"webdataset:{root}")
        assert task.read(0, 16000).real == 1600
        assert task.clips["path"][0] == f"tar://a.wav::{root / 'test' / '000.tar'}"
        assert sorted(root.rglob("*")) == before


class TestLabels:
    @pytest.mark.parametrize("suffix", ["cls", "txt"])
    def test_of_their_own_member(self, shard, suffix):
        task = load_task(shard("0.tar", four(suffix, ["10", "9\r\n", "\ufeff10", "9"])))
        assert task.labelings[0].classes == ("9", "10")
        assert task.labelings[0].column == suffix

    def test_several_lines_are_several_labels(self, shard):
        task = load_task(shard("0.tar", four("txt", ["x\ny", "x", "y\n", "x\n"])))
        assert task.labelings[0].multilabel
        assert task.clips["txt"].tolist() == [["x", "y"], ["x"], ["y"], ["x"]]

    def test_a_separator(self, shard):
        task = load_task(shard("0.tar", four("txt", ["x|y", "x", "y", "x"])), separator="|")
        assert task.labelings[0].classes == ("x", "y")

    def test_fields_of_documents(self, shard):
        documents = [
            {"label": 3, "tags": ["a"], "split": "train", "start": 100.5, "path": "elsewhere", "tokens": 7},
            {"label": "3", "tags": "a", "split": "val"},
            {"label": 10, "tags": ["a", 7], "split": "test"},
            {"label": None, "tags": None, "split": "test"},
        ]
        spec = shard("0.tar", four("json", map(json.dumps, documents)))
        task = load_task(spec, labels=["label", "tags"])
        assert task.labeling("label").classes == ("3", "10")
        assert task.labeling("tags").classes == ("7", "a")
        assert task.clips["split"].tolist() == ["train", "valid", "test", "test"]
        assert not {"start", "tokens"} & set(task.clips)
        assert task.read(0, 16000).real == 1600

    def test_none(self, shard):
        with (
            pytest.warns(UserWarning, match=r"2 samples have no labels \(0/a, 0/b\)"),
            pytest.raises(TaskError, match="no column looks like labels"),
        ):
            load_task(shard("0.tar", {"a.wav": None, "b.wav": None}))


@pytest.mark.filterwarnings("ignore::UserWarning")
class TestHalves:
    def test_samples_without_sound_are_counted(self, layout):
        with pytest.warns(UserWarning, match=r"1 samples without sound are left out \(train/001/silent\)"):
            load_task(f"webdataset:{layout('webdataset')}")

    def test_nested_fields_are_counted(self, layout):
        with pytest.warns(UserWarning, match=r"1 fields of documents are neither values nor .* \(more\)"):
            load_task(f"webdataset:{layout('webdataset')}")

    def test_sound_without_labels_stays(self, shard):
        with pytest.warns(UserWarning, match=r"1 samples have no labels \(0/9\)"):
            task = load_task(shard("0.tar", four("cls") | {"9.wav": None}))
        assert len(task) == 5
        assert not task.labelings[0].membership(task.clips)[4].any()

    def test_two_sounds_of_one_sample(self, shard):
        with pytest.warns(UserWarning, match=r"1 samples have more than one sound: the first .* \(0/0\)"):
            task = load_task(shard("0.tar", four("cls") | {"0.flac": None}))
        assert task.clips["path"][0].startswith("tar://0.flac::")

    def test_members_that_must_not_be_opened_are_told(self, shard):
        with pytest.warns(
            UserWarning, match=r"left out 1 entries: '\.\./b\.wav' \(leads out of the folder\)"
        ):
            assert len(load_task(shard("0.tar", four("cls") | {"../b.wav": None}))) == 4


class TestRefusals:
    def test_no_shards(self, tmp_path):
        with pytest.raises(TaskError, match="no shard is there; expected the official layout"):
            load_task(f"webdataset:{tmp_path}")

    def test_no_sound(self, shard):
        with (
            pytest.warns(UserWarning, match="1 samples without sound"),
            pytest.raises(TaskError, match="none of 1 shards holds sound"),
        ):
            load_task(shard("0.tar", {"a.cls": "x"}))

    def test_what_is_no_tar(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(b"RIFF")
        with pytest.raises(TaskError, match=r"a\.wav is no TAR by its name"):
            load_task(f"webdataset:{tmp_path}/*.wav")

    def test_a_damaged_shard(self, shard, tmp_path):
        spec = shard("0.tar", four("cls"))
        path = tmp_path / "set" / "0.tar"
        path.write_bytes(path.read_bytes()[:3000])
        with pytest.raises(
            TaskError, match=r"0\.tar: cannot be read: damaged archive: unexpected end of data"
        ):
            load_task(spec)

    @pytest.mark.parametrize(("document", "message"), [("{", "is no JSON"), ("[1]", "holds no fields")])
    def test_a_document_that_is_none(self, shard, document, message):
        with pytest.raises(TaskError, match=rf"0\.json::.*0\.tar: {message}"):
            load_task(shard("0.tar", {"0.wav": None, "0.json": document}))
