"""The page Sharing: neurons that classes share, in matrices whose cells lead to the neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otoscope.reporting.charts import PLOTLY
from otoscope.reporting.collect import Recorded
from otoscope.reporting.figures import Figure
from otoscope.reporting.findings import about_sharing
from otoscope.reporting.parts import matrix_size
from otoscope.reporting.sharing import Side, matrix_document, sides_of
from otoscope.reporting.site import Page, Site
from otoscope.reporting.tables import Table
from otoscope.reporting.wording import short_model

if TYPE_CHECKING:
    from otoscope.neurons import Sharing

__all__ = ["page"]


@dataclass(frozen=True)
class Matrix:
    """One matrix as the page shows it.

    Attributes:
        name: of its data, and its address within the page.
        data: path of its data script.
        title: model, task and labelings.
        said: what was found, in words.
        orders: in which its classes can be put.
        listed: whether the neurons of its cells are known.
        within: of one labeling.
        height: CSS pixels.
        figure: the same for print.
        tables: its numbers.
    """

    name: str
    data: str
    title: str
    said: str
    orders: list[str]
    listed: bool
    within: bool
    height: int
    figure: Figure
    tables: list[Table]


def page(site: Site) -> Page:
    """The page; without a sharing it says which commands count one."""
    matrices = [
        _matrix(site, each, position, sharing)
        for each in site.recorded
        for position, sharing in enumerate(each.sharings, start=1)
    ]
    content = {
        "matrices": matrices,
        "missing": [
            f"otoscope share {each.name}:{label}" for each in site.recorded for label in each.store.labelings
        ],
    }
    scripts = (*(each.data for each in matrices), PLOTLY, "assets/charts.js", "assets/sharing.js")
    return Page("sharing", "Sharing", "report/sharing.html.jinja", content, scripts if matrices else ())


def _matrix(site: Site, recorded: Recorded, position: int, sharing: Sharing) -> Matrix:
    name = f"matrix-{recorded.number}-{position}"
    sides = sides_of(site.recorded, sharing)
    document = matrix_document(site, name, sharing, sides)
    stem = f"{recorded.number}-{'-'.join(dict.fromkeys(sharing.labels))}-sharing"
    return Matrix(
        name,
        site.shelf.add(name, document),
        f"{_named(sharing, sides)}, {short_model(recorded.model)}",
        about_sharing(sharing),
        list(document["orders"]),
        document["neurons"] is not None,
        sharing.within,
        190 + min(26 * len(sharing.shared), 800),
        _figure(site, stem, sharing),
        _tables(site, stem, sharing),
    )


def _named(sharing: Sharing, sides: tuple[Side, Side]) -> str:
    titles = [
        f"{side.task} {label}".strip() + (f" ({side.preset})" if side.preset else "")
        for side, label in zip(sides, sharing.labels, strict=True)
    ]
    return titles[0] if sharing.within else " × ".join(titles)


def _figure(site: Site, stem: str, sharing: Sharing) -> Figure:
    rows, columns = sharing.shared.shape
    return site.gallery.add(
        stem,
        lambda canvas: sharing.plot(canvas.subplots()),
        matrix_size(rows, columns),
        printed=True,
        alt=f"Matrix of shared neurons, {rows} by {columns} classes; the numbers are in the table",
    )


def _tables(site: Site, stem: str, sharing: Sharing) -> list[Table]:
    tables = [site.cabinet.add(stem, sharing.table, title="Shared neurons by pair of classes")]
    if sharing.tests is not None:
        tests = sharing.tests.pairs.table
        tables.append(site.cabinet.add(f"{stem}-tests", tests, title="Tests of sharing"))
    return tables
