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
    done = ablation.settings.get("how", "gain")
    yield (
        f"{ablation.label}: what neurons change that are {_DONE.get(done, done)}; judged by the "
        f"{ablation.probe} probe"
    )
    single = [target for target in ablation.targets if not target.series]
    for measure in ablation.measures[:2]:
        yield from _effects(ablation, single, figures, measure)
    series: dict[tuple[str, str], list[Target]] = {}
    for target in ablation.targets:
        if target.series:
            series.setdefault((target.series, target.of), []).append(target)
    for (what, of), targets in series.items():
        yield from _series(ablation, what, of, targets, figures)
    yield from _caption(ablation, bool(series))
    yield from _matches(ablation, figures)
    yield from _sentences(ablation)


_DONE = {
    "gain": "weakened, strengthened or off",
    "mean": "held at their mean",
    "clamp": "held at a value",
    "resample": "given another clip's activations",
    "patch": "given the activations of a clip of their class",
}


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
    return mean, p, _starred(beside["p_adjusted"])


def _starred(p: float) -> str:
    return figure(p, "{:.2g}") + ("*" if p <= 0.05 else "")


def _series(
    ablation: "Ablation", what: str, of: str, targets: "Sequence[Target]", figures: "Figures"
) -> Lines:
    """A series: one row a point, means over the target's classes."""
    own = _own(targets[0], figures)
    measures = ablation.measures[:2]
    titles = [_FORMS[measure][0].split(",")[0] for measure in measures]
    table = table_of(what, "neurons", titles[0], "controls", "p", titles[1], "controls", "p")
    for target in targets:
        cells: list[str] = []
        for measure in measures:
            _, scale, form = _FORMS[measure]
            rows = [figures[target.name, name][measure] for name in own]
            cells.append(form.format(scale * np.mean([row["change"] for row in rows])))
            means = [row["against"][ablation.primary]["mean"] for row in rows if ablation.primary]
            cells.append(form.format(scale * np.mean(means)) if means else "-")
            cells.append(_starred(_smallest(rows, ablation.primary)))
        table.add_row(target.at, f"{len(target.neurons):,}", *cells)
    yield ""
    mean = f"mean of {len(own)} classes" if len(own) > 1 else own[0]
    units = " and ".join(_FORMS[measure][0] for measure in measures)
    yield f"{of} by {what}: change in {units}; {mean}"
    yield table


def _own(target: "Target", figures: "Figures") -> list[str]:
    there = [name for of, name in figures if of == target.name]
    return [name for name in there if name in target.categories] or there


def _smallest(rows: Sequence[Mapping[str, Any]], match: str) -> float:
    """The smallest p of classes, each adjusted for all classes; NaN without one."""
    known = [row["against"][match]["p_adjusted"] for row in rows if match in row["against"]]
    return min((p for p in known if p == p), default=float("nan"))


def _caption(ablation: "Ablation", series: bool) -> Lines:
    """What the columns hold."""
    from otoscope.interventions.effects.verdicts import CONTROLS

    if not ablation.primary:
        yield "No control sets: whether other neurons would do the same is not known."
        return
    single = any(not target.series for target in ablation.targets)
    lost = "-/+: clips lost and gained, of those right before; " if single and not ablation.multilabel else ""
    p = "p: share of them that change as much, the target counted; all: the same for all classes at once"
    in_series = "p: for all classes at once, the smallest of the target's classes"
    said = "; in a series ".join([*([p] if single else []), *([in_series] if series else [])])
    yield (f"{lost}controls: mean change with {CONTROLS[ablation.primary]} off; {said}; * 0.05 or less.")


def _matches(ablation: "Ablation", figures: "Figures") -> Lines:
    """How far each kind of control set moves the embedding, and p beside it."""
    kinds = list(dict.fromkeys(ablation.against["match"]))
    if not kinds:
        return
    sets = ablation.sets
    moved = sets[sets["condition"] == "target"].set_index("target")["displacement"].to_dict()
    relative = sets.groupby(["target", "match"])["relative"].mean().to_dict()
    table = table_of("off", "moved by", *kinds)
    for target in ablation.targets[:MANY]:
        rows = [figures[target.name, name]["margin"] for name in _own(target, figures)]
        cells = (
            f"{figure(relative[target.name, kind], '{:.2f}')} ({_starred(_smallest(rows, kind))})"
            for kind in kinds
        )
        table.add_row(target.name, figure(moved[target.name], "{:.2f}"), *cells)
    yield ""
    yield (
        "by kind of control set: how far the embedding moves, in parts of the target's; in brackets p of the "
        "margin for all classes at once" + _first(MANY, len(ablation.targets), "targets")
    )
    yield table


def _sentences(ablation: "Ablation") -> Lines:
    """The verdicts in words, of many targets only what holds for all; and what a reader must know."""
    single = [target for target in ablation.targets if not target.series]
    heads = tuple(f"{target.name} (" for target in single) if len(single) > _FEW else ()
    said = [sentence for sentence in ablation.sentences if not sentence.startswith(heads)]
    if heads:
        said.insert(0, f"A sentence for each of the {len(single)} targets is in --json and in the report.")
    yield ""
    for sentence in said:
        yield point(sentence)
    for note in ablation.notes[:MANY]:
        yield point(note)
    if len(ablation.notes) > MANY:
        yield point(f"{count(len(ablation.notes) - MANY, 'note')} more in --json.")


def _first(shown: int, of: int, what: str) -> str:
    return f" (the first {shown} of {of} {what}; --json has all)" if of > shown else ""
