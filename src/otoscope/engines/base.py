"""Share tasks among workers, and do again what a worker was at when it died."""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from otoscope.errors import OtoscopeError

__all__ = ["Engine", "Here", "Message", "Outcome", "Tick", "Work", "attended"]

Tick = Callable[[int], object]
"""Called with how much of a task has just been done; with less than 0 where that is lost again."""

Work = Callable[[Any, Any, Tick], Any]
"""Takes what all tasks share, a task, and a tick; gives the task's result."""

DEATHS = 3
"""A task at which so many workers died is given up."""
_NAMED = 10  # tasks that a message names
_STARTING = object()
"""Stands for a task while a worker has none yet."""


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        task: the task.
        value: its result; None if it was given up.
        failed: why it was given up, or "".
    """

    task: Any
    value: Any = None
    failed: str = ""


class Engine(Protocol):
    """Does tasks, somewhere, and yields the outcome of each as it is there: in no certain order."""

    workers: int

    def run(self, work: Work, shared: Any, tasks: Sequence[Hashable], tick: Tick) -> Iterator[Outcome]:
        """Do every task.

        Args:
            work: a function of a module, so that workers can import it.
            shared: what it needs whatever the task; each worker gets it once.
            tasks: the tasks.
            tick: see `Tick`; called in this process.

        Raises:
            OtoscopeError: as `work` does: what is wrong with one task may be wrong with all. Results that
                were yielded before are good.
            OSError: likewise.
        """


class Here:
    """Does one task after the other in this process."""

    workers = 1

    def run(self, work: Work, shared: Any, tasks: Sequence[Hashable], tick: Tick) -> Iterator[Outcome]:
        """Do every task, in order."""
        for task in tasks:
            yield Outcome(task, work(shared, task, tick))


@dataclass(frozen=True)
class Message:
    """What a worker says, or what is said of it; by one that says nothing, a worker that starts is ready.

    Attributes:
        done: it has done so much more of its task.
        value: it is through, and this is the result, in a tuple.
        error: what its work raised.
        died: how it ended, if it is no more.
    """

    done: int = 0
    value: tuple[Any] | None = None
    error: BaseException | None = None
    died: str = ""


def told(error: BaseException) -> Message:
    """What a worker says of an error: of one that nobody foresaw, where it came from."""
    if isinstance(error, (OtoscopeError, OSError)):
        return Message(error=error)
    return Message(error=RuntimeError("in a worker:\n" + "".join(traceback.format_exception(error))))


class Crew(Protocol):
    """Workers, each known by some handle."""

    def start(self) -> Hashable:
        """Start a worker, and return its handle at once; it says when it is ready."""

    def give(self, worker: Hashable, task: Any) -> None:
        """Let a worker that has nothing to do begin a task."""

    def dismiss(self, worker: Hashable) -> None:
        """End a worker for which there is nothing to do."""

    def listen(self, workers: Sequence[Hashable]) -> Iterator[tuple[Hashable, Message]]:
        """Wait until one of the workers, each of them starting or at a task, says something; yield it."""


def attended(crew: Crew, workers: int, tasks: Sequence[Hashable], tick: Tick) -> Iterator[Outcome]:
    """Share tasks among the workers of a crew; another worker takes the place of one that died.

    Raises:
        OtoscopeError: workers die before they are ready.
    """
    waiting, deaths = deque(tasks), Counter[Hashable]()
    at: dict[Hashable, Hashable] = {}  # the task of each worker
    done: Counter[Hashable] = Counter()  # of each task, so far

    def occupy(worker: Hashable) -> None:
        if waiting:
            at[worker] = waiting.popleft()
            crew.give(worker, at[worker])
        else:
            del at[worker]
            crew.dismiss(worker)

    for _ in range(min(workers, len(waiting))):
        at[crew.start()] = _STARTING
    while waiting or any(task is not _STARTING for task in at.values()):
        for worker, message in crew.listen(list(at)):
            task = at[worker]
            if message.error is not None:
                raise message.error
            if message.done:
                done[task] += message.done
                tick(message.done)
            elif not message.died:
                occupy(worker)
                if message.value is not None:
                    yield Outcome(task, message.value[0])
            else:
                del at[worker]
                tick(-done.pop(task, 0))
                deaths[task] += 1
                if deaths[task] == DEATHS and task is _STARTING:
                    raise OtoscopeError(f"workers die before they begin; the last one {message.died}")
                if deaths[task] == DEATHS:
                    yield Outcome(task, failed=f"{DEATHS} workers died at it; the last one {message.died}")
                elif task is not _STARTING:
                    waiting.append(task)
                if waiting:
                    at[crew.start()] = _STARTING


def require_done(outcomes: Sequence[Outcome], what: str) -> None:
    """Refuse to go on where tasks were given up.

    Raises:
        OtoscopeError: some were; the message names them.
    """
    failed = [each for each in outcomes if each.failed]
    if not failed:
        return
    named = "; ".join(f"{each.task}: {each.failed}" for each in failed[:_NAMED])
    more = f"; and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    raise OtoscopeError(
        f"{len(failed)} {what} could not be done, and the others are kept ({named}{more}); "
        "the same command tries them again; try fewer workers or a smaller batch_size"
    )
