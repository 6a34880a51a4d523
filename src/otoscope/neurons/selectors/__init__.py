"""Selectors: ways to say how specific a neuron is to a class, behind one interface."""

from otoscope.neurons.selectors.base import Selector, selector
from otoscope.neurons.selectors.block import Block
from otoscope.neurons.selectors.comparing import compare_selectors
from otoscope.neurons.selectors.comparison import Comparison
from otoscope.neurons.selectors.ranking import rank
from otoscope.neurons.selectors.registry import available, selectors

__all__ = [
    "Block",
    "Comparison",
    "Selector",
    "available",
    "compare_selectors",
    "rank",
    "selector",
    "selectors",
]
