"""All classes measured under every condition, with the intervals of what changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otoscope.interventions.effects.bootstrap import Redrawn
from otoscope.interventions.effects.layout import Layout, over_seeds
from otoscope.interventions.effects.measures import classes_tested, measures_of, member_of, per_clip

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["Measured", "measure"]

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """What the classes of the test clips came to.

    Attributes:
        measures: their names.
        tested: the classes, by number.
        clips: test clips of each. Shape (classes,).
        values: shape (measures, conditions, probes, classes).
        means: the same as means over the seeds of each probe. Shape (measures, conditions, names, classes).
        level: half-width of the 95 % interval of the unmodified model's. Shape (measures, names, classes).
        changed: of each target, that of its change. Each of shape (measures, names, classes).
        exceeded: of each target and way of matching, that of its change beyond its control sets' mean one.
    """

    measures: tuple[str, ...]
    tested: tuple[int, ...]
    clips: NDArray[np.int64]
    values: Values
    means: Values
    level: Values
    changed: dict[str, Values]
    exceeded: dict[tuple[str, str], Values]


def measure(heard: "Heard", layout: Layout, redrawn: Redrawn) -> Measured:
    """Measure every class under every condition, one class after the other.

    Args:
        heard: the experiment.
        layout: which conditions belong together.
        redrawn: its test clips, drawn again.
    """
    names, tested = measures_of(heard.truth.ndim == 2), classes_tested(heard)
    shape = (len(names), len(heard.conditions), len(heard.probes), len(tested))
    small = (len(names), len(layout.probes), len(tested))
    values, level = np.empty(shape), np.empty(small)
    pairs = [(target, match) for target, own in layout.controls.items() for match in own]
    changed = {target: np.empty(small) for target in layout.targets}
    exceeded = {pair: np.empty(small) for pair in pairs}
    for place, k in enumerate(tested):
        clips, by_measure = per_clip(heard, k)
        freedom = int(redrawn.freedom[k])
        for row, name in enumerate(names):
            # A probe that has not learnt a class gives it minus infinity: no change of that is known.
            each = np.where(np.isfinite(by_measure[name]), by_measure[name], np.nan)
            values[row, :, :, place] = each.mean(axis=2)
            mean = over_seeds(each, layout)
            level[row, :, place] = redrawn.half_widths(mean[0], clips, freedom)
            for target, number in layout.targets.items():
                change = mean[number] - mean[0]
                changed[target][row, :, place] = redrawn.half_widths(change, clips, freedom)
            for target, match in pairs:
                beyond = mean[layout.targets[target]] - mean[layout.controls[target][match]].mean(axis=0)
                exceeded[target, match][row, :, place] = redrawn.half_widths(beyond, clips, freedom)
    means = np.stack([over_seeds(each, layout) for each in values])
    clips_of_class = member_of(heard)[:, tested].sum(axis=0)
    return Measured(names, tuple(tested), clips_of_class, values, means, level, changed, exceeded)
