"""What a neuron listens to, in sentences made from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from otoscope.listening.card import Card, Profile

__all__ = ["percent", "sentences_of"]

_OUTSIDE = 0.025  # share of classes that lie above a band of 95 % if labels mean nothing


def percent(share: float) -> str:
    """A share as a percentage; a small one keeps a digit.

    >>> percent(0.34).split(), percent(0.0042).split(), percent(0.0).split()
    (['34', '%'], ['0.4', '%'], ['0', '%'])
    """
    digits = 1 if 0 < share < 0.0995 else 0
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def sentences_of(card: Card) -> tuple[str, ...]:
    """How often it fires, for which classes more than by permuted labels, what chose it, what it follows."""
    if card.clips_firing == 0:
        return (f"It never fires: on no token of {card.clips:,} clips.",)
    said = [
        f"It fires on {percent(card.firing)} of all tokens, and on at least one in {card.clips_firing:,} of "
        f"{card.clips:,} clips.",
        *(_profile(profile) for profile in card.profiles),
        _found(card.found),
        _follows(card.follows),
    ]
    return tuple(filter(None, said))


def _profile(profile: Profile) -> str:
    table = profile.table
    best = table.iloc[int(table["probability"].argmax())]
    head = (
        f"{profile.label}: it fires most for {best['category']} ({percent(best['probability'])} of the tokens"
    )
    if pd.isna(best["low"]):
        return f"{head})."
    head += f"; with permuted labels {percent(best['low'])} to {percent(best['high'])})"
    beyond, classes = profile.beyond, len(table)
    expected = _OUTSIDE * classes
    if beyond.empty:
        return f"{head}. No class lies above its band: it may as well ignore {profile.label}."
    others = [str(name) for name in beyond["category"] if name != best["category"]]
    named = f", also {', '.join(others[:3])}{' and others' if len(others) > 3 else ''}" if others else ""
    return (
        f"{head}{named}. {len(beyond)} of {classes} classes {'lies' if len(beyond) == 1 else 'lie'} above "
        f"{'its band' if len(beyond) == 1 else 'their bands'}, where chance alone would put {expected:.1f}."
    )


def _found(found: pd.DataFrame) -> str:
    if found.empty:
        return "No saved selection holds it."
    parts = [
        f"{', '.join(rows['category'])} ({label}, by {preset})"
        for (label, preset), rows in found.groupby(["label", "preset"], sort=False)
    ]
    return f"Chosen for {'; '.join(parts)}."


def _follows(follows: pd.DataFrame) -> str:
    own = follows[follows["follows"] != ""] if len(follows) else follows
    if not len(own):
        return ""
    parts = [
        f"{row['descriptor']} (rho {row['rho']:.2f}) within the classes of {row['follows']}"
        for row in own.to_dict("records")
    ]
    return f"It follows {'; '.join(parts)}."
