"""From what every clip did under every condition to the result that is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otoscope.interventions.effects.measures import table_of
from otoscope.interventions.effects.result import Ablation
from otoscope.interventions.experiment import Condition
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.targets.target import Target

__all__ = ["Heard", "collect"]


@dataclass(frozen=True, eq=False)
class Heard:
    """What an experiment heard: all that effects are computed from.

    Attributes:
        label: the labeling.
        classes: its classes.
        targets: what was switched.
        conditions: the ways in which the clips were heard; the first is the unmodified model.
        outcomes: what became of the clips, see `otoscope.interventions.outcomes.dataset_of`.
        probes: the trained probes, in the order of the outcomes; of the first one's name are the probes that
            count, each with another seed.
        truth: of each test clip the number of its class: shape (clips,); of a multi-label labeling which
            classes it bears: shape (clips, classes), bool.
        groups: of each test clip the number of its group; its own number where there are no groups. Shape
            (clips,).
    """

    label: str
    classes: tuple[str, ...]
    targets: tuple[Target, ...]
    conditions: Sequence[Condition]
    outcomes: xr.Dataset
    probes: Sequence[Fitted]
    truth: NDArray[np.int64] | NDArray[np.bool_]
    groups: NDArray[np.int64]


def collect(heard: Heard, settings: Mapping[str, Any], provenance: Mapping[str, Any]) -> Ablation:
    """Everything that is said of an experiment.

    Args:
        heard: what it heard.
        settings: how it was made; `notes` are sentences about it.
        provenance: which model, task and version.
    """
    return Ablation(
        label=heard.label,
        classes=heard.classes,
        targets=heard.targets,
        table=table_of(heard),
        settings=dict(settings),
        provenance=dict(provenance),
    )
