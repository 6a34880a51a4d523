"""Embed clips again and again, each time with other activations changed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.activations.again import sound_of
from otoscope.audio import Waveform
from otoscope.interventions.changes import Address, Change, Patch, Prefix, Tape, intervene, tape
from otoscope.models.base import AudioModel

__all__ = ["Batch", "Changes", "embed", "read_batches"]

Changes = Sequence[Change]
"""What is changed together in one condition; nothing leaves the model as it is."""

Donors = Mapping[str, Mapping[int, int]]
"""By the `source` of a `Patch`: for each clip, the clip whose activations it is given, as row numbers."""

AT_ONCE = 64
"""Conditions whose embeddings are in hand at a time."""


@dataclass(frozen=True)
class Batch:
    """Clips of equal length, ready to be heard.

    Attributes:
        rows: their row numbers in the table of clips.
        waveforms: their sound.
        donors: by the `source` of a `Patch`, the sound of the clips that give the activations, cut or
            repeated to the length of the clips that get them.
    """

    rows: tuple[int, ...]
    waveforms: tuple[Waveform, ...]
    donors: Mapping[str, tuple[Waveform, ...]] = field(default_factory=dict)


def read_batches(
    model: AudioModel,
    clips: pd.DataFrame,
    rows: Iterable[int],
    *,
    task: Mapping[str, Any],
    batch_size: int,
    donors: Donors | None = None,
) -> Iterator[Batch]:
    """Read clips and hand them out in batches that the model can take in one piece.

    Args:
        model: says which clips are of equal length.
        clips: the table of clips: `path` and, where parts of files are meant, `start` and `stop` (s).
        rows: row numbers of the clips wanted.
        task: what the store's `info` says of the task: to what length clips are cropped and padded, and how.
        batch_size: clips in a batch, at most.
        donors: clips to read beside them.

    Raises:
        AudioError: a clip can no longer be read.
    """

    def read(row: int) -> Waveform:
        return sound_of(clips.iloc[row], task).at(model.sample_rate)

    def batch(alike: Sequence[tuple[int, Waveform]]) -> Batch:
        numbers, waveforms = zip(*alike, strict=True)
        given = {
            source: tuple(_fitted(read(giver[row]), waveform) for row, waveform in alike)
            for source, giver in (donors or {}).items()
        }
        return Batch(numbers, waveforms, given)

    waiting: dict[int, list[tuple[int, Waveform]]] = defaultdict(list)
    for row in rows:
        waveform = read(int(row))
        alike = waiting[model.length(len(waveform.samples))]
        alike.append((int(row), waveform))
        if len(alike) == batch_size:
            yield batch(alike)
            alike.clear()
    yield from (batch(alike) for alike in waiting.values() if alike)


def embed(
    model: AudioModel,
    batches: Iterable[Batch],
    conditions: Sequence[Changes],
    wanted: Callable[[Batch], Sequence[int]] | None = None,
) -> Iterator[tuple[Batch, Sequence[int], NDArray[np.float32]]]:
    """Embed every batch once under every condition, so that conditions differ in their changes and nothing
    else.

    What comes before a condition's first changed layer is computed once a batch, see `Prefix`.

    Args:
        model: the model.
        batches: clips; each batch is prepared once.
        conditions: what is changed in each.
        wanted: which conditions a batch is heard under, by number; all by default.

    Yields:
        The batch, which conditions (at most `AT_ONCE`), and their embeddings, shape (conditions, clips of the
        batch, embedding_size).
    """
    prefix = Prefix(model)
    for batch in batches:
        numbers = range(len(conditions)) if wanted is None else wanted(batch)
        hearing = _Hearing(model, prefix, batch, [conditions[number] for number in numbers])
        for start in range(0, len(numbers), AT_ONCE):
            part = numbers[start : start + AT_ONCE]
            yield batch, part, np.stack([hearing.embedding(conditions[number]) for number in part])


class _Hearing:
    """One batch, prepared and heard clean, to be heard again under changes."""

    def __init__(
        self, model: AudioModel, prefix: Prefix, batch: Batch, conditions: Sequence[Changes]
    ) -> None:
        self._model, self._prefix = model, prefix
        self._chunks = model.prepare(batch.waveforms)
        self._memories, clean = [], []
        for chunk in self._chunks:
            with prefix.kept() as memory, torch.inference_mode():
                clean.append(model.forward(chunk))
            self._memories.append(memory)
        self._clean = self._embedded(clean)
        self._tapes = {
            source: _tapes(model, batch.donors[source], neurons)
            for source, neurons in _patched(conditions).items()
        }

    def embedding(self, changes: Changes) -> NDArray[np.float32]:
        """The clips' embeddings under a condition: (clips, embedding_size)."""
        layers = [layer for change in changes for layer in change.layers]
        if not layers:
            return self._clean
        features = []
        for number, (chunk, memory) in enumerate(zip(self._chunks, self._memories, strict=True)):
            own = [self._on(change, number) for change in changes]
            with (
                self._prefix.resumed(memory, layers),
                intervene(self._model, *own),
                torch.inference_mode(),
            ):
                features.append(self._model.forward(chunk))
        return self._embedded(features)

    def _on(self, change: Change, chunk: int) -> Change:
        """A change as it is for one chunk: a `Patch` without a tape is given that of the chunk's donors."""
        if isinstance(change, Patch) and change.tape is None:
            return change.playing(self._tapes[change.source][chunk])
        return change

    def _embedded(self, features: Sequence[Tensor]) -> NDArray[np.float32]:
        with torch.inference_mode():
            embedding = self._model.embedding(self._chunks, features)
        return np.asarray(embedding.float().cpu().numpy())


def _patched(conditions: Sequence[Changes]) -> dict[str, set[Address]]:
    """Of each source of activations, which neurons are patched from it in any condition."""
    found: dict[str, set[Address]] = defaultdict(set)
    for changes in conditions:
        for change in changes:
            if isinstance(change, Patch) and change.tape is None:
                found[change.source].update(change.neurons)
    return found


def _tapes(model: AudioModel, waveforms: Sequence[Waveform], neurons: Collection[Address]) -> list[Tape]:
    """What neurons do in some clips, chunk by chunk."""
    return [tape(model, chunk, neurons) for chunk in model.prepare(waveforms)]


def _fitted(donor: Waveform, like: Waveform) -> Waveform:
    """A clip's sound, cut or repeated to the length of another one's, and padded as that one is."""
    samples = np.zeros_like(like.samples)
    samples[: like.real] = np.resize(donor.samples[: donor.real], like.real)
    return Waveform(samples, like.real)
