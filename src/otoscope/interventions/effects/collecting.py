"""From what every clip did under every condition to the result that is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otoscope.interventions.effects.baseline import baseline_of
from otoscope.interventions.effects.bootstrap import Redrawn
from otoscope.interventions.effects.changes import against_of, effects_of
from otoscope.interventions.effects.diagonal import diagonal_of
from otoscope.interventions.effects.layout import Layout
from otoscope.interventions.effects.measures import member_of
from otoscope.interventions.effects.measuring import measure
from otoscope.interventions.effects.pairs import confusions_of, paired_of
from otoscope.interventions.effects.result import Ablation, primary_of
from otoscope.interventions.effects.tables import sets_of, table_of
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
        settings: how it was made; `notes` are sentences about it, `seed` is also that of the intervals.
        provenance: which model, task and version.
    """
    seed = int(settings.get("seed", 0))
    layout = Layout.of(heard.conditions, heard.probes)
    redrawn = Redrawn.of(member_of(heard), heard.groups, seed=seed)
    measured = measure(heard, layout, redrawn)
    against = against_of(heard, layout, measured)
    untested = [name for k, name in enumerate(heard.classes) if k not in measured.tested]
    return Ablation(
        label=heard.label,
        classes=heard.classes,
        multilabel=heard.truth.ndim == 2,
        targets=heard.targets,
        settings={name: value for name, value in settings.items() if name != "notes"},
        provenance=dict(provenance),
        notes=(*settings.get("notes", ()), *_untold(untested, heard.truth.ndim == 2)),
        table=table_of(heard, measured),
        sets=sets_of(heard),
        baseline=baseline_of(heard, layout, measured, redrawn),
        effects=effects_of(heard, layout, measured),
        against=against,
        paired=paired_of(heard, layout),
        confusions=confusions_of(heard, layout),
        diagonal=diagonal_of(heard, layout, measured, primary_of(against), seed),
    )


def _untold(classes: Sequence[str], multilabel: bool) -> list[str]:
    """What there is to say of classes that the test clips tell nothing of."""
    clips = "No test clip, or every one," if multilabel else "No test clip"
    return [f"{clips} is of class {name}: nothing is said of it." for name in classes]
