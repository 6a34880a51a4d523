"""The descriptors of the embedded miniature, measured once: a table that travels with the package.

Its rows are known by the hash of the clip's file, the part of it that is heard and the version of the
descriptors, so that a clip that differs by a bit is never served from it. `tools/mini/describe_tasks.py`
makes the table.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from otoscope.descriptors.measures import columns

__all__ = ["KEYS", "TABLE", "packaged", "packaged_rows"]

TABLE = Path(__file__).parent / "data" / "mini.parquet"
"""One row a clip: `KEYS`, and the descriptors as float32."""

KEYS = ("sha256", "part", "version")


def packaged(sha256: str, part: str, version: int) -> dict[str, float] | None:
    """The descriptors of a clip of the embedded miniature; None of any other clip.

    Args:
        sha256: the hash of the clip's file, in hexadecimal.
        part: start, stop and crop, as the descriptors of a store are kept by.
        version: of the descriptors.

    >>> packaged("a clip of your own", "None None None", 1) is None
    True
    """
    row = _rows().get((sha256, part, version))
    return None if row is None else dict(zip(columns(), row, strict=True))


def packaged_rows(keys: Iterable[tuple[str, str, str, int]]) -> dict[tuple[Any, ...], dict[str, float]]:
    """Those that the table has of the keys: clip, hash, part and version."""
    found = ((key, packaged(*key[1:])) for key in keys)
    return {key: row for key, row in found if row is not None}


@cache
def _rows() -> dict[tuple[Any, ...], tuple[float, ...]]:
    """The table by its keys; empty where it is missing or of other descriptors."""
    if not TABLE.is_file():
        return {}
    table = pd.read_parquet(TABLE)
    if not {*KEYS, *columns()} <= set(table.columns):
        return {}
    keys = table[list(KEYS)].itertuples(index=False, name=None)
    values = table[list(columns())].astype("float64").itertuples(index=False, name=None)
    return dict(zip(keys, values, strict=True))
