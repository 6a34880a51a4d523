"""What is printed of probes, studies, trainings and servers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from otoscope.console.impact import brief_lines
from otoscope.console.printing import Lines, figure, table_of

if TYPE_CHECKING:
    from otoscope.interventions import ProbeScore
    from otoscope.pretraining import PretrainResult
    from otoscope.study import StudyResult


def probe_lines(score: "ProbeScore") -> Lines:
    """A probe's score, with its interval, the other probe's beside it, and what chance gives."""
    for each in (score, *score.beside):
        low, high = each.interval
        yield f"{each.measure} {each.score:.3f} (95 %: {low:.3f} to {high:.3f}), probe {each.probe}"
    yield f"chance {score.chance:.3f}; {score.n} test clips"


def pretraining_lines(result: "PretrainResult") -> Lines:
    """Where a trained model lies and where its loss ended."""
    for key, value in result.document().items():
        yield f"{key}: {value}"


def address_lines(url: str) -> Lines:
    """Where something is served; the address stays in one piece, however narrow the terminal."""
    yield Text(f"open {url}", no_wrap=True, overflow="ignore")
    yield "Ctrl-C ends it"


def study_lines(result: "StudyResult") -> Lines:
    """A study's summary: per task, labeling and model, what was found beside chance and twins."""
    table = table_of("", "model", "specific", "aape", "p", "AUROC", "probe")
    for task, found in result.table.groupby("task", sort=False):
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
    yield from brief_lines(result.ablations)
    yield ""
    yield f"open {result.report}"


def _found_cell(row: Mapping[Any, Any], preset: str) -> str:
    """A count, with that of permuted labels and of the twins in brackets: "29 (0.1; 0 0 0)"."""
    neurons, chance = row[f"{preset}_neurons"], row[f"{preset}_neurons_chance"]
    if neurons is None or neurons != neurons:
        return "refused"
    twins = f"{row[f'{preset}_twins_random']} {row[f'{preset}_twins_shuffled']}".strip() or "no twin"
    return f"{neurons:.0f} ({chance:.{1 if 0 < chance < 1 else 0}f}; {twins})"
