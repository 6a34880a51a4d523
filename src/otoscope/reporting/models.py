"""Models compared on one labeling, as a part of a report shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from otoscope.neurons.evidence.model_comparison import Measure
from otoscope.reporting.figures import Gallery
from otoscope.reporting.parts import SIZE, WIDE, Part
from otoscope.reporting.tables import Cabinet, Shown
from otoscope.reporting.wording import counted, listing, number, short_model

if TYPE_CHECKING:
    import pandas as pd

    from otoscope.neurons.evidence.model_comparison import ModelComparison

__all__ = ["add_models"]

_DIFFERENCES: Shown = {
    "first": ("model", short_model),
    "second": ("against", short_model),
    "measure": ("neurons", str),
    "difference": ("difference in AUROC", lambda value: f"{value:+.3f}"),
    "interval": ("95 % interval", str),
    "classes": ("classes", number),
}
_EFFECTS: Shown = {
    "model": ("model", short_model),
    "measure": ("neurons", str),
    "auroc": ("AUROC on unseen clips", lambda value: number(value, 3)),
    "interval": ("95 % interval", str),
    "classes": ("classes", number),
}


def add_models(part: Part, stem: str, found: ModelComparison, gallery: Gallery, cabinet: Cabinet) -> None:
    """Add how models compare on unseen clips, class by class, and the means over classes as tables."""
    names = [short_model(name) for name in found.models.loc[found.models["of"] == "", "model"]]
    text = (
        f"{listing(names)}, compared on {counted(found.clips, 'clip')} in {counted(found.groups, 'group')}; "
        f"preset {found.preset}. Best: the neuron that tells a class best on the other half of the groups; "
        "chosen: all that the preset chooses there."
    )
    for position, sentence in enumerate((text, *found.notes)):
        part.paragraphs.append(("" if position else "Models", sentence))
    for measure in get_args(Measure):
        _add_figures(part, stem, found, measure, gallery)
    differences, effects = _means(found.differences), _means(found.effects)
    part.tables += [
        cabinet.add(
            f"{stem}-differences", differences, title="Differences between models", shown=_DIFFERENCES
        ),
        cabinet.add(f"{stem}-models", effects, title="Models on unseen clips", shown=_EFFECTS),
        cabinet.add(f"{stem}-compared", found.effects, title="Models on unseen clips, class by class"),
    ]


def _add_figures(part: Part, stem: str, found: ModelComparison, measure: Measure, gallery: Gallery) -> None:
    known = found.effects[(found.effects["measure"] == measure) & found.effects["auroc"].notna()]
    if known.empty:
        return
    rows = known["category"].nunique()
    size = (SIZE[0] if rows <= 8 else WIDE, min(1.8 + 0.35 * rows, 16.0))
    part.figures += [
        gallery.add(
            f"{stem}-models-{measure}",
            lambda canvas: found.plot(canvas.subplots(), measure=measure),
            size,
            caption=f"AUROC of the {measure} neurons on unseen clips, model by model, with 95 % intervals; "
            "grey: the twins.",
            alt=f"AUROC of {measure} neurons by model and class; the numbers are in the tables",
        ),
        gallery.add(
            f"{stem}-differences-{measure}",
            lambda canvas: found.plot_differences(canvas.subplots(), measure=measure),
            size,
            caption=f"Differences between models for the {measure} neurons; right of "
            "the line the first is better.",
            alt=f"Differences in AUROC of {measure} neurons by class; the numbers are in the tables",
        ),
    ]


def _means(table: pd.DataFrame) -> pd.DataFrame:
    """The means over classes, with their intervals as text."""
    means = table[table["category"] == ""].drop(columns="category")
    ends = zip(means["low"], means["high"], strict=True)
    return means.assign(interval=[f"{number(low, 3)} to {number(high, 3)}" for low, high in ends])
