"""What reading the audio once for several models saves, against a run for each of them.

    python benchmarks/models.py             a table
    python benchmarks/models.py --json      the same as one JSON document
    python benchmarks/models.py --write     the table, also into docs/results/bench-models.md

The clips want decoding and resampling, as those of most data sets do. Recording the models one by one,
recording them together, and reading alone take turns on the same clips; each turn gives one ratio, and their
median is reported, so that what else the machine does meanwhile matters little.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch

import bench
import otoscope
from otoscope.activations import record, record_all
from otoscope.activations.plan import scan
from otoscope.activations.reading import reading
from otoscope.models import AudioModel, load_model
from otoscope.tasks import Task

MODELS = ("mini:ssl", "mini:supervised", "mini:random")
PAGE = "bench-models.md"


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    found = measure(options)
    bench.finish(options, found, PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--model", action="append", help=f"may be repeated (default: {' '.join(MODELS)})")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a clip")
    parser.add_argument("--rate", type=int, default=44100, help="sample rate of the files, in Hz")
    parser.add_argument("--format", choices=("flac", "mp3", "wav"), default="flac")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    models = [load_model(spec) for spec in options.model or MODELS]
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(options, Path(folder))
        times = turns(models, task, options.repeats)
    return {
        "models": [model.name for model in models],
        "clips": options.clips,
        "seconds": options.seconds,
        "files": f"{options.rate / 1000:g} kHz stereo {options.format.upper()}",
        "threads": options.threads,
        "machine": bench.MACHINE,
        "versions": {"otoscope": otoscope.__version__, "torch": torch.__version__},
        "wall": compared(times, 0, options.clips),
        "processor": compared(times, 1, options.clips),
    }


def task_of(options: argparse.Namespace, folder: Path) -> Task:
    """Clips of chords in a little noise: files that cost about as much to decode as music does."""
    clips = []
    time_s = np.arange(round(options.seconds * options.rate)) / options.rate
    for index in range(options.clips):
        random = np.random.default_rng(index)
        tones = [0.1 * np.sin(2 * np.pi * hz * time_s) for hz in random.uniform(100, 4000, 4)]
        path = folder / f"{index}.{options.format}"
        soundfile.write(path, sum(tones)[:, None] + random.normal(0, 0.01, (len(time_s), 2)), options.rate)
        clips.append({"clip": path.name, "path": str(path)})
    return Task("chords", pd.DataFrame(clips), ())


def apart(models: list[AudioModel], task: Task, folder: Path) -> None:
    """A run for each model."""
    for number, model in enumerate(models):
        record(model, task, folder / str(number))


def together(models: list[AudioModel], task: Task, folder: Path) -> None:
    """One run for all models."""
    record_all(models, task, [folder / str(number) for number in range(len(models))])


def read(models: list[AudioModel], task: Task, folder: Path) -> None:
    """What one run reads of the audio: headers, hashes, decoding, resampling; nothing is heard."""
    del folder
    scan(models[:1], task)
    for _ in reading(task, [models[0].sample_rate], [[[clip] for clip in range(len(task))]]):
        pass


WAYS = {"apart": apart, "together": together, "reading": read}
Times = dict[str, list[tuple[float, float]]]


def turns(models: list[AudioModel], task: Task, repeats: int) -> Times:
    """Wall and processor seconds of each way, turn by turn; the first warms up and is left out."""
    times: Times = {way: [] for way in WAYS}
    for turn in range(repeats + 1):
        for way in WAYS if turn % 2 else reversed(WAYS):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                times[way].append(bench.timed(lambda run=WAYS[way], out=place: run(models, task, out)))
    return {way: its[1:] for way, its in times.items()}


def compared(times: Times, clock: int, clips: int) -> dict[str, Any]:
    seconds = {way: [each[clock] for each in its] for way, its in times.items()}
    ratios = [ours / theirs for ours, theirs in zip(seconds["together"], seconds["apart"], strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        **{f"{way}_s_per_clip": statistics.median(its) / clips for way, its in seconds.items()},
    }


def table(found: dict[str, Any]) -> str:
    lines = [
        f"{', '.join(found['models'])}; {found['clips']} clips of {found['seconds']:g} s, {found['files']}, "
        f"{bench.counted(found['threads'])} ({found['machine']}), otoscope {found['versions']['otoscope']}, "
        f"torch {found['versions']['torch']}.",
        "",
        "| | one by one, s a clip | together, s a clip | together / one by one | turns | reading, s a clip |",
        "|---|---|---|---|---|---|",
    ]
    for clock in ("wall", "processor"):
        one = found[clock]
        lines.append(
            f"| {clock} time | {one['apart_s_per_clip']:.3f} | {one['together_s_per_clip']:.3f} "
            f"| {one['ratio']:.3f} | {min(one['ratios']):.3f} to {max(one['ratios']):.3f} "
            f"| {one['reading_s_per_clip']:.3f} |"
        )
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    return (
        "## What several models cost over one reading\n\n"
        "Made by `benchmarks/models.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "Together, each file is decoded once, and resampled once for each sample rate. That saves the "
        "reading of all runs but one. These models are tiny; the larger the models, the smaller the share of "
        "reading in what a recording costs on a processor.\n"
    )


if __name__ == "__main__":
    main()
