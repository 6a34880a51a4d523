"""Arrays of a store that are read when they are looked at, and only as far as they are."""

from typing import Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing

__all__ = ["by_layer", "flat"]


class _Flat(BackendArray):
    """An array as it lies on disk."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._array = array
        self.shape = tuple(array.shape)
        self.dtype = array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        return self._array.oindex[key]


class _Layered(BackendArray):
    """The same array seen as clips by layers by units, where all layers are equally wide."""

    def __init__(self, array: zarr.Array[Any], layers: int) -> None:
        self._array = array
        self._units = array.shape[1] // layers
        self.shape = (array.shape[0], layers, self._units)
        self.dtype = array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        clips, layer, unit = key
        layers = np.atleast_1d(np.arange(self.shape[1])[layer])
        # Of no layers at all one is read too, for its shape.
        read = [
            self._array.oindex[clips, self._of(int(one), unit)] for one in (layers if len(layers) else [0])
        ]
        if isinstance(layer, (int, np.integer)):
            return read[0]
        # The axis of layers comes after that of clips, which is gone if a single clip was asked for.
        axis = 0 if isinstance(clips, (int, np.integer)) else 1
        return np.stack(read, axis=axis).take(np.arange(len(layers)), axis=axis)

    def _of(self, layer: int, unit: Any) -> Any:
        """A layer's neurons on the flat axis."""
        first = layer * self._units
        if isinstance(unit, slice):
            start, stop, step = unit.indices(self._units)
            return slice(first + start, first + stop, step)
        return unit + first


def flat(array: zarr.Array[Any], columns: str = "neuron") -> xr.Variable:
    """A lazy variable with the dimensions of the array on disk: clip, and what its columns count."""
    return xr.Variable(("clip", columns), indexing.LazilyIndexedArray(_Flat(array)))


def by_layer(array: zarr.Array[Any], layers: int) -> xr.Variable:
    """A lazy variable with the dimensions clip, layer, unit."""
    return xr.Variable(("clip", "layer", "unit"), indexing.LazilyIndexedArray(_Layered(array, layers)))
