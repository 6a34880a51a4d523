"""Try again what failed because a disk or a network was away for a moment."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from otoscope.audio import UnreachableError

__all__ = ["patiently"]

Result = TypeVar("Result")

_PAUSES_S = (1.0, 5.0, 25.0)
"""What is waited before the second, the third and the last attempt."""
_FINAL = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR)
)
"""What does not pass by waiting: a full disk, one that may not be written to."""


def patiently(work: Callable[[], Result], again: Callable[[], object] = lambda: None) -> Result:
    """Do work that can be begun anew, and do so after a pause where a disk or a network failed.

    Args:
        work: what to do.
        again: called before each further attempt.

    Raises:
        OSError: it failed at the last attempt too, or for a reason that does not pass.
        UnreachableError: likewise.
    """
    for pause in _PAUSES_S:
        try:
            return work()
        except (OSError, UnreachableError) as error:
            if isinstance(error, OSError) and error.errno in _FINAL:
                raise
        time.sleep(pause)
        again()
    return work()
