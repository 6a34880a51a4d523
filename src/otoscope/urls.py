"""Fetch what lies behind an fsspec URL, members of an archive among them."""

import threading
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

import fsspec
from fsspec.spec import AbstractFileSystem

__all__ = ["fetch", "is_url"]

_OPENING = threading.Lock()


def is_url(path: str) -> bool:
    """Whether a path is an fsspec URL.

    >>> is_url("zip://events/a.ogg::all.zip"), is_url("events/a.ogg")
    (True, False)
    """
    return "://" in path


def fetch(url: str) -> bytes:
    """All bytes behind a URL. A local archive's list of members is read once, not once a member.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: it cannot be had; the message says why.
    """
    member, chained, archive = url.partition("::")
    try:
        if member.startswith("zip://") and chained:
            return _member(archive, member)
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except (zipfile.BadZipFile, zlib.error) as error:
        raise OSError(f"damaged archive: {error}") from None
    except (ValueError, ImportError) as error:  # a protocol unknown to fsspec, or that wants a package
        raise OSError(str(error)) from None


def _member(archive: str, member: str) -> bytes:
    local = Path(archive)
    # One thread at a time: two would each read the list, and the one dropped would close under its reader.
    with _OPENING:
        files = _archive(archive, local.stat().st_mtime_ns if local.exists() else 0)
        file = files.open(member)
    with file:  # `files` stays in this scope: an archive closes when nobody holds it
        return bytes(file.read())


@lru_cache(maxsize=8)
def _archive(path: str, _modified: int) -> AbstractFileSystem:
    return fsspec.filesystem("zip", fo=path)
