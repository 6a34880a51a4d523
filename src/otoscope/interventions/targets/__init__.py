"""Targets: which neurons are switched, together, in one experiment; chosen on clips outside the test set."""

from otoscope.interventions.targets.making import class_neurons, given
from otoscope.interventions.targets.target import Learning, Maker, Target

__all__ = ["Learning", "Maker", "Target", "class_neurons", "given"]
