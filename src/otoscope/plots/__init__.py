"""Figures of what is found, from data frames and arrays."""

from otoscope.plots.acoustics import before_after, following, regression
from otoscope.plots.basic import (
    chance,
    entropy,
    layers,
    matrix,
    overview,
    profile,
)
from otoscope.plots.impact import ablation, displacement, dose_response, self_cross
from otoscope.plots.listening import card_figure, class_profile, firing_map
from otoscope.plots.models import compared_differences, compared_models
from otoscope.plots.multiverse import specification_curve, threshold_heat
from otoscope.plots.power import power_curves

__all__ = [
    "ablation",
    "before_after",
    "card_figure",
    "chance",
    "class_profile",
    "compared_differences",
    "compared_models",
    "displacement",
    "dose_response",
    "entropy",
    "firing_map",
    "following",
    "layers",
    "matrix",
    "overview",
    "power_curves",
    "profile",
    "regression",
    "self_cross",
    "specification_curve",
    "threshold_heat",
]
