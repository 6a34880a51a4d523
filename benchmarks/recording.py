"""What recording costs, against the bare forward pass and against keeping every activation.

    python benchmarks/recording.py             a table
    python benchmarks/recording.py --json      the same as one JSON document
    python benchmarks/recording.py --write     the table, also into docs/results/bench.md

The two passes take turns on the same prepared batches, and each turn gives one ratio; their median is
reported, so that what else the machine does meanwhile matters little. Memory and disk are measured in a
process of its own for each way.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch

import bench
import otoscope
from otoscope.activations import Recorder, record
from otoscope.activations.layout import Layout
from otoscope.activations.plan import SHARD
from otoscope.audio import Waveform
from otoscope.models import AudioModel, Chunk, load_model
from otoscope.tasks import Task

MODEL = "random:m2d_vit_base-80x608p16x16"
PAGE = "bench.md"
WAYS = ("bare", "recorded", "naive")
TITLES = {
    "bare": "bare forward pass, nothing kept",
    "recorded": "recording: counts, means, peaks, embedding",
    "naive": "keeping every activation",
}


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    if options.only:
        print(json.dumps(footprint(options)))
        return
    found = measure(options)
    bench.finish(options, found, PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a clip")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    model = load_model(options.model)
    batches = prepare(model, options)
    bare, recorded = turns(model, batches, options.repeats)
    ways = {way: child(way, options) for way in WAYS}
    return {
        "model": model.name,
        "clips": options.clips,
        "seconds": options.seconds,
        "batch_size": options.batch_size,
        "threads": options.threads,
        "machine": bench.MACHINE,
        "versions": {"otoscope": otoscope.__version__, "torch": torch.__version__},
        "wall": compared(recorded, bare, 0, options.clips),
        "processor": compared(recorded, bare, 1, options.clips),
        "ways": ways,
    }


def prepare(model: AudioModel, options: argparse.Namespace) -> list[list[Chunk]]:
    sounds = [Waveform(samples, len(samples)) for samples in noises(model, options)]
    size = options.batch_size
    return [model.prepare(sounds[at : at + size]) for at in range(0, len(sounds), size)]


def noises(model: AudioModel, options: argparse.Namespace) -> list[np.ndarray]:
    samples = round(options.seconds * model.sample_rate)
    return [np.random.default_rng(i).normal(0, 0.1, samples).astype(np.float32) for i in range(options.clips)]


Times = list[tuple[float, float]]


def turns(model: AudioModel, batches: list[list[Chunk]], repeats: int) -> tuple[Times, Times]:
    """Wall and processor seconds of both kinds of pass, turn by turn; the first warms up and is left out."""
    bare: Times = []
    recorded: Times = []
    for turn in range(repeats + 1):
        passes = [(bare, lambda: forward(model, batches)), (recorded, lambda: listen(model, batches))]
        for times, run in passes if turn % 2 else reversed(passes):
            times.append(bench.timed(run))
    return bare[1:], recorded[1:]


def compared(recorded: Times, bare: Times, clock: int, clips: int) -> dict[str, Any]:
    ratios = [ours[clock] / theirs[clock] for ours, theirs in zip(recorded, bare, strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "bare_s_per_clip": statistics.median(times[clock] for times in bare) / clips,
        "recorded_s_per_clip": statistics.median(times[clock] for times in recorded) / clips,
    }


@torch.inference_mode()
def forward(model: AudioModel, batches: list[list[Chunk]]) -> None:
    for chunks in batches:
        model.embedding(chunks, [model.forward(chunk) for chunk in chunks])


def listen(model: AudioModel, batches: list[list[Chunk]]) -> None:
    with Recorder(model) as recorder:
        for chunks in batches:
            recorder.run(chunks)


@torch.inference_mode()
def keep(model: AudioModel, batches: list[list[Chunk]], folder: Path) -> None:
    """The naive way: collect each layer's activation over all batches, then save it."""
    kept: list[list[np.ndarray]] = [[] for _ in model.layers]
    handles = [
        point.attach(lambda activation, at=at: kept[at].append(activation.numpy().copy()))
        for at, point in enumerate(model.hooks())
    ]
    forward(model, batches)
    for handle in handles:
        handle.remove()
    for at, layer in enumerate(kept):
        np.save(folder / f"{at}.npy", np.concatenate(layer))


