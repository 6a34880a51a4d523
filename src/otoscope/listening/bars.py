"""A class profile as bars beside what permuted labels give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from otoscope.listening.card import Profile
from otoscope.listening.sentences import percent

__all__ = ["Bar", "Bars", "bars_of"]

_OUTSIDE = 0.05  # share of classes outside a band of 95 % if labels mean nothing
_OPEN = 12
"""Classes that are seen at once; the others are folded."""


@dataclass(frozen=True)
class Bar:
    """A class.

    Attributes:
        name: of the class.
        clips: how many it has.
        said: the firing probability, as text.
        share: the bar's length, of the longest in the profile, in [0, 1].
        band: where the band of permuted labels begins and how long it is, on the same scale; None: no band.
        chance: the band, as text.
        beyond: on which side of its band the class lies, if on any.
    """

    name: str
    clips: int
    said: str
    share: float
    band: tuple[float, float] | None
    chance: str
    beyond: Literal["above", "below", ""]


@dataclass(frozen=True)
class Bars:
    """A profile.

    Attributes:
        label: name of the labeling.
        entropy: of the profile, as text.
        seen: the classes for which it fires most, the first the most.
        folded: the others.
        full: the firing probability at the bars' full length, as text.
        outside: what chance alone would put outside of the bands, as text; "" without bands.
        note: how the labels were permuted, or why not.
    """

    label: str
    entropy: str
    seen: Sequence[Bar]
    folded: Sequence[Bar]
    full: str
    outside: str
    note: str


def bars_of(profile: Profile) -> Bars:
    """Bars of a profile, on one scale: the class for which it fires most comes first."""
    table = profile.table.sort_values("probability", ascending=False, kind="stable")
    full = float(np.nanmax(table[["probability", "high"]].to_numpy(float))) or 1.0
    bars = [_bar(row, full) for row in table.to_dict("records")]
    banded = any(bar.band is not None for bar in bars)
    return Bars(
        profile.label,
        _entropy(profile),
        bars[:_OPEN],
        bars[_OPEN:],
        percent(full),
        _outside(bars) if banded else "",
        profile.note,
    )


def _bar(row: dict[Any, Any], full: float) -> Bar:
    p, low, high = (float(row[name]) for name in ("probability", "low", "high"))
    banded = not np.isnan(low)
    return Bar(
        str(row["category"]),
        int(row["clips"]),
        percent(p),
        p / full,
        (low / full, (high - low) / full) if banded else None,
        _range(low, high) if banded else "",
        "above" if p > high else "below" if p < low else "",
    )


def _range(low: float, high: float) -> str:
    """Two shares with one sign of percent.

    >>> _range(0.002, 0.21).split()
    ['0.2', 'to', '21', '%']
    """
    unit = percent(0)[1:]
    return f"{percent(low).removesuffix(unit)} to {percent(high)}"


def _outside(bars: Sequence[Bar]) -> str:
    """How many classes lie outside of their bands, and how many would by chance."""
    above, below = (sum(bar.beyond == side for bar in bars) for side in ("above", "below"))
    return (
        f"Of {len(bars)} classes {above} {'lies' if above == 1 else 'lie'} above and {below} below; "
        f"chance alone would put {_OUTSIDE / 2 * len(bars):.1f} on either side."
    )


def _entropy(profile: Profile) -> str:
    if np.isnan(profile.entropy):
        return "The neuron never fires, so that its profile has no entropy."
    return (
        f"Entropy {profile.entropy:.2f} nats: 0 if it fired for one class only, "
        f"{profile.log_classes:.2f} if for all alike."
    )
