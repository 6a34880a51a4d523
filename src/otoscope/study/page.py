"""The paper in small: a page of every finding, and of every labeling, from a finished study."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pandas as pd

from otoscope.files import replacing
from otoscope.reporting.wording import counted
from otoscope.study.findings import labelings
from otoscope.study.places import stores_of
from otoscope.study.plan import Study
from otoscope.study.questions.judging import Verdict

__all__ = ["write_page"]

_HEAD = """# The paper in small

What Kawamura, Niizumi and Ono (2026) saw, and what the study "{name}" shows of it. Every row is made from the
study's numbers by rules that were written before it was run; each row of paper-findings.csv says which.
"""
_TITLES = {
    "RQ1": "Are there class-specific neurons? (RQ1)",
    "RQ2": "What do classes and tasks share? (RQ2)",
    "RQ3": "Do the neurons matter? (RQ3)",
}
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
_SHOWN = 8
"""A table with more rows is folded."""
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
    parts = [_HEAD.format(name=name), _markdown(_tally(found, "question"))]
    for question, rows in found.groupby("question", sort=False):
        parts.append(f"## {_TITLES[str(question)]}\n")
        parts += [_claim(str(claim), each) for claim, each in rows.groupby("claim", sort=False)]
    if pictures:
        parts.append("## What classes share\n")
        parts += [f"### {title}\n\n![Neurons shared: {title}]({file})\n" for title, file in pictures.items()]
    parts += ["## Every labeling by every model\n", _folded(every[[*_LABELINGS, *_TESTED]])]
    return "\n".join(parts)


def _claim(claim: str, rows: pd.DataFrame) -> str:
    """What the paper says, and what every model says of it: one that is asked often is counted first."""
    shown = rows[["model", "here", "verdict"]]
    if len(rows) <= _SHOWN:
        return f"**{claim}**\n\n{_markdown(shown)}"
    return f"**{claim}**\n\n{_markdown(_tally(rows, 'model'))}\n{_folded(shown)}"


def _tally(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """How many findings have which verdict."""
    counts = rows.groupby([by, "verdict"], sort=False).size().unstack(fill_value=0)
    return counts.reindex(columns=get_args(Verdict), fill_value=0).reset_index()


def _folded(table: pd.DataFrame) -> str:
    """A long table that one opens."""
    summary = counted(len(table), "row")
    return f"<details markdown>\n<summary>{summary}</summary>\n\n{_markdown(table)}\n</details>\n"


def _markdown(table: pd.DataFrame) -> str:
    rows = [list(map(str, table.columns)), ["---"] * table.shape[1]]
    rows += [[_cell(each) for each in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
