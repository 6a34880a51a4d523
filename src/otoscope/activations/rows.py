"""The frequency rows of a model's grids of tokens: how many there are, and the band that each lies over."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError

if TYPE_CHECKING:
    from otoscope.models.base import AudioModel

__all__ = ["Bands", "bands_of", "rows_of", "table_of"]

Bands = list[list[list[float | None]]]
"""For each grid, for each row from the lowest up, its lower and upper edge in Hz; None where not known."""


def rows_of(model: "AudioModel", samples: int) -> list[NDArray[np.int64]]:
    """For each grid, the row of every token of a clip of so many samples, by the token's number."""
    return [model.token_grid(samples, grid)["row"].to_numpy(dtype=np.int64) for grid in _grids(model)]


def bands_of(model: "AudioModel", samples: int) -> Bands:
    """The bands of a model's rows, as the grid of a clip of so many samples shows them.

    Raises:
        UsageError: every token of the model hears all frequencies.
    """
    bands = [_bands(model.token_grid(samples, grid)) for grid in _grids(model)]
    if all(len(grid) < 2 for grid in bands):
        raise UsageError(
            f"the tokens of {model.name} lie side by side in time only, each over all frequencies; expected "
            "a model of patches, such as mini:ssl, to count firing by frequency row; try without rows "
            "(--rows)"
        )
    return bands


def table_of(bands: Bands) -> pd.DataFrame:
    """Bands as a table: columns grid, row (0 the lowest), low_hz, high_hz; NaN where not known."""
    rows = [(grid, row, *edges) for grid, each in enumerate(bands) for row, edges in enumerate(each)]
    table = pd.DataFrame(rows, columns=["grid", "row", "low_hz", "high_hz"])
    return table.astype({"low_hz": float, "high_hz": float})


def check_numbers(name: str, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
    """Refuse a model whose grid does not tell of all the tokens that it has.

    Raises:
        OtoscopeError: the number of a token that the grid lacks.
    """
    if numbers.size and int(numbers.max()) >= len(rows):
        raise OtoscopeError(
            f"token_grid of model {name!r} has {len(rows)} tokens, and a layer gave a position for token "
            f"{int(numbers.max())}; expected all of them; try recording without rows"
        )


def _grids(model: "AudioModel") -> range:
    return range(1 + max(layer.grid for layer in model.layers))


def _bands(grid: pd.DataFrame) -> list[list[float | None]]:
    """Lower and upper edge of each row, None where its tokens disagree or all rows are told the same."""
    edges: Any = grid.groupby("row")[["low_hz", "high_hz"]].agg(["min", "max"])
    low, high = edges["low_hz"], edges["high_hz"]
    known = (low["min"] == low["max"]) & (high["min"] == high["max"])
    if len(edges) > 1 and low["min"].nunique() < len(edges):
        known &= False
    count = int(grid["row"].max()) + 1
    return [
        [float(low["min"][row]), float(high["max"][row])] if known.get(row, False) else [None, None]
        for row in range(count)
    ]
