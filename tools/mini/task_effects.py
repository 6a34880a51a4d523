"""The task `effects`: the events of `events` made in a second way, as GISE-51 stands beside ESC-50."""

from __future__ import annotations

from collections.abc import Iterator

from dsp import Samples
from effects import MAKERS, NEUTRAL
from sources import EFFECTS_SEEDS
from task_events import TAXONOMY, Row, clips_of

__all__ = ["TAXONOMY", "clips"]


def clips() -> Iterator[tuple[Row, Samples]]:
    """The clips of the task."""
    return clips_of("effects", EFFECTS_SEEDS, MAKERS, NEUTRAL)
