"""The neurons that fire in the same clips: cosine of firing shares over clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.listening.examples import Column
from otoscope.neurons.addresses import format_address, positions
from otoscope.neurons.probability import Recording
from otoscope.neurons.rates import rate_blocks

__all__ = ["nearest"]


def nearest(store: Recording, columns: Sequence[Column], number: int = 8) -> list[pd.DataFrame]:
    """For every neuron the others whose firing shares over clips point in the most similar direction.

    Args:
        store: the recording; read once, in blocks.
        columns: what it holds of the neurons.
        number: of neighbours, at most.

    Returns:
        For each neuron a table, most similar first: `layer`, `unit`, `address`, `cosine` in [0, 1]. Empty for
        a neuron that never fires.
    """
    rows = np.flatnonzero(np.asarray(store.tokens) > 0)
    wanted = _unit_length(np.stack([column.share[rows] for column in columns], axis=1).astype(np.float32))
    layer, unit = positions(store.layers)
    best = np.zeros((0, len(columns)))
    which = np.zeros((0, len(columns)), np.int64)
    own = {(column.layer, column.unit): place for place, column in enumerate(columns)}
    for part, rates in rate_blocks(store, rows):
        cosine = _ordered((_unit_length(rates).T @ wanted), part.start)
        for address, place in own.items():
            mine = np.flatnonzero((layer[part] == address[0]) & (unit[part] == address[1]))
            cosine[mine, place] = -1  # not its own neighbour
        keep = min(number, len(cosine))
        top = np.argpartition(-cosine, keep - 1, axis=0)[:keep]
        best = np.concatenate([best, np.take_along_axis(cosine, top, axis=0)])
        which = np.concatenate([which, top + part.start])
    return [_table(best[:, place], which[:, place], layer, unit, number) for place in range(len(columns))]


def _ordered(cosine: NDArray[np.float32], first: int) -> NDArray[np.float64]:
    """Cosines without the noise of their last digits, of equals the first neuron's the largest by a hair."""
    clean: NDArray[np.float64] = np.minimum(cosine.astype(np.float64).round(5), 1)
    return clean - 1e-12 * np.arange(first, first + len(cosine))[:, None]


def _unit_length(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns of length 1; zeros for a neuron that never fires."""
    length = np.sqrt((shares * shares).sum(axis=0))
    found: NDArray[np.float32] = np.divide(shares, length, out=np.zeros_like(shares), where=length > 0)
    return found


def _table(
    cosine: NDArray[np.float64],
    which: NDArray[np.int64],
    layer: NDArray[np.int64],
    unit: NDArray[np.int64],
    number: int,
) -> pd.DataFrame:
    order = np.argsort(-cosine)
    chosen = order[cosine[order] > 1e-6][:number]
    at = which[chosen]
    return pd.DataFrame(
        {
            "layer": layer[at],
            "unit": unit[at],
            "address": [format_address(*pair) for pair in zip(layer[at], unit[at], strict=True)],
            "cosine": cosine[chosen].round(5),
        }
    )
