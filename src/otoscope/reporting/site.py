"""A site in the making: its folder, what it tells of, and where its figures, tables and data go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otoscope.reporting.collect import Recorded
from otoscope.reporting.figures import Gallery
from otoscope.reporting.shelf import Shelf
from otoscope.reporting.tables import Cabinet

__all__ = ["Neuron", "Page", "Site"]

Neuron = tuple[int, int, int]
"""The number of a store in the report, a layer, a unit."""


@dataclass(frozen=True)
class Page:
    """One page of the site, before it is written.

    Attributes:
        name: of its file, without the suffix.
        title: what it is called in the navigation and on the page.
        template: which template renders it.
        content: what the template names.
        scripts: what it loads, in order, as paths from the site's folder: data first, then what uses them.
    """

    name: str
    title: str
    template: str
    content: Mapping[str, Any]
    scripts: Sequence[str] = ()


@dataclass(frozen=True)
class Site:
    """A site in the making.

    Attributes:
        folder: where it is written.
        recorded: the stores that it tells of, with their results.
        made: when, for people.
        live: whether it is served, so that every neuron has a page, made when it is asked for.
        neurons: the neurons that have a page, for a site that is not.
        executor: processes that turn figures into files, see `Gallery`.
        gallery: where its figures go.
        cabinet: where its tables go.
        shelf: where the data of its scripts go.
    """

    folder: Path
    recorded: tuple[Recorded, ...]
    made: str
    live: bool = False
    neurons: frozenset[Neuron] = frozenset()
    executor: Executor | None = None
    gallery: Gallery = field(init=False)
    cabinet: Cabinet = field(init=False)
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gallery", Gallery(self.folder, self.executor))
        object.__setattr__(self, "cabinet", Cabinet(self.folder))
        object.__setattr__(self, "shelf", Shelf(self.folder))

    def href(self, number: int, layer: int, unit: int) -> str | None:
        """Where a neuron's page lies, from the site's folder; None where it has none."""
        if not self.live and (number, layer, unit) not in self.neurons:
            return None
        return f"neurons/{number}/{layer}.{unit}.html"
