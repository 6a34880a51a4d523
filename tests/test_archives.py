"""Archives: their members at any place and from any thread, and what must not be opened."""

import bz2
import errno
import io
import os
import stat
import struct
import tarfile
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from otoscope import archives

NAMES = {f"deep/{number}.bin": bytes([number]) * (100 + number) for number in range(50)}
KINDS = (".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz")


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files):
    """A TAR of contents, or of `TarInfo`s made elsewhere."""
    mode = f"w:{path.name.rpartition('.tar')[2].strip('.')}"
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return path


def packed(path, files):
    return zipped(path, files) if path.suffix == ".zip" else tarred(path, files)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_members_are_listed_and_read(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", NAMES)
        assert archives.members(path).files == tuple(sorted(NAMES))
        assert archives.members(path).left_out == {}
        for name, content in reversed(NAMES.items()):
            assert archives.read(path, name) == content

    def test_many_threads_read_at_once_and_the_list_is_read_once(self, tmp_path, kind, monkeypatch):
        path = packed(tmp_path / f"a{kind}", NAMES)
        opened = []
        library = zipfile.ZipFile if kind == ".zip" else tarfile.TarFile
        init = library.__init__
        monkeypatch.setattr(library, "__init__", lambda *a, **k: (opened.append(1), init(*a, **k))[1])
        start = threading.Barrier(8)

        def work(_):
            start.wait()
            return [archives.read(path, name) for name in NAMES]

        with ThreadPoolExecutor(8) as pool:
            assert all(found == list(NAMES.values()) for found in pool.map(work, range(8)))
        assert len(opened) == 1

    def test_an_archive_that_changed_is_listed_again(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", {"a": b"old"})
        assert archives.read(path, "a") == b"old"
        packed(path, {"b": b"new one"})
        os.utime(path, ns=(1, 1))
        assert archives.members(path).files == ("b",)
        assert archives.read(path, "b") == b"new one"

    def test_a_member_that_is_not_there(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", NAMES)
        with pytest.raises(FileNotFoundError, match="no such member"):
            archives.read(path, "deep/99.bin")

    def test_empty_members_and_an_empty_archive(self, tmp_path, kind):
        assert archives.read(packed(tmp_path / f"a{kind}", {"a": b""}), "a") == b""
        assert archives.members(packed(tmp_path / f"b{kind}", {})).files == ()

    def test_names_that_lead_out_are_left_out(self, tmp_path, kind):
        bad = ["../a.wav", "/etc/a.wav", "deep/../../a.wav", "..\\a.wav", "./../b.wav"]
        path = packed(tmp_path / f"a{kind}", {**dict.fromkeys(bad, b"x"), "a.wav": b"y"})
        found = archives.members(path)
        assert found.files == ("a.wav",)
        assert set(found.left_out.values()) == {"leads out of the folder"}
        assert len(found.left_out) == 5
        with pytest.raises(OSError, match="this member leads out of the folder"):
            archives.read(path, "../a.wav")

    def test_names_as_people_write_them(self, tmp_path, kind):
        names = [
            "a b.wav",
            'it\'s "quoted".wav',
            "日本語/ä.wav",
            "new\nline.wav",
            "50%.wav",
            "a::b.wav",
            "c:d",
        ]
        path = packed(tmp_path / f"a{kind}", {name: name.encode() for name in names})
        assert archives.members(path).files == tuple(sorted(names))
        assert [archives.read(path, name) for name in names] == [name.encode() for name in names]

    def test_a_dot_before_a_name_goes(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", {"./a.wav": b"a", "./deep//b.wav": b"b"})
        assert archives.members(path).files == ("a.wav", "deep/b.wav")
        assert archives.read(path, "deep/b.wav") == b"b"

    @pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
    def test_of_two_members_of_one_name_the_last_counts(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", {"a.wav": b"first", "./a.wav": b"last", "b": b""})
        found = archives.members(path)
        assert found.files == ("a.wav", "b")
        assert found.left_out == {"a.wav": "is there more than once: the last one counts"}
        assert archives.read(path, "a.wav") == b"last"

    def test_an_archive_that_is_cut_off(self, tmp_path, kind):
        noise = {f"{number}.bin": os.urandom(3000) for number in range(9)}
        path = packed(tmp_path / f"a{kind}", noise)
        content = path.read_bytes()
        for part in (0, 5, 700, len(content) // 2):
            path.write_bytes(content[:part])
            with pytest.raises(OSError, match=r"damaged archive: ."):
                archives.members(path)

    def test_damage_anywhere_is_an_oserror_or_does_no_harm(self, tmp_path, kind):
        path = packed(tmp_path / f"a{kind}", NAMES)
        whole = path.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 150)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            with suppress(OSError):
                for name in archives.members(path).files:
                    archives.read(path, name)

    def test_a_file_that_is_no_archive(self, tmp_path, kind):
        path = tmp_path / f"a{kind}"
        path.write_bytes(b"<html>not found</html>" * 100)
        with pytest.raises(OSError, match="damaged archive"):
            archives.members(path)

    def test_a_member_too_large_is_refused_before_it_is_unpacked(self, tmp_path, kind, monkeypatch):
        monkeypatch.setattr(archives, "LARGEST", 1000)
        path = packed(tmp_path / f"a{kind}", {"bomb.wav": bytes(1001), "a.wav": bytes(1000)})
        assert len(archives.read(path, "a.wav")) == 1000
        with pytest.raises(OSError, match="holds 1,001 bytes; expected 1,000 or fewer"):
            archives.read(path, "bomb.wav")


class TestZip:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2])
    def test_other_methods(self, tmp_path, method):
        path = zipped(tmp_path / "a.zip", NAMES, method)
        assert [archives.read(path, name) for name in NAMES] == list(NAMES.values())

    def test_a_method_that_cannot_be_read_is_left_out(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"a": b"x" * 99}, zipfile.ZIP_LZMA)
        assert archives.members(path).left_out == {
            "a": "is compressed by a method that cannot be read (number 14)"
        }

    def test_encrypted_members_are_left_out(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"a": b"secret"})
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\1\2") + 8] |= 1
        path.write_bytes(content)
        assert archives.members(path).left_out == {"a": "is encrypted"}
        with pytest.raises(OSError, match="this member is encrypted"):
            archives.read(path, "a")

    def test_links_are_left_out(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            link = zipfile.ZipInfo("a")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        assert archives.members(tmp_path / "a.zip").left_out == {"a": "is not a regular file"}

    def test_more_than_was_declared_is_never_unpacked(self, tmp_path):
        """A bomb: a member of 10 MB that says it holds 10 bytes."""
        path = zipped(tmp_path / "a.zip", {"a": bytes(10_000_000)})
        content = bytearray(path.read_bytes())
        at = content.index(b"PK\1\2") + 24
        content[at : at + 4] = struct.pack("<I", 10)
        path.write_bytes(content)
        with pytest.raises(OSError, match="damaged archive: the checksum of this member is wrong"):
            archives.read(path, "a")

    def test_a_damaged_member_is_told(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"a": b"sound " * 9}, zipfile.ZIP_STORED)
        path.write_bytes(path.read_bytes().replace(b"sound", b"noise"))
        with pytest.raises(OSError, match="the checksum of this member is wrong"):
            archives.read(path, "a")

    def test_names_in_utf8_that_macos_did_not_declare(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"Träne.wav": b"x"})
        content = bytearray(path.read_bytes())
        for mark, at in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            content[content.index(mark) + at] &= ~0x08
        path.write_bytes(content)
        assert archives.members(path).files == ("Träne.wav",)
        assert archives.read(path, "Träne.wav") == b"x"

    def test_names_with_backslashes_of_old_windows_tools(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name in ("deep\\", "deep\\a.wav"):
                info = zipfile.ZipInfo(name)
                info.create_system = 0
                archive.writestr(info, b"x" if name.endswith("wav") else b"")
        assert archives.members(tmp_path / "a.zip").files == ("deep/a.wav",)

    def test_something_before_it(self, tmp_path):
        path = zipped(tmp_path / "a.zip", {"a": b"x"})
        path.write_bytes(b"#!/bin/sh\n" * 9 + path.read_bytes())
        assert archives.read(path, "a") == b"x"


class TestTar:
    @pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE"])
    def test_links_and_devices_are_left_out(self, tmp_path, kind):
        path = tarred(tmp_path / "a.tar", {"a": b"a", "b": (getattr(tarfile, kind), "a"), "c": b"c"})
        assert archives.members(path).files == ("a", "c")
        assert archives.members(path).left_out == {"b": "is not a regular file"}

    def test_names_that_are_not_utf8_are_left_out(self, tmp_path):
        path = tarred(tmp_path / "a.tar", {"a\udcff.wav": b"x"})
        assert list(archives.members(path).left_out.values()) == ["has a name that is not UTF-8"]

    def test_damage_in_its_midst_is_not_taken_for_its_end(self, tmp_path):
        path = tarred(tmp_path / "a.tar", {"a": b"a", "b": b"b", "c": b"c"})
        content = bytearray(path.read_bytes())
        content[1024:1100] = os.urandom(76)
        path.write_bytes(content)
        with pytest.raises(OSError, match=r"damaged archive: there is no member at byte 1,024"):
            archives.members(path)

    def test_without_the_blocks_that_end_it(self, tmp_path):
        path = tarred(tmp_path / "a.tar", {"a": b"a", "b": b"b"})
        path.write_bytes(path.read_bytes()[:2048])
        assert archives.members(path).files == ("a", "b")

    def test_a_plain_one_that_is_called_compressed(self, tmp_path):
        tarred(tmp_path / "a.tar", NAMES).rename(tmp_path / "b.tar.gz")
        assert archives.read(tmp_path / "b.tar.gz", "deep/7.bin") == NAMES["deep/7.bin"]

    def test_a_compressed_one_leaves_no_file_behind(self, tmp_path, monkeypatch):
        folder = tmp_path / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        path = tarred(tmp_path / "a.tar.gz", NAMES)
        assert archives.read(path, "deep/7.bin") == NAMES["deep/7.bin"]
        assert list(folder.iterdir()) == []

    def test_no_room_to_unpack_it(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(archives.shutil, "copyfileobj", full)
        with pytest.raises(OSError, match=r"no room in .* to unpack it; try TMPDIR=FOLDER on a larger disk"):
            archives.members(tarred(tmp_path / "a.tar.gz", NAMES))

    def test_a_damaged_one_is_not_unpacked_for_every_member(self, tmp_path, monkeypatch):
        path = tmp_path / "a.tar.bz2"
        path.write_bytes(bz2.compress(b"no tar" * 1000)[:-9])
        opened = []
        monkeypatch.setattr(archives.shutil, "copyfileobj", lambda *_: opened.append(1))
        for _ in range(3):
            with pytest.raises(OSError, match="damaged archive"):
                archives.read(path, "a")
        assert len(opened) == 1
