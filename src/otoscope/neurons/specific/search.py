"""The search of the selector `specific` through a recording, in the true world and in permuted ones.

All worlds are searched in the same two readings of the recording, block of neurons by block of neurons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from otoscope.neurons.designs import Design
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.rates import rate_blocks
from otoscope.neurons.specific.halving import Halves
from otoscope.neurons.specific.steps import Gaps, candidates_of, class_tests, gaps_of, significant

__all__ = ["Found", "search"]

_BATCH_BYTES = 128_000_000  # of class means of permuted worlds in hand at a time


@dataclass(frozen=True)
class Found:
    """The candidates of a world, and which of them stand.

    Attributes:
        candidates: how many were tested.
        neurons: those that stand after correction, ascending. Shape (neurons,).
        inside: their class sets. Shape (classes used, neurons).
        p: their p. Shape (neurons,).
    """

    candidates: int
    neurons: NDArray[np.int64]
    inside: NDArray[np.bool_]
    p: NDArray[np.float64]


def search(
    store: Recording,
    clips: LabelledClips,
    design: Design,
    worlds: Sequence[Halves],
    alpha: float,
    correction: str,
) -> list[Found]:
    """Steps 2 to 7 in every world, reading the recording twice: for the candidates, and for their tests."""
    resolution = 1 / (12 * float(np.median(np.asarray(store.layer_tokens)[clips.rows])) ** 2)
    total = sum(layer.units for layer in store.layers)
    classes = len(worlds[0].kept)
    gap = np.empty((len(worlds), total), np.float32)
    top = np.empty((len(worlds), total), np.int16)
    for part, table in _unit_tables(store, clips, design):
        batch = max(_BATCH_BYTES // (4 * classes * table.shape[1]), 1)
        for start in range(0, len(worlds), batch):
            some = worlds[start : start + batch]
            for number, gaps in enumerate(gaps_of(table, design, some, resolution), start):
                gap[number, part], top[number, part] = gaps.gap, gaps.top
    candidates = [candidates_of(Gaps(*pair), classes) for pair in zip(gap, top, strict=True)]
    inside = [np.zeros((classes, len(each)), dtype=bool) for each in candidates]
    p = [np.ones(len(each)) for each in candidates]
    for part, table in _unit_tables(store, clips, design):
        for number, world in enumerate(worlds):
            low, high = np.searchsorted(candidates[number], [part.start, part.stop])
            if low < high:
                columns = table[:, candidates[number][low:high] - part.start].astype(np.float64)
                inside[number][:, low:high], p[number][low:high] = class_tests(
                    columns, design, world, resolution, alpha
                )
    stands = [significant(each, alpha, correction) for each in p]
    return [
        Found(len(neurons), neurons[good], sets[:, good], values[good])
        for neurons, sets, values, good in zip(candidates, inside, p, stands, strict=True)
    ]


def _unit_tables(
    store: Recording, clips: LabelledClips, design: Design
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Blocks of neurons with the mean firing share of each unit, less the neuron's mean: (units, neurons)."""
    units = len(design.rows)
    weight = (1.0 / np.bincount(design.unit))[design.unit].astype(np.float32)
    mean = sparse.csr_array(
        (weight, (design.unit, np.arange(len(design.unit)))), shape=(units, len(design.unit))
    )
    for part, rates in rate_blocks(store, clips.rows):
        table = rates if units == len(design.unit) else np.asarray(mean @ rates)
        # Sums of squares about the mean keep their digits in 32 bits.
        yield part, table - table.mean(axis=0)
