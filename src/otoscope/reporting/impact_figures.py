"""The figures of an ablation in a report."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import pandas as pd

from otoscope import plots
from otoscope.reporting.charts import chart
from otoscope.reporting.figures import Gallery
from otoscope.reporting.impact_charts import curves_chart, matrix_chart
from otoscope.reporting.impact_data import changes, classes_of, label_of, scaled, short_label, single
from otoscope.reporting.parts import SIZE, WIDE, Part, matrix_size
from otoscope.reporting.site import Site
from otoscope.reporting.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from otoscope.interventions import Ablation, Target

__all__ = ["add_figures"]

_MOST_TARGETS = 4  # that have a figure of all classes
_MOST_PANELS = 12
_MARGINS = {
    False: " The margin is the true class's logit less the largest other one.",
    True: " The margin is the mean logit of the clips that bear the class less that of the others.",
}


def add_figures(part: Part, stem: str, ablation: Ablation, site: Site) -> None:
    """Draw what there is: own classes, the matrix, targets of several classes, series, and displacement."""
    drawn, gallery = changes(ablation), site.gallery
    own = single(ablation)
    others = [each for each in ablation.targets if not each.series and each not in own]
    for measure in ablation.measures[:2]:
        if own:
            _add_own(part, stem, ablation, own, measure, drawn, gallery)
    for measure in ablation.measures[:2]:
        if own:
            _add_matrix(part, stem, own, measure, drawn, site)
    for position, target in enumerate(others[:_MOST_TARGETS], start=1):
        for measure in ablation.measures[:2]:
            _add_target(part, f"{stem}-ablation-{position}", ablation, target, measure, gallery)
    for measure in ablation.measures[:2]:
        _add_curves(part, stem, ablation, measure, site)
    _add_displacement(part, stem, ablation, drawn, gallery)


def _add_own(
    part: Part,
    stem: str,
    ablation: Ablation,
    own: list[Target],
    measure: str,
    drawn: pd.DataFrame,
    gallery: Gallery,
) -> None:
    names = {each.name: each.categories[0] for each in own}
    rows = scaled(ablation.effects[ablation.effects["probe"] == ablation.probe], measure)
    rows = rows[rows["category"] == rows["target"].map(names)]
    controls = drawn[(drawn["condition"] == "control") & (drawn["category"] == drawn["target"].map(names))]
    controls = controls[["category", "match"]].assign(change=controls[measure])

    def draw(canvas: Canvas) -> None:
        targets, label = list(names.values()), label_of(measure)
        plots.ablation(rows, canvas.subplots(), controls=controls, targets=targets, label=label)

    part.figures.append(
        gallery.add(
            f"{stem}-ablation-{measure}",
            draw,
            _size(len(rows)),
            caption=f"Each class with its own neurons off: the change in {measure.replace('_', ' ')} "
            f"with its 95 % interval, beside every control set.{_explained(ablation, measure)}",
            alt=f"Change in {measure} of each class with its own neurons off; the numbers are in the table",
        )
    )


def _add_matrix(
    part: Part, stem: str, own: list[Target], measure: str, drawn: pd.DataFrame, site: Site
) -> None:
    names = {each.name: each.categories[0] for each in own}
    rows = drawn[(drawn["condition"] == "target") & drawn["target"].isin(names)]
    wide = rows.assign(target=rows["target"].map(names)).pivot(
        index="target", columns="category", values=measure
    )
    columns = list(dict.fromkeys(rows["category"]))
    wide = wide.reindex(index=[name for name in columns if name in wide.index], columns=columns)
    words = measure.replace("_", " ")
    caption = (
        f"The neurons of each class (row) off, the change in {words} of every class (column). Framed: what a "
        "class's own neurons do to it."
    )
    alt = f"Matrix of changes in {measure}, class switched off by class measured"
    figure = site.gallery.add(
        f"{stem}-ablation-{measure}-matrix",
        lambda canvas: plots.self_cross(wide, canvas.subplots(), label=short_label(measure)),
        matrix_size(*wide.shape),
        printed=True,
    )
    part.charts.append(
        chart(
            site,
            f"{stem}-{part.anchor}-{measure}-matrix",
            *matrix_chart(wide, short_label(measure)),
            caption=caption,
            alt=alt,
            height=160 + 26 * len(wide),
            figure=figure,
        )
    )


def _add_target(
    part: Part, stem: str, ablation: Ablation, target: Target, measure: str, gallery: Gallery
) -> None:
    neurons = counted(len(target.neurons), "neuron")
    part.figures.append(
        gallery.add(
            f"{stem}-{measure}",
            lambda canvas: ablation.plot(target.name, measure=measure, ax=canvas.subplots()),
            _size(ablation.effects["category"].nunique()),
            caption=f"{neurons} of {target.name} switched: the change in {measure.replace('_', ' ')} of each "
            "class with its 95 % interval, beside every control set; in bold the classes whose neurons they "
            f"are.{_explained(ablation, measure)}",
            alt=f"Change in {measure} of each class with {target.name} off; the numbers are in the table",
        )
    )


def _add_curves(part: Part, stem: str, ablation: Ablation, measure: str, site: Site) -> None:
    for series in dict.fromkeys(each.series for each in ablation.targets if each.series):
        rows = _own_curves(ablation, series, measure)
        panels = list(dict.fromkeys(rows["panel"]))
        kept = _panels_kept(rows, panels)

        def draw(canvas: Canvas, kept: pd.DataFrame = kept) -> None:
            plots.dose_response(kept, _grid(canvas, kept["panel"].nunique()), label=label_of(measure))

        fewer = (
            "" if len(panels) <= _MOST_PANELS else f" The {_MOST_PANELS} of {len(panels)} that change most."
        )
        words = f"Change in {measure.replace('_', ' ')} over the series of targets, class by class"
        alt = f"Change in {measure} by {series}; the numbers are in the table"
        figure = site.gallery.add(
            f"{stem}-ablation-{series}-{measure}",
            draw,
            _grid_size(kept["panel"].nunique()),
            printed=True,
        )
        part.charts.append(
            chart(
                site,
                f"{stem}-{part.anchor}-{series}-{measure}",
                *curves_chart(kept, series, label_of(measure)),
                caption=f"{words}, with 95 % intervals, beside the mean of the control sets (dotted); "
                "its band is told at each point. Click a class in the legend to hide it, twice to see it "
                f"alone.{fewer}",
                alt=alt,
                height=420,
                figure=figure,
            )
        )


def _own_curves(ablation: Ablation, series: str, measure: str) -> pd.DataFrame:
    """One series' rows of `Ablation.curves`, of own classes only, with a title for each panel."""
    curves = scaled(ablation.curves, measure)
    curves = curves[curves["series"] == series]
    wanted = {each.of: classes_of(ablation, each) for each in ablation.targets if each.series == series}
    keep = [name in wanted[of] for of, name in zip(curves["of"], curves["category"], strict=True)]
    rows = curves[keep]
    alone = len(wanted) == 1
    titles = [
        name if alone or of == name else f"{of}: {name}"
        for of, name in zip(rows["of"], rows["category"], strict=True)
    ]
    return rows.assign(panel=titles)


