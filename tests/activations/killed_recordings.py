"""Kill recordings at ten moments, resume each, and print as JSON what came of them.

    python killed_recordings.py FOLDER             of one model
    python killed_recordings.py FOLDER together    of two over one reading, resumed one by one

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
from toy_relatives import Coarse

from otoscope.activations import plan
from otoscope.activations.recording import record, record_all
from otoscope.tasks import Task

MOMENTS = 10
REPLACE = Path.replace


def main(folder, together):
    plan.SHARD = 4
    models = [ToyModel(), Coarse(9, seed=1)] if together else [ToyModel()]
    clips = []
    for index in range(11):
        path = folder / f"{index}.wav"
        samples = np.random.default_rng(index).normal(0, 0.3, (8 + index % 2) * FRAME)
        soundfile.write(path, samples.astype(np.float32), RATE, subtype="FLOAT")
        clips.append({"clip": path.name, "path": str(path)})
    task = Task("toy", pd.DataFrame(clips), ())
    whole = folder / "whole"
    attempt(models, task, whole, count_into=folder / "moments")
    moments = int((folder / "moments").read_text())
    results = []
    for number in range(MOMENTS):
        out = folder / f"killed{number}"
        at = number * (moments - 1) // (MOMENTS - 1)
        # One in ten is interrupted as by Ctrl-C instead.
        death = signal.SIGINT if number == MOMENTS // 2 else signal.SIGKILL
        status = attempt(models, task, out, at=at, death=death)
        results.append(
            {
                "moment": at,
                "signal": int(death),
                "killed": os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 130,
                "partial": len(partial(out)),
                "resumed": all(
                    os.waitstatus_to_exitcode(attempt([model], task, out)) == 0 for model in models
                ),
                "equal": data(out) == data(whole),
                "partial_after": len(partial(out)),
                "outcomes": sorted(json.loads(run.read_text())["outcome"] for run in out.glob("*/runs/*")),
            }
        )
    print(json.dumps({"moments": moments, "files": len(data(whole)), "results": results}))


def attempt(models, task, out, *, at=None, death=signal.SIGKILL, count_into=None):
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
        outs = [out / f"{model.name}.zarr" for model in models]
        if len(models) == 1:
            record(models[0], task, outs[0], threads=1, batch_size=3)
        else:
            record_all(models, task, outs, threads=1, batch_size=3)
    except KeyboardInterrupt:
        os._exit(130)
    if count_into:
        count_into.write_text(str(next(moment)))
    os._exit(0)


def data(out):
    return {str(f.relative_to(out)): f.read_bytes() for f in out.glob("*/*/c/**/*") if f.is_file()}


def partial(out):
    return [f for f in out.rglob("*") if ".partial" in f.name]


if __name__ == "__main__":
    # A shell's background job is started with Ctrl-C ignored, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(Path(sys.argv[1]), together="together" in sys.argv)
