"""The data that pages draw from: classic scripts, since browsers fetch nothing from a folder on disk."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from otoscope.reporting.figures import unique

__all__ = ["Shelf", "script_json"]

_ESCAPED = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


class Shelf:
    """Writes data into a folder, each under a name of its own.

    Args:
        folder: the site's folder; data go into `data/`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self._held: set[str] = set()
        (folder / "data").mkdir(exist_ok=True)

    def add(self, name: str, document: Any) -> str:
        """Write a document that scripts find as `otoscope.data[name]`; returns its path from the folder."""
        assert name not in self._held, f"data named {name!r} twice: scripts would find the second for both"
        self._held.add(name)
        path = f"data/{unique(name, self._names)}.js"
        text = f"otoscope.data[{script_json(name)}] = {script_json(document)};\n"
        (self._folder / path).write_text(text, encoding="utf-8")
        return path


def script_json(document: Any) -> str:
    """A document as a script can hold it: nothing in it ends the script, and what is not finite is null.

    >>> script_json({"label": "</script>", "p": float("nan")})
    '{"label":"\\\\u003c/script\\\\u003e","p":null}'
    """
    text = json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _plain(value: Any) -> Any:
    """Only what JSON has: arrays as lists, NumPy's numbers as numbers, what is not finite as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
