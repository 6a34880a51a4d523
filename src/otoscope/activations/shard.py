"""Record one shard: let the models hear its clips, write what was seen, sign the receipts."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope.activations.layout import Layout, blank
from otoscope.activations.patience import patiently
from otoscope.activations.plan import Plan
from otoscope.activations.reading import Heard, reading, told
from otoscope.activations.recorder import Recorder, Recording
from otoscope.engines import Tick
from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel
from otoscope.tasks.base import Task

__all__ = ["Job", "Part", "ShardReport", "record_shard"]


@dataclass(frozen=True)
class Part:
    """One model's part in a job.

    Attributes:
        model: the model.
        plan: its batches.
        path: the store's folder.
        run: id of the run, for the receipts.
    """

    model: AudioModel
    plan: Plan
    path: str
    run: str


@dataclass(frozen=True)
class Job:
    """What a worker needs to record any shard of some stores.

    Attributes:
        parts: the models and their stores. Their plans have the same clips in each shard.
        task: the clips.
        on_bad_audio: "stop" leaves a shard with a bad clip undone, "skip" records the rest of it.
    """

    parts: tuple[Part, ...]
    task: Task
    on_bad_audio: Literal["stop", "skip"]

    def __str__(self) -> str:
        return ", ".join(part.model.name for part in self.parts)


@dataclass(frozen=True)
class ShardReport:
    """What came of a shard of one store.

    Attributes:
        path: the store's folder.
        shard: its number.
        problems: its bad clips that no header had shown, with the reason.
        done: whether it was written and has its receipt.
        busy: whether another process was recording it.
    """

    path: str
    shard: int
    problems: dict[int, str]
    done: bool
    busy: bool = False


def record_shard(job: Job, shard: int, tick: Tick) -> list[ShardReport]:
    """Record one shard of every store that lacks it; again, if a disk or a network was away for a moment.

    Raises:
        OtoscopeError: as `_recorded`.
        OSError: as `_recorded`, at every attempt.
    """
    done = 0

    def ticking(clips: int) -> None:
        nonlocal done
        done += clips
        tick(clips)

    return patiently(partial(_recorded, job, shard, ticking), again=lambda: ticking(-done))


def _recorded(job: Job, shard: int, tick: Tick) -> list[ShardReport]:
    """Record one shard of every store that lacks it, over one reading of its clips.

    A batch that does not fit into memory is halved, and halved again, which the receipt then says. Under
    "stop" a shard with a bad clip is not written; its other clips are still decoded, so that every bad one is
    found. A shard that another process is recording is left to it.

    Args:
        job: what to record.
        shard: which shard.
        tick: called with the number of clips that a model has just heard.

    Returns:
        A report for each store that lacked it.

    Raises:
        OtoscopeError: not even a single clip fits into memory.
        OSError: the shard could not be written.
    """
    with ExitStack() as stack:
        lacking, reports = [], []
        for part in job.parts:
            layout = Layout(part.path)
            if layout.receipt(shard) is not None:
                continue
            if not stack.enter_context(layout.claimed(shard)):
                reports.append(ShardReport(part.path, shard, {}, done=False, busy=True))
            elif layout.receipt(shard) is None:  # nor did another write it meanwhile
                lacking.append(part)
        for part in lacking:
            if part.model.device.type != part.plan.settings.device:
                part.model.to(part.plan.settings.device)
        listeners = [stack.enter_context(_listening(part, shard, job.on_bad_audio)) for part in lacking]
        rates = [part.model.sample_rate for part in lacking]
        batches = [part.plan.shards[shard] for part in lacking]
        for which, batch, heard in reading(job.task, rates, batches):
            listeners[which].hear(batch, heard)
            tick(len(heard))
        return reports + [listener.finish() for listener in listeners]


class _Listener:
    """One model as it hears a shard: what it has seen so far, on the way into its store."""

    def __init__(self, part: Part, shard: int, recorder: Recorder, on_bad_audio: str) -> None:
        self._part = part
        self._shard = shard
        self._recorder = recorder
        self._stop = on_bad_audio == "stop"
        self._block = blank(part.plan, shard)
        self._hashes: dict[int, str] = {}
        self._problems: dict[int, str] = {}
        self._splits: dict[int, list[int]] = {}

    def hear(self, batch: int, heard: list[Heard]) -> None:
        """Hear a batch, given by its number in the plan and its clips."""
        self._hashes.update({one.clip: one.sha256 for one in heard if one.sha256})
        self._problems.update({one.clip: one.problem for one in heard if one.problem})
        pieces = self._alike(heard)
        if self._problems and self._stop:
            return
        with _threads(self._part.plan.settings.threads):
            sizes = self._record(pieces)
        if len(sizes) > 1:
            self._splits[batch] = sizes

    def finish(self) -> ShardReport:
        """Write the shard and sign its receipt, unless a bad clip is to stop that."""
        path, plan, shard, problems = self._part.path, self._part.plan, self._shard, self._problems
        if problems and self._stop:
            return ShardReport(path, shard, problems, done=False)
        layout = Layout(path)
        files = layout.write(plan, shard, self._block)
        _give_memory_back()
        known = {clip: plan.problems[clip] for clip in plan.rows(shard) if clip in plan.problems}
        receipt = {
            "shard": shard,
            "plan": plan.digest,
            "run": self._part.run,
            "files": files,
            "clips": {str(clip): self._hashes.get(clip, "") for clip in plan.rows(shard)},
            "problems": {str(clip): reason for clip, reason in sorted({**known, **problems}.items())},
            "splits": [{"batch": batch, "sizes": sizes} for batch, sizes in sorted(self._splits.items())],
        }
        layout.sign(shard, receipt)
        return ShardReport(path, shard, problems, done=True)

    def _alike(self, heard: list[Heard]) -> list[list[Heard]]:
        """The good clips of a batch, by length: one piece, unless a header was wrong about its file."""
        pieces: dict[int, list[Heard]] = {}
        for one in heard:
            if one.waveform is not None:
                try:
                    length = self._part.model.length(len(one.waveform.samples))
                except OtoscopeError as error:
                    self._problems[one.clip] = told(one.path, error)
                else:
                    pieces.setdefault(length, []).append(one)
        return list(pieces.values())

    def _record(self, pieces: list[list[Heard]]) -> list[int]:
        """Record the pieces of a batch into the block; return the sizes of those that it took."""
        model, sizes = self._part.model, []
        while pieces:
            piece = pieces.pop(0)
            try:
                waveforms = [one.waveform for one in piece if one.waveform]
                recording = self._recorder.run(model.prepare(waveforms), len(waveforms[0].samples))
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
            self._keep(recording, piece)
        return sizes

    def _keep(self, recording: Recording, piece: list[Heard]) -> None:
        good: NDArray[np.bool_] = np.asarray(np.isfinite(recording.mean).all(axis=1))
        for one in (one for one, fine in zip(piece, good, strict=True) if not fine):
            self._problems[one.clip] = (
                f"{one.path}: has no valid token, or the model's activations are not finite"
            )
        rows = np.array([one.clip for one in piece]) - self._part.plan.rows(self._shard).start
        for name, array in self._block.items():
            array[rows[good]] = getattr(recording, name)[good]


@contextmanager
def _listening(part: Part, shard: int, on_bad_audio: str) -> Iterator[_Listener]:
    settings, rows = part.plan.settings, part.plan.rows_counted
    with Recorder(part.model, special=settings.special, padding=settings.padding, rows=rows) as recorder:
        yield _Listener(part, shard, recorder, on_bad_audio)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch compute with this many threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _give_memory_back() -> None:
    """Let go of what writing a shard needed: glibc would keep it for the threads that had asked for it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _out_of_memory(error: RuntimeError | MemoryError) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The CPU's allocator has no exception of its own.
    return "allocate memory" in str(error) or "out of memory" in str(error)
