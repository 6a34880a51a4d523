"""Record a task: settle the plans or take up the stored ones, do the missing shards, complete the tables."""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch

from otoscope.activations.disk import writing
from otoscope.activations.layout import Layout
from otoscope.activations.plan import Plan, Settings, agreed, differences, make_plan, scan
from otoscope.activations.problems import BadClipsError
from otoscope.activations.progress import counting
from otoscope.activations.runs import run_of
from otoscope.activations.seals import seal, sealed
from otoscope.activations.shard import Job, Part, record_shard
from otoscope.activations.store import Store, open_store
from otoscope.engines import Engine, EngineName, Outcome, engine_of, require_done
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of, read_json, replacing, write_json
from otoscope.models.base import AudioModel
from otoscope.tasks.base import Task

__all__ = ["BadClipsError", "OnBadAudio", "record", "record_all"]

OnBadAudio = Literal["stop", "skip"]

_MEND = "mend or remove the clips, or skip them with on_bad_audio='skip' (--on-bad-audio skip)"
_BATCH = {"cpu": 16}
_BATCH_ELSEWHERE = 64
_LOOK_AGAIN_S = 0.5
"""After so long, whether another run has recorded the shards that it was at."""


def record(
    model: AudioModel,
    task: Task,
    out: str | os.PathLike[str],
    *,
    batch_size: int | None = None,
    workers: int = 1,
    threads: int | None = None,
    engine: EngineName = "local",
    ray_address: str | None = None,
    device: str | None = None,
    on_bad_audio: OnBadAudio = "stop",
    limit: int | None = None,
    special: bool = False,
    padding: bool = False,
    rows: bool = False,
    progress: bool = False,
) -> Store:
    """Let a model hear every clip of a task once, and keep how often each neuron fires, in a store on disk.

    The same call completes a recording that was interrupted, and returns at once what is complete. Made by
    several processes or machines at the same time, the calls share the work. For one plan, version, device
    and instruction set the data are the same to the bit for any number of workers, engine, interruptions and
    runs side by side. `record_all` records several models over one reading of the audio.

    Args:
        model: the model.
        task: the clips.
        out: folder of the store; made if it is not there.
        batch_size: clips heard together; by default 16 on a CPU and 64 elsewhere, or what the store has.
        workers: processes; 1 records in this one. With more, a script needs the usual
            `if __name__ == "__main__":` around the call. With Ray, its actors.
        threads: threads of each worker; by default torch's own number divided by the workers, or what the
            store has. A sum may round differently with another number.
        engine: "local", or "ray" for workers on a Ray cluster (the extra `cluster`). Each keeps `threads`
            cores to itself, or a GPU if the model lies on one; all must reach the audio and the store.
        ray_address: of the cluster, as `ray.init` takes it; by default RAY_ADDRESS, else one of this machine.
        device: "cpu", "cuda" or "mps": where workers move the model before they begin; by default it stays
            where it is. So a machine without a GPU can send its model to those that have one.
        on_bad_audio: "stop" with a list of all bad clips, or "skip" them: they keep their row, with 0 tokens.
        limit: record so many of the clips only, spread over the classes.
        special: also count firing at special positions (CLS), apart, as `fired_special`.
        padding: also count firing at padding, apart, as `fired_padding`.
        rows: also count firing by frequency row of the grid of tokens, as `fired_rows` (see `Store.rows`).
        progress: show clips, clips a second and time left on stderr.

    Returns:
        The complete store.

    Raises:
        BadClipsError: a clip cannot be used, under "stop".
        OtoscopeError: `out` is something else, or was made with another model, task or settings, or cannot be
            written; the disk is full; memory does not suffice for one clip; shards at which workers died
            again and again, named once the others are recorded.
        UsageError: an option out of its range, or `rows` of a model whose tokens are not in rows.
    """
    (store,) = record_all(
        [model],
        task,
        [out],
        batch_size=batch_size,
        workers=workers,
        threads=threads,
        engine=engine,
        ray_address=ray_address,
        device=device,
        on_bad_audio=on_bad_audio,
        limit=limit,
        special=special,
        padding=padding,
        rows=rows,
        progress=progress,
    )
    return store


