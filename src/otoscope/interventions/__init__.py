"""Does it matter? Interventions on neurons, linear probes, and ablations with their controls."""

from otoscope.interventions.ablation import ablate
from otoscope.interventions.changes import (
    Address,
    Change,
    Clamp,
    Directions,
    Gain,
    Patch,
    Tape,
    gains,
    intervene,
    tape,
)
from otoscope.interventions.controls import control_sets
from otoscope.interventions.effects import Ablation
from otoscope.interventions.probes import (
    Fold,
    LinearProbe,
    ProbeScore,
    Splits,
    logistic_probe,
    make_splits,
    probe_accuracy,
)
from otoscope.interventions.running import Batch, embed, read_batches
from otoscope.interventions.targets import Learning, Maker, Target, class_neurons, given

__all__ = [
    "Ablation",
    "Address",
    "Batch",
    "Change",
    "Clamp",
    "Directions",
    "Fold",
    "Gain",
    "Learning",
    "LinearProbe",
    "Maker",
    "Patch",
    "ProbeScore",
    "Splits",
    "Tape",
    "Target",
    "ablate",
    "class_neurons",
    "control_sets",
    "embed",
    "gains",
    "given",
    "intervene",
    "logistic_probe",
    "make_splits",
    "probe_accuracy",
    "read_batches",
    "tape",
]
