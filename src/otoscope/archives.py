"""ZIP and TAR archives: their members listed, those that are not safe to open apart. Nothing is unpacked."""

import os
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["SUFFIXES", "Members", "members", "protocol", "unsafe"]

SUFFIXES = {
    ".zip": "zip",
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"), "tar"),
}
"""Endings of archives' names, in lower case, and the protocol of fsspec that opens them."""


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
    files: list[str] = []
    left_out: dict[str, str] = {}
    try:
        if protocol(path) == "zip":
            with zipfile.ZipFile(path) as container:
                found = [(info.filename, info.is_dir(), "") for info in container.infolist()]
        else:
            with tarfile.open(path) as container:
                found = [
                    (info.name, info.isdir(), "" if info.isfile() else "not a regular file")
                    for info in container
                ]
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise OSError(f"damaged archive: {error}") from None
    for name, folder, reason in found:
        if reason := reason or unsafe(name):
            left_out[name] = reason
        elif not folder:
            files.append(name)
    return Members(tuple(sorted(files)), left_out)


def unsafe(name: str) -> str:
    """Why a name within a folder or an archive must not be opened; "" if it may.

    >>> unsafe("audio/a.wav"), unsafe("../a.wav")
    ('', 'leads out of the folder')
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or Path(name).drive:
        return "leads out of the folder"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    return ""