def record_all(
    models: Sequence[AudioModel],
    task: Task,
    outs: Sequence[str | os.PathLike[str]],
    *,
    batch_size: int | None = None,
    workers: int = 1,
    threads: int | None = None,
    engine: EngineName = "local",
    ray_address: str | None = None,
    device: str | None = None,
    on_bad_audio: OnBadAudio = "stop",
    limit: int | None = None,
    special: bool = False,
    padding: bool = False,
    rows: bool = False,
    progress: bool = False,
) -> list[Store]:
    """Record several models over one reading of the audio, each into a store of its own.

    Every clip is decoded once, and resampled once for each sample rate that the models take. The data in a
    store are the same to the bit as `record` makes them, and either call resumes what the other began; the
    stores need not be equally far. All models are in memory at the same time, in every worker.

    A clip waits in memory until the last model has heard it: mostly two batches of clips wait, and at most a
    shard of 256 clips, where models differ much in which clips may share a batch.

    Args:
        models: the models.
        task: the clips.
        outs: folder of each model's store.
        batch_size: as for `record`, and so are the options below.
        workers: processes.
        threads: threads of each worker.
        engine: where the workers are.
        ray_address: of the cluster.
        device: where workers move the models.
        on_bad_audio: "stop" or "skip". A clip that is too short for one model is a problem of its store only.
            Under "stop", a problem that a header shows stops all; one that shows later leaves the other
            stores to be completed before it is told.
        limit: record so many of the clips only.
        special: also count firing at special positions.
        padding: also count firing at padding.
        rows: also count firing by frequency row.
        progress: show progress; a clip counts once for each model.

    Returns:
        The complete stores, in the models' order.

    Raises:
        BadClipsError: as for `record`, and so are the others; its `stores` tell which store's problem it is.
        OtoscopeError: one of `outs` cannot be made or continued.
        UsageError: an option out of its range; as many models as folders, all different, were expected.
    """
    _check(batch_size, workers, threads, on_bad_audio)
    layouts = _layouts(models, outs)
    if limit is not None:
        task = task.head(limit)
    settings = [
        Settings(
            batch_size=batch_size or _BATCH.get(device or model.device.type, _BATCH_ELSEWHERE),
            threads=threads or max(1, torch.get_num_threads() // workers),
            device=device or model.device.type,
            special=special,
            padding=padding,
            rows=rows,
            dtype=str(model.dtype).removeprefix("torch."),
        )
        for model in models
    ]
    made = engine_of(
        engine,
        workers,
        address=ray_address,
        threads=settings[0].threads,
        gpu=any(each.device == "cuda" for each in settings),
    )
    with writing(layouts):
        with _locked(layouts, progress=progress):
            plans = _agreed_plans(
                models, task, layouts, settings, on_bad_audio, batch_size, threads, progress=progress
            )
            for layout, plan in zip(layouts, plans, strict=True):
                if layout.missing(plan):
                    layout.create(plan)
                    if not layout.clips.exists():
                        _write_clips(layout, task.clips)
        problems, recorded = _record_missing(
            models, task, layouts, plans, on_bad_audio, made, progress=progress
        )
        with _locked(layouts, progress=progress):
            for layout, plan in zip(layouts, plans, strict=True):
                if not layout.missing(plan):
                    if not layout.complete(plan):
                        _write_clips(layout, _completed(layout, plan, task.clips))
                    if recorded or sealed(layout) is None:
                        seal(layout)
    require_done(recorded, "shards")
    if on_bad_audio == "stop" and any(problems.values()):
        advice = f"the shards without them are recorded; {_MEND}, with the same command"
        raise BadClipsError(problems, advice)
    return [open_store(layout.path) for layout in layouts]


def _agreed_plans(
    models: Sequence[AudioModel],
    task: Task,
    layouts: Sequence[Layout],
    settings: Sequence[Settings],
    on_bad_audio: OnBadAudio,
    batch_size: int | None,
    threads: int | None,
    *,
    progress: bool,
) -> list[Plan]:
    """The plans that are stored, unless they are of something else, and new ones where there are none."""
    stored = [Plan.from_document(read_json(it.plan)) if it.plan.exists() else None for it in layouts]
    for layout, plan, model, its in zip(layouts, stored, models, settings, strict=True):
        if plan is not None:
            _refuse(layout, plan, model, task, agreed(plan, its, batch_size=batch_size, threads=threads))
    return _settle(models, task, layouts, stored, settings, on_bad_audio, progress=progress)


def _settle(
    models: Sequence[AudioModel],
    task: Task,
    layouts: Sequence[Layout],
    stored: Sequence[Plan | None],
    settings: Sequence[Settings],
    on_bad_audio: OnBadAudio,
    *,
    progress: bool,
) -> list[Plan]:
    """Make the plans that are not stored, or refuse with all the bad clips that the headers show."""
    plans = {number: plan for number, plan in enumerate(stored) if plan is not None}
    new = [number for number in range(len(models)) if number not in plans]
    if new:
        with counting("reading headers", len(task.clips), shown=progress) as advance:
            scanned = dict(zip(new, scan([models[number] for number in new], task, advance), strict=True))
        problems: dict[str, dict[int, str]] = {str(layout.path): {} for layout in layouts}
        problems.update({str(layouts[number].path): found for number, (_, found) in scanned.items()})
        if on_bad_audio == "stop" and any(problems.values()):
            raise BadClipsError(problems, f"nothing was recorded; {_MEND}")
        if any(len(found) == len(task.clips) for found in problems.values()):
            advice = "that is every clip of the task; expected at least one to record"
            raise BadClipsError(problems, advice)
        for number, (samples, found) in scanned.items():
            plans[number] = make_plan(models[number], task, settings[number], samples, found)
        for number in new:  # once none of them is refused
            write_json(layouts[number].plan, plans[number].document())
    return [plans[number] for number in range(len(models))]


@contextmanager
def _locked(layouts: Sequence[Layout], *, progress: bool) -> Iterator[None]:
    """Hold all stores; always in the same order, so that two runs do not wait for each other for ever."""
    with ExitStack() as locks:
        for layout in sorted(layouts, key=lambda each: str(each.path.resolve())):

            def tell(path: Path = layout.path) -> None:
                if progress:
                    print(f"waiting for another run, which prepares {path}", file=sys.stderr)  # noqa: T201

            locks.enter_context(layout.locked(tell))
        yield


def _record_missing(
    models: Sequence[AudioModel],
    task: Task,
    layouts: Sequence[Layout],
    plans: Sequence[Plan],
    on_bad_audio: OnBadAudio,
    engine: Engine,
    *,
    progress: bool,
) -> tuple[dict[str, dict[int, str]], list[Outcome]]:
    """Record the shards that any of the stores lacks.

    Returns:
        The bad clips found, by store; and what came of each shard, by engine.
    """
    problems: dict[str, dict[int, str]] = {str(layout.path): {} for layout in layouts}
    outcomes: list[Outcome] = []
    with ExitStack() as stack:
        parts, runs = [], []
        for model, layout, plan in zip(models, layouts, plans, strict=True):
            if layout.missing(plan):
                runs.append(stack.enter_context(run_of(layout.runs, model.device, engine.workers)))
                parts.append(Part(model, plan, str(layout.path), runs[-1].id))
        if parts:
            job = Job(tuple(parts), task, on_bad_audio)
            for outcome in _outcomes(job, engine, progress=progress):
                outcomes.append(outcome)
                for report in outcome.value or ():
                    problems[report.path].update(report.problems)
        for part, run in zip(parts, runs, strict=True):
            stopped = on_bad_audio == "stop" and problems[part.path]
            run.complete = not stopped and not any(each.failed for each in outcomes)
    return problems, outcomes


def _outcomes(job: Job, engine: Engine, *, progress: bool) -> Iterator[Outcome]:
    """Record what each part is missing, with a bar on which a clip counts once for every model."""
    plans = [part.plan for part in job.parts]
    assert len({plan.shard_clips for plan in plans}) == 1, "shards of one task hold the same clips"
    clips = sum(plan.clips for plan in plans)
    what = "recording" if len(plans) == 1 else f"recording {len(plans)} models"
    missing = _missing(job)
    with counting(what, clips, clips - _to_hear(job, missing), shown=progress) as advance:
        shards = sorted(set(chain(*missing)))
        if not all(Layout(part.path).local for part in job.parts):
            random.shuffle(shards)  # without locks, runs side by side mostly keep out of each other's way
        while shards:
            busy = []
            for outcome in engine.run(record_shard, job, shards, advance):
                reports = outcome.value or ()
                if any(report.busy for report in reports):
                    busy.append(outcome.task)
                elif not outcome.failed:
                    advance(_heard_elsewhere(job, missing, outcome.task, [report.path for report in reports]))
                yield outcome
            shards = sorted(busy)
            if shards:  # another run is at them: if it dies, this one takes them up
                time.sleep(_LOOK_AGAIN_S)


def _missing(job: Job) -> list[list[int]]:
    """The shards that each part is missing."""
    return [Layout(part.path).missing(part.plan) for part in job.parts]


def _heard_elsewhere(job: Job, missing: Sequence[Sequence[int]], shard: int, here: Sequence[str]) -> int:
    """Clips of a shard that another run has recorded meanwhile, counted once for every model."""
    return sum(
        len(batch)
        for part, shards in zip(job.parts, missing, strict=True)
        if shard in shards and part.path not in here
        for batch in part.plan.shards[shard]
    )


def _to_hear(job: Job, missing: Sequence[Sequence[int]]) -> int:
    """Clips in shards that are missing, counted once for every model."""
    return sum(
        len(batch)
        for part, shards in zip(job.parts, missing, strict=True)
        for shard in shards
        for batch in part.plan.shards[shard]
    )


def _layouts(models: Sequence[AudioModel], outs: Sequence[str | os.PathLike[str]]) -> list[Layout]:
    """The stores to write, one a model."""
    if not models or len(outs) != len(models):
        raise UsageError(
            f"{len(models)} models and {len(outs)} folders were given; expected one folder for each model"
        )
    places = [path_of(out).resolve() for out in outs]
    if twice := [out for out, place in zip(outs, places, strict=True) if places.count(place) > 1]:
        raise UsageError(f"{twice[0]} was given for several models; expected a folder for each")
    return [Layout(out) for out in outs]


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
    tokens = np.asarray(layout.group("r")["tokens"])
    numbers = range(plan.clips)
    return clips.assign(
        tokens=tokens,
        sha256=[hashes[clip] for clip in numbers],
        problem=[problems.get(clip, "") for clip in numbers],
    )
