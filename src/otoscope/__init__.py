"""otoscope: what the neurons of an audio model listen to, how sure one can be of it, and whether it matters.

The names at the top are the verbs; the rest is reached through its room, `otoscope.neurons` for example.
Nothing heavy is imported until a name is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ROOMS = {
    "load_model": "models",
    "wrap": "models",
    "load_task": "tasks",
    "record": "activations",
    "record_all": "activations",
    "open_store": "activations",
    "record_twins": "activations",
    "relabel": "activations",
    "describe": "descriptors",
    "firing_probability": "neurons",
    "entropy": "neurons",
    "select": "neurons",
    "evidence": "neurons.evidence.gathering",
    "compare": "neurons",
    "multiverse": "neurons",
    "compare_selectors": "neurons",
    "acoustics": "neurons",
    "power": "neurons",
    "share": "neurons",
    "sharing_test": "neurons",
    "paper_figure": "neurons",
    "planted": "neurons",
    "world": "neurons",
    "gains": "interventions",
    "probe_accuracy": "interventions",
    "ablate": "interventions",
    "listen": "listening",
    "report": "reporting",
    "serve": "reporting.serving",
    "pretrain": "pretraining",
}

__all__ = [
    "ablate",
    "acoustics",
    "compare",
    "compare_selectors",
    "describe",
    "entropy",
    "evidence",
    "firing_probability",
    "gains",
    "listen",
    "load_model",
    "load_task",
    "multiverse",
    "open_store",
    "paper_figure",
    "planted",
    "power",
    "pretrain",
    "probe_accuracy",
    "record",
    "record_all",
    "record_twins",
    "relabel",
    "report",
    "select",
    "serve",
    "share",
    "sharing_test",
    "world",
    "wrap",
]

if TYPE_CHECKING:
    from otoscope.activations import open_store, record, record_all, record_twins, relabel
    from otoscope.descriptors import describe
    from otoscope.interventions import ablate, probe_accuracy
    from otoscope.interventions.changes.gain import gains
    from otoscope.listening import listen
    from otoscope.models import load_model, wrap
    from otoscope.neurons import (
        acoustics,
        compare,
        compare_selectors,
        firing_probability,
        multiverse,
        paper_figure,
        power,
        select,
        share,
        sharing_test,
    )
    from otoscope.neurons.entropy import entropy
    from otoscope.neurons.evidence.gathering import evidence
    from otoscope.neurons.worlds.building import world
    from otoscope.neurons.worlds.planting import planted
    from otoscope.pretraining import pretrain
    from otoscope.reporting import report
    from otoscope.reporting.serving import serve
    from otoscope.tasks import load_task


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'otoscope' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"otoscope.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
