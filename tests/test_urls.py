"""URLs: archives on disk and elsewhere, and what cannot be had."""

import io
import tarfile
import zipfile

import fsspec
import pytest

from otoscope.urls import fetch, is_url

FILES = {"a.bin": b"one", "deep/b.bin": b"two"}


def packed(kind):
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as archive:
            for name, value in FILES.items():
                archive.writestr(name, value)
    else:
        with tarfile.open(fileobj=content, mode="w") as archive:
            for name, value in FILES.items():
                info = tarfile.TarInfo(name)
                info.size = len(value)
                archive.addfile(info, io.BytesIO(value))
    return content.getvalue()


@pytest.fixture
def memory():
    """A place that is not the local disk."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def test_what_is_a_url():
    assert is_url("memory://a.wav")
    assert not is_url("C:/sounds/a::b.wav")


@pytest.mark.parametrize("kind", ["zip", "tar"])
class TestArchives:
    @pytest.mark.parametrize("folder", ["", "a::b", "it's 50% ä\n"])
    def test_members_of_a_local_one(self, tmp_path, kind, folder):
        archive = tmp_path / folder / f"x.{kind}"
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(packed(kind))
        assert fetch(f"{kind}://a.bin::{archive}") == b"one"
        assert fetch(f"{kind}://deep/b.bin::file://{archive}") == b"two"

    def test_its_name_need_not_tell_what_it_is(self, tmp_path, kind):
        (tmp_path / "x.data").write_bytes(packed(kind))
        assert fetch(f"{kind}://a.bin::{tmp_path / 'x.data'}") == b"one"

    def test_members_of_one_elsewhere(self, memory, kind):
        memory.pipe(f"/{kind}/x", packed(kind))
        assert fetch(f"{kind}://a.bin::memory://{kind}/x") == b"one"
        assert fetch(f"{kind}://deep/b.bin::memory://{kind}/x") == b"two"

    def test_an_archive_in_an_archive(self, tmp_path, kind):
        with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
            archive.writestr("inner", packed(kind))
        assert fetch(f"{kind}://a.bin::zip://inner::{tmp_path / 'outer.zip'}") == b"one"

    def test_what_is_not_there(self, tmp_path, memory, kind):
        (tmp_path / "x").write_bytes(packed(kind))
        memory.pipe(f"/{kind}/y", packed(kind))
        for url in (
            f"{kind}://c.bin::{tmp_path / 'x'}",
            f"{kind}://a.bin::{tmp_path / 'gone'}",
            f"{kind}://c.bin::memory://{kind}/y",
            f"{kind}://a.bin::memory://{kind}/gone",
        ):
            with pytest.raises(FileNotFoundError):
                fetch(url)

    def test_a_damaged_one(self, tmp_path, memory, kind):
        (tmp_path / "x").write_bytes(b"nothing" * 200)
        memory.pipe(f"/{kind}/bad", b"nothing" * 200)
        for place in (tmp_path / "x", f"memory://{kind}/bad"):
            with pytest.raises(OSError, match=r"."):
                fetch(f"{kind}://a.bin::{place}")


def test_files_by_other_protocols(tmp_path, memory):
    memory.pipe("/a.bin", b"one")
    (tmp_path / "b.bin").write_bytes(b"two")
    assert fetch("memory://a.bin") == b"one"
    assert fetch(f"file://{tmp_path / 'b.bin'}") == b"two"
    with pytest.raises(FileNotFoundError):
        fetch("memory://gone.bin")


def test_a_protocol_that_is_not_known():
    with pytest.raises(OSError, match="nonsense"):
        fetch("nonsense://a.wav")


def test_whatever_a_protocol_raises_is_an_oserror(memory, monkeypatch):
    class StrangeError(Exception):
        pass

    def fail(*_, **__):
        raise StrangeError

    monkeypatch.setattr(fsspec, "open", fail)
    with pytest.raises(OSError, match="StrangeError"):
        fetch("memory://a.bin")
