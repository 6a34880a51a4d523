"""Figures of what is found, from data frames and arrays; each draws into axes that it is given, or new ones."""

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
