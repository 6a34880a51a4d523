"""Reports: a static site that opens offline, where claims lead to neurons, and neurons to sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.errors import UsageError
from otoscope.reporting.collect import collect
from otoscope.reporting.folder import MARKER, replaced

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.models.base import AudioModel

__all__ = ["MARKER", "report"]


def report(
    stores: Sequence[Store | str | Path],
    out: str | Path,
    *,
    neurons: int = 300,
    models: Mapping[str, AudioModel] | None = None,
    sound: bool = True,
    workers: int = 1,
    progress: bool = False,
) -> Path:
    """Write what was found out about stores as a site: a folder with pages, figures, tables and sound.

    It shows what `select`, `evidence`, `probe`, `share`, `ablate`, `acoustics`, `multiverse`, `compare` and
    `compare-selectors` saved in each store's `results/`; where nothing is saved yet, it says which commands
    to run. The neurons that were chosen for a class have pages of their own, for which their examples are
    read and heard again; a clip that is no longer there is named on them. The site needs no network and no
    server.

    Args:
        stores: stores, or where they lie.
        out: the folder to write. An earlier report there is replaced, as a whole and at the end.
        neurons: at most so many have a page, every class's best first.
        models: by name, models that their name does not find.
        sound: hear examples again. Without, there are no players, and no model is loaded.
        workers: processes; all but this one write the pages of neurons and turn figures into files.
        progress: show a progress bar on stderr.

    Returns:
        The first page, `index.html` in the folder.

    Raises:
        UsageError: no store, `neurons` below 0, or `out` exists and is something else.
        OtoscopeError: not a store, or a result that cannot be read.
    """
    from otoscope.reporting.building import build
    from otoscope.reporting.drawers import drawers

    if neurons < 0:
        raise UsageError(f"neurons is {neurons}; expected 0 or more")
    recorded = collect(stores)
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    about = {"made": made, "stores": [each.name for each in recorded]}
    with replaced(out, about) as folder, drawers(workers - 1) as executor:
        build(
            recorded,
            folder,
            made=made,
            neurons=neurons,
            models=models,
            sound=sound,
            executor=executor,
            progress=progress,
        )
    return Path(out) / "index.html"
