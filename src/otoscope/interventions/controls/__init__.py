"""Control sets: neurons that are switched in place of a target's, to see what switching any does."""

from otoscope.interventions.controls.drawing import ControlSet, Pool, draw_controls
from otoscope.interventions.controls.layers import control_sets

__all__ = ["ControlSet", "Pool", "control_sets", "draw_controls"]
