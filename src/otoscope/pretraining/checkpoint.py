"""How far a run is, in memory and on disk."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from otoscope.files import replacing, to_json
from otoscope.pretraining.config import ConfigError, PretrainConfig
from otoscope.pretraining.curves import Curves
from otoscope.pretraining.objective import Objective

NAME = "checkpoint.pt"


@dataclass
class State:
    """How far a run is.

    Attributes:
        phase: number of the phase.
        step: updates done in it.
        updates: updates done in all phases.
        clips: clips learnt from, repetitions counted.
        seconds: spent on updates.
        best: the lowest loss so far on clips held out, in a phase with patience.
        waited: measurements since then.
        pending: losses since the last point of the loss curve.
        curves: the points so far.
    """

    phase: int = 0
    step: int = 0
    updates: int = 0
    clips: int = 0
    seconds: float = 0.0
    best: float | None = None
    waited: int = 0
    pending: list[float] = field(default_factory=list)
    curves: Curves = field(default_factory=Curves)


@dataclass(frozen=True)
class Checkpoint:
    """A stopped run: how far it was, and the state dicts to go on with."""

    state: State
    objective: dict[str, Any]
    optimiser: dict[str, Any]
    best: dict[str, Any] | None


def write_checkpoint(
    config: PretrainConfig,
    state: State,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    best: dict[str, Any] | None,
) -> None:
    """Replace the checkpoint in the run's folder, atomically; `best` is the encoder to go back to."""
    document = {
        "config": to_json(config.identity),
        "state": to_json(asdict(state)),
        "objective": objective.state_dict(),
        "optimiser": optimiser.state_dict(),
        "best": best,
    }
    with replacing(config.out / NAME) as temporary:
        torch.save(document, temporary)


def read_checkpoint(config: PretrainConfig) -> Checkpoint | None:
    """The checkpoint in the run's folder, or None.

    Raises:
        ConfigError: it belongs to a run with another config; the message names what differs.
    """
    path = config.out / NAME
    if not path.exists():
        return None
    saved = torch.load(path, map_location="cpu", weights_only=True)
    before, now = json.loads(saved["config"]), json.loads(to_json(config.identity))
    changed = [key for key in now if before.get(key) != now[key]]
    if changed:
        raise ConfigError(
            f"{config.out} holds a run with another {' and '.join(changed)}; "
            "expected the same config to go on with; try another out"
        )
    document = json.loads(saved["state"])
    state = State(**{**document, "curves": Curves(**document["curves"])})
    return Checkpoint(state, saved["objective"], saved["optimiser"], saved.get("best"))
