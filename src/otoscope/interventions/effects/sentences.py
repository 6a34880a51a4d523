"""Verdicts in words, from the numbers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["sentences_of"]


def sentences_of(ablation: "Ablation") -> tuple[str, ...]:
    """What an ablation found."""
    return ()
