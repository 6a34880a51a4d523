"""Activations: let a model hear a task once, keep what its neurons did, and open what was kept.

Opening a store needs no torch; recording does, and imports it when it is first used.
"""

from typing import TYPE_CHECKING, Any

from otoscope.activations.differing import Difference, diff
from otoscope.activations.relabeling import relabel
from otoscope.activations.store import Store, open_store
from otoscope.activations.twins import Twin
from otoscope.activations.verifying import Verification, verify

if TYPE_CHECKING:
    from otoscope.activations.companions import record_twins, with_twins
    from otoscope.activations.recorder import Recorder, Recording
    from otoscope.activations.recording import BadClipsError, record, record_all

__all__ = [
    "BadClipsError",
    "Difference",
    "Recorder",
    "Recording",
    "Store",
    "Twin",
    "Verification",
    "diff",
    "open_store",
    "record",
    "record_all",
    "record_twins",
    "relabel",
    "verify",
    "with_twins",
]

_NEEDS_TORCH = {
    "BadClipsError": "recording",
    "Recorder": "recorder",
    "Recording": "recorder",
    "record": "recording",
    "record_all": "recording",
    "record_twins": "companions",
    "with_twins": "companions",
}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_NEEDS_TORCH[name]}"), name)
