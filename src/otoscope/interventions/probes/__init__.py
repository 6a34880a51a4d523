"""Linear probes: how clips are split, what a probe learns, and how well it judges."""

from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.probes.linear import LinearProbe
from otoscope.interventions.probes.logistic import logistic_probe
from otoscope.interventions.probes.scores import ProbeScore, probe_accuracy
from otoscope.interventions.probes.splits import Fold, Splits, make_splits

__all__ = [
    "Fitted",
    "Fold",
    "LinearProbe",
    "ProbeScore",
    "Splits",
    "logistic_probe",
    "make_splits",
    "probe_accuracy",
]
