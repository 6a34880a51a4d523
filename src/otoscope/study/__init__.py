"""A study: models by tasks, from one file to recordings, evidence, ablations, findings and a report.

The embedded miniature's studies come along: `run(built_in("demo"), "demo")`.
"""

from typing import TYPE_CHECKING, Any

from otoscope.study.plan import BUILT_IN, Study, StudyError, built_in, parse_study, read_study

if TYPE_CHECKING:
    from otoscope.study.estimating import DryRun, dry_run
    from otoscope.study.result import Dissection, StudyResult
    from otoscope.study.running import run

__all__ = [
    "BUILT_IN",
    "Dissection",
    "DryRun",
    "Study",
    "StudyError",
    "StudyResult",
    "built_in",
    "dry_run",
    "parse_study",
    "read_study",
    "run",
]

_LATER = {
    "Dissection": "result", "StudyResult": "result", "run": "running", "DryRun": "estimating",
    "dry_run": "estimating",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
