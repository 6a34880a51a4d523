"""Which conditions of an experiment belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.experiment import Condition
from otoscope.interventions.probes.fitted import Fitted

__all__ = ["Layout", "over_seeds"]

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layout:
    """Conditions and probes by number; condition 0 is the unmodified model.

    Attributes:
        targets: of each target, its condition.
        controls: of each target and way of matching, the conditions of its control sets by draw.
        probes: of each name of a probe, its trainings, one a seed; the first is the probe that counts.
    """

    targets: Mapping[str, int]
    controls: Mapping[str, Mapping[str, Numbers]]
    probes: Mapping[str, Numbers]

    @classmethod
    def of(cls, conditions: Sequence[Condition], probes: Sequence[Fitted]) -> Self:
        """Sort an experiment's conditions and probes."""
        targets: dict[str, int] = {}
        controls: dict[str, dict[str, list[int]]] = {}
        for number, each in enumerate(conditions):
            if each.kind == "target":
                targets[each.target] = number
                controls.setdefault(each.target, {})
            elif each.kind != "intact":
                controls.setdefault(each.target, {}).setdefault(each.kind, []).append(number)
        names: dict[str, list[int]] = {}
        for number, probe in enumerate(probes):
            names.setdefault(probe.name, []).append(number)
        by_draw = {
            target: {
                match: np.array(sorted(numbers, key=lambda number: conditions[number].draw))
                for match, numbers in own.items()
            }
            for target, own in controls.items()
        }
        return cls(targets, by_draw, {name: np.array(numbers) for name, numbers in names.items()})


def over_seeds(values: NDArray[np.float64], layout: Layout) -> NDArray[np.float64]:
    """Means over the seeds of each probe.

    Args:
        values: shape (conditions, probes, ...).
        layout: says which probes have one name.

    Returns:
        Shape (conditions, names, ...).
    """
    return np.stack([values[:, numbers].mean(axis=1) for numbers in layout.probes.values()], axis=1)
