"""Look into a store's files, and spoil the clips that go into one."""

import json
from pathlib import Path

import numpy as np
import soundfile


def data_files(path):
    """Every file of the arrays, with its bytes."""
    return {
        str(f.relative_to(path)): f.read_bytes() for f in sorted(Path(path).glob("*/c/**/*")) if f.is_file()
    }


def receipts(path):
    return [json.loads(file.read_text()) for file in sorted(Path(path, "receipts").iterdir())]


def spoil(task, clip, content=b"not sound at all"):
    Path(task.clips["path"].iloc[clip]).write_bytes(content)


def spoil_late(task, clip):
    """A clip whose header is right and whose samples are not."""
    path = task.clips["path"].iloc[clip]
    samples, rate = soundfile.read(path, dtype="float32")
    samples[3] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")
