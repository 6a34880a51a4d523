"""Build a site: its pages, and the pages of neurons, into a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from otoscope.activations.progress import counting
from otoscope.files import replacing
from otoscope.neurons.addresses import Address
from otoscope.reporting.chosen import chosen
from otoscope.reporting.collect import Recorded
from otoscope.reporting.neurons import NeuronPages
from otoscope.reporting.page import copy_assets, render
from otoscope.reporting.site import Neuron, Page, Site

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
        executor: processes that write the pages of neurons, and turn figures into files, while this one makes
            the other pages.
        progress: show a progress bar on stderr.

    Returns:
        What makes the pages of further neurons.
    """
    shown = () if live else chosen(recorded, neurons)
    site = Site(folder, tuple(recorded), made, live, frozenset(shown), executor)
    copy_assets(folder)
    pages = NeuronPages(site, partial(_write, site), models or {}, sound=sound)
    parts = list(_parts(shown))
    jobs: list[Callable[[], None]]
    if executor is None or models:  # models that were handed over stay in this process
        jobs = [partial(pages.write, *part) for part in parts]
    else:  # begun now, while this process makes the other pages
        listen = partial(_listen, replace(site, executor=None), sound)
        jobs = [executor.submit(listen, *part).result for part in parts]
    for name, _ in NAV:
        module = "overview" if name == "index" else name
        _write(site, import_module(f"otoscope.reporting.pages.{module}").page(site))
    with counting("listening", len(shown), shown=progress, things="neurons") as advance:
        for job, (_, addresses) in zip(jobs, parts, strict=True):
            job()
            advance(len(addresses))
    site.gallery.finish()
    return pages


def _parts(shown: Sequence[Neuron]) -> Iterator[tuple[int, list[Address]]]:
    """The neurons of a site by the number of their store, some at a time."""
    by_store = defaultdict(list)
    for number, layer, unit in sorted(shown):
        by_store[number].append((layer, unit))
    for number, addresses in by_store.items():
        for start in range(0, len(addresses), _AT_ONCE):
            yield number, addresses[start : start + _AT_ONCE]


def _listen(site: Site, sound: bool, number: int, addresses: Sequence[Address]) -> None:
    """Write the pages of some neurons of a store, in a process that has only the site."""
    NeuronPages(site, partial(_write, site), {}, sound=sound).write(number, addresses)


def _write(site: Site, page: Page) -> None:
    place = site.folder / f"{page.name}.html"
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as temporary:
        temporary.write_text(render(site, page, NAV), encoding="utf-8")
