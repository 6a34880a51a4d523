"""Embed clips again and again, each time with other neurons turned down."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from otoscope import audio
from otoscope.audio import Waveform
from otoscope.interventions.gains import Address, gains
from otoscope.models.base import AudioModel
from otoscope.tasks.lengths import crop


@dataclass(frozen=True)
class Batch:
    """Clips of equal length: their row numbers in the table of clips, and their sound."""

    rows: tuple[int, ...]
    waveforms: tuple[Waveform, ...]


def read_batches(
    model: AudioModel, clips: pd.DataFrame, rows: Iterable[int], *, task: Mapping[str, Any], batch_size: int
) -> Iterator[Batch]:
    """Read clips and hand them out in batches that the model can take in one piece.

    Args:
        model: says which clips are of equal length.
        clips: the table of clips: `path` and, where parts of files are meant, `start` and `stop` (s).
        rows: row numbers of the clips wanted.
        task: what the store's `info` says of the task: to what length clips are cropped and padded, and how.
        batch_size: clips in a batch, at most.

    Raises:
        AudioError: a clip can no longer be read.
    """
    waiting: dict[int, list[tuple[int, Waveform]]] = defaultdict(list)
    for row in rows:
        clip = clips.iloc[row]
        start, stop = (None if pd.isna(clip.get(key)) else float(clip[key]) for key in ("start", "stop"))
        length = crop(clip, task["seconds"], task.get("evar_lengths", False))
        waveform = audio.decode(clip["path"], start=start, stop=stop, crop=length).at(model.sample_rate)
        alike = waiting[model.length(len(waveform.samples))]
        alike.append((int(row), waveform))
        if len(alike) == batch_size:
            yield _batch(alike)
            alike.clear()
    yield from (_batch(alike) for alike in waiting.values() if alike)


def embed(
    model: AudioModel, batches: Iterable[Batch], conditions: Sequence[Mapping[Address, float]]
) -> Iterator[tuple[Batch, int, np.ndarray]]:
    """Embed every batch once under every condition, so that conditions differ in their gains and nothing
    else.

    Args:
        model: the model.
        batches: clips; each batch is prepared once.
        conditions: for each condition, the gains of some neurons; an empty mapping leaves the model as it is.

    Yields:
        The batch, the number of the condition, and the embeddings, shape (clips of the batch,
        embedding_size).
    """
    for batch in batches:
        chunks = model.prepare(batch.waveforms)
        for number, factors in enumerate(conditions):
            with gains(model, factors), torch.inference_mode():
                embedding = model.embedding(chunks, [model.forward(chunk) for chunk in chunks])
            yield batch, number, embedding.float().cpu().numpy()


def _batch(clips: Sequence[tuple[int, Waveform]]) -> Batch:
    rows, waveforms = zip(*clips, strict=True)
    return Batch(rows, waveforms)
