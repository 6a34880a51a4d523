"""Files that are either whole or not there: write beside the target, then rename."""

import hashlib
import io
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from pyarrow import parquet

from otoscope.errors import OtoscopeError
from otoscope.provenance import made

_HOST = re.sub(r"[^A-Za-z0-9]+", "", platform.node())[:32] or "host"
_TEMPORARY = re.compile(r"\.([A-Za-z0-9]+)-(\d+)\.partial")


def path_of(where: str | os.PathLike[str]) -> Path:
    """A place by its name: a path, or for an fsspec URL what has a path's methods (a `upath.UPath`).

    What a URL needs besides, keys and end points, fsspec takes from its configuration and the environment.

    >>> path_of("stores/x.zarr").name, str(path_of("memory://stores/x.zarr") / "plan.json")
    ('x.zarr', 'memory://stores/x.zarr/plan.json')
    """
    if not isinstance(where, str):  # a path, or what path_of made
        return where if isinstance(where, Path) or not isinstance(where, os.PathLike) else Path(where)
    if "://" not in where or where.startswith("file://"):
        return Path(where.removeprefix("file://"))
    from upath import UPath

    # Others write there too: what was listed once is not what is there now.
    return cast(Path, UPath(where, use_listings_cache=False))


def is_local(path: Path) -> bool:
    """Whether a place that `path_of` gave is on a disk of this machine, or one that looks like it."""
    return isinstance(path, Path)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds, else delete it.

    What is behind a URL is written on this machine's disk first, and then sent as a whole.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = path_of(path)
    if not is_local(target):
        with tempfile.TemporaryDirectory(prefix="otoscope-") as folder:
            yield (sent := Path(folder) / target.name)
            _send(sent, target)
        return
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


def write_result(path: str | os.PathLike[str], document: dict[str, Any]) -> None:
    """Write a result's document, with how it came about as `made`, which `read_saved` leaves out."""
    write_json(path, {**document, "made": made()})


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
        return json.loads(path_of(path).read_text(encoding="utf-8"))
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
    if not (path_of(folder) / name).is_file():
        raise OtoscopeError(f"{folder} holds no {name}; expected a folder that `{by}` wrote")
    document = read_json(path_of(folder) / name)
    document.pop("made", None)
    return document


def write_table(path: str | os.PathLike[str], table: pd.DataFrame, *, digits: int | None = None) -> None:
    """Write a table as Parquet and, beside it, as CSV; `path` has no suffix.

    Args:
        path: of the files, without suffix.
        table: the table.
        digits: significant digits of numbers in the CSV; all of them by default, as in the Parquet.
    """
    base = path_of(path)
    with replacing(base.with_name(base.name + ".parquet")) as temporary:
        table.to_parquet(temporary, index=False)
    with replacing(base.with_name(base.name + ".csv")) as temporary:
        table.to_csv(temporary, index=False, float_format=None if digits is None else f"%.{digits}g")


def columns_of(path: Path) -> list[str]:
    """The columns of a table that was written as Parquet."""
    with path.open("rb") as file:
        return list(parquet.read_schema(file).names)


def facts_of(file: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, as `bytes` and `sha256`."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
            size += len(block)
    return {"bytes": size, "sha256": digest.hexdigest()}


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table that was written as Parquet, from wherever it lies."""
    if is_local(path):
        return pd.read_parquet(path, columns=None if columns is None else list(columns))
    with path.open("rb") as file:
        return pd.read_parquet(io.BytesIO(file.read()), columns=None if columns is None else list(columns))


def _send(file: Path, target: Any) -> None:
    """A file to where a URL points."""
    target.fs.put_file(str(file), target.path)


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
