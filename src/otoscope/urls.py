"""Fetch what lies behind an fsspec URL, members of an archive among them."""

import errno
import os
import tarfile
import threading
import zipfile
import zlib
from functools import lru_cache

import fsspec
from fsspec.spec import AbstractFileSystem

from otoscope import archives, arrow_files

__all__ = ["fetch", "is_url"]

_ARCHIVES = ("zip", "tar")
_REMOTE = threading.Lock()
# An unknown protocol, a package that is wanting, an archive that is none: no network will mend that.
_OURS = (
    ValueError,
    ImportError,
    LookupError,
    TypeError,
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
)


def is_url(path: str) -> bool:
    """Whether a path is an fsspec URL.

    >>> is_url("zip://events/a.ogg::all.zip"), is_url("events/a.ogg")
    (True, False)
    """
    return "://" in path


def fetch(url: str) -> bytes:
    """All bytes behind a URL. An archive's list of members is read once, not once a member.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: it cannot be had; the message says why.
    """
    if arrow_files.is_arrow(url):
        return arrow_files.fetch(url)
    kind, _, rest = url.partition("://")
    if kind in _ARCHIVES and "::" in rest:
        # Names may hold "::" themselves: the archive is the longest part at the end that is a file.
        parts = rest.split("::")
        for at in range(1, len(parts)):
            member, archive = "::".join(parts[:at]), "::".join(parts[at:]).removeprefix("file://")
            if os.path.isfile(archive) and not is_url(member):  # noqa: PTH113 -- quick; not an archive in an archive
                return archives.read(archive, member, kind)
        if not is_url(rest):
            raise FileNotFoundError(errno.ENOENT, "no such archive", parts[-1])
    try:
        if kind in _ARCHIVES and rest.count("::") == 1:
            member, _, archive = rest.partition("::")
            with _REMOTE:  # one handle for all threads
                return bytes(_remote(kind, archive).cat_file(member))
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except (OSError, MemoryError):
        raise
    except _OURS as error:
        raise OSError(f"{error}" or type(error).__name__) from None
    except Exception as error:  # whatever a protocol raises of its network
        raise ConnectionError(f"{error}" or type(error).__name__) from None


@lru_cache(maxsize=8)
def _remote(kind: str, archive: str) -> AbstractFileSystem:
    """An archive that is not a local file."""
    return fsspec.filesystem(kind, fo=archive)
