"""Tell in one line why a store could not be written."""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from otoscope.activations.layout import Layout
from otoscope.activations.plan import Plan
from otoscope.errors import OtoscopeError
from otoscope.files import read_json

__all__ = ["writing"]


@contextmanager
def writing(layouts: Sequence[Layout]) -> Iterator[None]:
    """Turn an OSError from within the block, in which some stores are written, into an OtoscopeError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OtoscopeError(_full(layouts)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise OtoscopeError(
                f"{_place(layouts, error)} cannot be written: {error.strerror} ({error.filename}); "
                "expected a folder that may be written to; try another one"
            ) from error
        raise


def _place(layouts: Sequence[Layout], error: OSError) -> Path:
    """The store that an error is about: the one that its file lies in, as far as can be told."""
    file = Path(str(error.filename))
    paths = [layout.path for layout in layouts]
    return next((path for path in paths if file.is_relative_to(path)), paths[0])


def _full(layouts: Sequence[Layout]) -> str:
    """What a full disk means for a recording."""
    # Of several disks, the one with the least room.
    path, room = min(((layout.path, _free(layout.path)) for layout in layouts), key=lambda found: found[1])
    free = f"{room / 1e6:.0f} MB are free"
    again = "try making room, then the same command: it resumes where it stopped"
    plans = [
        (layout, Plan.from_document(read_json(layout.plan))) for layout in layouts if layout.plan.exists()
    ]
    if len(plans) < len(layouts):
        return f"the disk of {path} is full ({free}); {again}"
    missing, shards, needed = 0, 0, 0.0
    for layout, plan in plans:
        lacking = layout.missing(plan)
        missing += len(lacking)
        shards += len(plan.shards)
        needed += sum(len(plan.rows(shard)) for shard in lacking) * layout.bytes_each(plan)
    return (
        f"the disk of {path} is full: {free}, and the {missing} of {shards} shards "
        f"that are missing need about {needed / 1e6:.0f} MB; {again}"
    )


def _free(path: Path) -> int:
    """Bytes free on the disk of a path, be it there yet or not."""
    return shutil.disk_usage(next(place for place in (path, *path.absolute().parents) if place.exists())).free
