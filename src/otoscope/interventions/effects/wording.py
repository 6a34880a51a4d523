"""How changes are written in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from otoscope.interventions.effects.measures import SHARES

__all__ = ["Row", "beside_words", "change_words", "listed", "neurons", "sized", "word"]

Row: TypeAlias = Mapping[str, Any]

_WORDS = {"average_precision": "average precision", "cross_entropy": "cross-entropy"}
_NO_WIDTH = 1e-9


def change_words(row: Row, measure: str) -> str:
    """A change with its interval, where it has one of any width; `row` as in `Ablation.effects`."""
    text = f"{word(measure)} {sized(row['change'], measure)}"
    if not row["high"] - row["low"] > _NO_WIDTH:
        return text
    low, high = (sized(row[end], measure, unit=False) for end in ("low", "high"))
    return f"{text} (95 %: {low} to {high})"


def beside_words(row: Row, measure: str, primary: str) -> str:
    """The same change in the mean of the control sets, and how far out the target lies among them."""
    if not primary:
        return ""
    beside = row["against"][primary]
    text = f", with controls {sized(beside['mean'], measure, unit=False)}"
    if not np.isfinite(beside["p"]):
        return text
    return f"{text} (p = {beside['p']:.2g}, over all classes {beside['p_adjusted']:.2g})"


def sized(value: float, measure: str, unit: bool = True) -> str:
    """A change with its sign: shares in percentage points.

    >>> sized(-0.5, "accuracy"), sized(-0.001, "margin")
    ('-50.0 points', '+0.00 logits')
    """
    share = measure in SHARES
    text = f"{round(100 * value, 1) + 0.0:+.1f}" if share else f"{round(value, 2) + 0.0:+.2f}"  # no -0.0
    return f"{text} {'points' if share else 'logits'}" if unit else text


def word(measure: str) -> str:
    """What a measure is called."""
    return _WORDS.get(measure, measure)


def listed(measures: Sequence[str]) -> str:
    """Measures in a row."""
    return " and ".join(map(word, measures))


def neurons(count: int) -> str:
    """A number of neurons.

    >>> neurons(1), neurons(1200)
    ('1 neuron', '1,200 neurons')
    """
    return f"{count:,} neuron{'' if count == 1 else 's'}"
