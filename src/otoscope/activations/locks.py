"""Locks between processes, also of machines that share a disk; they end with the process that holds them."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["lock", "waiting_lock"]

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What a disk without locks answers. Locks only save work: what is written is the same whoever writes it."""
_POLL_S = 0.1
_TELL_S = 2.0


@contextmanager
def lock(file: Path) -> Iterator[bool]:
    """Hold a file, and yield True; False if another process holds it. It is there only while it is held."""
    descriptor = _taken(file)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            # Before it is let go: who opened it meanwhile sees that it is no longer the file of that name.
            file.unlink(missing_ok=True)
            os.close(descriptor)
            with contextlib.suppress(OSError):  # others are in there
                file.parent.rmdir()


@contextmanager
def waiting_lock(file: Path, tell: Callable[[], object]) -> Iterator[None]:
    """Hold a file, once no other process does; `tell` is called if that takes a while."""
    began, told = time.monotonic(), False
    while True:
        with lock(file) as held:
            if held:
                yield
                return
        if not told and time.monotonic() - began > _TELL_S:
            tell()
            told = True
        time.sleep(_POLL_S)


def _taken(file: Path) -> int | None:
    """The descriptor of a file that is now held; None if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return os.open(os.devnull, os.O_RDWR)
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # its folder has just gone, with the last lock in it
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        if _is_still(file, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still(file: Path, descriptor: int) -> bool:
    """Whether an open file still has its name."""
    try:
        named, opened = file.stat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
