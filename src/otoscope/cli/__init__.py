"""The verbs of the command line: parse, call, print. Nothing heavy is imported until a verb runs."""

import sys
import warnings

from otoscope.cli import (
    acoustics,
    comparing,
    evidence,
    impact,
    keeping,
    listening,
    multiverse,
    probing,
    recording,
    selecting,
    serving,
    sharing,
    studies,
    tasks,
)
from otoscope.cli.app import app
from otoscope.errors import OtoscopeError, UsageError

__all__ = [
    "acoustics",
    "app",
    "comparing",
    "evidence",
    "impact",
    "keeping",
    "listening",
    "main",
    "multiverse",
    "probing",
    "recording",
    "selecting",
    "serving",
    "sharing",
    "studies",
    "tasks",
]


def main() -> None:
    """Run the command line: one clear line for an error, a traceback only with `--debug`."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    warnings.showwarning = _warn
    try:
        app(arguments, prog_name="otoscope")
    except Exception as error:
        if debug:
            raise
        _complain(error)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _warn(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """Say what a user should know in one line; what only developers should know stays away."""
    del where, more
    if issubclass(category, UserWarning):
        sys.stderr.write(f"otoscope: warning: {message}\n")


def _complain(error: Exception) -> None:
    message = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.filename and error.strerror:
        message = (
            f"{error.filename}: {error.strerror.lower()}; expected a path that can be read and written; "
            "try another, such as --out FOLDER"
        )
    if not isinstance(error, (OtoscopeError, OSError)):
        message = (
            f"unexpected {type(error).__name__}: {message} (please report it, with the output of --debug)"
        )
    sys.stderr.write(f"otoscope: {message}\n")
