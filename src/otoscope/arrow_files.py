"""Sound within Arrow files, as the library `datasets` keeps it: read by row, without that library.

Such a sound has a URL of our own, `arrow://COLUMN/ROW::FILE`: the bytes in a row (from 0) of a column of
structs with a field `bytes`. Files are mapped into memory, not read, and may be opened in any process.
"""

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["fetch", "is_arrow", "rows", "url"]

_PROTOCOL = "arrow://"
_OPENING = threading.Lock()


def is_arrow(url: str) -> bool:
    """Whether a URL is of a sound within an Arrow file.

    >>> is_arrow(url("data.arrow", "audio", 7)), is_arrow("zip://a.wav::all.zip")
    (True, False)
    """
    return url.startswith(_PROTOCOL)


def url(path: str | os.PathLike[str], column: str, row: int) -> str:
    """The URL of the sound in a row of a file.

    >>> url("/sounds/data.arrow", "my audio", 7)
    'arrow://my%20audio/7::/sounds/data.arrow'
    """
    return f"{_PROTOCOL}{quote(column, safe='')}/{row}::{os.fspath(path)}"


def rows(path: str | os.PathLike[str]) -> int:
    """How many rows a file has.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it is no Arrow file in the stream format, or is damaged.
    """
    return int(_table(os.fspath(path)).num_rows)


def fetch(url: str) -> bytes:
    """The bytes behind a URL.

    Raises:
        FileNotFoundError: the file is not there.
        OSError: it is no such file, or has no sound there; the message says why.
    """
    member, _, path = url.removeprefix(_PROTOCOL).partition("::")
    column, _, row = member.partition("/")
    if not (path and row.isdecimal()):
        raise OSError("is no URL of a sound in an Arrow file, arrow://COLUMN/ROW::FILE")
    table = _table(path)
    name = unquote(column)
    if name not in table.column_names:
        raise OSError(f"the file has no column {name!r}; it has {', '.join(table.column_names)}")
    if int(row) >= table.num_rows:
        raise OSError(f"the file has {table.num_rows} rows, counted from 0, and no row {row}")
    return _sound(table.column(name)[int(row)])


def _sound(cell: Any) -> bytes:
    try:
        fields = cell.as_py()
    except ValueError as error:  # names or texts beside it that are no UTF-8
        raise OSError(f"the row cannot be read: {error}") from None
    content = fields.get("bytes") if isinstance(fields, dict) else None
    if not isinstance(content, bytes):
        raise OSError("the row holds no sound; expected a field `bytes`")
    return content


def _table(path: str) -> Any:
    modified = Path(path).stat().st_mtime_ns
    with _OPENING:  # one thread at a time: the others find the table in the cache
        return _mapped(path, modified)


@lru_cache(maxsize=64)
def _mapped(path: str, _modified: int) -> Any:
    """A file's table; it takes no memory but that of an index of its record batches."""
    import pyarrow as pa

    try:
        with pa.memory_map(path) as source:
            table = pa.ipc.open_stream(source).read_all()  # its columns keep the file mapped
        table.validate(full=True)  # offsets that lead out of the file would end the process
        return table
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise OSError(f"no Arrow stream, or a damaged one: {said}") from None
