"""Figures of what is found, from data frames and arrays."""

from otoscope.plots.basic import (
    ablation,
    chance,
    entropy,
    layers,
    matrix,
    overview,
    profile,
    specifications,
)

__all__ = [
    "ablation",
    "chance",
    "entropy",
    "layers",
    "matrix",
    "overview",
    "profile",
    "specifications",
]
