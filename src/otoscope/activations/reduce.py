"""Reduce hidden activations to what is kept of them: how often, how much, how far and where a neuron fires.

A chunk's positions are cut once into tiles, and every layer's activation is then reduced tile by tile: a tile
is small enough to stay in a processor's cache between the passes over it, and has no more positions than a
byte can count, so that counts and positions are reduced as bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BYTE = 255  # positions of a tile, at most: sums and ranks in uint8 cannot overflow
_CACHE = 2 << 20  # bytes of a tile on a CPU, about a core's second-level cache

Span = slice | Tensor


@dataclass(frozen=True)
class Tile:
    """Some clips of a batch, and positions at which the same kind of token stands in all of them.

    Attributes:
        rows: clips of the batch.
        positions: positions of the chunk.
        numbers: the number of the token at each of these positions, per clip. int64, shape (clips,
            positions).
    """

    rows: Span
    positions: Span
    numbers: Tensor

    def of(self, activation: Tensor) -> Tensor:
        """This tile's part of an activation of shape (clips, positions, units); a view where it can be."""
        return activation[self.rows][:, self.positions]


def tiles(
    wanted: NDArray[np.bool_], numbers: NDArray[np.int64], units: int, device: torch.device
) -> list[Tile]:
    """Cut the wanted positions of a chunk into tiles.

    Args:
        wanted: which positions count. Shape (clips, positions).
        numbers: the number of every position's token. Shape (clips, positions).
        units: width of the widest layer.
        device: where the activations are.
    """
    found: list[Tile] = []
    for rows, positions in _alike(wanted):
        for start in range(0, len(positions), _BYTE):
            block = positions[start : start + _BYTE]
            size = len(rows)
            if device.type == "cpu":
                size = max(1, _CACHE // (4 * units * len(block)))
            for first in range(0, len(rows), size):
                some = rows[first : first + size]
                ranks = torch.from_numpy(numbers[np.ix_(some, block)]).to(device)
                found.append(Tile(_span(some, device), _span(block, device), ranks))
    return found


class Tally:
    """The running statistics of one layer over the tiles of a batch.

    Attributes:
        fired: positions with an activation above 0. int32, shape (clips, units).
        total: sum of the activation. float64: it is added up over chunks.
        peak: its maximum; -inf where no position has been seen.
        where: number of the first token that reaches the peak.
    """

    def __init__(self, clips: int, units: int, device: torch.device) -> None:
        shape = (clips, units)
        self.fired = torch.zeros(shape, dtype=torch.int32, device=device)
        self.total = torch.zeros(shape, dtype=torch.float64, device=device)
        self.peak = torch.full(shape, -torch.inf, dtype=torch.float32, device=device)
        self.where = torch.zeros(shape, dtype=torch.int64, device=device)

    def add(self, activation: Tensor, tile: Tile) -> None:
        """Take in one tile of an activation of shape (clips, positions, units)."""
        values = tile.of(activation).float()
        rows = tile.rows
        self.fired[rows] += count(values)
        self.total[rows] += values.sum(1)
        peak = values.amax(1)
        where = tile.numbers.gather(1, _first(values, peak))
        before = self.peak[rows]
        higher = peak > before  # strictly: of equal peaks the first is kept
        self.peak[rows] = torch.where(higher, peak, before)
        self.where[rows] = torch.where(higher, where, self.where[rows])


def count(values: Tensor) -> Tensor:
    """How many of at most 255 positions are above 0: (clips, positions, units) to (clips, units), as uint8.

    >>> count(torch.tensor([[[0.5], [0.0], [-0.1], [2.0]]]))
    tensor([[2]], dtype=torch.uint8)
    """
    return (values > 0).view(torch.uint8).sum(1, dtype=torch.uint8)


def _first(values: Tensor, peak: Tensor) -> Tensor:
    """The first position at which each peak stands.

    A maximum over bytes that fall from position to position: several times faster on a CPU than torch's own
    argmax along an axis that is not the last.
    """
    n = values.shape[1]
    falling = torch.arange(n, 0, -1, dtype=torch.uint8, device=values.device)
    hit = (values == peak[:, None]).view(torch.uint8).mul_(falling[:, None])
    # A peak that is NaN equals nothing: rank 0 would lie one beyond the end.
    return (n - hit.amax(1).long()).clamp_(max=n - 1)


def _alike(wanted: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Clips that want the same positions, with these positions; none for clips that want none."""
    patterns, member = np.unique(wanted, axis=0, return_inverse=True)
    for index, pattern in enumerate(patterns):
        if pattern.any():
            yield np.flatnonzero(member.reshape(-1) == index), np.flatnonzero(pattern)


def _span(indices: NDArray[np.intp], device: torch.device) -> Span:
    """Indices as a slice where they are consecutive, since a slice is a view and an index copies."""
    first, last = int(indices[0]), int(indices[-1])
    if last - first == len(indices) - 1:
        return slice(first, last + 1)
    return torch.from_numpy(indices).to(device)
