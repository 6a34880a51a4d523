"""Record one shard: read its clips, let the model hear them, write what was seen, sign the receipt."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope import audio
from otoscope.activations.layout import Layout, blank
from otoscope.activations.plan import Plan
from otoscope.activations.recorder import Recorder, Recording
from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel
from otoscope.tasks.base import Task

__all__ = ["Job", "ShardReport", "record_shard"]

Tick = Callable[[int], object]

_READERS = 4  # clips decoded side by side while the model hears the batch before


@dataclass(frozen=True)
class Job:
    """What a worker needs to record any shard of a store.

    Attributes:
        model: the model.
        task: the clips.
        plan: the batches.
        path: the store's folder.
        on_bad_audio: "stop" leaves a shard with a bad clip undone, "skip" records the rest of it.
        run: id of the run, for the receipts.
    """

    model: AudioModel
    task: Task
    plan: Plan
    path: str
    on_bad_audio: Literal["stop", "skip"]
    run: str


@dataclass(frozen=True)
class ShardReport:
    """What came of a shard.

    Attributes:
        shard: its number.
        problems: its bad clips that no header had shown, with the reason.
        done: whether it was written and has its receipt.
    """

    shard: int
    problems: dict[int, str]
    done: bool


@dataclass(frozen=True)
class _Heard:
    """One clip as it was read: its sound and the hash of its file, or what is wrong with it."""

    clip: int
    path: str
    waveform: Waveform | None
    sha256: str = ""
    problem: str = ""


def record_shard(job: Job, shard: int, tick: Tick) -> ShardReport:
    """Record one shard of a store.

    A batch that does not fit into memory is halved, and halved again, which the receipt then says. Under
    "stop" a shard with a bad clip is not written; its other clips are still decoded, so that every bad one is
    found.

    Args:
        job: what to record.
        shard: which shard.
        tick: called with the number of clips just finished.

    Raises:
        OtoscopeError: not even a single clip fits into memory.
        OSError: the shard could not be written.
    """
    plan = job.plan
    block = blank(plan, shard)
    hashes: dict[int, str] = {}
    problems: dict[int, str] = {}
    splits: list[dict[str, Any]] = []
    special, padding = plan.settings.special, plan.settings.padding
    with Recorder(job.model, special=special, padding=padding) as recorder:
        for number, heard in enumerate(_ahead(job, plan.shards[shard])):
            hashes.update({one.clip: one.sha256 for one in heard if one.sha256})
            problems.update({one.clip: one.problem for one in heard if one.problem})
            if not (problems and job.on_bad_audio == "stop"):
                sizes = _hear(job.model, recorder, heard, plan.rows(shard).start, block, problems)
                if len(sizes) > 1:
                    splits.append({"batch": number, "sizes": sizes})
            tick(len(heard))
    if problems and job.on_bad_audio == "stop":
        return ShardReport(shard, problems, done=False)
    layout = Layout(job.path)
    files = layout.write(plan, shard, block)
    _give_memory_back()
    known = {clip: plan.problems[clip] for clip in plan.rows(shard) if clip in plan.problems}
    receipt = {
        "shard": shard,
        "plan": plan.digest,
        "run": job.run,
        "files": files,
        "clips": {str(clip): hashes.get(clip, "") for clip in plan.rows(shard)},
        "problems": {str(clip): reason for clip, reason in sorted({**known, **problems}.items())},
        "splits": splits,
    }
    layout.sign(shard, receipt)
    return ShardReport(shard, problems, done=True)


def _ahead(job: Job, batches: list[list[int]]) -> Iterator[list[_Heard]]:
    """The clips of each batch, read while the batch before is being heard."""
    hashes: dict[str, str] = {}  # a long recording may be the file of many clips

    def read(clip: int) -> _Heard:
        path = str(job.task.clips["path"].iloc[clip])
        try:
            if path not in hashes:
                hashes[path] = audio.content_hash(path)
            waveform = job.task.read(clip, job.model.sample_rate)
            job.model.length(len(waveform.samples))
        except audio.AudioError as error:
            return _Heard(clip, path, None, hashes.get(path, ""), str(error))
        except OtoscopeError as error:
            return _Heard(clip, path, None, hashes.get(path, ""), f"{path}: {error}")
        return _Heard(clip, path, waveform, hashes[path])

    with ThreadPoolExecutor(_READERS) as pool:
        waiting = [pool.submit(read, clip) for clip in batches[0]] if batches else []
        for following in [*batches[1:], []]:
            reading, waiting = waiting, [pool.submit(read, clip) for clip in following]
            yield [future.result() for future in reading]


def _hear(
    model: AudioModel,
    recorder: Recorder,
    heard: list[_Heard],
    start: int,
    block: dict[str, NDArray[Any]],
    problems: dict[int, str],
) -> list[int]:
    """Record the good clips of a batch into a shard's block; return the sizes of the pieces it took."""
    sizes = []
    pieces = list(_alike(model, heard))
    while pieces:
        piece = pieces.pop(0)
        try:
            recording = recorder.run(model.prepare([one.waveform for one in piece if one.waveform]))
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            if len(piece) == 1:
                raise OtoscopeError(
                    f"memory does not suffice for a single clip, {piece[0].path}; "
                    "try `seconds` to take less of it, or another device"
                ) from error
            half = len(piece) // 2
            pieces[:0] = [piece[:half], piece[half:]]
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        sizes.append(len(piece))
        good: NDArray[np.bool_] = np.asarray(np.isfinite(recording.mean).all(axis=1))
        for one in (one for one, fine in zip(piece, good, strict=True) if not fine):
            problems[one.clip] = f"{one.path}: has no valid token, or the model's activations are not finite"
        _keep(recording, good, np.array([one.clip for one in piece]) - start, block)
    return sizes


def _alike(model: AudioModel, heard: list[_Heard]) -> Iterator[list[_Heard]]:
    """The readable clips of a batch, by length: one piece, unless a header was wrong about its file."""
    pieces: dict[int, list[_Heard]] = {}
    for one in heard:
        if one.waveform is not None:
            pieces.setdefault(model.length(len(one.waveform.samples)), []).append(one)
    yield from pieces.values()


def _keep(
    recording: Recording, good: NDArray[np.bool_], rows: NDArray[np.int64], block: dict[str, NDArray[Any]]
) -> None:
    for name, array in block.items():
        array[rows[good]] = getattr(recording, name)[good]


def _give_memory_back() -> None:
    """Let go of what writing a shard needed: glibc would keep it for the threads that had asked for it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _out_of_memory(error: RuntimeError | MemoryError) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU's allocator has no exception of its own.
    return "allocate memory" in str(error) or "out of memory" in str(error)
