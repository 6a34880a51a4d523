"""How often a neuron fires for each class: the conditional activation probability p(class | neuron).

    token pooling   p(k) = sum of fired over the clips of class k / sum of their tokens
    clip pooling    p(k) = mean over the clips of class k of fired / tokens       ("clip_mean")

Sums are sums of integers, read in blocks of neurons: exact, independent of the order of clips, and of bounded
memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.addresses import Sized, positions

if TYPE_CHECKING:
    from otoscope.tasks import Labeling

__all__ = [
    "LabelledClips",
    "Pooling",
    "Recording",
    "Weighting",
    "class_probabilities",
    "class_sums",
    "firing_probability",
    "labelled_clips",
    "labelled_table",
    "membership_matrix",
]

Pooling = Literal["token", "clip"]

_BLOCK_BYTES = 8_000_000  # of integers in hand at a time: a block that the processor's cache holds
_STRETCH = 1 << 16  # clips in hand at a time, whole shards of a store
_CHUNK = 256  # neurons in one of the store's inner chunks
_EXACT = 2**53  # up to here float64 holds every integer


class Recording(Protocol):
    """What this room needs of a store: integer counts on a flat neuron axis, and the table of clips."""

    @property
    def layers(self) -> Sequence[Sized]:
        """Layers in order, each with its number of units."""
        ...

    @property
    def tokens(self) -> NDArray[Any]:
        """Number of valid tokens of every clip; 0 for a clip that was skipped. Shape (clips,)."""
        ...

    @property
    def layer_tokens(self) -> NDArray[Any]:
        """The same as each layer has them: models that merge tokens have fewer above. (clips, layers)."""
        ...

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, with its labels and groups."""
        ...

    @property
    def info(self) -> Mapping[str, Any]:
        """Which model, task, settings and version made the recording."""
        ...

    def labeling(self, name: str) -> "Labeling":
        """The labeling of this name."""
        ...

    def counts(self, neurons: slice, clips: slice = slice(None)) -> NDArray[Any]:
        """On how many tokens each neuron fires, shape (clips in the slice, neurons in the slice)."""
        ...


@dataclass(frozen=True)
class LabelledClips:
    """The clips of a recording that one labeling speaks of.

    Attributes:
        labeling: the question asked.
        rows: their rows in the recording, ascending. Shape (clips,).
        membership: which clip bears which class. Shape (clips, classes).
        groups: the group of each clip, None where the labeling has no groups. Shape (clips,).
    """

    labeling: "Labeling"
    rows: NDArray[np.int64]
    membership: NDArray[np.bool_]
    groups: NDArray[np.int64] | None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the labeling's order."""
        return self.labeling.classes


def labelled_clips(store: Recording, label: str, clips: NDArray[np.bool_] | None = None) -> LabelledClips:
    """The clips that have a label and were recorded, within a mask if one is given.

    Args:
        store: the recording.
        label: name of a labeling.
        clips: which clips to use; all by default. Shape (clips,), boolean.

    Raises:
        UsageError: a mask of another shape or type, or no labeling of that name.
        OtoscopeError: fewer than two classes, or a class without a clip; the message names it.
    """
    labeling = store.labeling(label)
    if len(labeling.classes) < 2:
        raise OtoscopeError(
            f"labeling {label!r} has the single class {list(labeling.classes)}; expected two or more, "
            "since a neuron is selective for one class against others"
        )
    tokens = np.asarray(store.tokens)
    mask = np.ones(tokens.shape, dtype=bool) if clips is None else np.asarray(clips)
    if mask.dtype != np.bool_ or mask.shape != tokens.shape:
        raise UsageError(
            f"clips is an array of {mask.dtype} and shape {mask.shape}; expected booleans of shape "
            f"{tokens.shape}, True for the clips to use"
        )
    membership = labeling.membership(store.clips)
    used = mask & (tokens > 0) & membership.any(axis=1)
    empty = [name for name, n in zip(labeling.classes, membership[used].sum(axis=0), strict=True) if n == 0]
    if empty:
        where = "" if clips is None else " among the clips chosen"
        raise OtoscopeError(
            f"labeling {label!r}: no recorded clip{where} is of class {', '.join(map(repr, empty))}; "
            "expected one or more of every class; try other clips, or a labeling without this class"
        )
    rows = np.flatnonzero(used)
    groups = labeling.groups(store.clips)
    return LabelledClips(labeling, rows, membership[rows], None if groups is None else groups[rows])


