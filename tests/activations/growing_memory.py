"""Record 2,000 clips, with the miniature's number of neurons, and print the MB gained after the 200th."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from toy_audio_model import FRAME, RATE, ToyModel

from otoscope.activations.recording import record
from otoscope.tasks import Task

CLIPS = 2000

heard = []  # clips so far and the memory in use, batch by batch


class Watched(ToyModel):
    """Notes the memory in use before each batch."""

    def prepare(self, waveforms):
        before = heard[-1][0] if heard else 0
        heard.append((before + len(waveforms), resident()))
        return super().prepare(waveforms)


def resident():
    """MB of memory in use."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def main(folder):
    clips = []
    for index in range(CLIPS):
        path = folder / f"{index}.wav"
        samples = np.random.default_rng(index).normal(0, 0.3, 10 * FRAME).astype(np.float32)
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        clips.append({"clip": path.name, "path": str(path)})
    record(Watched(units=(768,) * 12), Task("toy", pd.DataFrame(clips), ()), folder / "x.zarr", threads=1)
    assert heard[-1][0] == CLIPS
    start = max(memory for number, memory in heard if number <= 200)
    print(max(memory for number, memory in heard if number > 200) - start)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
