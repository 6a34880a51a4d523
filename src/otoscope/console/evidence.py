"""What is printed of the evidence on a labeling: what survives which baseline."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from rich.text import Text

from otoscope.console.printing import MANY, Lines, figure, point, table_of

Row = Mapping[str, Any]

_VERDICTS = {True: "survives", False: "does not", None: "open"}


def evidence_lines(document: Mapping[str, Any]) -> Lines:
    """Of each labeling: the presets against every baseline, the classes on unseen clips, sentences, notes."""
    for found in document["labelings"]:
        yield Text(f"{found['label']}: what survives which baseline", style="bold")
        yield _table(found["presets"])
        yield _classes(found)
        for sentence in (*found["sentences"], *found["notes"]):
            yield point(sentence)
        yield ""
    for label, reason in document["refused"].items():
        yield point(f"{label} is refused: {reason}")


def _table(presets: list[Row]) -> Any:
    """Figures and verdicts: a row a baseline, a column a preset."""
    from otoscope.neurons.evidence.surviving import verdicts

    table = table_of("", *(row["preset"] for row in presets))
    judged = [verdicts({key: _number(value) for key, value in row.items()}) for row in presets]
    for title, cell, baseline in _ROWS:
        table.add_row(title, *("refused" if row["refused"] else cell(row) for row in presets))
        if baseline:
            told = (
                "" if row["refused"] else _VERDICTS[own[baseline]]
                for row, own in zip(presets, judged, strict=True)
            )
            table.add_row("", *told, style="dim")
    return table


def _classes(found: Mapping[str, Any]) -> Any:
    """The AUROC of each class on unseen clips, in the trained model and, the largest of all, in its twins."""
    effects = pd.DataFrame(found["effects"])
    presets = list(dict.fromkeys(effects["preset"]))
    table = table_of("class: AUROC on unseen clips", *presets)
    names = list(dict.fromkeys(effects["category"]))
    for name in names[:MANY]:
        cells = []
        for preset in presets:
            rows = effects[(effects["preset"] == preset) & (effects["category"] == name)]
            own, twins = (rows[(rows["model"] == "trained") == it]["auroc"] for it in (True, False))
            most = figure(twins.max() if len(twins) else None, "{:.2f}")
            cells.append(f"{figure(own.iloc[0] if len(own) else None, '{:.2f}')} (twins {most})")
        table.add_row(name, *cells)
    if len(names) > MANY:
        table.add_row(f"and {len(names) - MANY} more, see effects.csv")
    return table


def _number(value: Any) -> Any:
    return float("nan") if value is None else value


def _of(form: str, *names: str) -> Callable[[Row], str]:
    """Figures in a form with a place for each; a dash where the first is not known."""

    def cell(row: Row) -> str:
        values = [_number(row[name]) for name in names]
        return form.format(*values) if all(value == value for value in values) else "-"

    return cell


_ROWS: tuple[tuple[str, Callable[[Row], str], str], ...] = (
    ("class-specific neurons", _of("{:,.0f}", "neurons"), ""),
    ("  permuted labels, 95 %", _of("{:,.0f} to {:,.0f}", "neurons_low", "neurons_high"), ""),
    ("  number, p", _of("{:.3f}", "neurons_p"), ""),
    ("  depth, p", _of("{:.3f}", "depth_p"), "permuted labels"),
    ("  random twins, mean", _of("{:,.1f}", "twins_random"), ""),
    ("  shuffled twins, mean", _of("{:,.1f}", "twins_shuffled"), ""),
    ("  any twin, at most", _of("{:,.0f}", "twins_most"), "twins"),
    ("coverage of the classes", _of("{:.2f}", "coverage"), ""),
    ("  permuted labels, 95 %", _of("{:.2f} to {:.2f}", "coverage_low", "coverage_high"), ""),
    ("AUROC on unseen clips", _of("{:.2f}", "held_out"), ""),
    ("  its 95 % interval", _of("{:.2f} to {:.2f}", "held_out_low", "held_out_high"), "unseen clips"),
    ("  any twin, at most", _of("{:.2f}", "held_out_twins_most"), ""),
    ("halves agree (Jaccard)", _of("{:.2f}", "stability"), ""),
    ("  permuted labels, most", _of("{:.2f}", "stability_chance_most"), "other halves"),
    ("follow a descriptor", _of("{:,.0f}", "follows"), ""),
    ("class size bias (rank)", _of("{:+.2f}", "size_bias"), ""),
)  # fmt: skip
