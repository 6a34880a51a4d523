"""On what share of a clip's tokens each neuron fires, clip by clip: what tests and effect sizes are made of.

    r[i, j] = fired[i, j] / T[i]

The recording is read in blocks of neurons, so that memory does not grow with the model.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.probability import Recording

__all__ = ["rate_blocks", "rates_of"]

_BLOCK_BYTES = 64_000_000  # of shares in hand at a time
_CHUNK = 256  # neurons in one of the store's inner chunks


def rate_blocks(
    store: Recording, rows: NDArray[np.int64], block: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield the firing shares of some clips, block of neurons by block of neurons.

    Args:
        store: the recording.
        rows: the clips, each with tokens. Shape (clips,).
        block: neurons of a block; by default as many as 64 MB hold, in whole chunks of the store.

    Yields:
        The neurons of a block, and their shares in [0, 1]. Shape (clips, neurons of the block).
    """
    total = sum(layer.units for layer in store.layers)
    size = block or max(_BLOCK_BYTES // (4 * max(len(rows), 1)) // _CHUNK, 1) * _CHUNK
    for start in range(0, total, size):
        part = slice(start, min(start + size, total))
        yield part, _rates(store, rows, part)


def rates_of(store: Recording, rows: NDArray[np.int64], neurons: NDArray[np.int64]) -> NDArray[np.float32]:
    """The firing shares of some clips and a few neurons, by their flat numbers. Shape (clips, neurons)."""
    found = np.empty((len(rows), len(neurons)), np.float32)
    for chunk in np.unique(neurons // _CHUNK):
        part = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
        inside = neurons // _CHUNK == chunk
        found[:, inside] = _rates(store, rows, part)[:, neurons[inside] - part.start]
    return found


def _rates(store: Recording, rows: NDArray[np.int64], part: slice) -> NDArray[np.float32]:
    tokens, column = np.unique(np.asarray(store.layer_tokens)[rows], axis=1, return_inverse=True)
    if tokens.shape[1] > 1:  # as many columns as neurons only where layers differ in their tokens
        tokens = tokens[:, np.repeat(column.ravel(), [each.units for each in store.layers])[part]]
    counts = np.asarray(store.counts(part))
    fired = counts if np.array_equal(rows, np.arange(len(counts))) else counts[rows]
    shares: NDArray[np.float32] = np.divide(fired, tokens.astype(np.float32), dtype=np.float32)
    return shares
