"""Record shards, here or in processes of their own: either way the same function does it."""

import multiprocessing
import pickle
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from otoscope.activations.shard import Job, ShardReport, Tick, record_shard
from otoscope.errors import OtoscopeError, UsageError

__all__ = ["record_here", "record_in_processes"]


def record_here(job: Job, shards: Sequence[int], tick: Tick) -> Iterator[ShardReport]:
    """Record shards in this process, and yield a report of each for every store that lacked it."""
    for shard in shards:
        yield from record_shard(job, shard, tick)


def record_in_processes(job: Job, shards: Sequence[int], workers: int, tick: Tick) -> Iterator[ShardReport]:
    """Record shards in several processes, and yield the reports of each as it is finished.

    The processes are started by spawn and get the models as a pickle, so that it behaves alike everywhere and
    with a GPU. They end with this one: at the latest before they would write their next shard.

    Raises:
        OtoscopeError: as `record_shard`; or a process ended without a word.
        OSError: as `record_shard`.
    """
    context = multiprocessing.get_context("spawn")
    payload = _packed(job)
    waiting = list(reversed(shards))
    crew: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(min(workers, len(shards))):
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=_serve, args=(theirs, payload), daemon=True)
            process.start()
            theirs.close()
            crew[ours] = process
            ours.send(waiting.pop())
        busy = set(crew)
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                message = _receive(connection, crew[connection])
                if isinstance(message, list):
                    if waiting:
                        connection.send(waiting.pop())
                    else:
                        busy.discard(connection)
                    yield from message
                elif isinstance(message, BaseException):
                    raise message
                else:
                    tick(message)
    finally:
        for connection, process in crew.items():
            process.terminate()
            process.join()
            connection.close()


def _packed(job: Job) -> bytes:
    """A job on its way to the workers.

    Raises:
        UsageError: one of the models cannot be sent.
    """
    try:
        return pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        names = ", ".join(part.model.name for part in job.parts)
        raise UsageError(
            f"{names} cannot be sent to worker processes ({error}); expected a model that can be pickled, "
            "made of classes and functions of importable modules, not of lambdas; try workers=1"
        ) from error


def _serve(connection: Connection, payload: bytes) -> None:
    """A worker's life: record the shards it is told to, until it is ended or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    job: Job = pickle.loads(payload)
    try:
        while True:
            connection.send(record_shard(job, connection.recv(), connection.send))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone: nobody is to write to its stores any more
    except (OtoscopeError, OSError) as error:
        connection.send(error)


_Message = int | list[ShardReport] | OSError | OtoscopeError


def _receive(connection: Connection, process: BaseProcess) -> _Message:
    try:
        message: _Message = connection.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        raise OtoscopeError(
            f"a worker process ended without a word ({_ending(process.exitcode)}); "
            "the same command resumes; try fewer workers or a smaller batch_size"
        ) from None
    return message


def _ending(code: int | None) -> str:
    """What an exit code tells.

    >>> _ending(-9)
    'killed by signal 9, as the system does when memory runs out'
    """
    if code == -9:
        return "killed by signal 9, as the system does when memory runs out"
    if code is not None and code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}; what it printed above says more"
