"""Workers that are processes of this machine."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from otoscope.engines.base import Message, Outcome, Tick, Work, attended, told
from otoscope.errors import UsageError

__all__ = ["Processes"]


class Processes:
    """Does tasks in several processes.

    They are started by spawn and get what they share as a pickle, so that it behaves alike everywhere and
    with a GPU. They end with this process: at the latest before they would begin their next task.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, work: Work, shared: Any, tasks: Sequence[Hashable], tick: Tick) -> Iterator[Outcome]:
        """Do every task, see `Engine`.

        Raises:
            UsageError: what is shared cannot be sent.
        """
        crew = _Crew(packed(work, shared))
        try:
            yield from attended(crew, self.workers, tasks, tick)
        finally:
            crew.end()


def packed(work: Work, shared: Any, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Work on its way to the workers.

    Raises:
        UsageError: it cannot be sent.
    """
    try:
        return dumps((work, shared))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{shared} cannot be sent to worker processes ({error}); expected what can be pickled, "
            "made of classes and functions of importable modules, not of lambdas; try workers=1"
        ) from error


class _Crew:
    """Processes by our ends of their pipes."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[Connection, BaseProcess] = {}

    def start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._payload), daemon=True)
        process.start()
        theirs.close()
        self._processes[ours] = process
        return ours

    def give(self, worker: Hashable, task: Any) -> None:
        with suppress(OSError):  # if it is dead, one hears that when one listens
            cast("Connection", worker).send(task)

    def dismiss(self, worker: Hashable) -> None:
        connection = cast("Connection", worker)
        process = self._processes.pop(connection)
        connection.close()  # which it hears
        process.join()

    def listen(self, workers: Sequence[Hashable]) -> Iterator[tuple[Hashable, Message]]:
        for connection in wait(cast("list[Connection]", list(workers))):
            assert isinstance(connection, Connection)
            yield connection, self._message(connection)

    def end(self) -> None:
        for connection, process in self._processes.items():
            process.terminate()
            process.join()
            connection.close()

    def _message(self, connection: Connection) -> Message:
        try:
            message: Message = connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):  # it died, perhaps while it spoke
            process = self._processes.pop(connection)
            process.join()
            connection.close()
            return Message(died=ending(process.exitcode))
        return message


def _serve(connection: Connection, payload: bytes) -> None:
    """A worker's life: do what it is told to, until it is ended or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle

    def tick(done: int) -> None:
        _say(connection, Message(done=done))

    try:
        work, shared = pickle.loads(payload)
        _say(connection, Message())
        while True:
            task = _heard(connection)
            _say(connection, Message(value=(work(shared, task, tick),)))
    except _OrphanedError:
        return  # nobody is to write to the parent's stores any more
    except Exception as error:
        with suppress(_OrphanedError):
            _say(connection, told(error))


class _OrphanedError(BaseException):
    """The parent is gone."""


def _say(connection: Connection, message: Message) -> None:
    try:
        connection.send(message)
    except OSError as error:
        raise _OrphanedError from error


def _heard(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError) as error:
        raise _OrphanedError from error


def ending(code: int | None) -> str:
    """What an exit code tells.

    >>> ending(-9)
    'was killed by signal 9, as the system does when memory runs out'
    """
    if code == -9:
        return "was killed by signal 9, as the system does when memory runs out"
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return f"ended with exit code {code}; what it printed above says more"
