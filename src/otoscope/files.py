"""Files that are either whole or not there: write beside the target, then rename."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope.errors import OtoscopeError

_HOST = re.sub(r"[^A-Za-z0-9]+", "", platform.node())[:32] or "host"
_TEMPORARY = re.compile(r"\.([A-Za-z0-9]+)-(\d+)\.partial")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds, else delete it.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: some writers choose their format by it.
    temporary = target.with_name(f".{target.stem}.{_HOST}-{os.getpid()}.partial{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def abandoned(temporary: Path) -> bool:
    """Whether a temporary file of `replacing` is of a process of this machine that is no more.

    One that tells of no process counts as abandoned, one of another machine does not.
    """
    named = _TEMPORARY.search(temporary.name)
    if named is None or sys.platform == "win32":  # where one cannot ask after a process without ending it
        return True
    if named[1] != _HOST:
        return False
    try:
        os.kill(int(named[2]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is somebody else's
        return False
    return False


def slug(name: str) -> str:
    """Turn a spec into a name that any file system takes.

    >>> slug("m2d:weights/m2d_vit_base-80x608p16x16/checkpoint-300.pth")
    'm2d-weights-m2d_vit_base-80x608p16x16-checkpoint-300.pth'
    """
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")


def write_json(path: str | os.PathLike[str], document: Any) -> None:
    """Write a document as indented JSON, atomically; NumPy values are allowed, NaN becomes null."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(document) + "\n", encoding="utf-8")


def to_json(document: Any) -> str:
    """Render a document as strict JSON: NumPy values as plain ones, NaN and infinity as null.

    >>> print(to_json({"p": np.float64("nan"), "n": np.int64(3)}))
    {
      "p": null,
      "n": 3
    }
    """
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON document.

    Raises:
        OtoscopeError: the file holds something else.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # what is no JSON, and what is no text
        raise OtoscopeError(
            f"{path} cannot be read: {error}; expected a JSON document that otoscope wrote; was it cut short "
            "or changed? try removing it, and the command that made it again"
        ) from None


def read_saved(folder: str | os.PathLike[str], name: str, by: str = "save") -> Any:
    """Read the document of a result from the folder that it was saved into.

    Args:
        folder: where it was saved.
        name: the document's file there.
        by: what writes such folders, for the message.

    Raises:
        OtoscopeError: the folder holds no such file, or it is no JSON.
    """
    if not (Path(folder) / name).is_file():
        raise OtoscopeError(f"{folder} holds no {name}; expected a folder that `{by}` wrote")
    return read_json(Path(folder) / name)


def write_table(path: str | os.PathLike[str], table: pd.DataFrame, *, digits: int | None = None) -> None:
    """Write a table as Parquet and, beside it, as CSV; `path` has no suffix.

    Args:
        path: of the files, without suffix.
        table: the table.
        digits: significant digits of numbers in the CSV; all of them by default, as in the Parquet.
    """
    base = Path(path)
    with replacing(base.with_name(base.name + ".parquet")) as temporary:
        table.to_parquet(temporary, index=False)
    with replacing(base.with_name(base.name + ".csv")) as temporary:
        table.to_csv(temporary, index=False, float_format=None if digits is None else f"%.{digits}g")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value
