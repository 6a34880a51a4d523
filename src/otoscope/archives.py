"""ZIP and TAR archives: their members listed and read in place, from any number of threads.

The list of members is read once a process, and a member then by where it lies. A compressed TAR has no such
places: it is unpacked once a process, at its first use, into a temporary file without a name (in the folder
that TMPDIR names), which goes when the process ends.

Where a name occurs more than once, the last member counts, as with unzip and tar. A `./` before a name goes.
"""

import bz2
import errno
import gzip
import lzma
import os
import shutil
import stat
import struct
import sys
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

__all__ = ["LARGEST", "SUFFIXES", "Members", "members", "protocol", "read", "unsafe"]

SUFFIXES = {
    ".zip": "zip",
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"), "tar"),
}
"""Endings of archives' names, in lower case, and the protocol of fsspec that opens them."""

LARGEST = 2_000_000_000
"""Bytes of the largest member that is read: it lies in memory whole, and a few bytes can promise more."""

_ENCRYPTED = 0x1 | 0x40  # flags of a ZIP's member
_UTF8 = 0x800
_DOS = 0  # the system on which a ZIP was made
_LOCAL = struct.Struct(
    "<4s22xHH"
)  # what stands before a ZIP's member: "PK\3\4" ... lengths of name and extra
_BLOCK = 512  # of a TAR
# By the first bytes, not by the name: some browsers unpack a .tar.gz and call it that still.
_UNPACK: Mapping[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
# What the libraries raise of bytes that are no archive, or not any more.
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


@dataclass(frozen=True)
class Members:
    """What an archive holds.

    Attributes:
        files: names of its regular files, sorted.
        left_out: names of the members that are not to be opened, and why.
    """

    files: tuple[str, ...]
    left_out: Mapping[str, str]


def protocol(path: str | os.PathLike[str]) -> str:
    """The protocol that opens an archive, "zip" or "tar", by its name; "" for what is no archive.

    >>> protocol("shards/000.tar.gz"), protocol("clips.csv")
    ('tar', '')
    """
    name = os.fspath(path).lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), "")


def members(path: str | os.PathLike[str]) -> Members:
    """List a local archive.

    Raises:
        OSError: it cannot be read as an archive; the message says why.
    """
    archive = _opened(os.fspath(path), protocol(path))
    return Members(tuple(sorted(archive.places)), dict(archive.left_out))


def read(path: str | os.PathLike[str], name: str, kind: str = "") -> bytes:
    """All bytes of one member of a local archive.

    Args:
        path: of the archive.
        name: of the member, as `members` gives it.
        kind: "zip" or "tar"; by default what the archive's name says.

    Raises:
        FileNotFoundError: no such archive, or no such member.
        OSError: it is left out, too large, or damaged; the message says which.
    """
    archive = _opened(os.fspath(path), kind or protocol(path))
    place = archive.places.get(name)
    if place is None:
        if reason := archive.left_out.get(name):
            raise OSError(f"this member {reason}")
        raise FileNotFoundError(errno.ENOENT, "no such member", name)
    if max(place.size, place.packed) > LARGEST:
        raise OSError(f"this member holds {place.size:,} bytes; expected {LARGEST:,} or fewer")
    with _damage_told():
        content = archive.read(place)
    if len(content) < place.size:
        raise OSError(f"damaged archive: {len(content):,} of this member's {place.size:,} bytes are there")
    return content


def unsafe(name: str) -> str:
    """Why a name within a folder or an archive must not be opened; "" if it may.

    >>> unsafe("audio/a.wav"), unsafe("../a.wav")
    ('', 'leads out of the folder')
    """
    if name[:1] in ("/", "\\") or ".." in name.replace("\\", "/").split("/") or os.path.splitdrive(name)[0]:
        return "leads out of the folder"
    if "\0" in name:
        return "has a NUL in its name"
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            return "has a name that is not UTF-8"
    return ""


class _Place(NamedTuple):
    """Where a member lies: of a TAR its content; of a ZIP its header, with what else unpacking needs."""

    offset: int
    size: int
    packed: int = 0
    method: int = 0
    checksum: int = 0