def _panels_kept(rows: pd.DataFrame, panels: list[str]) -> pd.DataFrame:
    """Rows in the order of panels; of too many panels those that change most."""
    most = rows["change"].abs().groupby(rows["panel"], sort=False).max()
    kept = set(most.nlargest(_MOST_PANELS).index)
    parts = [rows[rows["panel"] == name] for name in panels if name in kept]
    return pd.concat(parts)


def _add_displacement(
    part: Part, stem: str, ablation: Ablation, drawn: pd.DataFrame, gallery: Gallery
) -> None:
    points = _points(ablation, drawn)
    if not (points["match"] != "").any():
        return
    names = list(dict.fromkeys(points["panel"]))[:_MOST_PANELS]
    kept = points[points["panel"].isin(names)]
    fewer = "" if points["panel"].nunique() <= len(names) else f" The first {len(names)} targets."
    part.figures.append(
        gallery.add(
            f"{stem}-ablation-displacement",
            lambda canvas: plots.displacement(kept, _grid(canvas, len(names)), label=label_of("margin")),
            (WIDE, _grid_size(len(names))[1]),
            caption="Does the size of the push explain the effect? The change in margin of the target's own "
            "classes (their mean), against how far each set moves the standardised embedding of a test clip, "
            f"in standard deviations. A star that lies among the dots does what any such push does.{fewer}",
            alt="Change in margin against displacement, target and controls; the numbers are in the table",
        )
    )


def _points(ablation: Ablation, drawn: pd.DataFrame) -> pd.DataFrame:
    """One row per set of neurons: its displacement and the mean change in margin of the target's classes."""
    wanted = {each.name: classes_of(ablation, each) for each in ablation.targets}
    panels = {each.name: each.of or each.name for each in ablation.targets}
    names = {each.name: each.at for each in ablation.targets}
    keep = [name in wanted[target] for target, name in zip(drawn["target"], drawn["category"], strict=True)]
    keys = ["target", "condition", "match", "draw"]
    means = drawn[keep].groupby(keys, sort=False)["margin"].mean().rename("change").reset_index()
    rows = means.merge(ablation.sets[[*keys, "displacement"]], on=keys)
    return rows.assign(
        panel=rows["target"].map(panels),
        name=rows["target"].map(names).where(rows["condition"] == "target", ""),
    )


def _explained(ablation: Ablation, measure: str) -> str:
    return _MARGINS[ablation.multilabel] if measure == "margin" else ""


def _size(classes: int) -> tuple[float, float]:
    return SIZE[0], max(SIZE[1], 1.7 + (0.42 if classes <= 24 else 0.3) * classes)


def _columns(panels: int) -> int:
    return panels if panels <= 3 else 3 if panels in (5, 6, 9) else 4


def _grid_size(panels: int) -> tuple[float, float]:
    if panels == 1:
        return SIZE[0], SIZE[1] + 0.3
    return WIDE, 0.7 + 2.6 * ceil(panels / _columns(panels))


def _grid(canvas: Canvas, panels: int) -> list[Axes]:
    columns = _columns(panels)
    return list(canvas.subplots(ceil(panels / columns), columns, squeeze=False, sharey=True).ravel())
