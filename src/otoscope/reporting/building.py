"""Build a site: its pages, and the pages of neurons, into a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.activations.progress import counting
from otoscope.files import replacing
from otoscope.reporting.chosen import chosen
from otoscope.reporting.collect import Recorded
from otoscope.reporting.neurons import NeuronPages
from otoscope.reporting.page import copy_assets, render
from otoscope.reporting.site import Page, Site

if TYPE_CHECKING:
    from otoscope.models.base import AudioModel

__all__ = ["NAV", "build"]

NAV = (
    ("index", "Overview"),
    ("layers", "Layers"),
    ("sharing", "Sharing"),
    ("impact", "Impact"),
    ("evidence", "Evidence"),
    ("neurons", "Neurons"),
    ("compare", "Compare"),
    ("methods", "Methods"),
)
"""The pages that the navigation leads to: the name of the file, and the title."""

_AT_ONCE = 100  # neurons whose pages are made together


def build(
    recorded: Sequence[Recorded],
    folder: Path,
    *,
    made: str,
    neurons: int = 300,
    models: Mapping[str, AudioModel] | None = None,
    sound: bool = True,
    live: bool = False,
    executor: Executor | None = None,
    progress: bool = False,
) -> NeuronPages:
    """Write a whole site into an empty folder.

    Args:
        recorded: stores and their results.
        folder: the folder.
        made: when, for people.
        neurons: at most so many have a page; none if the site is served and makes them on demand.
        models: by name, those that their name does not find.
        sound: hear examples again; without, there are no players.
        live: whether it is served.
        executor: processes that turn figures into files while pages are made.
        progress: show a progress bar on stderr.

    Returns:
        What makes the pages of further neurons.
    """
    shown = () if live else chosen(recorded, neurons)
    site = Site(folder, tuple(recorded), made, live, frozenset(shown), executor)
    copy_assets(folder)
    for name, _ in NAV:
        module = "overview" if name == "index" else name
        _write(site, import_module(f"otoscope.reporting.pages.{module}").page(site))
    pages = NeuronPages(site, lambda page: _write(site, page), models or {}, sound=sound)
    by_store = defaultdict(list)
    for number, layer, unit in sorted(shown):
        by_store[number].append((layer, unit))
    with counting("listening", len(shown), shown=progress, things="neurons") as advance:
        for number, addresses in by_store.items():
            for start in range(0, len(addresses), _AT_ONCE):
                part = addresses[start : start + _AT_ONCE]
                pages.write(number, part)
                advance(len(part))
    site.gallery.finish()
    return pages


def _write(site: Site, page: Page) -> None:
    place = site.folder / f"{page.name}.html"
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        temporary.write_text(render(site, page, NAV), encoding="utf-8")
