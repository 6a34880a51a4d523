"""Audio models: one small interface, the families behind it, and the names that load them.

What needs PyTorch is imported when it is used, so that a store can be opened and read without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from otoscope.models.base import AudioModel, Chunk, Layer, Position

_LAZY = {
    "M2D": "m2d",
    "Encoder": "encoder",
    "Family": "family",
    "HookPoint": "hooks",
    "ModelRow": "family",
    "Request": "family",
    "SpectrogramEncoder": "spectrogram",
    "available": "registry",
    "load_model": "registry",
    "wrap": "wrapping",
}

__all__ = [
    "M2D",
    "AudioModel",
    "Chunk",
    "Encoder",
    "Family",
    "HookPoint",
    "Layer",
    "ModelRow",
    "Position",
    "Request",
    "SpectrogramEncoder",
    "available",
    "load_model",
    "wrap",
]

if TYPE_CHECKING:
    from otoscope.models.encoder import Encoder
    from otoscope.models.family import Family, ModelRow, Request
    from otoscope.models.hooks import HookPoint
    from otoscope.models.m2d import M2D
    from otoscope.models.registry import available, load_model
    from otoscope.models.spectrogram import SpectrogramEncoder
    from otoscope.models.wrapping import wrap


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(
            f"module 'otoscope.models' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    return getattr(import_module(f"otoscope.models.{_LAZY[name]}"), name)
