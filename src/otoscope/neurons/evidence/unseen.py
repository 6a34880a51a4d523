"""What a model and its twins tell on clips that their choice has not seen, by preset and class.

All are chosen and measured on the same halves of the same groups, and their intervals come from the same
draws of groups, so that a difference between two of them has an interval too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.baselines import beside
from otoscope.neurons.evidence.both_ways import (
    Half,
    Scores,
    best_of,
    class_auroc,
    drawn_halves,
    flat_pairs,
    freedom_of,
    heard_by_all,
    interval_of,
    scores_on,
)
from otoscope.neurons.evidence.evidence_result import BEST
from otoscope.neurons.halves import unit_labels, units_of
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.selection import Selection

__all__ = ["TRAINED", "Unseen", "unseen"]

TRAINED = "trained"
"""The name of the model itself beside those of its twins."""

_MOST = 2**31  # degrees of freedom: Student's t is the normal law

Choose = Callable[[Recording, str, NDArray[np.bool_]], Selection]
"""Chooses neurons of a recording by a preset, on the clips of a mask."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """Scores on unseen clips.

    Attributes:
        classes: the classes.
        groups: how many groups (without groups: clips) have a clip of each. Shape (classes,).
        freedom: degrees of freedom of the interval of each class; 0 for none. Shape (classes,).
        scores: by preset and model, both ways together; without those that could not choose.
        notes: why some could not.
    """

    classes: tuple[str, ...]
    groups: NDArray[np.int64]
    freedom: NDArray[np.int64]
    scores: Mapping[tuple[str, str], Scores]
    notes: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """One row a preset, model and class: the effects of `Evidence`."""
        rows = []
        for (preset, model), scores in self.scores.items():
            for k, (name, values) in enumerate(zip(self.classes, scores.means, strict=True)):
                low, high = interval_of(values, int(self.freedom[k]))
                about = {"preset": preset, "model": model, "category": name, "neurons": int(scores.pairs[k])}
                figures = {"auroc": values[0], "low": low, "high": high, "groups": int(self.groups[k])}
                rows.append(about | figures)
        columns = ["preset", "model", "category", "neurons", "auroc", "low", "high", "groups"]
        return pd.DataFrame(rows, columns=columns)

    def figures(self, preset: str) -> dict[str, float]:
        """The mean over all pairs of a preset, with its interval, beside the twins'.

        A twin that chooses no neuron tells nothing: the difference to it is that to 0.5.
        """
        found = {model: scores for (by, model), scores in self.scores.items() if by == preset}
        mine = found.pop(TRAINED, None)
        own, freedom = self._mean(mine), self._freedom(mine)
        low, high = interval_of(own, freedom)
        beyond, areas = [], []
        for scores in found.values():
            its = self._mean(scores)
            if known := not np.isnan(its[0]):
                areas.append(float(its[0]))
            least = min(freedom, self._freedom(scores)) if known else freedom
            beyond.append(interval_of(own - (its if known else 0.5), least, (-1.0, 1.0))[0])
        areas = areas or [np.nan]
        return {
            "held_out": float(own[0]),
            "held_out_low": low,
            "held_out_high": high,
            "held_out_twins": float(np.mean(areas)),
            "held_out_twins_most": max(areas),
            "beyond_twins_low": min(beyond) if beyond else np.nan,
        }

    def _mean(self, scores: Scores | None) -> NDArray[np.float64]:
        """The mean over all pairs, and in each draw; NaN without any."""
        if scores is None or not scores.pairs.sum():
            return np.array([np.nan])
        return np.asarray(scores.sums.sum(axis=0) / scores.pairs.sum())

    def _freedom(self, scores: Scores | None) -> int:
        """That of the class with the least, of those with a pair."""
        return 0 if scores is None else int(self.freedom[scores.pairs > 0].min(initial=_MOST))


def unseen(
    store: Recording,
    label: str,
    presets: Sequence[str],
    choose: Choose,
    *,
    bootstrap: int,
    seed: int,
    say: Callable[[str], object],
) -> Unseen:
    """Choose on one half of the groups, measure on the other, and back, in the recording and in its twins.

    Raises:
        OtoscopeError: a class has clips in one half only.
    """
    models = [(TRAINED, store), *((twin.name, recording) for twin, recording in beside(store))]
    chosen = heard_by_all([store], label)
    halves = drawn_halves(chosen, bootstrap, seed)
    scores: dict[tuple[str, str], Scores] = {}
    notes: list[str] = []
    for name, recording in models:
        say(f"unseen clips: {name}")
        for preset in presets:
            try:
                scores[preset, name] = _both_ways(recording, chosen, halves, preset, choose)
            except UsageError:
                raise
            except OtoscopeError as error:
                notes.append(f"{preset} cannot choose on half of the groups: {error}.")
        one, two = (
            scores_on(recording, there, best_of(class_auroc(recording, here.rows, here.membership)))
            for here, there in (halves, halves[::-1])
        )
        scores[BEST, name] = one + two
    groups = unit_labels(chosen.membership, units_of(chosen)).sum(axis=0)
    ordered = {key: scores[key] for key in _in_order([*presets, BEST], models) if key in scores}
    return Unseen(chosen.classes, groups, freedom_of(halves), ordered, tuple(dict.fromkeys(notes)))


def _both_ways(
    store: Recording, chosen: LabelledClips, halves: tuple[Half, Half], preset: str, choose: Choose
) -> Scores:
    found = []
    for here, there in (halves, halves[::-1]):
        mask = np.zeros(len(np.asarray(store.tokens)), dtype=bool)
        mask[here.rows] = True
        selection = choose(store, preset, mask)
        found.append(scores_on(store, there, flat_pairs(selection, store, chosen.classes)))
    return found[0] + found[1]


def _in_order(presets: Sequence[str], models: Sequence[tuple[str, Recording]]) -> Iterator[tuple[str, str]]:
    return ((preset, name) for preset in presets for name, _ in models)