def footprint(options: argparse.Namespace) -> dict[str, float]:
    """Seconds, growth of memory over a forward pass, and disk space of one way, from sound to result.

    A shard of fewer than 256 clips costs as much to write as a full one, so writing is counted by the clip as
    in a full shard: a benchmark of a few clips would else report what no recording of a data set pays.
    """
    model = load_model(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = task_of(model, options, folder)
        forward(model, prepare(model, options)[:1])  # what any forward pass needs is not to be counted
        before = bench.peak()
        began = time.perf_counter()
        spared = 0.0
        if options.only == "recorded":
            writing = watch_writing()
            record(model, task, folder / "out", batch_size=options.batch_size, threads=options.threads)
            spared = sum(writing) * (1 - options.clips / (SHARD * len(writing)))
        else:
            (folder / "out").mkdir()
            size = options.batch_size
            sounds = (
                [task.read(clip, model.sample_rate) for clip in range(at, min(at + size, len(task)))]
                for at in range(0, len(task), size)
            )
            batches = [model.prepare(some) for some in sounds]
            if options.only == "bare":
                forward(model, batches)
            else:
                keep(model, batches, folder / "out")
        seconds = time.perf_counter() - began - spared
        disk = sum(file.stat().st_size for file in (folder / "out").rglob("*") if file.is_file())
    return {"seconds": seconds, "memory_mb": bench.peak() - before, "disk_mb": disk / 1e6}


def watch_writing() -> list[float]:
    """A list that the seconds of every written shard are added to."""
    seconds: list[float] = []
    write = Layout.write

    def watched(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return write(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    Layout.write = watched  # type: ignore[method-assign]
    return seconds


def task_of(model: AudioModel, options: argparse.Namespace, folder: Path) -> Task:
    clips = []
    for index, samples in enumerate(noises(model, options)):
        path = folder / f"{index}.wav"
        soundfile.write(path, samples, model.sample_rate)
        clips.append({"clip": path.name, "path": str(path)})
    return Task("noise", pd.DataFrame(clips), ())


def child(way: str, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--only", way, "--model", options.model]
    for name in ("seconds", "clips", "batch_size", "threads"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def table(found: dict[str, Any]) -> str:
    lines = [
        f"{found['model']}, {found['clips']} clips of {found['seconds']:g} s in batches of "
        f"{found['batch_size']}, {bench.counted(found['threads'])} ({found['machine']}), "
        f"otoscope {found['versions']['otoscope']}, torch {found['versions']['torch']}.",
        "",
        "| the same batches | bare, s a clip | recorded, s a clip | recorded / bare | turns |",
        "|---|---|---|---|---|",
    ]
    for clock in ("wall", "processor"):
        one = found[clock]
        lines.append(
            f"| {clock} time | {one['bare_s_per_clip']:.3f} | {one['recorded_s_per_clip']:.3f} "
            f"| {one['ratio']:.3f} | {min(one['ratios']):.3f} to {max(one['ratios']):.3f} |"
        )
    lines += [
        "",
        "| from sound to result | s a clip | memory beyond a forward pass, MB | disk, MB a clip |",
        "|---|---|---|---|",
    ]
    for way, cost in found["ways"].items():
        lines.append(
            f"| {TITLES[way]} | {cost['seconds'] / found['clips']:.3f} | {cost['memory_mb']:.0f} "
            f"| {cost['disk_mb'] / found['clips']:.2f} |"
        )
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    return (
        "## What recording costs\n\n"
        "Made by `benchmarks/recording.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "The memory of the naive way grows with every clip, that of recording does not: it holds the "
        "statistics of one shard of 256 clips, 12 bytes a clip and neuron, whatever the task's size.\n"
    )


if __name__ == "__main__":
    main()
