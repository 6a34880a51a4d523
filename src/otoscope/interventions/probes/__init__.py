"""Linear probes: how clips are split, what a probe learns, and how well it judges."""

from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.probes.fitting import Probe, fit_probes, usable
from otoscope.interventions.probes.linear import LinearProbe
from otoscope.interventions.probes.logistic import logistic_probe
from otoscope.interventions.probes.scores import ProbeScore, probe_accuracy
from otoscope.interventions.probes.splits import Fold, Splits, make_splits, truth_of

__all__ = [
    "Fitted",
    "Fold",
    "LinearProbe",
    "Probe",
    "ProbeScore",
    "Splits",
    "fit_probes",
    "logistic_probe",
    "make_splits",
    "probe_accuracy",
    "truth_of",
    "usable",
]
