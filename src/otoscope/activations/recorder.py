"""Watch a model's layers while it hears a batch of clips, and keep the statistics, never the activations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.activations.reduce import Tally, Tile, count, tiles
from otoscope.activations.rows import check_numbers, rows_of
from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel, Chunk, Position
from otoscope.models.hooks import refuse_training

__all__ = ["Recorder", "Recording"]


@dataclass(frozen=True)
class Recording:
    """What is kept of a batch. Neurons lie in flat order: layer by layer, unit by unit.

    Attributes:
        tokens: valid tokens of each clip, in the model's grid 0. Shape (clips,).
        grid_tokens: the same in each grid. Shape (clips, grids).
        fired: how many of them have an activation above 0. Shape (clips, neurons).
        mean: mean activation over them; NaN for a clip without any.
        peak: greatest activation among them; NaN for a clip without any.
        peak_token: number of the first token with that activation, counted over the positions that are not
            special.
        embedding: the clip's embedding. Shape (clips, embedding_size).
        fired_special: as `fired`, over special positions (CLS); None unless asked for.
        fired_padding: as `fired`, over tokens that lie wholly in padding; None unless asked for.
        fired_rows: `fired` by frequency row of the token, 0 the lowest; 0 in rows that a layer's grid does
            not have. Shape (clips, rows, neurons); None unless asked for.
    """

    tokens: NDArray[np.int64]
    grid_tokens: NDArray[np.int64]
    fired: NDArray[np.int32]
    mean: NDArray[np.float32]
    peak: NDArray[np.float32]
    peak_token: NDArray[np.int64]
    embedding: NDArray[np.float32]
    fired_special: NDArray[np.int32] | None = None
    fired_padding: NDArray[np.int32] | None = None
    fired_rows: NDArray[np.int32] | None = None


class Recorder:
    """Hooks on a model's layers, for the length of a `with` block.

    Every hooked output is reduced at once to four statistics per clip and neuron, so that memory grows
    neither with the number of tokens nor with the number of clips. The hooks are gone after the block, error
    or not.

    Args:
        model: the model to watch.
        special: also count firing at special positions (CLS), apart.
        padding: also count firing at tokens that lie wholly in padding, apart.
        rows: also count firing in so many frequency rows; 0 for none.
    """

    def __init__(
        self, model: AudioModel, *, special: bool = False, padding: bool = False, rows: int = 0
    ) -> None:
        self.model = model
        wanted = [Position.TOKEN] + [Position.SPECIAL] * special + [Position.PADDING] * padding
        self._kinds: tuple[Position, ...] = tuple(wanted)
        self._rows = rows
        self._handles: list[Any] = []
        self._batch: _Batch | None = None

    def __enter__(self) -> Self:
        points = self.model.hooks()
        if len(points) != len(self.model.layers):
            raise OtoscopeError(
                f"model {self.model.name!r} names {len(self.model.layers)} layers but gives {len(points)} "
                "hook points; expected one a layer"
            )
        refuse_training(self.model.name, ((point.name, point.module) for point in points))
        for layer, point in enumerate(points):
            self._handles.append(point.attach(partial(self._see, layer)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._batch = None

    @torch.inference_mode()
    def run(self, chunks: Sequence[Chunk], samples: int = 0) -> Recording:
        """Let the model hear a batch of clips, given as consecutive pieces in time; return what was seen.

        Args:
            chunks: the pieces.
            samples: of one of the clips: by it the model says which token is in which row. Only for `rows`.

        Raises:
            OtoscopeError: a layer was not reached, was reached twice, or gave something else than (clips,
                positions, units).
        """
        if not self._handles:
            raise RuntimeError("the recorder is closed; use it in a `with` block")
        places = rows_of(self.model, samples) if self._rows else []
        batch = self._batch = _Batch(self.model, self._kinds, chunks[0].clips, self._rows, places)
        features = []
        for chunk in chunks:
            batch.begin(chunk)
            features.append(self.model.forward(chunk))
            batch.end()
        embedding = self.model.embedding(chunks, features).float().cpu().numpy()
        self._batch = None
        return batch.result(embedding)

    def _see(self, layer: int, activation: Tensor) -> None:
        if self._batch is not None:
            self._batch.see(layer, activation)


@dataclass(frozen=True)
class _View:
    """What stands where in a chunk, in the layers of one grid.

    Attributes:
        shape: clips and positions.
        tiles: of each kind of position.
        rows: of the tokens again, row by row.
    """

    shape: tuple[int, ...]
    tiles: dict[Position, list[Tile]]
    rows: list[tuple[int, Tile]]


class _Batch:
    """The tallies of one batch while its chunks pass."""

    def __init__(
        self,
        model: AudioModel,
        kinds: tuple[Position, ...],
        clips: int,
        rows: int,
        places: list[NDArray[np.int64]],
    ) -> None:
        self._layers = model.layers
        self._name = model.name
        self._device = model.device
        self._tallies = [Tally(clips, layer.units, model.device) for layer in model.layers]
        self._apart = {
            kind: [
                torch.zeros((clips, layer.units), dtype=torch.int32, device=model.device)
                for layer in model.layers
            ]
            for kind in kinds
            if kind is not Position.TOKEN
        }
        self._places = places  # by grid: the row of each token
        self._by_row = [
            torch.zeros((clips, rows, layer.units), dtype=torch.int32, device=model.device)
            for layer in model.layers
            if rows
        ]
        self._grids = 1 + max(layer.grid for layer in model.layers)
        # By grid: positions of the chunks before this one that are not special, and valid tokens.
        self._passed = np.zeros((self._grids, clips), dtype=np.int64)
        self._tokens = np.zeros((clips, self._grids), dtype=np.int64)
        self._chunk: Chunk | None = None
        self._views: dict[int, _View] = {}
        self._seen = [0] * len(model.layers)

    def begin(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._views = {}
        self._seen = [0] * len(self._layers)

    def see(self, layer: int, output: Tensor) -> None:
        units, grid = self._layers[layer].units, self._layers[layer].grid
        if grid not in self._views and output.ndim == 3:
            self._views[grid] = self._view(grid, output.shape[1])
        view = self._views.get(grid)
        shape = view.shape if view else ("clips", "positions")
        if tuple(output.shape) != (*shape, units):
            raise OtoscopeError(
                f"layer {self._layers[layer].name!r} of model {self._name!r} gave shape "
                f"{tuple(output.shape)}; expected (clips, positions, units) = {(*shape, units)}, at every "
                "call"
            )
        assert view is not None
        self._seen[layer] += 1
        for tile in view.tiles[Position.TOKEN]:
            self._tallies[layer].add(output, tile)
        for kind, fired in self._apart.items():
            for tile in view.tiles[kind]:
                fired[layer][tile.rows] += count(tile.of(output))
        for row, tile in view.rows:
            self._by_row[layer][tile.rows, row] += count(tile.of(output))

    def _view(self, grid: int, positions: int) -> "_View":
        """What stands where in this chunk, in the layers of a grid."""
        kind = self._kind(grid, positions)
        numbers = self._passed[grid][:, None] + np.cumsum(kind != Position.SPECIAL, axis=1) - 1
        widest = max(layer.units for layer in self._layers if layer.grid == grid)
        self._count(kind, grid)
        return _View(
            kind.shape,
            {
                position: tiles(kind == position, numbers, widest, self._device)
                for position in (Position.TOKEN, *self._apart)
            },
            self._row_tiles(kind, numbers, grid, widest) if self._by_row else [],
        )

    def _row_tiles(
        self, kind: NDArray[np.uint8], numbers: NDArray[np.int64], grid: int, widest: int
    ) -> list[tuple[int, Tile]]:
        """The tiles of the tokens of each frequency row, with the row."""
        places, tokens = self._places[grid], kind == Position.TOKEN
        check_numbers(self._name, places, numbers[tokens])
        row_of = places[np.where(tokens, numbers, 0)]
        return [
            (row, tile)
            for row in range(int(places.max()) + 1)
            for tile in tiles(tokens & (row_of == row), numbers, widest, self._device)
        ]

    def _kind(self, grid: int, positions: int) -> NDArray[np.uint8]:
        assert self._chunk is not None
        kind: NDArray[np.uint8] = self._chunk.kind_at(grid, positions).cpu().numpy()
        return kind

    def _count(self, kind: NDArray[np.uint8], grid: int) -> None:
        """Note how many tokens this chunk has, and from which number the next one counts on."""
        self._passed[grid] += (kind != Position.SPECIAL).sum(axis=1)
        self._tokens[:, grid] += (kind == Position.TOKEN).sum(axis=1)

    def end(self) -> None:
        for layer, times in zip(self._layers, self._seen, strict=True):
            if times != 1:
                raise OtoscopeError(
                    f"layer {layer.name!r} of model {self._name!r} was reached {times} times in one forward "
                    "pass; expected once; try hooking a module that the model calls exactly once"
                )
        for grid in set(range(self._grids)) - set(self._views):  # heard by no layer, counted all the same
            self._count(self._kind(grid, 0), grid)

    def result(self, embedding: NDArray[np.float32]) -> Recording:
        by_layer = self._tokens[:, [layer.grid for layer in self._layers]]
        tokens = np.repeat(by_layer, [layer.units for layer in self._layers], axis=1)
        some = tokens > 0
        total = _flat(tally.total for tally in self._tallies)
        peak = _flat(tally.peak for tally in self._tallies)
        mean = np.divide(total, tokens, out=np.full(total.shape, np.nan), where=some)
        return Recording(
            tokens=self._tokens[:, 0],
            grid_tokens=self._tokens,
            fired=_flat(tally.fired for tally in self._tallies),
            mean=mean.astype(np.float32),
            peak=np.where(some, peak, np.float32(np.nan)),
            peak_token=_flat(tally.where for tally in self._tallies),
            embedding=embedding,
            fired_special=self._counted(Position.SPECIAL),
            fired_padding=self._counted(Position.PADDING),
            fired_rows=_flat(self._by_row) if self._by_row else None,
        )

    def _counted(self, kind: Position) -> NDArray[np.int32] | None:
        return _flat(self._apart[kind]) if kind in self._apart else None


def _flat(layers: Iterable[Tensor]) -> NDArray[Any]:
    """Layers side by side, on the flat axis of neurons."""
    flat: NDArray[Any] = torch.cat(list(layers), dim=-1).cpu().numpy()
    return flat
