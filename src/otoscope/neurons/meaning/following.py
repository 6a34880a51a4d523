"""Rank correlations of firing shares with descriptors, over the clips of which a descriptor is known."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.probability import Recording
from otoscope.neurons.ranks import ranks_of
from otoscope.neurons.rates import rate_blocks

__all__ = [
    "BLOCK",
    "descriptor_values",
    "patterns_of",
    "rank_correlations",
    "ranks_among",
    "ranks_of_known",
    "spearman",
    "unit_length",
]

BLOCK = 2048
"""Neurons in hand at a time."""

_COLUMNS = 512  # neurons ranked anew at a time
_TIE = 1e-6

Array = NDArray[np.float32]


def rank_correlations(
    store: Recording, descriptors: pd.DataFrame, rows: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """Spearman's correlation of every neuron's firing share with every descriptor, over clips.

    Args:
        store: a recording.
        descriptors: one row a clip of the recording; its columns of numbers are used. A clip of which a
            descriptor is NaN is left out for this descriptor.
        rows: the clips to use; by default all that were recorded. Shape (clips,).

    Returns:
        In [-1, 1]. One row a neuron in flat order, a column for each descriptor; NaN for a neuron or a
        descriptor that is the same on all clips.

    Raises:
        UsageError: not a row for each clip of the recording, or no column of numbers.
    """
    used = np.flatnonzero(np.asarray(store.tokens) > 0) if rows is None else rows
    names, values = descriptor_values(store, descriptors, used)
    patterns = list(patterns_of(values))
    found = np.full((sum(layer.units for layer in store.layers), len(names)), np.nan)
    for part, rates in rate_blocks(store, used, BLOCK):
        ranks = ranks_of(rates)
        for columns, known in patterns:
            found[part, columns] = spearman(ranks, values[:, columns], known)
    return pd.DataFrame(found, columns=names)


def descriptor_values(
    store: Recording, descriptors: pd.DataFrame, rows: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.float64]]:
    """Names and values of the descriptors of some clips; what is not finite is NaN. (clips, descriptors).

    Raises:
        UsageError: not a row for each clip of the recording, or no column of numbers.
    """
    numbers = descriptors.select_dtypes("number")
    if len(numbers) != len(store.tokens) or not numbers.shape[1]:
        raise UsageError(
            f"descriptors have {len(numbers)} rows and {numbers.shape[1]} columns of numbers; expected a row "
            f"for each of the {len(store.tokens)} clips of the recording, and at least one such column"
        )
    values = numbers.to_numpy(dtype=np.float64)[rows]
    return [str(name) for name in numbers.columns], np.where(np.isfinite(values), values, np.nan)


def ranks_among(ranks: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ranks among some of the rows, ties shared, from ranks among all: by counting, which beats sorting.

    >>> ranks_among(np.array([[1.0], [2.5], [2.5], [4.0]]), np.array([False, True, True, True])).ravel()
    array([1.5, 1.5, 3. ])
    """
    if used.all():
        return ranks
    codes = (2 * ranks[used]).astype(np.int64).T  # half ranks of ties become whole numbers
    width = 2 * len(ranks) + 1
    found = np.empty(codes.shape)
    for start in range(0, len(codes), _COLUMNS):
        block = codes[start : start + _COLUMNS]
        flat = (block + width * np.arange(len(block))[:, None]).ravel()
        counts = np.bincount(flat, minlength=width * len(block)).reshape(-1, width)
        middle = counts.cumsum(axis=1) - (counts - 1) / 2
        found[start : start + _COLUMNS] = middle.ravel()[flat].reshape(block.shape)
    return found.T


def unit_length(values: Array) -> Array:
    """Columns of length 1; NaN for a column that is 0 but for rounding."""
    length = np.sqrt((values * values).sum(axis=0))
    scale: Array = np.where(length > _TIE * len(values), length, np.nan).astype(np.float32)
    found: Array = np.divide(values, scale)
    return found


def spearman(
    ranks: NDArray[np.float64], values: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.floating]:
    """Correlations of ranks (clips, neurons) with descriptors known of some clips: (neurons, descriptors)."""
    among, own = ranks_among(ranks, known), ranks_of(values[known])
    return (
        unit_length((own - own.mean(axis=0)).astype(np.float32)).T
        @ unit_length((among - among.mean(axis=0)).astype(np.float32))
    ).T


def ranks_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks of each column among the rows of which it is known; NaN elsewhere."""
    ranks = np.full_like(values, np.nan)
    for columns, known in patterns_of(values):
        ranks[np.ix_(known, columns)] = ranks_of(values[known][:, columns])
    return ranks


def patterns_of(values: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Columns that are known of the same rows, and these rows."""
    known, which = np.unique(np.isfinite(values), axis=1, return_inverse=True)
    for number, rows in enumerate(known.T):
        if rows.any():
            yield np.flatnonzero(which.ravel() == number), rows
