"""The engine that a user asks for."""

from __future__ import annotations

from typing import Literal, get_args

from otoscope.engines.base import Engine, Here
from otoscope.errors import UsageError

__all__ = ["ENGINES", "EngineName", "engine_of"]

EngineName = Literal["local", "ray"]
ENGINES: tuple[str, ...] = get_args(EngineName)
"""The names of engines: processes of this machine, and a Ray cluster."""


def engine_of(
    name: str, workers: int, *, address: str | None = None, threads: int = 1, gpu: bool = False
) -> Engine:
    """An engine by name.

    Args:
        name: "local" or "ray".
        workers: how many; one on this machine is this process itself.
        address: of the Ray cluster; by default the one that RAY_ADDRESS names, else one of this machine.
        threads: of each worker's arithmetic: the cores that Ray keeps for it.
        gpu: whether each worker needs a GPU, which Ray then gives it.

    Raises:
        UsageError: no such engine, or an address without Ray.
    """
    if name not in ENGINES:
        raise UsageError(f"engine is {name!r}; expected one of {', '.join(ENGINES)}")
    if name == "local":
        if address is not None:
            raise UsageError(f"a Ray address ({address}) is given for the local engine; try engine='ray'")
        if workers == 1:
            return Here()
        from otoscope.engines.processes import Processes

        return Processes(workers)
    from otoscope.engines.cluster import Ray

    return Ray(workers, address=address, threads=threads, gpu=gpu)
