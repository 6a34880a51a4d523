"""Reports: a static folder that opens offline, with a page, figures and tables of all that was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import otoscope
from otoscope.reporting.collect import Recorded, collect
from otoscope.reporting.figures import Figure, Gallery
from otoscope.reporting.folder import MARKER, replaced
from otoscope.reporting.tables import Cabinet

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.activations import Store

__all__ = ["MARKER", "report"]


def report(stores: Sequence[Store | str | Path], out: str | Path) -> Path:
    """Write what was found out about stores as a folder with a page, figures and tables.

    It shows what `select`, `evidence`, `probe`, `share`, `ablate`, `acoustics`, `multiverse`, `compare` and
    `compare-selectors` saved in each store's `results/`; where nothing is saved yet, it says which commands
    to run. The page needs no network and runs no script.

    Args:
        stores: stores, or where they lie.
        out: the folder to write. An earlier report there is replaced, as a whole and at the end.

    Returns:
        The page, `index.html` in the folder.

    Raises:
        UsageError: no store, or `out` exists and is something else.
        OtoscopeError: not a store, or a result that cannot be read.
    """
    recorded = collect(stores)
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    with replaced(out, {"made": made, "stores": [each.name for each in recorded]}) as folder:
        _write(recorded, folder, made)
    return Path(out) / "index.html"


def _write(recorded: Sequence[Recorded], folder: Path, made: str) -> None:
    from otoscope.reporting.beside import twins_wanted
    from otoscope.reporting.commands import commands
    from otoscope.reporting.findings import findings
    from otoscope.reporting.impact_overview import IMPACT, NOT_COVERED, impact_table
    from otoscope.reporting.overview import overview_table
    from otoscope.reporting.page import render
    from otoscope.reporting.provenance import provenance_table, sources
    from otoscope.reporting.sections import across, section

    gallery, cabinet = Gallery(folder), Cabinet(folder)
    overview, impact = overview_table(recorded), impact_table(recorded)
    content: dict[str, Any] = {
        "version": otoscope.__version__,
        "made": made,
        "models": list(dict.fromkeys(each.model for each in recorded)),
        "tasks": list(dict.fromkeys(each.task for each in recorded)),
        "findings": findings(overview),
        "overview": overview.astype(object).where(overview.notna(), None).to_dict("records"),
        "wanted": list(
            dict.fromkeys(filter(None, (twins_wanted(it, one) for it in recorded for one in it.selections)))
        ),
        "overview_table": cabinet.add("overview", overview, title="Overview"),
        "overview_figure": _overview_figure(overview, gallery),
        "impact": cabinet.add("impact", impact, title="Impact of switching neurons off", shown=IMPACT)
        if len(impact)
        else None,
        "not_covered": NOT_COVERED,
        "sections": [section(each, gallery, cabinet) for each in recorded],
        "across": [part for each in recorded for part in across(each, gallery, cabinet)],
        "sources": sources(recorded),
        "provenance_table": cabinet.add("provenance", provenance_table(recorded), title="Provenance"),
        "commands": [line for each in recorded for line in commands(each)]
        + ["otoscope report " + " ".join(_quoted(each) for each in recorded) + " --out report"],
    }
    (folder / "index.html").write_text(render(content), encoding="utf-8")


def _overview_figure(overview: pd.DataFrame, gallery: Gallery) -> Figure | None:
    from otoscope import plots
    from otoscope.reporting.overview import measure_table

    rows = measure_table(overview)
    if rows.empty:
        return None
    panels = rows["measure"].nunique()
    marks = rows["labeling"].nunique() * (0.3 + 0.17 * rows["model"].nunique())
    return gallery.add(
        "overview",
        lambda canvas: plots.overview(rows, list(canvas.subplots(1, panels, squeeze=False)[0])),
        (11.5, 1.5 + marks),
        caption="Each figure of the table beside chance: a mark outside its grey band is more, or less, than "
        "permuted labels give. For the probe the line is the 95 % interval of its accuracy.",
        alt="Class-specific neurons, coverage, depth and probe accuracy of every model and labeling; "
        "the numbers are in the table above",
    )


def _quoted(recorded: Recorded) -> str:
    import shlex

    return shlex.quote(recorded.name)
