"""Where training audio comes from: rendered shards, or any task."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from otoscope.pretraining.config import ConfigError, DataConfig
from otoscope.tasks import load_task

RENDERED_RATE = 16000


@dataclass(frozen=True)
class Source:
    """Clips of equal length, and a class for each where the labels are known.

    Attributes:
        count: number of clips.
        samples: samples of every clip.
        read: the samples (float32, full scale 1) of clip i.
        fingerprint: changes when the clips, their order or their labels do.
        classes: names, in the order of the class numbers.
        labels: class number of every clip, or None without `data.label`.
    """

    count: int
    samples: int
    read: Callable[[int], npt.NDArray[np.float32]]
    fingerprint: str
    classes: tuple[str, ...] = ()
    labels: npt.NDArray[np.int64] | None = None


def open_source(data: DataConfig) -> Source:
    """Open what `data.source` names.

    Raises:
        ConfigError: a folder of rendered clips that is none, another sample rate, an unusable label.
    """
    kind, _, place = data.source.partition(":")
    return _rendered(Path(place), data) if kind == "rendered" else _task(data)


def _rendered(folder: Path, data: DataConfig) -> Source:
    table_path = folder / "clips.parquet"
    if not table_path.exists():
        raise ConfigError(
            f"data.source: {folder} has no clips.parquet; expected the output of "
            "tools/mini/render_training.py; render it first"
        )
    if data.sample_rate != RENDERED_RATE:
        raise ConfigError(f"data.sample_rate: rendered clips have {RENDERED_RATE} Hz, not {data.sample_rate}")
    table = pd.read_parquet(table_path)
    shards = {
        int(number): np.load(folder / f"audio-{int(number):03d}.npy", mmap_mode="r")
        for number in table["shard"].unique()
    }
    samples = round(data.seconds * data.sample_rate)
    where = list(zip(table["shard"].astype(int), table["row"].astype(int), strict=True))

    def read(i: int) -> npt.NDArray[np.float32]:
        shard, row = where[i]
        return _fit(shards[shard][row].astype(np.float32) / 32768, samples)

    classes, labels = (), None
    if data.label is not None:
        if data.label not in table:
            raise ConfigError(
                f"data.label: no column {data.label!r} in {table_path}; it has {', '.join(table.columns)}"
            )
        categories = pd.Categorical(table[data.label].astype(str))
        classes, labels = tuple(categories.categories), np.asarray(categories.codes, dtype=np.int64)
    fingerprint = hashlib.sha256(table_path.read_bytes()).hexdigest()
    return Source(len(table), samples, read, fingerprint, classes, labels)


def _task(data: DataConfig) -> Source:
    task = load_task(data.source, seconds=data.seconds)
    samples = round(data.seconds * data.sample_rate)

    def read(i: int) -> npt.NDArray[np.float32]:
        return _fit(task.read(i, data.sample_rate).samples, samples)

    if data.label is None:
        return Source(len(task.clips), samples, read, task.fingerprint)
    labeling = task.labeling(data.label)
    membership = labeling.membership(task.clips)
    if labeling.multilabel or not (membership.sum(1) == 1).all():
        raise ConfigError(
            f"data.label: {data.label!r} of {data.source} does not give every clip one class; "
            "the supervised objective needs that; take another labeling"
        )
    return Source(
        len(task.clips),
        samples,
        read,
        task.fingerprint,
        labeling.classes,
        membership.argmax(1).astype(np.int64),
    )


def _fit(samples: npt.NDArray[np.float32], length: int) -> npt.NDArray[np.float32]:
    # Cropped or padded with silence at the end.
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
