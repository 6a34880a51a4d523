"""The paper in small: a page of every finding, and of every labeling, from a finished study."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from otoscope.files import replacing
from otoscope.study.findings import labelings
from otoscope.study.places import stores_of
from otoscope.study.plan import Study

__all__ = ["write_page"]

_HEAD = """# The paper in small

What Kawamura, Niizumi and Ono (2026) saw, and what the study "{name}" shows of it. Every row is made from the
study's numbers by rules that were written before it was run; each row of paper-findings.csv says which.
"""
_LABELINGS = (
    "task",
    "labeling",
    "model",
    "preset",
    "neurons",
    "neurons_chance",
    "coverage",
    "coverage_chance",
)
_TESTED = ("depth_p", "held_out", "by_layer", "refused")


def write_page(plan: Study, study: Path, folder: Path, pictures: Mapping[str, str] | None = None) -> Path:
    """Write `paper.md`, `paper-findings.csv` and `paper-labelings.csv` into a folder.

    Args:
        plan: the study.
        study: where it was run.
        folder: where the page goes.
        pictures: matrices of what classes share, already in that folder: file by title.

    Returns:
        The page. Equal numbers give equal bytes.
    """
    found = pd.read_parquet(study / "findings.parquet")
    every = labelings(plan, stores_of(plan, study))
    for name, table in (("findings", found), ("labelings", every)):
        with replacing(folder / f"paper-{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    page = folder / "paper.md"
    with replacing(page) as temporary:
        temporary.write_text(page_of(plan.name, found, every, pictures or {}), encoding="utf-8")
    return page


def page_of(name: str, found: pd.DataFrame, every: pd.DataFrame, pictures: Mapping[str, str]) -> str:
    """The page in Markdown."""
    parts = [_HEAD.format(name=name)]
    for question, rows in found.groupby("question", sort=False):
        parts.append(f"## {question}\n")
        shown = rows[["finding", "claim", "model", "here", "verdict"]]
        parts.append(_markdown(shown.set_axis(["", "the paper", "model", "here", "verdict"], axis=1)))
    if pictures:
        parts.append("## What classes share\n")
        parts += [f"### {title}\n\n![Neurons shared: {title}]({file})\n" for title, file in pictures.items()]
    parts += ["## Every labeling by every model\n", _markdown(every[[*_LABELINGS, *_TESTED]])]
    return "\n".join(parts)


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    rows += [[_cell(each) for each in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3f}"
    return str(value).replace("|", "\\|").replace("\n", " ")
