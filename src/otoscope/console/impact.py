"""What is printed of an ablation: what each target did to its classes, beside control sets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.console.printing import MANY, Lines, count, figure, point, table_of

if TYPE_CHECKING:
    from otoscope.interventions import Ablation, Target

    Figures = Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]

_FEW = 3  # targets of which each has sentences of its own

_FORMS = {
    "accuracy": ("accuracy, points", 100, "{:+.1f}"),
    "average_precision": ("average precision, points", 100, "{:+.1f}"),
    "margin": ("margin, logits", 1, "{:+.2f}"),
}
"""Of a measure: its name and unit, the factor to it, how it is written."""


def ablation_lines(ablation: "Ablation") -> Lines:
    """Each target's own classes before and after, controls beside them, and what follows from it."""
    from otoscope.interventions.effects.verdicts import figures_of

    figures = figures_of(ablation, ablation.probe)
    yield f"{ablation.label} with neurons {_done(ablation)}; {ablation.probe} probe{_heard(ablation)}"
    single = [target for target in ablation.targets if not target.series]
    for measure in ablation.measures[:2]:
        yield from _effects(ablation, single, figures, measure)
    kinds = dict.fromkeys(target.series for target in ablation.targets if target.series)
    for kind in kinds:
        yield from _series(ablation, kind, figures)
    yield from _caption(ablation, bool(kinds))
    yield from _matches(ablation, figures)
    yield from _sentences(ablation)


_DONE = {
    "mean": "held at their mean",
    "clamp": "held at {level:g}",
    "resample": "given the activations of a random other clip",
    "patch": "given the activations of a clip of their class",
}


def _done(ablation: "Ablation") -> str:
    """What was done to the neurons, as far as it was the same for all targets."""
    levels = {target.level for target in ablation.targets}
    how = str(ablation.settings.get("how", "gain"))
    if how != "gain":
        return _DONE[how].format(level=max(levels))
    if len(levels) > 1:
        return "at several gains"
    return "off" if levels == {0.0} else f"at a gain of {max(levels):g}"


def _heard(ablation: "Ablation") -> str:
    clips = ablation.settings.get("clips", {})
    return f", {count(clips['test'], 'test clip')}" if "test" in clips else ""


def _effects(ablation: "Ablation", targets: "Sequence[Target]", figures: "Figures", measure: str) -> Lines:
    """One measure of the own classes of targets that stand by themselves."""
    rows = [(target, name) for target in targets for name in _classes_of(target, figures, measure)]
    if not rows:
        return
    title, scale, form = _FORMS[measure]
    alike = all(target.name == name for target, name in rows)  # every class by itself
    clips = ["-/+"] if measure == "accuracy" else []
    table = table_of(
        "off", *([] if alike else ["class"]), "clips", "change", "95 %", *clips, "controls", "p", "all"
    )
    before = ""
    for target, name in rows[: 2 * MANY]:
        row = figures[target.name, name][measure]
        named = f"{target.name} ({len(target.neurons):,})" if target.name != before else ""
        before = target.name
        low, high = (figure(scale * row[end], form) for end in ("low", "high"))
        lost = [f"{row['lost']:.3g}/{row['gained']:.3g}"] if clips else []
        table.add_row(
            named,
            *([] if alike else [name]),
            f"{row['clips']:,}",
            form.format(scale * row["change"]),
            "-" if low == high else f"{low} to {high}",
            *lost,
            *_beside(row, ablation.primary, measure),
        )
    yield ""
    yield title + _first(2 * MANY, len(rows), "rows")
    yield table


def _classes_of(target: "Target", figures: "Figures", measure: str) -> list[str]:
    """The target's own classes; of a target without, or of many, those that change most."""
    there = [name for of, name in figures if of == target.name]
    own = [name for name in there if name in target.categories] or there
    if len(own) <= MANY:
        return own
    largest = sorted(own, key=lambda name: -abs(figures[target.name, name][measure]["change"]))[:MANY]
    return [name for name in own if name in largest]


def _beside(row: Mapping[str, Any], match: str, measure: str) -> tuple[str, str, str]:
    """Mean change with control sets, the class's p and the one for all classes, starred if beyond."""
    _, scale, form = _FORMS[measure]
    beside = row["against"].get(match)
    if beside is None:
        return "-", "-", "-"
    mean, p = figure(scale * beside["mean"], form), figure(beside["p"], "{:.2g}")
    return mean, p, _starred(beside)


def _starred(beside: Mapping[str, Any] | None) -> str:
    """A p adjusted for all classes: starred if that is beyond the controls, ? if it cannot be trusted."""
    from otoscope.interventions.effects.verdicts import is_beyond, is_trusted

    if beside is None:
        return "-"
    mark = "*" if is_beyond(beside) else "" if is_trusted(beside) else "?"
    return figure(beside["p_adjusted"], "{:.2g}") + (mark if np.isfinite(beside["p_adjusted"]) else "")


