"""Does it matter? Gains on neurons, linear probes, and ablations with their controls."""

from otoscope.interventions.ablation import ablate
from otoscope.interventions.controls import control_sets
from otoscope.interventions.effects import Ablation, Target
from otoscope.interventions.gains import Address, gains
from otoscope.interventions.logistic import logistic_probe
from otoscope.interventions.probe import LinearProbe
from otoscope.interventions.scores import ProbeScore, probe_accuracy
from otoscope.interventions.splits import Fold, Splits, make_splits
from otoscope.interventions.steering import Batch, embed, read_batches

__all__ = [
    "Ablation",
    "Address",
    "Batch",
    "Fold",
    "LinearProbe",
    "ProbeScore",
    "Splits",
    "Target",
    "ablate",
    "control_sets",
    "embed",
    "gains",
    "logistic_probe",
    "make_splits",
    "probe_accuracy",
    "read_batches",
]
