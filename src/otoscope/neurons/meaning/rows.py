"""Which frequencies a neuron listens to: how its firing lies over the frequency rows of the grid of tokens.

    s[j, row]  share of neuron j's firing that is in the row, over the clips
    b[row]     the same of all neurons of its layer together
    w[j, row]  s / b, scaled to a sum of 1: where it fires more than its layer does

Tokens of deep layers have heard of one another through attention: there a row says where a neuron fires, and
no longer for sure what sounds there.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.neurons.addresses import positions
from otoscope.neurons.probability import Recording

__all__ = ["RowRecording", "band_words", "listens_to"]

_HALF = 0.5 - 1e-9
_BLOCK = 256  # neurons in hand at a time: an inner chunk of the store

Values = NDArray[np.float64]


class RowRecording(Recording, Protocol):
    """A recording made with `rows`."""

    @property
    def rows(self) -> pd.DataFrame:
        """Columns grid, row, low_hz and high_hz."""
        ...

    def row_counts(self, neurons: slice) -> NDArray[np.unsignedinteger[Any]]:
        """Firing by row, (clips, rows, neurons)."""
        ...


def listens_to(
    store: RowRecording, clips: NDArray[np.bool_] | None = None, *, splits: int = 20, seed: int = 0
) -> pd.DataFrame:
    """The frequencies that each neuron fires at more than the other neurons of its layer do.

    Args:
        store: a recording made with `rows`.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        splits: how often the clips are split into halves at random, for `reliability`.
        seed: of the splits.

    Returns:
        One row a neuron in flat order: `layer`, `unit`; `low_hz` and `high_hz`, the edges of the smallest run
        of rows around the peak that holds half of w; `width`, its number of rows; `peak`, the row of largest
        w, 0 the lowest, and `peak_share`, s there; `selectivity`, 1 - H(w) / log rows: 0 fires as its layer
        does, 1 in one row only; and `reliability`, the share of the splits in which both halves of the clips
        have their peak in the same row (by chance one in as many as there are rows). NaN for a neuron that
        never fires, in a layer of one row, and the edges where the model does not know its bands.

    Raises:
        OtoscopeError: the recording was made without `rows`, or not even two clips are left.
    """
    if not len(store.rows):
        store.row_counts(slice(0, 0))  # says what to do
    chosen = np.asarray(store.tokens) > 0 if clips is None else (np.asarray(store.tokens) > 0) & clips
    used = np.flatnonzero(chosen)
    if len(used) < 2:
        raise OtoscopeError(f"{len(used)} clips with tokens; expected two or more, to split them into halves")
    halves = _halves(len(used), splits, np.random.default_rng(seed))
    layer, unit = positions(store.layers)
    found = pd.DataFrame({"layer": layer, "unit": unit})
    found = found.join(pd.DataFrame(np.nan, index=found.index, columns=list(_COLUMNS)))
    for part, grid in _layers(store):
        bands = store.rows[store.rows["grid"] == grid].sort_values("row")
        if len(bands) > 1:
            totals, first = _totals(store, used, part, len(bands), halves)
            found.loc[part.start : part.stop - 1, list(_COLUMNS)] = _tuning(totals, first, bands)
    return found


_COLUMNS = ("low_hz", "high_hz", "width", "peak", "peak_share", "selectivity", "reliability")


def band_words(low_hz: float, high_hz: float) -> str:
    """A band for people; "" where it is not known.

    >>> band_words(1963.2, 4044.0), band_words(50.0, 1340.4), band_words(float("nan"), float("nan"))
    ('2 to 4 kHz', '0.05 to 1.3 kHz', '')
    """
    if not high_hz > low_hz:
        return ""
    unit, scale = ("kHz", 1000) if high_hz >= 1000 else ("Hz", 1)
    low, high = (f"{float(f'{edge:.2g}') / scale:g}" for edge in (low_hz, high_hz))
    return f"{low} to {high} {unit}"


def _halves(clips: int, splits: int, random: np.random.Generator) -> NDArray[np.float32]:
    """For each split which clips are in the first half. Shape (splits, clips)."""
    ranks = random.random((splits, clips)).argsort(axis=1).argsort(axis=1)
    return (ranks < clips // 2).astype(np.float32)


def _layers(store: Recording) -> Iterator[tuple[slice, int]]:
    """The neurons of each layer on the flat axis, and the layer's grid."""
    start = 0
    for layer in store.layers:
        yield slice(start, start + layer.units), int(getattr(layer, "grid", 0))
        start += layer.units


