"""What recording from compressed files on disk costs, against recording the same sounds from memory.

    python benchmarks/decoding.py             a table
    python benchmarks/decoding.py --json      the same as one JSON document
    python benchmarks/decoding.py --write     the table, also into docs/results/bench-decoding.md

Both record the same model in the same batches into a store; from memory the sounds are decoded and resampled
already, and there is no file to look at. They take turns, each pair gives one ratio, and their median is
reported with the middle half of them, so that what else the machine does meanwhile matters little.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile
import torch

import bench
import otoscope
from otoscope import audio
from otoscope.activations import record
from otoscope.activations.layout import Layout
from otoscope.activations.plan import SHARD
from otoscope.audio import Crop, Sound
from otoscope.models import AudioModel, load_model
from otoscope.tasks import Task

MODEL = "random:m2d_vit_base-80x608p16x16"
PAGE = "bench-decoding.md"
FORMATS = ("wav", "flac", "ogg", "mp3")
PARTS = 60  # of one long file, cut without a gap
READERS = 4  # threads, as recording has them
LOOKS = 5  # at each step, and at a long file
STEPS = ("header", "hash", "decode", "resample", "log-mel")


@dataclass(frozen=True, eq=False)
class InMemory(Task):
    """A task whose sounds are there already, at the model's rate; all its clips name one small file."""

    sounds: tuple[Sound, ...] = ()

    def decode(self, index: int) -> Sound:
        return self.sounds[index]


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    found = measure(options)
    bench.finish(options, found, PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a clip")
    parser.add_argument("--rate", type=int, default=44100, help="sample rate of the files, in Hz")
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--format", action="append", choices=FORMATS, help="may be repeated (default: all)")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    model = load_model(options.model)
    formats = {}
    with tempfile.TemporaryDirectory() as name:
        for suffix in options.format or FORMATS:
            on_disk = task_of(options, suffix, Path(name) / suffix)
            in_memory = decoded(on_disk, model)
            formats[suffix] = {
                **turns(model, on_disk, in_memory, options),
                "steps": steps(model, on_disk),
                "parts": parts(options, suffix, Path(name)),
            }
    return {
        "model": model.name,
        "clips": options.clips,
        "seconds": options.seconds,
        "batch_size": options.batch_size,
        "repeats": options.repeats,
        "files": f"{options.rate / 1000:g} kHz, {'mono' if options.channels == 1 else 'stereo'}",
        "threads": options.threads,
        "machine": bench.MACHINE,
        "versions": {"otoscope": otoscope.__version__, "torch": torch.__version__},
        "formats": formats,
    }


def task_of(options: argparse.Namespace, suffix: str, folder: Path) -> Task:
    """Gliding tones in noise, which compress about as sounds do."""
    folder.mkdir()
    time_s = np.arange(round(options.seconds * options.rate)) / options.rate
    clips = []
    for number in range(options.clips):
        rng = np.random.default_rng(number)
        tone = 0.3 * np.sin(2 * np.pi * (200 + 30 * number) * time_s * (1 + 0.02 * time_s))
        sound = tone[:, None] + rng.normal(0, 0.05, (len(time_s), options.channels))
        path = folder / f"{number}.{suffix}"
        soundfile.write(path, sound, options.rate)
        clips.append({"clip": path.name, "path": str(path)})
    return Task("noise", pd.DataFrame(clips), (), seconds=options.seconds)


def decoded(task: Task, model: AudioModel) -> InMemory:
    crop = Crop(float(task.seconds or 0))
    waveforms = [task.read(clip, model.sample_rate) for clip in range(len(task))]
    sounds = tuple(Sound("memory", it.samples, model.sample_rate, crop) for it in waveforms)
    first = Path(task.clips["path"].iloc[0])
    small = first.with_name("small.wav")
    soundfile.write(small, np.zeros(2 * model.sample_rate), model.sample_rate)
    return InMemory(task.name, task.clips.assign(path=str(small)), (), seconds=task.seconds, sounds=sounds)


def turns(model: AudioModel, on_disk: Task, in_memory: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Wall and processor seconds of both, turn by turn; the first warms up and is left out."""
    disk: list[tuple[float, float]] = []
    memory: list[tuple[float, float]] = []
    for turn in range(options.repeats + 1):
        pair = [(disk, on_disk), (memory, in_memory)]
        for times, task in pair if turn % 2 else reversed(pair):
            times.append(recorded(model, task, options))
    return {
        clock: compared([each[at] for each in disk[1:]], [each[at] for each in memory[1:]], options.clips)
        for at, clock in enumerate(("wall", "processor"))
    }


def recorded(model: AudioModel, task: Task, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds of one recording, writing counted by the clip as in a full shard (see recording.py)."""
    with tempfile.TemporaryDirectory() as folder, watched_writing() as writing:
        store = Path(folder) / "x.zarr"
        whole = bench.timed(
            lambda: record(model, task, store, batch_size=options.batch_size, threads=options.threads)
        )
    share = 1 - options.clips / (SHARD * len(writing))
    wall, processor = (
        spent - share * sum(times) for spent, times in zip(whole, zip(*writing, strict=True), strict=True)
    )
    return wall, processor


@contextmanager
def watched_writing() -> Iterator[list[tuple[float, float]]]:
    """A list that the wall and processor seconds of every written shard are added to."""
    seconds: list[tuple[float, float]] = []
    write = Layout.write

    def watched(*arguments: Any) -> Any:
        files: list[Any] = []
        seconds.append(bench.timed(lambda: files.append(write(*arguments))))
        return files[0]

    Layout.write = watched  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        Layout.write = write  # type: ignore[method-assign]


def compared(disk: list[float], memory: list[float], clips: int) -> dict[str, Any]:
    ratios = [ours / theirs for ours, theirs in zip(disk, memory, strict=True)]
    low, median, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return {
        "ratio": float(median),
        "middle_half": [float(low), float(high)],
        "ratios": ratios,
        "disk_s_per_clip": statistics.median(disk) / clips,
        "memory_s_per_clip": statistics.median(memory) / clips,
    }


def steps(model: AudioModel, task: Task) -> dict[str, float]:
    """Processor milliseconds a clip of what comes before the model, one clip after the other."""
    paths = list(task.clips["path"])
    sounds = [task.decode(clip) for clip in range(len(task))]
    waveforms = [sound.at(model.sample_rate) for sound in sounds]
    ways: dict[str, Callable[[], Any]] = {
        "header": lambda: [audio.header(path) for path in paths],
        "hash": lambda: [audio.content_hash(path) for path in paths],
        "decode": lambda: [task.decode(clip) for clip in range(len(task))],
        "resample": lambda: [sound.at(model.sample_rate) for sound in sounds],
        "log-mel": lambda: [model.prepare([waveform]) for waveform in waveforms],
    }
    assert tuple(ways) == STEPS
    return {
        step: 1000 * statistics.median(bench.timed(way)[1] for _ in range(LOOKS)) / len(task)
        for step, way in ways.items()
    }


def parts(options: argparse.Namespace, suffix: str, folder: Path) -> dict[str, float]:
    """Processor milliseconds for a long file: decoded once, and in parts, in order, by several threads."""
    path = folder / f"long.{suffix}"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", options.rate, options.channels) as file:
        for _ in range(PARTS):
            file.write(rng.normal(0, 0.1, (round(options.seconds * options.rate), options.channels)))
    starts = [number * options.seconds for number in range(PARTS)]

    def in_parts() -> None:
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(lambda at: audio.decode(path, start=at, stop=at + options.seconds), starts))

    whole = [bench.timed(lambda: audio.decode(path))[1] for _ in range(LOOKS)]
    cut = [bench.timed(in_parts)[1] for _ in range(LOOKS)]
    return {"whole_ms": 1000 * statistics.median(whole), "parts_ms": 1000 * statistics.median(cut)}


def table(found: dict[str, Any]) -> str:
    lines = [
        f"{found['model']}, {found['clips']} clips of {found['seconds']:g} s ({found['files']}) in batches "
        f"of {found['batch_size']}, {bench.counted(found['threads'])} ({found['machine']}), "
        f"{found['repeats']} pairs a format, otoscope {found['versions']['otoscope']}, "
        f"torch {found['versions']['torch']}.",
        "",
        "| files | clock | from memory, s a clip | from files, s a clip | ratio | middle half | turns |",
        "|---|---|---|---|---|---|---|",
    ]
    for suffix, one in found["formats"].items():
        for clock in ("wall", "processor"):
            each = one[clock]
            lines.append(
                f"| {suffix.upper()} | {clock} | {each['memory_s_per_clip']:.3f} "
                f"| {each['disk_s_per_clip']:.3f} | {each['ratio']:.3f} "
                f"| {each['middle_half'][0]:.3f} to {each['middle_half'][1]:.3f} "
                f"| {min(each['ratios']):.3f} to {max(each['ratios']):.3f} |"
            )
    lines += [
        "",
        f"| processor ms a clip | {' | '.join(STEPS)} | log-mel, of the recording |",
        f"|---|{'---|' * len(STEPS)}---|",
    ]
    for suffix, one in found["formats"].items():
        shown = " | ".join(f"{one['steps'][step]:.2f}" for step in STEPS)
        lines.append(f"| {suffix.upper()} | {shown} | {log_mel_share(one):.1%} |")
    lines += [
        "",
        f"| a file of {PARTS * found['seconds']:g} s, processor ms | once | in {PARTS} parts, in order |",
        "|---|---|---|",
    ]
    for suffix, one in found["formats"].items():
        lines.append(
            f"| {suffix.upper()} | {one['parts']['whole_ms']:.0f} | {one['parts']['parts_ms']:.0f} |"
        )
    return "\n".join(lines)


def log_mel_share(one: dict[str, Any]) -> float:
    return float(one["steps"]["log-mel"] / 1000 / one["processor"]["disk_s_per_clip"])


def page(found: dict[str, Any]) -> str:
    shares = [log_mel_share(one) for one in found["formats"].values()]
    before = [
        sum(one["steps"].values()) / 1000 / one["processor"]["disk_s_per_clip"]
        for one in found["formats"].values()
    ]
    return (
        "## What reading files costs\n\n"
        "Made by `benchmarks/decoding.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "Clips are hashed, decoded and resampled in threads while the model hears those before them, and "
        "once for all models. Cached log-mels are not offered: of a recording's processor time the log-mel "
        f"is {min(shares):.1%} to {max(shares):.1%}, and all that comes before the model {min(before):.1%} "
        f"to {max(before):.1%}; a cache would save that on a second recording only.\n\n"
        "Parts of a WAV or FLAC file are sought; those of an OGG or MP3 are read on from an earlier part, "
        "because seeking in these is not exact.\n"
    )


if __name__ == "__main__":
    main()
