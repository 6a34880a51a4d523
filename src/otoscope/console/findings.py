"""What is printed of the paper's findings beside those of a study."""

from typing import TYPE_CHECKING

from rich.text import Text

from otoscope.console.printing import Lines, point

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["findings_lines"]


def findings_lines(table: "pd.DataFrame") -> Lines:
    """What the paper saw, and below it what each model shows; how many agree comes last.

    Args:
        table: as `otoscope.study.findings.findings` gives it.
    """
    for question, rows in table.groupby("question", sort=False):
        yield Text(str(question), style="bold")
        for _, same in rows.groupby("finding", sort=False):
            yield str(same["claim"].iloc[0])
            for row in same.to_dict("records"):
                who = f"{row['model']}: " if row["model"] else ""
                said = "" if row["here"].startswith(row["verdict"]) else f"{row['verdict']}: "
                yield point(f"{who}{said}{row['here']}")
        yield ""
    counts = table["verdict"].value_counts()
    yield ", ".join(
        f"{counts.get(verdict, 0)} {verdict}" for verdict in ("agrees", "disagrees", "cannot tell")
    )
