"""Render the seven downstream tasks of the embedded miniature, from sources that the training never heard.

    python tools/mini/render_tasks.py                     # all, into src/otoscope/tasks/data/mini/
    python tools/mini/render_tasks.py --task events --out DIR

A task is a zip of Ogg Opus clips (stored, not compressed again) and their table, NAME.csv. With the same
versions of espeak-ng, flite, fluidsynth, libsndfile, NumPy and SciPy a zip comes out the same to the byte.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import sys
import zipfile
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import sources
from dsp import opus
from ogg import restamp

NAMES = ("events", "effects", "notes", "synth", "voices", "manners", "genres")
BROADER = {
    "events": ("event", "event_kind"), "effects": ("event", "event_kind"),
    "notes": ("family", "excitation"), "synth": ("preset", "synthesis"),
    "voices": ("language", "branch"), "manners": ("manner", "arousal"),
}  # fmt: skip
# libsndfile's compression level: some 18 kbit/s for mono at 16 kHz.
OPUS_LEVEL = 0.95


def table_of(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows of a task with the broader class that its taxonomy gives."""
    table = pd.DataFrame(rows)
    if name in BROADER:
        column, broader = BROADER[name]
        table[broader] = table[column].map(importlib.import_module(f"task_{name}").TAXONOMY)
    return table


def write(name: str, out: Path) -> str:
    """Render one task into `out`/`name`.zip; a line that says what it holds."""
    partial, rows = out / f"{name}.partial", []
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for row, samples in importlib.import_module(f"task_{name}").clips():
            rows.append(row)
            _add(archive, str(row["clip"]), restamp(opus(samples, OPUS_LEVEL)))
        table = table_of(name, rows)
        _add(archive, f"{name}.csv", table.to_csv(index=False, lineterminator="\n").encode())
    done = partial.rename(out / f"{name}.zip")
    return f"{done}: {len(rows)} clips, {done.stat().st_size / 1e6:.2f} MB"


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """A file in the zip with a fixed date, so that the same content gives the same zip."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", action="append", choices=NAMES, help="default: all; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("src/otoscope/tasks/data/mini"))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    sources.check_disjoint()
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(name, args.out) for name in args.task or NAMES]
    with multiprocessing.get_context("spawn").Pool(min(args.workers, len(jobs))) as pool:
        for line in pool.starmap(write, jobs, chunksize=1):
            print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