def _series(ablation: "Ablation", kind: str, figures: "Figures") -> Lines:
    """Series of one kind: one row a point, means over the target's classes."""
    targets = [target for target in ablation.targets if target.series == kind]
    measures = ablation.measures[:2]
    titles = [_FORMS[measure][0] for measure in measures]
    headings = [each for title in titles for each in (title.split(",")[0], "controls", "all")]
    table = table_of("series", kind, "neurons", *headings)
    before = ""
    for target in targets[: 2 * MANY]:
        cells: list[str] = []
        for measure in measures:
            rows = [figures[target.name, name][measure] for name in _own(target, figures)]
            cells += _mean_cells(rows, ablation.primary, measure)
        named = target.of if target.of != before else ""
        before = target.of
        table.add_row(named, target.at, f"{len(target.neurons):,}", *cells)
    yield ""
    yield f"change in {' and '.join(titles)}: means over the target's classes" + _first(
        2 * MANY, len(targets), "points"
    )
    yield table


def _mean_cells(rows: Sequence[Mapping[str, Any]], match: str, measure: str) -> tuple[str, str, str]:
    """Of several classes: the mean change, that with control sets, and the smallest p for all classes."""
    _, scale, form = _FORMS[measure]
    beside = [row["against"][match]["mean"] for row in rows if match in row["against"]]
    return (
        form.format(scale * np.mean([row["change"] for row in rows])),
        form.format(scale * np.mean(beside)) if beside else "-",
        _starred(_smallest(rows, match)),
    )


def _own(target: "Target", figures: "Figures") -> list[str]:
    there = [name for of, name in figures if of == target.name]
    return [name for name in there if name in target.categories] or there


def _smallest(rows: Sequence[Mapping[str, Any]], match: str) -> Mapping[str, Any] | None:
    """Of several classes the one with the smallest p, adjusted for all classes; None without control sets."""
    known = [row["against"][match] for row in rows if match in row["against"]]
    return min(known, key=lambda beside: np.nan_to_num(beside["p_adjusted"], nan=2.0), default=None)


def _caption(ablation: "Ablation", series: bool) -> Lines:
    """What the columns hold."""
    from otoscope.interventions.effects.verdicts import CONTROLS

    if not ablation.primary:
        yield "No control sets: whether other neurons would do the same is not known."
        return
    single = any(not target.series for target in ablation.targets)
    clips = single and not ablation.multilabel
    lost_words = "-/+: clips lost and gained, of those right before; " if clips else ""
    p = "p: share of them that change as much, the target counted; " if single else ""
    smallest = " (the smallest of the target's classes)" if series else ""
    yield (
        f"{lost_words}controls: mean change with {CONTROLS[ablation.primary]} in their place; {p}all: p for "
        f"all classes at once{smallest}; * 0.05 or less; ? control sets share too many neurons for it."
    )


def _matches(ablation: "Ablation", figures: "Figures") -> Lines:
    """How far each kind of control set moves the embedding, and p beside it."""
    kinds = list(dict.fromkeys(ablation.against["match"]))
    if not kinds:
        return
    sets = ablation.sets
    moved = sets[sets["condition"] == "target"].set_index("target")["displacement"].to_dict()
    relative = sets.groupby(["target", "match"])["relative"].mean().to_dict()
    table = table_of("off", "moved", *kinds)
    for column, kind in zip(table.columns[2:], kinds, strict=True):
        column.min_width = len(kind)
    for target in ablation.targets[:MANY]:
        rows = [figures[target.name, name]["margin"] for name in _own(target, figures)]
        cells = (
            f"{figure(relative[target.name, kind], '{:.2f}')} ({_starred(_smallest(rows, kind))})"
            for kind in kinds
        )
        table.add_row(target.name, figure(moved[target.name], "{:.2f}"), *cells)
    yield ""
    yield (
        "moved: how far the embedding moves; by kind of control set, how far with it, in parts of the "
        "target's, and p of the margin for all classes at once"
        + _first(MANY, len(ablation.targets), "targets")
    )
    yield table


def _sentences(ablation: "Ablation") -> Lines:
    """The verdicts in words, of many targets only what holds for all; and what a reader must know."""
    single = [target for target in ablation.targets if not target.series]
    heads = [f"{target.name} (" for target in single] if len(single) > _FEW else []
    shown = [f"{target.of} by {target.series}," for target in ablation.targets if target.series]  # as tables
    yield ""
    if heads:
        yield point(f"A sentence for each of the {len(single)} targets is in --json and in the report.")
    said = [each for each in ablation.sentences if not each.startswith((*heads, *shown))]
    for sentence in said:
        yield point(sentence)
    for note in ablation.notes[:MANY]:
        yield point(note)
    if len(ablation.notes) > MANY:
        yield point(f"{count(len(ablation.notes) - MANY, 'note')} more in --json.")


def _first(shown: int, of: int, what: str) -> str:
    return f" (the first {shown} of {of} {what}; --json has all)" if of > shown else ""
