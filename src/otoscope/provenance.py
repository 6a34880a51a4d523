"""How a number came about: the command, the moment, the machine and the versions."""

import getpass
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from otoscope import __version__

_LIBRARIES = ("torch", "numpy", "zarr", "soundfile", "soxr")


def made() -> dict[str, Any]:
    """What a result tells of its making: command, when, who, where, system, processor, cores and versions."""
    return {"command": command(), "when": now().isoformat(), **machine(), "versions": versions()}


def command() -> str:
    """The line that started this process, as a shell takes it.

    >>> isinstance(command(), str)
    True
    """
    program, *words = sys.argv or [""]
    name = Path(program).name
    return shlex.join(["otoscope" if name in ("otoscope", "__main__.py") else name, *words])


def now() -> datetime:
    """This moment, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def machine() -> dict[str, Any]:
    """Who computes here, and what it is computed on."""
    return {
        "who": _who(),
        "where": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Versions of what numbers depend on."""
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"otoscope": __version__, "python": platform.python_version(), **libraries}


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as containers have it
        return "unknown"


def _processor() -> str:
    """Its name where the system tells it, else its kind."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
