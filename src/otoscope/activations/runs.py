"""Who recorded, when, where and with which versions: one small file a run."""

import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from otoscope.files import write_json
from otoscope.provenance import command, machine, now, versions

__all__ = ["Run", "run_of"]


@dataclass
class Run:
    """One go at a recording.

    Attributes:
        id: time and a few random digits, "20260115T093012-4f2a81c0".
        facts: what its file says.
        complete: set to False where something was left undone, though no error ended the run.
    """

    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    complete: bool = True


@contextmanager
def run_of(folder: Path, device: torch.device, workers: int) -> Iterator[Run]:
    """Keep `<folder>/<id>.json` from the beginning of the block to its end, however it ends.

    The outcome stays "running" where a run was killed.
    """
    began = now()
    run = Run(f"{began:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
    run.facts = {
        "id": run.id,
        "command": command(),
        **machine(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _instructions(),
        "workers": workers,
        "versions": versions(),
        "began": began.isoformat(),
        "ended": None,
        "outcome": "running",
    }
    file = folder / f"{run.id}.json"
    write_json(file, run.facts)
    outcome = "interrupted"
    try:
        yield run
        outcome = "finished" if run.complete else "interrupted"
    finally:
        write_json(file, {**run.facts, "ended": now().isoformat(), "outcome": outcome})


def _instructions() -> str:
    """The instruction set decides how a sum is rounded."""
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
