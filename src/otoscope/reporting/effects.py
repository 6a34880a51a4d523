"""What a report says about an ablation: each class's change, beside what the control sets change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from otoscope import plots
from otoscope.reporting.figures import Gallery
from otoscope.reporting.parts import SIZE, Part, matrix_size
from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import counted, listing, number, p_value, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from otoscope.interventions import Ablation

MEASURES = {"accuracy": ("percentage points", 100.0, 1), "margin": ("logits", 1.0, 2)}
"""What is measured: the unit in which changes are shown, the factor to it, and decimals."""

_MARGIN = " The margin is the true class's logit less the largest other one."
_MOST_SHOWN = 40  # rows of a table on the page; beyond, the files hold it


def add_ablation(part: Part, stem: str, ablation: Ablation, gallery: Gallery, cabinet: Cabinet) -> None:
    """Add what an ablation found.

    Where the neurons of several classes were switched off class by class, one figure shows each class under
    its own target, and a matrix every class under every target; otherwise each target has a figure with all
    classes.
    """
    class_by_class = len(ablation.targets) > 1 and all(len(each.categories) == 1 for each in ablation.targets)
    for measure in MEASURES:
        if class_by_class:
            _add_own(part, stem, ablation, measure, gallery)
            _add_matrix(part, stem, ablation, measure, gallery)
        else:
            _add_targets(part, stem, ablation, measure, gallery)
    _add_tables(part, stem, ablation, cabinet)


def changes(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Rows of an ablation's summary as changes, in shown units: `category, change, low, high, p`."""
    before, scale = rows[f"{measure}_baseline"], MEASURES[measure][1]
    return pd.DataFrame(
        {
            "category": rows["category"].astype(str),
            "change": scale * rows[f"{measure}_change"],
            "low": scale * (rows[f"{measure}_controls_low"] - before),
            "high": scale * (rows[f"{measure}_controls_high"] - before),
            "p": rows[f"{measure}_p"],
        }
    ).reset_index(drop=True)


def _add_own(part: Part, stem: str, ablation: Ablation, measure: str, gallery: Gallery) -> None:
    unit, scale, _ = MEASURES[measure]
    own = ablation.summary.query("target == category")
    shown = changes(own, measure)
    draws = ablation.table.query("condition == 'control' and target == category")
    before = draws["category"].map(dict(zip(own["category"], own[f"{measure}_baseline"], strict=True)))
    controls = pd.DataFrame({"category": draws["category"], "change": scale * (draws[measure] - before)})

    def draw(canvas: Canvas) -> None:
        label, targets = f"change in {measure} ({unit})", list(shown["category"])
        plots.ablation(shown, canvas.subplots(), controls=controls, targets=targets, label=label)

    part.paragraphs.append((f"Ablation, {measure}", _about_own(shown, measure)))
    part.figures.append(
        gallery.add(
            f"{stem}-ablation-{measure}",
            draw,
            _size(len(shown)),
            caption=f"Each class with its own neurons switched off: how its {measure} changes, beside as "
            "many "
            "random neurons of the same layers." + (_MARGIN if measure == "margin" else ""),
            alt=f"Change in {measure} of each class with its own neurons off; the numbers are in the table",
        )
    )


def _add_matrix(part: Part, stem: str, ablation: Ablation, measure: str, gallery: Gallery) -> None:
    unit, scale, _ = MEASURES[measure]
    wide = ablation.summary.pivot(index="target", columns="category", values=f"{measure}_change")
    wide = scale * wide.reindex(
        index=[each.name for each in ablation.targets], columns=list(ablation.classes)
    )
    wide.index.name, wide.columns.name = "neurons off", "class measured"
    part.figures.append(
        gallery.add(
            f"{stem}-ablation-{measure}-matrix",
            lambda canvas: plots.matrix(wide, canvas.subplots(), label=f"change in {measure} ({unit})"),
            matrix_size(*wide.shape),
            caption=f"The neurons of each class (row) off, the {measure} of every class (column) measured. "
            "What "
            "a class's own neurons do lies on the diagonal.",
            alt=f"Matrix of changes in {measure}, class switched off by class measured",
        )
    )


def _add_targets(part: Part, stem: str, ablation: Ablation, measure: str, gallery: Gallery) -> None:
    for position, target in enumerate(ablation.targets, start=1):
        rows = ablation.summary[ablation.summary["target"] == target.name]
        neurons = counted(len(target.neurons), "neuron")
        overall = p_value(ablation.any_class_p(target.name, measure))
        text = f"{neurons} of {target.name} off: {_about_classes(changes(rows, measure), measure)} "
        part.paragraphs.append((f"Ablation, {measure}", f"{text}Over all classes at once, {overall}."))

        def draw(canvas: Canvas, name: str = target.name) -> None:
            ablation.plot(name, measure=measure, ax=canvas.subplots())

        part.figures.append(
            gallery.add(
                f"{stem}-ablation-{position}-{measure}",
                draw,
                _size(len(rows)),
                caption=f"{neurons} of {target.name} switched off: how the {measure} of each class changes, "
                "beside as many random neurons of the same layers."
                + (_MARGIN if measure == "margin" else ""),
                alt=f"Change in {measure} of each class with {target.name} off; the numbers are in the table",
            )
        )


def _add_tables(part: Part, stem: str, ablation: Ablation, cabinet: Cabinet) -> None:
    table = ablation.summary.assign(accuracy_points=100 * ablation.summary["accuracy_change"])
    shown: Shown = {
        "target": ("off", str),
        "category": ("class", str),
        "clips": ("test clips", number),
        "accuracy_points": ("accuracy, points", signed),
        "accuracy_p": ("p", partial(number, digits=2)),
        "margin_change": ("margin, logits", partial(signed, digits=2)),
        "margin_p": ("p", partial(number, digits=2)),
    }
    title = "Ablation: every target and class"
    few = shown if len(table) <= _MOST_SHOWN else None
    part.tables.append(cabinet.add(f"{stem}-ablation", table, title=title, shown=few))
    part.tables.append(
        cabinet.add(f"{stem}-ablation-draws", ablation.table, title="Ablation: every control set")
    )


def _size(classes: int) -> tuple[float, float]:
    return SIZE[0], max(SIZE[1], 1.5 + 0.26 * classes)


def _outside(shown: pd.DataFrame) -> pd.DataFrame:
    # Shares of few clips take few values: equal ones must not count as outside for their last bit.
    return shown[(shown["change"] < shown["low"] - 1e-9) | (shown["change"] > shown["high"] + 1e-9)]


def _about_own(shown: pd.DataFrame, measure: str) -> str:
    unit, _, digits = MEASURES[measure]
    outside = _outside(shown)
    text = (
        f"With its own neurons off, {len(outside)} of {counted(len(shown), 'class', 'classes')} "
        f"{'changes' if len(outside) == 1 else 'change'} in {measure} by more than 95 % of the control sets "
        "do"
    )
    if outside.empty or len(outside) > 6:
        return text + "."
    parts = [f"{row['category']} {signed(row['change'], digits)}" for row in outside.to_dict("records")]
    return f"{text}: {listing(parts)} {unit}."


def _about_classes(shown: pd.DataFrame, measure: str) -> str:
    unit, _, digits = MEASURES[measure]
    outside = _outside(shown).to_dict("records")
    if not outside:
        return f"no class changes in {measure} beyond what 95 % of the control sets do."
    parts = [f"{row['category']} {signed(row['change'], digits)} ({p_value(row['p'])})" for row in outside]
    return f"beyond what 95 % of the control sets do change {listing(parts)} {unit}."
