"""Audio models: one small interface, the M2D encoder behind it, and the names that load them.

What needs PyTorch is imported when it is used, so that a store can be opened and read without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otoscope.models.base import AudioModel, Chunk, Layer, Position

_LAZY = {"M2D": "m2d", "available": "registry", "load_model": "registry"}

__all__ = ["M2D", "AudioModel", "Chunk", "Layer", "Position", "available", "load_model"]

if TYPE_CHECKING:
    from otoscope.models.m2d import M2D
    from otoscope.models.registry import available, load_model


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(
            f"module 'otoscope.models' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    return getattr(import_module(f"otoscope.models.{_LAZY[name]}"), name)
