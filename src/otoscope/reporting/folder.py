"""The report's folder: whole or not there, and never in place of something else."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import otoscope
from otoscope.errors import UsageError
from otoscope.files import read_json, write_json

MARKER = "otoscope-report.json"
"""The file that tells a report's folder; it lists the others, so that nothing else is ever deleted."""


@contextmanager
def replaced(out: str | os.PathLike[str], about: dict[str, Any]) -> Iterator[Path]:
    """Yield an empty folder beside `out`; put it in the place of `out` when the block has succeeded.

    Args:
        out: the folder to make, or an earlier report to replace.
        about: what the marker file says besides the version and the list of files.

    Raises:
        UsageError: `out` exists and is something else, or holds files that no report wrote.
    """
    target = Path(out).absolute()
    _refuse_strangers(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.partial")
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    shutil.rmtree(fresh, ignore_errors=True)  # of a process that was killed and had the same number
    fresh.mkdir()
    try:
        yield fresh
        files = _files(fresh)
        write_json(fresh / MARKER, {"otoscope": otoscope.__version__, **about, "files": files})
        _refuse_strangers(target)  # again: drawing takes a while, and somebody may have put a file there
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_strangers(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(
            f"{target} is a file or a link; expected a folder to write, or none: give another --out"
        )
    if not target.exists() or not any(target.iterdir()):
        return
    if not (target / MARKER).is_file():
        raise UsageError(
            f"{target} exists and is no report of otoscope (there is no {MARKER} in it); "
            "expected a new or empty folder, or an earlier report: give another --out"
        )
    strangers = sorted(set(_files(target)) - set(read_json(target / MARKER)["files"]) - {MARKER})
    if strangers:
        raise UsageError(
            f"{target} holds {strangers[0]!r}"
            + (f" and {len(strangers) - 1} more files" if len(strangers) > 1 else "")
            + ", which the report there did not write and a new one would delete; "
            "move it, or give another --out"
        )


def _files(folder: Path) -> list[str]:
    # Folders of their own count too: an empty one is nobody's loss.
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