@dataclass(frozen=True)
class Weighting:
    """Turns counts into integers whose sums over clips, over the sums of `weights`, are probabilities.

    Token pooling takes the counts as they are and weighs a clip by its tokens. Clip pooling brings fired /
    tokens of all clips to one denominator, which every clip then has as its weight: their least common
    multiple, so that nothing is rounded, or, where that grows too large to sum exactly, a power of two, which
    rounds each share by less than 2^-32 for up to a million clips (2^-41 for 2,000).

    In most models a clip has as many tokens in one layer as in another; where it has not, the layers that
    agree share a column.

    Attributes:
        tokens: valid tokens of each clip. Shape (clips, columns).
        weights: what each clip adds to the denominator. Shape (clips, columns).
        scale: the common denominator of each column; zeros for token pooling. Shape (columns,).
        column: the column of each neuron; None where there is but one. Shape (neurons,).
    """

    tokens: NDArray[np.int64]
    weights: NDArray[np.int64]
    scale: NDArray[np.int64]
    column: NDArray[np.intp] | None

    @classmethod
    def of(cls, tokens: NDArray[Any], layers: Sequence[Sized], pooling: Pooling) -> "Weighting":
        """The weighting of clips with these numbers of tokens (each at least 1), shape (clips, layers).

        Raises:
            UsageError: no such pooling.
        """
        if pooling not in get_args(Pooling):
            raise UsageError(f"pooling is {pooling!r}; expected one of {', '.join(get_args(Pooling))}")
        distinct, column = np.unique(np.asarray(tokens, dtype=np.int64), axis=1, return_inverse=True)
        by_neuron = np.repeat(column.ravel(), [layer.units for layer in layers])
        alike = None if distinct.shape[1] == 1 else by_neuron
        if pooling == "token":
            return cls(distinct, distinct, np.zeros(distinct.shape[1], np.int64), alike)
        scale = np.array([_denominator(each) for each in distinct.T], dtype=np.int64)
        return cls(distinct, np.broadcast_to(scale, distinct.shape), scale, alike)

    @property
    def fits(self) -> bool:
        """Whether all sums fit into 32 bits."""
        return int(self.weights.sum(axis=0).max()) < 2**31

    def apply(
        self, fired: NDArray[Any], neurons: slice, clips: slice = slice(None)
    ) -> NDArray[np.signedinteger[Any]]:
        """The integers to sum, for counts of shape (clips, neurons), of the slices."""
        if not self.scale.any():
            return fired.astype(np.int32 if self.fits else np.int64)
        tokens, scale = self.spread(self.tokens[clips], neurons), self.spread(self.scale[None], neurons)
        shares: NDArray[np.int64] = (fired.astype(np.int64) * scale + tokens // 2) // tokens
        return shares.astype(np.int32) if self.fits else shares

    def spread(self, columns: NDArray[Any], neurons: slice = slice(None)) -> NDArray[Any]:
        """What a table has for each neuron: shape (rows, columns) to (rows, neurons), or (rows, 1)."""
        return columns if self.column is None else columns[..., self.column[neurons]]


def _denominator(tokens: NDArray[np.int64]) -> int:
    """One denominator for shares of so many tokens: their least common multiple, or a power of two."""
    scale = 1
    for length in np.unique(tokens).tolist():
        scale = int(np.lcm(scale, length))
        if scale * len(tokens) >= _EXACT:
            return 1 << min(52 - len(tokens).bit_length(), 62 - int(tokens.max()).bit_length())
    return scale


def membership_matrix(membership: NDArray[np.bool_]) -> sparse.csr_array:
    """The classes' sums over clips as a sparse matrix of ones, shape (classes, clips)."""
    return sparse.csr_array(membership.T.astype(np.int32))


def class_sums(
    store: Recording, rows: NDArray[np.int64], weighting: Weighting, *steps: sparse.csr_array
) -> Iterator[tuple[slice, NDArray[np.signedinteger[Any]]]]:
    """Sums of weighted counts over clips, block of neurons by block of neurons.

    Args:
        store: the recording.
        rows: the clips to sum over. Shape (clips,).
        weighting: how counts become integers.
        steps: sparse matrices of ones applied one after the other; the first has a column for each clip, the
            last a row for each sum wanted.

    Yields:
        The neurons of a block, and their sums: exact integers of shape (sums, neurons in the block).
    """
    total = sum(layer.units for layer in store.layers)
    block = max(_BLOCK_BYTES // (4 * max(len(rows), 1)) // _CHUNK, 1) * _CHUNK
    stretches = list(_stretches(rows, len(store.tokens), steps[0]))
    for start in range(0, total, block):
        part = slice(start, min(start + block, total))
        sums = sum(
            first @ weighting.apply(store.counts(part, clips)[inside], part, of_rows)
            for clips, inside, of_rows, first in stretches
        )
        for step in steps[1:]:
            sums = step @ sums
        yield part, np.asarray(sums)


def _stretches(
    rows: NDArray[np.int64], clips: int, first: sparse.csr_array
) -> Iterator[tuple[slice, slice | NDArray[np.int64], slice, sparse.csr_array]]:
    """Cut a recording into stretches of clips that fit into memory, without those that hold none of the rows.

    Yields:
        The clips of a stretch, which of them are rows, which rows they are, and their columns of the matrix.
    """
    for start in range(0, clips, _STRETCH):
        stop = min(start + _STRETCH, clips)
        low, high = np.searchsorted(rows, [start, stop])
        if low < high:
            everything = high - low == stop - start
            inside = slice(None) if everything else rows[low:high] - start
            columns = first if high - low == len(rows) else first[:, low:high]
            yield slice(start, stop), inside, slice(int(low), int(high)), columns


def class_probabilities(store: Recording, clips: LabelledClips, pooling: Pooling) -> NDArray[np.float64]:
    """Firing probabilities of all neurons for all classes, shape (classes, neurons) in flat order."""
    weighting = Weighting.of(store.layer_tokens[clips.rows], store.layers, pooling)
    members = membership_matrix(clips.membership)
    p = np.empty((len(clips.classes), sum(layer.units for layer in store.layers)))
    weights = members @ weighting.weights
    for part, sums in class_sums(store, clips.rows, weighting, members):
        np.divide(sums, weighting.spread(weights, part), out=p[:, part])
    return p


def firing_probability(
    store: Recording, label: str, *, pooling: Pooling = "token", clips: NDArray[np.bool_] | None = None
) -> xr.DataArray:
    """Probability that a neuron fires on a token, given the class of the clip.

    Args:
        store: a recording.
        label: name of one of its labelings. In a multi-label one a clip counts for every class that it bears;
            a clip without a label, or one that was skipped, counts for none.
        pooling: "token" pools all tokens of a class; "clip" takes the mean over its clips of the share of
            tokens.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.

    Returns:
        Shape (layer, unit, category), in [0, 1]. Where layers differ in width, units that do not exist are
        NaN.

    Raises:
        UsageError: an unknown labeling or pooling, a mask of another shape.
        OtoscopeError: fewer than two classes, or a class without a clip.
    """
    chosen = labelled_clips(store, label, clips)
    p = class_probabilities(store, chosen, pooling)
    return labelled_table(p, store.layers, chosen.classes, label=label, pooling=pooling)


def labelled_table(
    p: NDArray[np.float64], layers: Sequence[Sized], classes: Sequence[str], **attributes: str
) -> xr.DataArray:
    """A table of shape (classes, neurons) as an array with the dimensions layer, unit and category."""
    layer, unit = positions(layers)
    width = max(each.units for each in layers)
    values = np.full((len(layers), width, len(classes)), np.nan)
    values[layer, unit] = p.T
    return xr.DataArray(
        values,
        dims=("layer", "unit", "category"),
        coords={"layer": np.arange(len(layers)), "unit": np.arange(width), "category": list(classes)},
        name="firing_probability",
        attrs=attributes,
    )
