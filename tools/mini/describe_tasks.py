"""Measure the descriptors of all clips of the embedded miniature: the table that travels with the package.

    python tools/mini/describe_tasks.py                # writes src/otoscope/descriptors/data/mini.parquet

To be run when clips or descriptors have changed. The present table is set aside first, so that every clip is
measured; a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope import audio
from otoscope.descriptors import columns, describe
from otoscope.descriptors.packaged import KEYS, TABLE
from otoscope.tasks.own import mini


@dataclass(frozen=True)
class Clips:
    """A task's clips as a store that was recorded just now: what `describe` keeps its findings beside."""

    path: Path
    clips: pd.DataFrame
    info: Mapping[str, Any]


def recorded(name: str, folder: Path) -> Clips:
    """A task of the miniature with the hashes of its clips."""
    task = mini.load(name)
    hashes = [audio.content_hash(path) for path in task.clips["path"]]
    folder.mkdir(parents=True, exist_ok=True)
    info = {"task": {"seconds": task.seconds, "evar_lengths": task.evar_lengths}}
    return Clips(folder, task.clips.assign(sha256=hashes, problem=""), info)


def measured(name: str, folder: Path, workers: int) -> pd.DataFrame:
    """The table that `describe` keeps of a task, by hash."""
    clips, done = recorded(name, folder), 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        print(f"\r{name}: {done} of {len(clips.clips)} clips", end="", flush=True)

    describe(clips, workers=workers, tick=tick)
    print()
    return pd.read_parquet(folder / "descriptors.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    TABLE.unlink(missing_ok=True)
    TABLE.parent.mkdir(exist_ok=True)
    work = Path(tempfile.gettempdir(), "otoscope-descriptors")
    found = pd.concat([measured(name, work / name, args.workers) for name in mini.NAMES])
    table = found[[*KEYS, *columns()]].astype(dict.fromkeys(columns(), np.float32))
    table = table.drop_duplicates(list(KEYS)).reset_index(drop=True)
    numbers = dict.fromkeys(columns(), "BYTE_STREAM_SPLIT")
    table.to_parquet(
        TABLE, index=False, compression="zstd", compression_level=19,
        use_dictionary=["part", "version"], column_encoding=numbers,
    )  # fmt: skip
    shutil.rmtree(work)
    print(f"{TABLE}: {len(table)} clips, {TABLE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
