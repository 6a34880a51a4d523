"""The paper's findings beside a study's numbers: one row a finding and model, judged by one set of rules."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from otoscope.study.plan import Study
from otoscope.study.questions.judging import Finding
from otoscope.study.questions.shared import shared_findings
from otoscope.study.questions.specific import labelings, specific_findings
from otoscope.study.questions.switched import switched_findings

__all__ = ["COLUMNS", "findings", "labelings"]

COLUMNS = tuple(each.name for each in fields(Finding))
"""The columns of the table of findings, see `Finding`."""


def findings(
    plan: Study,
    stores: Mapping[tuple[str, str], Path],
    across: Mapping[tuple[str, str, str], Path],
) -> pd.DataFrame:
    """Hold what the paper saw against what a study left on disk.

    What is missing gives a row that says so. A finding of a trained model says what the untrained one shows:
    what that shows as well was not learned.

    Args:
        plan: the study.
        stores: the recordings by the names of model and task.
        across: what two labelings share, by model and both of them, each written TASK:LABELING.

    Returns:
        One row per finding and model, columns as in `Finding`.
    """
    found = [
        *specific_findings(plan, labelings(plan, stores)),
        *shared_findings(plan, stores, across),
        *switched_findings(stores),
    ]
    table = pd.DataFrame([asdict(each) for each in found], columns=list(COLUMNS))
    return _beside_untrained(plan, table)


def _beside_untrained(plan: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Say of each trained model's finding what the untrained model shows."""
    untrained = [name for name, entry in plan.models.items() if entry.role == "untrained"]
    verdicts = (
        table[table["model"].isin(untrained)].drop_duplicates("finding").set_index("finding")["verdict"]
    )
    trained = table["model"].isin(set(plan.models) - set(untrained))
    said = {
        "agrees": " So does an untrained model: not learned.",
        "disagrees": " An untrained model shows the opposite.",
        "cannot tell": " Of an untrained model nothing can be told.",
    }
    agreeing = trained & (table["verdict"] == "agrees")
    beside = table["finding"].map(verdicts).map(said).fillna("").where(agreeing, "")
    return table.assign(here=table["here"] + beside)
