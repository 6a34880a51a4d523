"""Training clips as log-mel spectrograms in one memory-mapped file, and the batches drawn from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.format import open_memmap

from otoscope.files import read_json, replacing, write_json
from otoscope.models.logmel import LogMel
from otoscope.pretraining.config import ConfigError, DataConfig
from otoscope.pretraining.objective import Batch
from otoscope.pretraining.sources import Source, open_source

BLOCK = 64  # clips transformed at once
STATISTICS_CLIPS = 5000  # as M2D: mean and deviation come from so many random clips
SPLIT_SEED = 0  # which clips are held out does not depend on the run's seed, so that runs compare


@dataclass(frozen=True)
class Corpus:
    """Spectrograms, split into clips to learn from and clips to measure on.

    Attributes:
        spectrograms: log-mel, not normalised, float16, shape (clips, bins, frames), on disk.
        mean: of the training log-mel, the first of M2D's `norm_stats`.
        deviation: likewise, the second.
        training: clip numbers to learn from.
        validation: clip numbers held out.
        classes: names of the classes, empty without labels.
        labels: class number of every clip, or None.
    """

    spectrograms: npt.NDArray[np.float16]
    mean: float
    deviation: float
    training: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64] | None

    def batch(self, clips: npt.NDArray[np.int64], frames: int, generator: torch.Generator) -> Batch:
        """The clips of these numbers, each cut to `frames` at a random time."""
        spare = self.spectrograms.shape[2] - frames
        starts = torch.randint(0, spare + 1, (len(clips),), generator=generator).tolist()
        cut = np.stack(
            [self.spectrograms[i, :, s : s + frames] for i, s in zip(clips.tolist(), starts, strict=True)]
        )
        spectrograms = (torch.from_numpy(cut).float() - self.mean) / self.deviation
        labels = None if self.labels is None else torch.from_numpy(self.labels[clips])
        return Batch(spectrograms[:, None], labels)


def prepare(data: DataConfig, frames: int, cache: Path, advance: Callable[[int, int], None]) -> Corpus:
    """Open the clips of a run; compute their spectrograms unless `cache` has them already.

    Args:
        data: which clips.
        frames: of one training input; the clips must be at least so long.
        cache: folder of `logmel.npy` and what it was made of.
        advance: called with the clips done and their number.

    Raises:
        ConfigError: too few clips, or clips shorter than the model's input.
    """
    source = open_source(data)
    front_end = LogMel(data.sample_rate)
    if front_end.frames(source.samples) < frames:
        raise ConfigError(
            f"data.seconds: {data.seconds:g} s gives {front_end.frames(source.samples)} frames and the model "
            f"takes {frames}; try {frames / 100:g} or a smaller model.input_size"
        )
    held_out = source.count // data.validation
    if held_out < 1:
        raise ConfigError(
            f"data.validation: one clip in {data.validation} of {source.count} leaves none to measure on; "
            "try a smaller number or more clips"
        )
    description = {"fingerprint": source.fingerprint, **data.model_dump(include={"seconds", "sample_rate"})}
    spectrograms = _spectrograms(source, front_end, cache, description, advance)
    order = np.random.default_rng(SPLIT_SEED).permutation(source.count)
    training = order[held_out:]
    sample = spectrograms[np.sort(training[:STATISTICS_CLIPS])].astype(np.float32)
    return Corpus(
        spectrograms,
        float(sample.mean(dtype=np.float64)),
        float(sample.std(dtype=np.float64)),
        training,
        order[:held_out],
        source.classes,
        source.labels,
    )


def _spectrograms(
    source: Source,
    front_end: LogMel,
    cache: Path,
    description: dict[str, object],
    advance: Callable[[int, int], None],
) -> npt.NDArray[np.float16]:
    array, receipt = cache / "logmel.npy", cache / "logmel.json"
    if not (array.exists() and receipt.exists() and read_json(receipt) == description):
        receipt.unlink(missing_ok=True)
        with replacing(array) as temporary:
            _write_spectrograms(source, front_end, temporary, advance)
        write_json(receipt, description)
    return np.asarray(np.load(array, mmap_mode="r"))


def _write_spectrograms(
    source: Source, front_end: LogMel, path: Path, advance: Callable[[int, int], None]
) -> None:
    shape = (source.count, front_end.mel_filters.shape[0], front_end.frames(source.samples))
    written = open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, source.count, BLOCK):
        clips = range(start, min(start + BLOCK, source.count))
        waveforms = torch.from_numpy(np.stack([source.read(i) for i in clips]))
        written[start : clips.stop] = front_end(waveforms).numpy().astype(np.float16)
        advance(clips.stop, source.count)
    written.flush()
