"""Several processes that share the work of a study."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

__all__ = ["crew"]


@contextmanager
def crew(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yield a `map` that keeps the order: over processes, which are gone afterwards, or in this one."""
    if workers <= 1:
        yield map
        return
    # One thread a process where there are as many as cores: small matrices gain little from a second one.
    # The numerical libraries read this when a process first loads them.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = before or str(max(1, (os.cpu_count() or 1) // workers))
    try:
        with multiprocessing.get_context("spawn").Pool(workers, initializer=_leave_ctrl_c) as pool:
            yield partial(pool.imap, chunksize=1)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]


def _leave_ctrl_c() -> None:
    """Ctrl-C is for the process that started the others; it ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
