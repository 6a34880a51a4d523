"""Neurons: how often they fire for each class, which are class-specific, what chance gives."""

from otoscope.neurons.addresses import flat_index, format_address, parse_address
from otoscope.neurons.chance import Chance, Spread
from otoscope.neurons.designs import Design, design_of
from otoscope.neurons.entropy import entropy
from otoscope.neurons.filters import PRESETS, Filters
from otoscope.neurons.probability import firing_probability
from otoscope.neurons.selecting import select
from otoscope.neurons.selection import Selection
from otoscope.neurons.sharing.counting import Sharing, share
from otoscope.neurons.worlds.building import World, world
from otoscope.neurons.worlds.planting import Planted, planted

__all__ = [
    "PRESETS",
    "Chance",
    "Design",
    "Filters",
    "Planted",
    "Selection",
    "Sharing",
    "Spread",
    "World",
    "design_of",
    "entropy",
    "firing_probability",
    "flat_index",
    "format_address",
    "parse_address",
    "planted",
    "select",
    "share",
    "world",
]
