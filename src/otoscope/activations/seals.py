"""Checksums of what lies in a store beside its shards, whose own are in their receipts.

`checksums.json` is written when a recording is complete. Labels, results and the notes on runs, which come
and go later, are not in it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otoscope.activations.layout import Layout
from otoscope.errors import OtoscopeError
from otoscope.files import facts_of, read_json, write_json

__all__ = ["CHECKSUMS", "seal", "sealed"]


CHECKSUMS = "checksums.json"


def seal(layout: Layout) -> None:
    """Keep the checksums of a complete store's files."""
    files = {file.relative_to(layout.path).as_posix(): facts_of(file) for file in _fixed(layout)}
    write_json(_place(layout), {"files": files, "sha256": _digest(files)})


def sealed(layout: Layout) -> dict[str, dict[str, Any]] | None:
    """Size and checksum of each file as they were when the store was complete; None if nobody kept them.

    Raises:
        OtoscopeError: the checksums themselves are damaged.
    """
    try:
        document = read_json(_place(layout))
    except FileNotFoundError:
        return None
    files: dict[str, dict[str, Any]] | None = document.get("files") if isinstance(document, dict) else None
    if files is None or document.get("sha256") != _digest(files):
        raise OtoscopeError(
            f"{_place(layout)} is damaged; try removing it: the next recording writes it anew"
        )
    return files


def _digest(files: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _place(layout: Layout) -> Path:
    return layout.path / CHECKSUMS


def _fixed(layout: Layout) -> Iterator[Path]:
    """The files that a complete store keeps, but for those of shards."""
    yield from (layout.plan, layout.clips, layout.path / "zarr.json", *sorted(layout.receipts.glob("*.json")))
    for array in sorted(layout.path.glob("*/zarr.json")):
        yield array
        if array.parent.name in ("layer", "unit"):
            yield from sorted(file for file in (array.parent / "c").rglob("*") if file.is_file())