class _Archive(ABC):
    """An archive whose list has been read. It holds no handle that threads could move under each other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.places: dict[str, _Place] = {}
        self.left_out: dict[str, str] = {}
        for written, reason, place in self._listed():
            name = str(PurePosixPath(written)) if "./" in written or "//" in written else written
            if reason := unsafe(written) or reason:
                self.left_out[name] = reason
            elif place is not None:
                if name in self.places:
                    self.left_out[name] = "is there more than once: the last one counts"
                self.places[name] = place

    @abstractmethod
    def _listed(self) -> Iterator[tuple[str, str, _Place | None]]:
        """Yield every member: its name, why it is not to be opened, and its place; folders have none."""

    @abstractmethod
    def read(self, place: _Place) -> bytes:
        """The bytes of a member, or as many as are there."""


class _Zip(_Archive):
    def _listed(self) -> Iterator[tuple[str, str, _Place | None]]:
        with zipfile.ZipFile(self.path) as container:
            for info in container.infolist():
                name = _zip_name(info)
                sizes = info.file_size, info.compress_size
                place = _Place(info.header_offset, *sizes, info.compress_type, info.CRC)
                yield name, _zip_reason(info), None if name.endswith("/") else place

    def read(self, place: _Place) -> bytes:
        with open(self.path, "rb") as file:  # noqa: PTH123 -- once a member: quick
            file.seek(place.offset)
            mark, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
            if mark != b"PK\3\4":
                raise zipfile.BadZipFile(f"no member at byte {place.offset}")
            file.seek(name + extra, os.SEEK_CUR)
            content = file.read(place.packed)
        if place.method:  # with the size: never is more unpacked than was declared
            content = _UNZIP[place.method]().decompress(content, place.size) if place.size else b""
        if len(content) == place.size and zlib.crc32(content) != place.checksum:
            raise zipfile.BadZipFile("the checksum of this member is wrong")
        return bytes(content)


_UNZIP: Mapping[int, Callable[[], Any]] = {
    zipfile.ZIP_DEFLATED: lambda: zlib.decompressobj(-zlib.MAX_WBITS),
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
}


class _Tar(_Archive):
    def __init__(self, path: str) -> None:
        self._unpacked = _unpacked(path)
        if self._unpacked:
            weakref.finalize(self, self._unpacked.close)
        super().__init__(path)

    def _listed(self) -> Iterator[tuple[str, str, _Place | None]]:
        if self._unpacked:
            yield from _tar_listed(self._unpacked)
        else:
            with Path(self.path).open("rb") as file:
                yield from _tar_listed(file)

    def read(self, place: _Place) -> bytes:
        if self._unpacked:
            return os.pread(self._unpacked.fileno(), place.size, place.offset)
        with open(self.path, "rb") as file:  # noqa: PTH123 -- once a member: quick
            file.seek(place.offset)
            return file.read(place.size)


def _opened(path: str, kind: str) -> _Archive:
    state = Path(path).stat()
    with _LOCKS[path]:  # one thread reads the list, the others wait for it
        archive = _archive(path, kind, state.st_mtime_ns, state.st_size)
    if isinstance(archive, OSError):
        raise OSError(*archive.args)
    return archive


_LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@lru_cache(maxsize=4096)  # lists only, but for compressed TARs: data sets come in thousands of shards
def _archive(path: str, kind: str, _modified: int, _size: int) -> _Archive | OSError:
    """The archive, or why it cannot be read: a damaged one is not unpacked again for each of its members."""
    try:
        with _damage_told():
            return _Zip(path) if kind == "zip" else _Tar(path)
    except OSError as error:
        return error


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise OSError(f"damaged archive: {error or 'it ends too early'}") from None


def _zip_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not (info.flag_bits & _UTF8 or name.isascii()):
        with suppress(UnicodeError):  # macOS writes UTF-8 and does not say so
            name = name.encode("cp437").decode()
    return name.replace("\\", "/") if info.create_system == _DOS else name


def _zip_reason(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is not a regular file"
    if info.compress_type and info.compress_type not in _UNZIP:
        return f"is compressed by a method that cannot be read (number {info.compress_type})"
    return ""


def _tar_listed(file: IO[bytes]) -> Iterator[tuple[str, str, _Place | None]]:
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as container:
        while info := container.next():
            reason = "" if info.isreg() or info.isdir() else "is not a regular file"
            place = None if info.isdir() else _Place(info.offset_data, info.size)
            yield info.name, "is a sparse file" if info.issparse() else reason, place
            container.members.clear()  # type: ignore[attr-defined]  # they take a kilobyte each
        end = container.offset
    file.seek(end)
    if file.read(_BLOCK).strip(b"\0"):  # the library stops at damage as if it were the end
        raise tarfile.ReadError(f"there is no member at byte {end:,}")


def _unpacked(path: str) -> IO[bytes] | None:
    """What a compressed TAR holds, in a file that goes by itself; None if it is not compressed."""
    with Path(path).open("rb") as file:
        start = file.read(max(map(len, _UNPACK)))
        file.seek(0)
        unpack = next((tool for mark, tool in _UNPACK.items() if start.startswith(mark)), None)
        if unpack is None:
            return None
        if sys.platform == "win32":  # where two threads cannot read one file at two places
            raise OSError("a compressed TAR; expected a TAR or ZIP on Windows; try unpacking it")
        whole = tempfile.TemporaryFile()  # noqa: SIM115 (it stays open as long as it is wanted)
        try:
            with unpack(file) as stream:
                shutil.copyfileobj(stream, whole, 1 << 20)
            whole.flush()
        except BaseException as error:
            whole.close()
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise OSError(
                    f"no room in {tempfile.gettempdir()} to unpack it; "
                    "try TMPDIR=FOLDER on a larger disk, or unpacking it yourself"
                ) from None
            raise
    return whole
