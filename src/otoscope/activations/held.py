"""A small recording whose counts are read from the disk once."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from otoscope.activations import Store
    from otoscope.activations.twins import Twin

__all__ = ["held"]

_MOST_BYTES = 200_000_000  # of one recording; its twins are held as well


def held(store: "Store") -> Any:
    """The recording, with its counts in memory if it is small; a large one as it is."""
    size = 4 if store.tokens.max(initial=0) > np.iinfo(np.uint16).max else 2
    neurons = sum(layer.units for layer in store.layers)
    return _Held(store) if len(store.tokens) * neurons * size <= _MOST_BYTES else store


class _Held:
    """A store, or a twin of one, whose counts are read once and then held; the rest is its own."""

    def __init__(self, source: "Store | Twin") -> None:
        self._source: Any = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def counts(self, neurons: slice, clips: slice = slice(None)) -> "NDArray[Any]":
        return self._fired[clips, neurons]

    def open(self) -> "_Held":
        return self._opened

    @cached_property
    def twins(self) -> "tuple[_Held, ...]":
        return tuple(map(_Held, self._source.twins))

    @cached_property
    def _fired(self) -> "NDArray[Any]":
        fired: NDArray[Any] = self._source.counts(slice(None))
        return fired

    @cached_property
    def _opened(self) -> "_Held":
        return _Held(self._source.open())
