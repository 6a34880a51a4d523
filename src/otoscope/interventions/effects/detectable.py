"""What an experiment could see, told before it: from the test clips, the accuracy and the control sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from otoscope.interventions.effects.pairs import mcnemar

__all__ = ["Detectable", "detectable"]

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True, eq=False)
class Detectable:
    """The smallest effects that an experiment can find.

    Attributes:
        table: one row per class: `category`, `clips` (in test), `right` (those that the probe names rightly),
            `least_clips` and `least_points` (the smallest change in accuracy for which exact McNemar is ever
            at most 0.05: so many clips lost, none gained) and `clips_found` and `points_found` (the change
            that it finds with 80 % power if clips are only lost, each with the same probability). NaN where
            even the loss of all clips is not found, and where there is no accuracy.
        controls: number of control sets of each kind.
        classes: number of classes tested.
        smallest_p: below which no p against control sets falls, the one adjusted for the classes included.
        controls_for_p: control sets needed for a p of 0.05, also the adjusted one.
        controls_for_classes: control sets needed for a single class's own p to stay at most 0.05 when it is
            multiplied by the number of classes.
    """

    table: pd.DataFrame
    controls: int
    classes: int
    smallest_p: float
    controls_for_p: int
    controls_for_classes: int

    @property
    def sentences(self) -> list[str]:
        """The same for people."""
        return [*self._about_clips(), self._about_controls()]

    def document(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        figures = ("controls", "classes", "smallest_p", "controls_for_p", "controls_for_classes")
        return {
            **{name: getattr(self, name) for name in figures},
            "sentences": self.sentences,
            "by_category": self.table.to_dict("records"),
        }

    def _about_clips(self) -> list[str]:
        known = self.table[self.table["right"].notna()]
        found, lost = known[known["points_found"].notna()], known[known["points_found"].isna()]
        said = []
        if len(found):
            said.append(
                f"Accuracy: a class must lose {_span(found['least_clips'], 0)} clips and gain none "
                f"({_span(found['least_points'])} points) for exact McNemar to be at most {ALPHA:g}; a loss "
                f"of {_span(found['clips_found'])} clips ({_span(found['points_found'])} points) is found "
                f"with {POWER:.0%} power."
            )
        if len(lost):
            names = ", ".join(lost["category"])
            said.append(f"Accuracy: no loss of {names} can be found, too few test clips are right.")
        return said

    def _about_controls(self) -> str:
        text = (
            f"Controls: with {self.controls} sets of a kind no p is below {self.smallest_p:.2g}, neither of "
            f"one class nor adjusted for all {self.classes}"
        )
        if self.controls < self.controls_for_p:
            return (
                f"{text}: nothing can be told from controls; {self.controls_for_p} sets or more are needed."
            )
        if self.controls < self.controls_for_classes:
            return (
                f"{text}; for single classes to stand by their own p, multiplied by {self.classes}, it takes "
                f"{self.controls_for_classes} sets."
            )
        return f"{text}."


def detectable(
    clips: Sequence[int], accuracy: Sequence[float], controls: int, classes: Sequence[str]
) -> Detectable:
    """What an experiment can see.

    Args:
        clips: test clips of each class.
        accuracy: of the probe on each class, 0 to 1; NaN where it is not known or there is none, as of a
            multi-label labeling.
        controls: number of control sets of each kind.
        classes: names of the tested classes.

    >>> one = detectable([265], [0.8415], 20, ["ANG"]).table.iloc[0]
    >>> float(one["right"]), float(one["least_clips"]), round(float(one["points_found"]), 2)
    (223.0, 6.0, 2.96)
    """
    least = next(lost for lost in range(1, 100) if mcnemar(np.array([lost]), np.array([0]))[0] <= ALPHA)
    count = np.asarray(clips, dtype=np.float64)
    right = np.round(np.asarray(accuracy, dtype=np.float64) * count)
    enough = right >= least
    # P(lost >= least) of right clips, each lost with probability q, is the beta distribution's at q.
    share = beta.ppf(POWER, least, np.where(enough, right - least + 1, 1))
    found = np.where(enough, share * right, np.nan)
    table = pd.DataFrame(
        {
            "category": list(classes),
            "clips": np.asarray(clips, dtype=np.int64),
            "right": right,
            "least_clips": np.where(enough, float(least), np.nan),
            "least_points": np.where(enough, 100 * least / count, np.nan),
            "clips_found": found,
            "points_found": 100 * found / count,
        }
    )
    one, all_of_them = (ceil(round(number / ALPHA, 6)) - 1 for number in (1, len(classes)))
    return Detectable(table, controls, len(classes), 1 / (controls + 1), one, all_of_them)


def _span(values: pd.Series, digits: int = 1) -> str:
    low, high = (f"{value:.{digits}f}" for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"