def _totals(
    store: RowRecording, used: NDArray[np.int64], part: slice, rows: int, halves: NDArray[np.float32]
) -> tuple[Values, Values]:
    """Firing over the clips, (rows, neurons), and over the first half of each split, (splits, ...)."""
    units = part.stop - part.start
    total, first = np.empty((rows, units)), np.empty((len(halves), rows, units))
    for start in range(part.start, part.stop, _BLOCK):
        block = slice(start, min(start + _BLOCK, part.stop))
        into = slice(block.start - part.start, block.stop - part.start)
        counts = np.asarray(store.row_counts(block))[used, :rows]
        total[:, into] = counts.sum(axis=0, dtype=np.int64)
        flat = counts.reshape(len(used), -1).astype(np.float32)
        first[:, :, into] = (halves @ flat).reshape(len(halves), rows, -1)
    return total, first


def _tuning(total: Values, first: Values, bands: pd.DataFrame) -> Values:
    """The columns of `_COLUMNS` for the neurons of a layer. Shape (neurons, columns)."""
    weight, share = _weights(total)
    rows, neurons = weight.shape
    at = np.arange(neurons)
    peak = weight.argmax(axis=0)
    low, high = _band(weight, peak)
    logs = np.log(np.where(weight > 0, weight, 1.0))
    selectivity = 1 + (weight * logs).sum(axis=0) / np.log(rows)
    one, other = (np.stack([_weights(each)[0] for each in half]) for half in (first, total - first))
    same = (one.argmax(axis=1) == other.argmax(axis=1)) & (one.sum(axis=1) > 0) & (other.sum(axis=1) > 0)
    columns = [bands["low_hz"].to_numpy()[low], bands["high_hz"].to_numpy()[high], high - low + 1, peak]
    columns += [share[peak, at], selectivity, same.mean(axis=0)]
    table: Values = np.stack(columns, axis=1).astype(np.float64)
    table[total.sum(axis=0) == 0] = np.nan
    return table


def _weights(counts: Values) -> tuple[Values, Values]:
    """W and s of counts (rows, neurons); 0 for a neuron that does not fire."""
    share = _scaled(counts)
    base = _scaled(counts.sum(axis=1, keepdims=True))
    weight = _scaled(np.divide(share, base, out=np.zeros_like(share), where=base > 0))
    return np.round(weight, 12), share  # equal weights differ by rounding


def _scaled(values: Values) -> Values:
    """Columns scaled to a sum of 1, where they are not 0."""
    total = values.sum(axis=0, keepdims=True)
    scaled: Values = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return scaled


def _band(weight: Values, peak: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last row of the smallest run around the peak that holds half; of such the heaviest."""
    rows, neurons = weight.shape
    before = np.vstack([np.zeros(neurons), weight.cumsum(axis=0)])
    low, high = np.zeros((2, neurons), dtype=np.int64)
    open_ = np.ones(neurons, dtype=bool)
    for width in range(1, rows + 1):
        start = np.arange(rows - width + 1)[:, None]
        holds = before[width:] - before[:-width]
        holds[(start > peak) | (start + width <= peak)] = -1.0
        best = holds.argmax(axis=0)
        done = open_ & (holds[best, np.arange(neurons)] >= _HALF)
        low[done], high[done] = best[done], best[done] + width - 1
        open_ &= ~done
    return low, high
