"""Kill recordings at ten moments, resume each, and print as JSON what came of them.

A program of its own: every attempt is a fork of this process, which has imported everything and computed
nothing. The moments are those just before a finished file takes its place, spread evenly over all such
moments of a recording: what has been written by then lies there as a partial file.
"""

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from toy_audio_model import FRAME, RATE, ToyModel

from otoscope.activations import plan
from otoscope.activations.recording import record
from otoscope.tasks import Task

MOMENTS = 10
REPLACE = Path.replace


def main(folder):
    plan.SHARD = 4
    clips = []
    for index in range(11):
        path = folder / f"{index}.wav"
        samples = np.random.default_rng(index).normal(0, 0.3, (8 + index % 2) * FRAME)
        soundfile.write(path, samples.astype(np.float32), RATE, subtype="FLOAT")
        clips.append({"clip": path.name, "path": str(path)})
    task = Task("toy", pd.DataFrame(clips), ())
    whole = folder / "whole.zarr"
    attempt(task, whole, count_into=folder / "moments")
    moments = int((folder / "moments").read_text())
    results = []
    for number in range(MOMENTS):
        out = folder / f"killed{number}.zarr"
        at = number * (moments - 1) // (MOMENTS - 1)
        # One in ten is interrupted as by Ctrl-C instead.
        death = signal.SIGINT if number == MOMENTS // 2 else signal.SIGKILL
        status = attempt(task, out, at=at, death=death)
        results.append(
            {
                "moment": at,
                "signal": int(death),
                "killed": os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 130,
                "partial": len(partial(out)),
                "resumed": os.waitstatus_to_exitcode(attempt(task, out)) == 0,
                "equal": data(out) == data(whole),
                "partial_after": len(partial(out)),
                "outcomes": sorted(
                    json.loads(run.read_text())["outcome"] for run in (out / "runs").iterdir()
                ),
            }
        )
    print(json.dumps({"moments": moments, "files": len(data(whole)), "results": results}))


def attempt(task, out, *, at=None, death=signal.SIGKILL, count_into=None):
    """Record in a fork that dies at a moment; returns its status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    moment = itertools.count()

    def replace(self, target):
        if next(moment) == at:
            os.kill(os.getpid(), death)
        return REPLACE(self, target)

    Path.replace = replace
    try:
        record(ToyModel(), task, out, threads=1, batch_size=3)
    except KeyboardInterrupt:
        os._exit(130)
    if count_into:
        count_into.write_text(str(next(moment)))
    os._exit(0)


def data(out):
    return {str(f.relative_to(out)): f.read_bytes() for f in out.glob("*/c/**/*") if f.is_file()}


def partial(out):
    return [f for f in out.rglob("*") if ".partial" in f.name]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
