"""What is printed of probes, ablations, studies and trainings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otoscope.console.printing import Lines, figure, table_of

if TYPE_CHECKING:
    from otoscope.interventions import Ablation, ProbeScore
    from otoscope.pretraining import PretrainResult
    from otoscope.study import StudyResult


def probe_lines(score: "ProbeScore") -> Lines:
    """A probe's accuracy, with its interval."""
    document = score.document()
    low, high = document["interval"]
    yield f"accuracy {document['accuracy']:.3f} (95 %: {low:.3f} to {high:.3f}) on {document['n']} clips"


def ablation_lines(ablation: "Ablation") -> Lines:
    """What switching neurons off did to their own classes, beside the control sets."""
    table = table_of("off", "class", "neurons", "clips", "accuracy", "p", "margin", "p")
    for target in ablation.targets:
        rows = ablation.summary[ablation.summary["target"] == target.name]
        own = rows[rows["category"].isin(target.categories)] if target.categories else rows
        for position, row in enumerate(own.to_dict("records")):
            many = len(target.categories) > 2
            name = f"{len(target.categories)} classes" if many else target.name
            name, count = (name, str(len(target.neurons))) if position == 0 else ("", "")
            table.add_row(name, str(row["category"]), count, str(row["clips"]), *_change_cells(row))
    yield f"{ablation.label}: what switching neurons off changes"
    yield table
    yield (
        "Accuracy in percentage points, margin in logits; in brackets, the mean change under random sets of "
        "as many neurons in the same layers. p: share of these sets that change at least as much, the target "
        "counted."
    )


def _change_cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    cells: list[str] = []
    for measure, scale, form in (("accuracy", 100, "{:+.1f}"), ("margin", 1, "{:+.2f}")):
        target = scale * row[f"{measure}_change"]
        controls = scale * (row[f"{measure}_controls_mean"] - row[f"{measure}_baseline"])
        cells += [
            f"{form.format(target)} ({form.format(controls)})",
            figure(row[f"{measure}_p"], "{:.2f}"),
        ]
    return tuple(cells)


def pretraining_lines(result: "PretrainResult") -> Lines:
    """Where a trained model lies and where its loss ended."""
    for key, value in result.document().items():
        yield f"{key}: {value}"


def study_lines(result: "StudyResult") -> Lines:
    """A study's summary: per task, labeling and model, what was found beside chance."""
    table = table_of("", "model", "neurons", "coverage", "depth", "p", "probe")
    for task, found in result.table.groupby("task", sort=False):
        table.add_row(str(task), style="bold")
        for label, rows in found.groupby("label", sort=False):
            for position, row in enumerate(rows.to_dict("records")):
                table.add_row(
                    f"  {label}" if position == 0 else "",
                    str(row["model"]),
                    *(
                        f"{figure(row[key], form)} ({figure(row[f'{key}_chance'], form)})"
                        for key, form in (("neurons", "{:.0f}"), ("coverage", "{:.2f}"), ("depth", "{:.4f}"))
                    ),
                    figure(row["depth_p"], "{:.2f}"),
                    figure(row["probe_accuracy"], "{:.2f}"),
                )
        table.add_section()
    yield table
    yield (
        "neurons: class-specific ones; coverage: share of classes that have one; depth: how far their "
        "entropy lies below log K, in nats; in brackets, the mean under permuted labels. p: of the depth; "
        "the rest is described, not tested. probe: accuracy, tested on groups that it did not learn from."
    )
    yield f"open {result.report}"
