"""What all benchmarks share: options, clocks, memory, and where a result goes."""

import argparse
import json
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parents[1] / "docs" / "results"
MACHINE = f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"

Found = dict[str, Any]


def parser(description: str | None, page: str) -> argparse.ArgumentParser:
    """Options that every benchmark takes; `page` is the file that --write writes."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--threads", type=int, default=torch.get_num_threads())
    made.add_argument("--json", action="store_true")
    made.add_argument("--write", action="store_true", help=f"also write docs/results/{page}")
    return made


def finish(
    options: argparse.Namespace,
    found: Found,
    page: str,
    table: Callable[[Found], str],
    text: Callable[[Found], str],
) -> None:
    """Print what was found, and write its page if that was asked for."""
    print(json.dumps(found, indent=2) if options.json else table(found))
    if options.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / page).write_text(text(found), encoding="utf-8")


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def peak() -> float:
    """Greatest memory this process has had, in MB."""
    status = Path("/proc/self/status")  # Linux's getrusage counts what the parent had before, too
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1e3
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


def counted(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"
