"""Changes of activations: gains, constants, another clip's activations, directions; and their cost."""

from otoscope.interventions.changes.base import Address, Change, intervene
from otoscope.interventions.changes.clamp import Clamp
from otoscope.interventions.changes.directions import Directions
from otoscope.interventions.changes.gain import Gain, gains
from otoscope.interventions.changes.patch import Patch, Tape, tape
from otoscope.interventions.changes.prefix import Prefix

__all__ = [
    "Address",
    "Change",
    "Clamp",
    "Directions",
    "Gain",
    "Patch",
    "Prefix",
    "Tape",
    "gains",
    "intervene",
    "tape",
]
