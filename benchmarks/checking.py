"""What `otoscope tasks check` costs, against a plain soundfile loop over the same files.

    python benchmarks/checking.py             a table
    python benchmarks/checking.py --json      the same as one JSON document
    python benchmarks/checking.py --write     the table, also into docs/results/bench-checking.md

The files, short ones in WAV, FLAC, OGG and MP3 by turns, are made once and kept in the system's folder for
temporary files. The passes take turns on them, and each turn gives one ratio; their median is reported, so
that what else the machine does meanwhile matters little. Memory is measured in a process of its own.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import bench
import otoscope
from otoscope.tasks import Task, load_task, survey

PAGE = "bench-checking.md"
KINDS = {"wav": (16000, 1), "flac": (44100, 2), "ogg": (22050, 1), "mp3": (32000, 1)}
SECONDS = 0.25
CLASSES = 10
FEWER = 10  # memory is compared with that for so many times fewer files


def main() -> None:
    options = arguments()
    if options.only:
        print(json.dumps(memory(folder_of(options.clips), deep=options.only == "deep")))
        return
    found = measure(options)
    bench.finish(options, found, PAGE, table, page)


def arguments() -> argparse.Namespace:
    parser = bench.parser(__doc__, PAGE)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=("headers", "deep"), help=argparse.SUPPRESS)
    return parser.parse_args()


def folder_of(clips: int) -> Path:
    """The folder of so many files; they are made unless they are there."""
    folder = Path(tempfile.gettempdir()) / f"otoscope-checking-{clips}"
    done = folder.with_suffix(".done")
    if not done.exists():
        for number in range(CLASSES):
            (folder / f"class{number}").mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda number: make(folder, number), range(clips)))
        done.touch()
    return folder


def make(folder: Path, number: int) -> None:
    kind = list(KINDS)[number % len(KINDS)]
    rate, channels = KINDS[kind]
    noise = np.random.default_rng(number).normal(0, 0.1, (round(SECONDS * rate), channels))
    name = f"{number:06}.{kind}"
    soundfile.write(folder / f"class{number // len(KINDS) % CLASSES}" / name, noise, rate)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    folder = folder_of(options.clips)
    paths = sorted(str(path) for path in folder.rglob("*.*"))
    passes: dict[str, Callable[[], Any]] = {
        "info": lambda: loop(paths, soundfile.info),
        "hashed": lambda: loop(paths, info_and_hash),
        "headers": lambda: checked(folder),
        "read": lambda: loop(paths, soundfile.read),
        "deep": lambda: checked(folder, deep=True),
    }
    times: dict[str, list[float]] = {name: [] for name in passes}
    for turn in range(options.repeats + 1):
        for name in passes if turn % 2 else reversed(passes):
            times[name].append(bench.timed(passes[name])[0])
    times = {name: seconds[1:] for name, seconds in times.items()}  # the first turn warms the disk's cache
    return {
        "clips": options.clips,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"otoscope": otoscope.__version__, "soundfile": soundfile.__version__},
        "clips_per_s": {name: options.clips / statistics.median(seconds) for name, seconds in times.items()},
        "ratios": {
            f"{ours}/{theirs}": [mine / its for mine, its in zip(times[ours], times[theirs], strict=True)]
            for ours, theirs in (("headers", "info"), ("headers", "hashed"), ("deep", "read"))
        },
        "memory_mb": {
            way: {clips: child(way, clips) for clips in (options.clips // FEWER, options.clips)}
            for way in ("headers", "deep")
        },
    }


def loop(paths: list[str], look: Callable[[str], Any]) -> None:
    for path in paths:
        look(path)


def info_and_hash(path: str) -> None:
    hashlib.sha256(Path(path).read_bytes()).hexdigest()
    soundfile.info(path)


def checked(folder: Path, *, deep: bool = False) -> None:
    """What the verb does: load the task, look at its files, write the manifest."""
    check(load_task(f"folder:{folder}"), folder, deep=deep)


def check(task: Task, folder: Path, *, deep: bool) -> None:
    found = survey(task, deep=deep)
    assert not found.problems
    found.write_manifest(folder.with_suffix(".parquet"))


def memory(folder: Path, *, deep: bool) -> float:
    """MB that a check adds to the greatest memory of a process that has checked a few files before."""
    checked(folder_of(100), deep=deep)
    task = load_task(f"folder:{folder}")
    before = bench.peak()
    check(task, folder, deep=deep)
    return bench.peak() - before


def child(way: str, clips: int) -> float:
    folder_of(clips)
    command = [sys.executable, __file__, "--only", way, "--clips", str(clips)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def table(found: dict[str, Any]) -> str:
    rates = found["clips_per_s"]
    lines = [
        f"{found['clips']:,} files of {SECONDS:g} s, WAV, FLAC, OGG and MP3 by turns ({found['machine']}), "
        f"otoscope {found['versions']['otoscope']}, soundfile {found['versions']['soundfile']}.",
        "",
        "| `tasks check` | files a second | a plain loop | files a second | check / loop | turns |",
        "|---|---|---|---|---|---|",
    ]
    for ours, theirs, what in (
        ("headers", "info", "`soundfile.info`"),
        ("headers", "hashed", "`soundfile.info` and SHA-256"),
        ("deep", "read", "`soundfile.read`"),
    ):
        ratios = found["ratios"][f"{ours}/{theirs}"]
        lines.append(
            f"| {'headers and hashes' if ours == 'headers' else '--deep'} | {rates[ours]:,.0f} | {what} "
            f"| {rates[theirs]:,.0f} | {statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} |"
        )
    few, many = next(iter(found["memory_mb"].values()))
    lines += [
        "",
        f"| memory beyond the task's own table, MB | {int(few):,} files | {int(many):,} files |",
        "|---|---|---|",
    ]
    for way, used in found["memory_mb"].items():
        cells = " | ".join(f"{megabytes:.0f}" for megabytes in used.values())
        lines.append(f"| {'headers and hashes' if way == 'headers' else '--deep'} | {cells} |")
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    return (
        "## What checking a data set costs\n\n"
        "Made by `benchmarks/checking.py --write`; not edited by hand.\n\n"
        f"{table(found)}\n\n"
        "A check also hashes every file's content, makes sure that the file is as long as its container "
        "promises, compares labels, groups and splits, and writes the manifest; the files lie in memory "
        "(the disk's cache), so that this is seen and not the disk.\n"
    )


if __name__ == "__main__":
    main()
