"""Engines: where the work of a run is done, in this process, in several, or on a Ray cluster."""

from otoscope.engines.base import Engine, Here, Outcome, Tick, require_done
from otoscope.engines.choosing import ENGINES, EngineName, engine_of

__all__ = ["ENGINES", "Engine", "EngineName", "Here", "Outcome", "Tick", "engine_of", "require_done"]
