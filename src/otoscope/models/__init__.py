"""Audio models: one small interface, the M2D encoder behind it, and the names that load them."""

from otoscope.models.base import AudioModel, Chunk, Layer, Position
from otoscope.models.m2d import M2D
from otoscope.models.registry import available, load_model

__all__ = ["M2D", "AudioModel", "Chunk", "Layer", "Position", "available", "load_model"]
