"""Workers that are actors of a Ray cluster."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import sys
import threading
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from otoscope.engines.base import Message, Outcome, Tick, Work, attended, told
from otoscope.engines.processes import packed
from otoscope.errors import OtoscopeError

__all__ = ["Ray"]


class Ray:
    """Does tasks in actors of a Ray cluster; what they share goes to each node once, through Ray's own store.

    Results and progress come back, nothing else. An actor that dies, with its node or by want of memory, is
    replaced; Ray decides where.

    Args:
        workers: actors at the same time, at most: Ray starts as many as the cluster has room for.
        address: of the cluster, as `ray.init` takes it; by default the one that RAY_ADDRESS names, else a
            cluster of this machine alone is started, and stopped with this process.
        threads: cores that each keeps for itself.
        gpu: whether each keeps a GPU for itself.

    Raises:
        OtoscopeError: Ray is not installed, or cannot be reached.
    """

    def __init__(
        self, workers: int, *, address: str | None = None, threads: int = 1, gpu: bool = False
    ) -> None:
        self.workers = workers
        self._needs = {"num_cpus": threads, "num_gpus": int(gpu)}
        self._connect(address)

    def run(self, work: Work, shared: Any, tasks: Sequence[Hashable], tick: Tick) -> Iterator[Outcome]:
        """Do every task, see `Engine`."""
        crew = _Crew(work, shared, self._needs)
        try:
            yield from attended(crew, self.workers, tasks, tick)
        finally:
            crew.end()

    def _connect(self, address: str | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise OtoscopeError(
                "the engine is ray, and that package is not installed; try: pip install 'otoscope[cluster]'"
            ) from error
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of our own tells nobody of itself
        where = address or os.environ.get("RAY_ADDRESS")
        # A cluster of our own must have room for the workers that were asked for, however few the cores.
        cores = max(os.cpu_count() or 1, self.workers * self._needs["num_cpus"])
        room: dict[str, Any] = {} if where else {"num_cpus": cores, "include_dashboard": False}
        try:
            ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR, **room)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise OtoscopeError(
                f"the Ray cluster at {where or 'this machine'} cannot be reached: {error}; expected an "
                "address as `ray start --head` prints it; try --ray-address, or RAY_ADDRESS"
            ) from error


class _Hand:
    """A worker: lives in an actor."""

    def __init__(self, payload: bytes, modules: list[str]) -> None:
        self._payload = payload
        sys.path += [each for each in modules if each not in sys.path]

    def begin(self) -> Iterator[Message]:
        """Read what there is to do."""
        try:
            self._work, self._shared = pickle.loads(self._payload)
            yield Message()
        except Exception as error:
            yield told(error)

    def do(self, task: Any) -> Iterator[Message]:
        """Do a task in a thread of its own, and yield what there is to say of it meanwhile."""
        said: queue.SimpleQueue[Message] = queue.SimpleQueue()

        def working() -> None:
            try:
                value = self._work(self._shared, task, lambda done: said.put(Message(done=done)))
                said.put(Message(value=(value,)))
            except Exception as error:
                said.put(told(error))

        threading.Thread(target=working, daemon=True).start()
        while True:
            message = said.get()
            yield message
            if message.value is not None or message.error is not None:
                return


class _Crew:
    """Actors by number, each with what it is about to say."""

    def __init__(self, work: Work, shared: Any, needs: dict[str, int]) -> None:
        import ray

        self._ray = ray
        # As bytes, so that what cannot be read on the other side is told as an error of the work.
        self._payload = ray.put(packed(work, shared, ray.cloudpickle.dumps))
        self._hand: Any = ray.remote(**needs)(_Hand)  # type: ignore[call-overload]
        self._actors: dict[int, Any] = {}
        self._saying: dict[int, Any] = {}
        self._begun = 0

    def start(self) -> int:
        self._begun += 1
        actor = self._actors[self._begun] = self._hand.remote(self._payload, sys.path)
        self._saying[self._begun] = actor.begin.options(num_returns="streaming").remote()
        return self._begun

    def give(self, worker: Hashable, task: Any) -> None:
        assert isinstance(worker, int)
        self._saying[worker] = self._actors[worker].do.options(num_returns="streaming").remote(task)

    def dismiss(self, worker: Hashable) -> None:
        assert isinstance(worker, int)
        self._ray.kill(self._actors.pop(worker))

    def listen(self, workers: Sequence[Hashable]) -> Iterator[tuple[Hashable, Message]]:
        asked = {self._saying[each]: each for each in workers if isinstance(each, int)}
        ready, _ = self._ray.wait(list(asked), num_returns=1)
        for saying in ready:
            yield asked[saying], self._message(asked[saying], saying)

    def end(self) -> None:
        for actor in self._actors.values():
            self._ray.kill(actor)

    def _message(self, worker: int, saying: Any) -> Message:
        try:
            message: Message = self._ray.get(next(saying))
        except (self._ray.exceptions.RayError, StopIteration) as error:
            self._ray.kill(self._actors.pop(worker))
            why = str(error).strip() or type(error).__name__
            return Message(died=f"was lost ({why.splitlines()[0]})")
        return message
