"""Kill recordings at random moments, until so many kills are done; every store must end with the same bytes.

    python random_kills.py FOLDER KILLS            what came of it, as JSON
    python random_kills.py FOLDER KILLS --write    also as docs/results/kills.md

Each store is recorded by runs that are killed one after the other, until one lives to the end: with SIGKILL,
at a random moment between its start and what a whole run takes, alone or with its workers, or only one of its
workers. A run is a fork of this process, which has imported everything and computed nothing.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from toy_audio_model import FRAME, RATE, ToyModel

from otoscope.activations import open_store, plan, record, verify
from otoscope.activations.layout import Layout
from otoscope.tasks import Task

CLIPS, SHARD = 24, 4
PAUSE_S = 0.01
IN_PROCESSES = 5
"""One store in so many is recorded with two worker processes, which take their time to start."""
PAGE = Path(__file__).parents[2] / "docs" / "results" / "kills.md"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    plan.SHARD = SHARD
    found = kill(options.folder, options.kills, random.Random(options.seed))
    print(json.dumps(found))
    if options.write:
        PAGE.write_text(page(found), encoding="utf-8")


def kill(folder, kills, chance):
    task = clips_in(folder)
    whole, seconds = folder / "whole.zarr", {}
    for workers in (1, 2):
        began = time.monotonic()
        assert os.waitstatus_to_exitcode(wait(start(task, folder / f"whole{workers}.zarr", workers))) == 0
        seconds[workers] = time.monotonic() - began
    whole = data(folder / "whole1.zarr")
    assert data(folder / "whole2.zarr") == whole
    found = {"kills": 0, "stores": 0, "runs": 0, "equal": 0, "verified": 0, "left_over": 0}
    victims, done = Counter(), Counter()
    while found["kills"] < kills:
        out = folder / f"{found['stores']}.zarr"
        workers = 2 if found["stores"] % IN_PROCESSES == 0 else 1
        found["stores"] += 1
        status = None
        while status != 0:
            found["runs"] += 1
            child = start(task, out, workers)
            victim = None
            if found["kills"] < kills:
                victim = shoot(child, workers, chance, seconds[workers])
            status = os.waitstatus_to_exitcode(wait(child))
            if victim and (victim == "worker" or status != 0):
                found["kills"] += 1
                victims[victim] += 1
                done[len(list(Layout(out).receipts.glob("*.json")))] += 1
            elif status != 0:
                raise SystemExit(f"a run that nobody killed ended with {status}")
        open_store(out)
        found["equal"] += data(out) == whole
        found["verified"] += verify(out).whole
        found["left_over"] += any(".partial" in path.name or path.name == "locks" for path in out.rglob("*"))
    receipts = {str(number): done[number] for number in sorted(done)}
    return found | {
        "victims": dict(sorted(victims.items())),
        "shards_done": receipts,
        "shards": CLIPS // SHARD,
    }


def clips_in(folder):
    rows = []
    for index in range(CLIPS):
        path = folder / f"{index}.wav"
        samples = np.random.default_rng(index).normal(0, 0.3, (8 + index % 2) * FRAME)
        soundfile.write(path, samples.astype(np.float32), RATE, subtype="FLOAT")
        rows.append({"clip": path.name, "path": str(path)})
    return Task("toy", pd.DataFrame(rows), ())


def start(task, out, workers):
    """Record in a fork, the head of a group of its own; return its number."""
    child = os.fork()
    if child:
        return child
    os.setpgid(0, 0)
    try:
        record(ToyModel(pause=PAUSE_S), task, out, threads=1, batch_size=2, workers=workers)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def wait(child):
    return os.waitpid(child, 0)[1]


def shoot(child, workers, chance, seconds):
    """Kill a run, or a part of it, at a random moment; return what was killed, None if it was too late."""
    time.sleep(chance.uniform(0, seconds))
    if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        return None
    what = chance.choice(["run", "group", "worker"]) if workers > 1 else "run"
    try:
        if what == "group":
            os.killpg(child, signal.SIGKILL)
        elif what == "run":
            os.kill(child, signal.SIGKILL)
        elif of_it := children(child):
            os.kill(chance.choice(of_it), signal.SIGKILL)
        else:
            return None
    except ProcessLookupError:
        return None
    return what


def children(parent):
    """The worker processes of a run, where /proc tells."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = status.read_text().partition(" (")
            if int(rest.rpartition(") ")[2].split()[1]) == parent:
                found.append(int(number))
        except (OSError, ValueError):
            continue
    return found


def data(store):
    return {
        str(file.relative_to(store)): file.read_bytes() for file in store.glob("*/c/**/*") if file.is_file()
    }


def page(found):
    victims = ", ".join(f"{number} x {name}" for name, number in found["victims"].items())
    return (
        "## What kills do to a recording\n\n"
        "Made by `tests/activations/random_kills.py --write`; not edited by hand.\n\n"
        f"{found['kills']} kills at random moments ({victims}), in {found['runs']} runs that recorded "
        f"{found['stores']} stores of {found['shards']} shards: {found['equal']} of {found['stores']} ended "
        f"with the bytes of a quiet run, {found['verified']} pass `otoscope verify`, {found['left_over']} "
        "have temporary files or locks left in them.\n\n"
        "| shards done when it was killed | kills |\n|---|---|\n"
        + "".join(f"| {number} | {kills} |\n" for number, kills in found["shards_done"].items())
    )


if __name__ == "__main__":
    main()
