"""Record a task: settle the plan or take up the stored one, do the missing shards, complete the table."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
import zarr

from otoscope.activations.layout import Layout
from otoscope.activations.plan import Plan, Settings, agreed, differences, make_plan, scan
from otoscope.activations.progress import counting
from otoscope.activations.runs import run_of
from otoscope.activations.shard import Job
from otoscope.activations.store import Store, open_store
from otoscope.activations.workers import record_here, record_in_processes
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import read_json, replacing, write_json
from otoscope.models.base import AudioModel
from otoscope.tasks.base import Task

__all__ = ["BadClipsError", "OnBadAudio", "record"]

OnBadAudio = Literal["stop", "skip"]

_MEND = "mend or remove the clips, or skip them with on_bad_audio='skip' (--on-bad-audio skip)"
_BATCH = {"cpu": 16}
_BATCH_ELSEWHERE = 64


class BadClipsError(OtoscopeError):
    """Some clips cannot be recorded.

    Attributes:
        problems: the reason by clip number; it begins with the clip's path.
        advice: what to try.
    """

    def __init__(self, problems: Mapping[int, str], advice: str) -> None:
        super().__init__(problems, advice)
        self.problems = dict(problems)
        self.advice = advice

    def __str__(self) -> str:
        lines = "\n".join(f"  {reason}" for _, reason in sorted(self.problems.items()))
        count = f"{len(self.problems)} clip{'s' * (len(self.problems) != 1)}"
        return f"{count} cannot be recorded; {self.advice}:\n{lines}"


def record(
    model: AudioModel,
    task: Task,
    out: str | os.PathLike[str],
    *,
    batch_size: int | None = None,
    workers: int = 1,
    threads: int | None = None,
    on_bad_audio: OnBadAudio = "stop",
    limit: int | None = None,
    special: bool = False,
    padding: bool = False,
    progress: bool = False,
) -> Store:
    """Let a model hear every clip of a task once, and keep how often each neuron fires, in a store on disk.

    The same call completes a recording that was interrupted, and returns at once what is complete. For one
    plan, version, device and instruction set the data are the same to the bit for any number of workers and
    interruptions.

    Args:
        model: the model.
        task: the clips.
        out: folder of the store; made if it is not there.
        batch_size: clips heard together; by default 16 on a CPU and 64 elsewhere, or what the store has.
        workers: processes; 1 records in this one. With more, a script needs the usual
            `if __name__ == "__main__":` around the call.
        threads: threads of each worker; by default torch's own number divided by the workers, or what the
            store has. A sum may round differently with another number.
        on_bad_audio: "stop" with a list of all bad clips, or "skip" them: they keep their row, with 0 tokens.
        limit: record so many of the clips only, spread over the classes.
        special: also count firing at special positions (CLS), apart, as `fired_special`.
        padding: also count firing at padding, apart, as `fired_padding`.
        progress: show clips, clips a second and time left on stderr.

    Returns:
        The complete store.

    Raises:
        BadClipsError: a clip cannot be used, under "stop".
        OtoscopeError: `out` is something else, or was made with another model, task or settings, or cannot be
            written; the disk is full; memory does not suffice for one clip.
        UsageError: an option out of its range.
    """
    _check(batch_size, workers, threads, on_bad_audio)
    if "://" in os.fspath(out):
        raise UsageError(
            f"out is {os.fspath(out)!r}; expected a local folder; try recording there and copying it"
        )
    if limit is not None:
        task = task.head(limit)
    layout = Layout(out)
    settings = Settings(
        batch_size=batch_size or _BATCH.get(model.device.type, _BATCH_ELSEWHERE),
        threads=threads or max(1, torch.get_num_threads() // workers),
        device=model.device.type,
        special=special,
        padding=padding,
    )
    with _writing(layout), layout.locked():
        if layout.plan.exists():
            plan = Plan.from_document(read_json(layout.plan))
            settings = agreed(plan, settings, batch_size=batch_size, threads=threads)
            _refuse(layout, plan, model, task, settings)
        else:
            plan = _settle(model, task, settings, on_bad_audio, progress=progress)
            write_json(layout.plan, plan.document())
        missing = layout.missing(plan)
        if missing:
            layout.create(plan)
            _write_clips(layout, task.clips)
            with run_of(layout.runs, model.device, workers) as run:
                job = Job(model, task, plan, str(layout.path), on_bad_audio, run.id)
                _record_shards(job, missing, workers, progress=progress)
        if not layout.complete(plan):
            _write_clips(layout, _completed(layout, plan, task.clips))
    return open_store(layout.path)


def _settle(
    model: AudioModel, task: Task, settings: Settings, on_bad_audio: OnBadAudio, *, progress: bool
) -> Plan:
    """Make the plan, or refuse with all the bad clips that can be told by their headers."""
    with counting("reading headers", len(task.clips), shown=progress) as advance:
        samples, problems = scan(model, task, advance)
    if problems and on_bad_audio == "stop":
        raise BadClipsError(problems, f"nothing was recorded; {_MEND}")
    if len(problems) == len(task.clips):
        raise BadClipsError(problems, "that is every clip of the task; expected at least one to record")
    return make_plan(model, task, settings, samples, problems)


def _record_shards(job: Job, missing: list[int], workers: int, *, progress: bool) -> None:
    plan = job.plan
    to_hear = sum(len(batch) for shard in missing for batch in plan.shards[shard])
    problems: dict[int, str] = {}
    with counting("recording", plan.clips, plan.clips - to_hear, shown=progress) as advance:
        if min(workers, len(missing)) > 1:
            reports = record_in_processes(job, missing, workers, advance)
        else:
            reports = record_here(job, missing, advance)
        for report in reports:
            problems.update(report.problems)
    if problems and job.on_bad_audio == "stop":
        raise BadClipsError(problems, f"the shards without them are recorded; {_MEND}, with the same command")


def _check(batch_size: int | None, workers: int, threads: int | None, on_bad_audio: str) -> None:
    for name, value in (("batch_size", batch_size), ("workers", workers), ("threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is {value}; expected 1 or more")
    if on_bad_audio not in get_args(OnBadAudio):
        raise UsageError(f"on_bad_audio is {on_bad_audio!r}; expected one of {get_args(OnBadAudio)}")


def _refuse(layout: Layout, plan: Plan, model: AudioModel, task: Task, settings: Settings) -> None:
    """Refuse to continue what was begun with something else."""
    if found := differences(plan, model, task, settings):
        raise OtoscopeError(
            f"{layout.path} holds another recording; expected the same model, task and settings; "
            f"try another output folder ({'; '.join(found)})"
        )


def _write_clips(layout: Layout, clips: pd.DataFrame) -> None:
    with replacing(layout.clips) as temporary:
        clips.to_parquet(temporary, index=False)


def _completed(layout: Layout, plan: Plan, clips: pd.DataFrame) -> pd.DataFrame:
    """The task's table with what recording found out about each clip."""
    hashes: dict[int, str] = {}
    problems: dict[int, str] = {}
    for shard in range(len(plan.shards)):
        receipt = layout.receipt(shard)
        assert receipt is not None, f"shard {shard} was to be done by now"
        hashes.update({int(clip): value for clip, value in receipt["clips"].items()})
        problems.update({int(clip): reason for clip, reason in receipt["problems"].items()})
    tokens = np.asarray(zarr.open_group(layout.path, mode="r")["tokens"])
    numbers = range(plan.clips)
    return clips.assign(
        tokens=tokens,
        sha256=[hashes[clip] for clip in numbers],
        problem=[problems.get(clip, "") for clip in numbers],
    )


@contextmanager
def _writing(layout: Layout) -> Iterator[None]:
    """Tell in one line why nothing could be written."""
    try:
        yield
    except OSError as error:
        path = layout.path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OtoscopeError(_full(layout)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise OtoscopeError(
                f"{path} cannot be written: {error.strerror} ({error.filename}); "
                "expected a folder that may be written to; try another one"
            ) from error
        raise


def _full(layout: Layout) -> str:
    """What a full disk means for a recording."""
    free = f"{shutil.disk_usage(layout.path).free / 1e6:.0f} MB are free"
    again = "try making room, then the same command: it resumes where it stopped"
    if not layout.plan.exists():
        return f"the disk of {layout.path} is full ({free}); {again}"
    plan = Plan.from_document(read_json(layout.plan))
    missing = layout.missing(plan)
    clips = sum(len(plan.rows(shard)) for shard in missing)
    bytes_each = layout.bytes_each(plan)
    return (
        f"the disk of {layout.path} is full: {free}, and the {len(missing)} of {len(plan.shards)} shards "
        f"that are missing need about {clips * bytes_each / 1e6:.0f} MB; {again}"
    )
