"""What is printed of a study: what it found, or what it would need."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otoscope.console.findings import findings_lines
from otoscope.console.printing import Lines, count, duration, figure, point, table_of

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.study import DryRun, StudyResult

__all__ = ["dry_run_lines", "study_lines"]


def study_lines(result: "StudyResult") -> Lines:
    """What was found on each labeling and model, the paper's findings beside it, and the report's path."""
    yield from _summary_lines(result.table)
    if len(result.findings):
        yield ""
        yield from findings_lines(result.findings)
    if result.refused:
        yield f"{count(len(result.refused), 'step')} left out, each with its reason in study.json"
    yield ""
    yield f"open {result.report}"


def _summary_lines(summary: "pd.DataFrame") -> Lines:
    """Per task, labeling and model, what was found beside chance and twins."""
    table = table_of("", "model", "specific", "aape", "p", "AUROC", "probe")
    for task, found in summary.groupby("task", sort=False):
        table.add_row(str(task), style="bold")
        for label, rows in found.groupby("label", sort=False):
            for position, row in enumerate(rows.to_dict("records")):
                table.add_row(
                    str(label) if position == 0 else "",
                    str(row["model"]),
                    *(_found_cell(row, preset) for preset in ("specific", "aape")),
                    figure(row["aape_depth_p"], "{:.2f}"),
                    figure(row["aape_held_out"], "{:.2f}"),
                    figure(row["probe_accuracy"], "{:.2f}"),
                )
        table.add_section()
    yield table
    yield (
        "specific, aape: class-specific neurons by either preset; in brackets, their mean number under "
        "permuted labels, and their numbers in the twins (untrained ones, then shuffled); no twin: the model "
        "is untrained itself. p: of the depth of aape; counts are described, not tested. AUROC: how well "
        "aape's neurons tell their classes on clips that their choice has not seen. probe: accuracy, "
        "tested on groups that it did not learn from."
    )


def _found_cell(row: Mapping[Any, Any], preset: str) -> str:
    """A count, with that of permuted labels and of the twins in brackets: "29 (0.1; 0 0 0)"."""
    neurons, chance = row[f"{preset}_neurons"], row[f"{preset}_neurons_chance"]
    if neurons is None or neurons != neurons:
        return "refused"
    twins = f"{row[f'{preset}_twins_random']} {row[f'{preset}_twins_shuffled']}".strip() or "no twin"
    return f"{neurons:.0f} ({chance:.{1 if 0 < chance < 1 else 0}f}; {twins})"


def dry_run_lines(found: "DryRun") -> Lines:
    """What is missing, what each task is and would cost, and what the estimates rest on."""
    if found.missing:
        yield f"missing ({len(found.missing)}):"
        yield from (point(sentence) for sentence in found.missing)
        yield ""
    table = table_of("task", "clips", "hours", "record", "analyse", "disk")
    for each in found.tasks:
        table.add_row(
            each.name,
            figure(each.clips, "{:,.0f}"),
            figure(each.hours, "{:.2f}"),
            "-" if each.record_s is None else duration(each.record_s),
            "-" if each.analyse_s is None else duration(each.analyse_s),
            "-" if each.disk_bytes is None else size(each.disk_bytes),
        )
    yield table
    yield from found.sentences


def size(bytes_: float) -> str:
    """Bytes in words: "12 MB", "1.3 GB".

    >>> size(12_300_000), size(1.34e9)
    ('12 MB', '1.3 GB')
    """
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.0f} MB"
