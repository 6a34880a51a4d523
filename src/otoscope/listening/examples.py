"""Which clips show what a neuron does, from the recording alone: no audio is read and no model runs.

Top examples alone mislead: they show what drives a neuron most, not what it tells apart. Beside them stand
clips in which its greatest activation is nearest to the threshold, and those in which it fires least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.listening.card import KINDS, Example, Kind
from otoscope.neurons.addresses import Address, flat_index

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.activations.store import Store

__all__ = ["Column", "columns_of", "examples_of"]

_STRETCH = 1 << 16  # clips in hand at a time, whole shards of a store
_CHUNK = 256  # neurons in one of the store's inner chunks


@dataclass(frozen=True, eq=False)
class Column:
    """What the recording holds of one neuron.

    Attributes:
        layer: its layer.
        unit: its unit.
        fired: on how many tokens it fires. Shape (clips,).
        tokens: how many each clip has in its layer; 0 for a skipped clip. Shape (clips,).
        peak: its greatest activation; NaN for a skipped clip. Shape (clips,).
    """

    layer: int
    unit: int
    fired: NDArray[np.int64]
    tokens: NDArray[np.int64]
    peak: NDArray[np.float32]

    @property
    def share(self) -> NDArray[np.float64]:
        """On what share of its tokens, in [0, 1]; NaN for a skipped clip. Shape (clips,)."""
        none = np.full(len(self.tokens), np.nan)
        shares: NDArray[np.float64] = np.divide(self.fired, self.tokens, out=none, where=self.tokens > 0)
        return shares


def columns_of(store: Store, neurons: Sequence[Address]) -> Iterator[Column]:
    """What the recording holds of some neurons, in the order given; neighbours are read together.

    Raises:
        UsageError: there is no such neuron.
    """
    flat = [flat_index(store.layers, *address) for address in neurons]
    tokens = store.layer_tokens
    stretches = [slice(start, start + _STRETCH) for start in range(0, len(tokens), _STRETCH)]
    for chunk, together in groupby(zip(neurons, flat, strict=True), lambda neuron: neuron[1] // _CHUNK):
        addresses, numbers = zip(*together, strict=True)
        part, inside = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK), np.array(numbers) % _CHUNK
        counts = np.concatenate([store.counts(part, clips)[:, inside] for clips in stretches])
        peaks = np.concatenate([store.peaks(part, clips)[:, inside] for clips in stretches])
        for column, (layer, unit) in enumerate(addresses):
            fired = counts[:, column].astype(np.int64)
            yield Column(layer, unit, fired, tokens[:, layer], peaks[:, column].copy())


def examples_of(store: Store, column: Column, number: int) -> tuple[Example, ...]:
    """Clips in which the neuron fires on the highest share of tokens, peaks highest, just barely, and least.

    A clip stands under the first of these only; of equals the one that comes first in the table.

    Args:
        store: the recording.
        column: what it holds of the neuron.
        number: of clips with the highest share, at most; half as many of each other kind.
    """
    taken: set[int] = set()
    examples = []
    for kind in KINDS:
        wanted = number if kind == "share" else max(number // 2, 1)
        rows = [row for row in _ranked(column, kind) if row not in taken][:wanted]
        taken.update(rows)
        examples += [_example(store.clips, store, column, kind, row) for row in rows]
    return tuple(examples)


def _ranked(column: Column, kind: Kind) -> list[int]:
    """The clips from the best example of a kind to the worst; without those that are none at all."""
    share, peak = column.share, column.peak.astype(np.float64)
    known = np.flatnonzero(column.tokens > 0)
    keys = {
        "share": (-share, -peak),
        "peak": (-peak, -share),
        "near": (np.abs(peak),),
        "least": (share, peak),
    }[kind]
    order = known[np.lexsort([key[known] for key in reversed(keys)])]
    firing = column.fired[order] > 0
    # What never fires is no example of firing.
    return [int(row) for row in (order[firing] if kind in ("share", "peak") else order)]


def _example(clips: pd.DataFrame, store: Store, column: Column, kind: Kind, row: int) -> Example:
    clip = clips.iloc[row]
    labels = {name: _label(each, clips, row) for name, each in store.labelings.items()}
    return Example(
        kind,
        str(clip["clip"]),
        row,
        labels,
        float(column.share[row]),
        int(column.fired[row]),
        int(column.tokens[row]),
        float(column.peak[row]),
    )


def _label(labeling: Any, clips: pd.DataFrame, row: int) -> str:
    return ", ".join(labeling.labels(clips.iloc[row : row + 1])[0])
