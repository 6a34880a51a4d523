"""Runs the experiments of the page "Calibration" and writes it: docs/calibration.md, its tables and figures.

    python tools/docs_calibration.py              run what is not there yet, then write the page (10 minutes)
    python tools/docs_calibration.py --again      run everything anew
    python tools/docs_calibration.py --page    write the page only, from the tables there are

Results are kept in docs/results/calibration/, setting by setting, so that a run which was stopped goes on.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes; before numpy is imported

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd

from calibration import EXPERIMENTS, Experiment, Setting
from calibration_page import write_page

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results" / "calibration"
PAGE = ROOT / "docs" / "calibration.md"
WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the experiments and write the page Calibration.")
    parser.add_argument("--again", action="store_true", help="run everything anew")
    parser.add_argument("--seeds", type=int, default=200, help="at most so many of each setting")
    parser.add_argument("--page", action="store_true", help="write the page only")
    options = parser.parse_args()
    if not options.page:
        RESULTS.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(WORKERS) as pool:
            for experiment in EXPERIMENTS:
                run(experiment, pool, options.again, options.seeds)
    write_page(RESULTS, PAGE)


def run(experiment: Experiment, pool: ProcessPoolExecutor, again: bool, most: int) -> None:
    """Measure the seeds of each setting that are not in the table yet, and write the table after each."""
    path = RESULTS / f"{experiment.name}.csv"
    known = pd.read_csv(path).to_dict("records") if path.exists() and not again else []
    names = list(experiment.settings[0])
    wanted = min(most, experiment.seeds)
    for number, setting in enumerate(experiment.settings, 1):
        before = [row for row in known if all(row[name] == setting[name] for name in names)]
        done = len(before) if experiment.rows else sum(row["seeds"] for row in before)
        if done >= wanted:
            continue
        start = time.perf_counter()
        measured = pool.map(partial(experiment.measure, setting), range(done, wanted), chunksize=5)
        rows = rows_of(experiment, setting, pd.DataFrame(measured), done)
        if not experiment.rows and before:
            sums = {name: value + before[0][name] for name, value in rows[0].items() if name not in names}
            rows = [{**setting, **sums}]
            known.remove(before[0])
        known += rows
        table = pd.DataFrame(known)
        order = [list(each.values()) for each in experiment.settings]
        place = [order.index(list(each)) for each in table[names].itertuples(index=False)]
        table = table.iloc[sorted(range(len(table)), key=place.__getitem__)]
        table.to_csv(path, index=False, float_format="%.6g")
        took = time.perf_counter() - start
        print(f"{experiment.name} {number}/{len(experiment.settings)} {setting}: {took:.1f} s", flush=True)


def rows_of(experiment: Experiment, setting: Setting, measured: pd.DataFrame, first: int) -> list[Setting]:
    """A row for each world, of seeds from `first`, or one with the sums over worlds."""
    if experiment.rows:
        rows = measured.to_dict("records")
        return [{**setting, "seed": seed, **row} for seed, row in enumerate(rows, first)]
    return [{**setting, "seeds": len(measured), **measured.sum().astype(int)}]


if __name__ == "__main__":
    main()
