"""Processes that listen and turn figures into files, while the process that makes the pages goes on."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

__all__ = ["drawers"]


@contextmanager
def drawers(number: int) -> Iterator[Executor | None]:
    """Yield so many processes, which are gone afterwards; None for none."""
    if number < 1:
        yield None
        return
    # Ctrl-C is for the process that started the others; it ends them.
    executor = ProcessPoolExecutor(
        number, multiprocessing.get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
