"""Verdicts in words, made from the numbers: what is lost, whether controls lose it too, what is not known."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from otoscope.interventions.effects.verdicts import (
    ALPHA,
    CONTROLS,
    Figures,
    figures_of,
    is_beyond,
    is_trusted,
)
from otoscope.interventions.effects.wording import (
    Row,
    beside_words,
    change_words,
    listed,
    neurons,
    sized,
    word,
)
from otoscope.interventions.targets.target import Target

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["sentences_of"]

_NOTHING = "if so, nothing can drop."

_FEW = 3  # classes of a target that have sentences of their own

_NOT_COVERED = (
    "Intervals cover the choice of test clips, p the choice of control neurons; what another training of the "
    "model would give is not covered."
)


def sentences_of(ablation: "Ablation") -> tuple[str, ...]:
    """What an ablation found: a few sentences a target, and what holds for all.

    The only threshold is 0.05, for the p adjusted for all classes against the primary control sets.
    """
    figures = figures_of(ablation, ablation.probe)
    alone = [target for target in ablation.targets if not target.series]
    return (
        *_at_chance(ablation, ablation.probe),
        *(_of_target(ablation, target, figures) for target in alone),
        *_of_series(ablation, figures),
        *_of_diagonal(ablation),
        *_of_other_probes(ablation, alone, figures),
        *_of_controls(ablation),
        _NOT_COVERED,
    )


def _at_chance(ablation: "Ablation", probe: str) -> list[str]:
    rows = ablation.baseline[ablation.baseline["probe"] == probe]
    low = rows[rows["low"] <= rows["chance"]]
    whole = low[low["category"] == ""]
    if len(whole):
        one = whole.iloc[0]
        return [
            f"The {probe} probe may tell {ablation.label} no better than chance (accuracy "
            f"{one['value']:.2f}, 95 %: {one['low']:.2f} to {one['high']:.2f}; the most frequent class alone "
            f"{one['chance']:.2f}): {_NOTHING}"
        ]
    if low.empty:
        return []
    names = ", ".join(low["category"])
    return [
        f"By its intervals the {probe} probe may tell {names} no better than chance: if so, nothing can drop "
        "there."
    ]


def _of_target(ablation: "Ablation", target: Target, figures: Figures) -> str:
    named = f"{target.name} ({neurons(len(target.neurons))}):"
    own = [name for name in target.categories if (target.name, name) in figures]
    if not own:
        return f"{named} {_anywhere(ablation, target.name, figures)}"
    if len(own) > _FEW:
        return " ".join([named, _of_many(ablation, target.name, own, figures), *_taken_for(ablation, target)])
    parts = [_of_class(ablation, name, figures[target.name, name], len(target.categories)) for name in own]
    return " ".join([named, *parts, *_taken_for(ablation, target)])


def _taken_for(ablation: "Ablation", target: Target) -> list[str]:
    """Whether the neurons suffice: clips of other classes that are taken for those that were patched in."""
    if ablation.settings.get("how") != "patch" or ablation.multilabel:
        return []
    rows = ablation.confusions
    rows = rows[(rows["target"] == target.name) & (rows["probe"] == ablation.probe)]
    rows = rows[rows["predicted"].isin(target.categories) & ~rows["category"].isin(target.categories)]
    return [
        f"Clips of other classes that are taken for {' or '.join(target.categories)} with its activations: "
        f"{rows['change'].sum():+.3g}."
    ]


def _of_many(ablation: "Ablation", target: str, own: Sequence[str], figures: Figures) -> str:
    """Which of a target's many classes change beyond control sets, measure by measure."""
    said, doubtful = [], list[tuple[str, Row]]()
    for measure in ablation.measures[:2]:
        rows = {name: figures[target, name][measure] for name in own}
        mean = sized(float(np.mean([row["change"] for row in rows.values()])), measure)
        said.append(f"{word(measure)} {mean} on average over {len(own)} classes")
        if not ablation.primary:
            continue
        beside = {name: row["against"][ablation.primary] for name, row in rows.items()}
        mean = sized(float(np.mean([each["mean"] for each in beside.values()])), measure, unit=False)
        said[-1] += f", with controls {mean}"
        if not all(map(is_trusted, beside.values())):
            doubtful.append((measure, beside[own[0]]))
            continue
        beyond = [name for name in own if is_beyond(beside[name])]
        below = [name for name in beyond if beside[name]["excess"] < 0]
        above = [name for name in beyond if name not in below]
        sides = [
            f"{side} in {', '.join(names)}" for side, names in (("lower", below), ("higher", above)) if names
        ]
        said[-1] += f": beyond {CONTROLS[ablation.primary]} {' and '.join(sides) or 'in no class'}"
    text = f"{'; '.join(said)}."
    if not doubtful:
        return text
    return f"{text} {_too_alike([measure for measure, _ in doubtful], doubtful[0][1])}"


def _of_class(ablation: "Ablation", name: str, rows: Mapping[str, Row], among: int) -> str:
    """What happens to one of a target's own classes, and how that compares with control sets."""
    first, second = ablation.measures[:2]
    said = [change_words(rows[first], first)]
    if "lost" in rows[first]:
        one = rows[first]
        said[0] += (
            f", {one['lost']:.3g} of {one['right']:.3g} right clips lost and {one['gained']:.3g} gained"
        )
        said[0] += f" (McNemar p = {one['mcnemar_p']:.2g})"
    said[0] += beside_words(rows[first], first, ablation.primary)
    said.append(change_words(rows[second], second) + beside_words(rows[second], second, ablation.primary))
    head = f"{name}: " if among > 1 else ""
    return f"{head}{'; '.join(said)}. {_verdict(rows, (first, second), ablation.primary)}"


def _verdict(rows: Mapping[str, Row], measures: Sequence[str], primary: str) -> str:
    if not primary:
        return "No control sets were drawn: whether other neurons do the same is not known."
    ranked = [measure for measure in measures if np.isfinite(rows[measure]["against"][primary]["p_adjusted"])]
    controls = CONTROLS[primary]
    if primary == "displacement":  # as far as could be found
        relative = rows[measures[0]]["against"][primary]["relative"]
        if np.isfinite(relative):
            controls += f" (on test clips {relative:.2g} times as far)"
    if not ranked or all(_few(rows[measure]["against"][primary]) for measure in ranked):
        return "Too few control sets for a verdict."
    doubtful = [measure for measure in ranked if not is_trusted(rows[measure]["against"][primary])]
    if doubtful:
        return _too_alike(doubtful, rows[doubtful[0]]["against"][primary])
    found = [measure for measure in ranked if is_beyond(rows[measure]["against"][primary])]
    if not found:
        return f"No effect beyond {controls}." + _push(rows, measures, primary)
    below = [each for each in found if rows[each]["against"][primary]["excess"] < 0]
    above = [each for each in found if each not in below]
    sides = (("Lower", below), ("Higher", above))
    return " ".join(f"{side} in {listed(each)} than with {controls}." for side, each in sides if each)


def _too_alike(measures: Sequence[str], beside: Row) -> str:
    shared = f"{beside['shared']:.0%}"
    return (
        f"No verdict on {listed(measures)}: two control sets share {shared} of their neurons, so that they "
        "differ too little and p is too small."
    )


def _push(rows: Mapping[str, Row], measures: Sequence[str], primary: str) -> str:
    """Why random neurons of the same layers do less, where neurons that push as hard do as much."""
    by_layer = {each: rows[each]["against"].get("layer") for each in measures}
    found = {each: beside for each, beside in by_layer.items() if beside and is_beyond(beside)}
    if primary != "displacement" or not found:
        return ""
    p = max(beside["p_adjusted"] for beside in found.values())
    said = f" Beyond {CONTROLS['layer']} in {listed(list(found))} (p = {p:.2g})"
    relative = next(iter(found.values()))["relative"]
    if not relative < 1:
        return f"{said}."
    return (
        f"{said}, but these move the embedding only {relative:.2g} times as far: the size of the push "
        "accounts for it, nothing shows that these neurons are specific."
    )


def _anywhere(ablation: "Ablation", target: str, figures: Figures) -> str:
    """What happens to the class that changes most, for a target without classes of its own."""
    said, smallest = [], np.nan
    for measure in ablation.measures[:2]:
        changes = {name: rows[measure]["change"] for (of, name), rows in figures.items() if of == target}
        most = max(changes, key=lambda name: abs(changes[name]), default="")
        if most:
            p = ablation.any_class_p(target, measure)
            smallest = np.fmin(smallest, p)
            at_once = f" (p over all classes = {p:.2g})" if np.isfinite(p) else ""
            said.append(
                f"{change_words(figures[target, most][measure], measure)} at most, of {most}{at_once}"
            )
    if not np.isfinite(smallest):
        return f"{'; '.join(said)}."
    beside = dict(figures[target, most][ablation.measures[0]]["against"][ablation.primary])
    if not is_trusted(beside | {"p_adjusted": smallest}):
        return f"{'; '.join(said)}. {_too_alike(ablation.measures[:2], beside)}"
    beyond = "Beyond" if smallest <= ALPHA else "No effect beyond"
    return f"{'; '.join(said)}. {beyond} {CONTROLS[ablation.primary]}."


def _of_series(ablation: "Ablation", figures: Figures) -> list[str]:
    """One sentence for each series: the mean change of the margin of the target's classes, step by step."""
    steps: dict[tuple[str, str], list[Target]] = {}
    for target in ablation.targets:
        if target.series:
            steps.setdefault((target.series, target.of), []).append(target)
    said = []
    for (series, of), targets in steps.items():
        parts = []
        for target in targets:
            own = [name for of_, name in figures if of_ == target.name]
            own = [name for name in own if name in target.categories] or own
            rows = [figures[target.name, name]["margin"] for name in own]
            change = np.mean([row["change"] for row in rows])
            beside = [row["against"][ablation.primary]["mean"] for row in rows] if ablation.primary else []
            parts.append(f"{target.at} {change:+.2f}" + (f" ({np.mean(beside):+.2f})" if beside else ""))
        controls = ", in brackets with control sets" if ablation.primary else ""
        said.append(f"{of} by {series}, change in margin in logits{controls}: {', '.join(parts)}.")
    return said


def _of_diagonal(ablation: "Ablation") -> list[str]:
    said = []
    for row in ablation.diagonal.to_dict("records"):
        if row["probe"] == ablation.probe and row["measure"] in ablation.measures[:2]:
            measure = str(row["measure"])
            drawn = f", in control sets {row['p_controls']:.2g}" if np.isfinite(row["p_controls"]) else ""
            said.append(
                f"Self against cross over {row['classes']} classes, {word(measure)}: own class "
                f"{sized(row['self'], measure)}, others {sized(row['cross'], measure)} (p with names "
                f"permuted = {row['p']:.2g}{drawn})."
            )
    return said


def _of_other_probes(ablation: "Ablation", targets: Sequence[Target], figures: Figures) -> list[str]:
    """Whether another probe leads to the same verdicts."""
    said: list[str] = []
    if not ablation.primary:
        return said
    for probe in dict.fromkeys(ablation.effects["probe"]):
        if probe == ablation.probe:
            continue
        if whole := [each for each in _at_chance(ablation, str(probe)) if each.endswith(_NOTHING)]:
            said += whole  # it has no verdicts
            continue
        other = figures_of(ablation, str(probe))
        unlike = [
            f"{word(measure)} of {name}"
            for target in targets
            for name in target.categories
            if (target.name, name) in figures
            for measure in ablation.measures[:2]
            if is_beyond(figures[target.name, name][measure]["against"][ablation.primary])
            != is_beyond(other[target.name, name][measure]["against"][ablation.primary])
        ]
        told = f"differ in {', '.join(unlike)}" if unlike else "are the same"
        said.append(f"By the {probe} probe the verdicts {told}.")
    return said


def _of_controls(ablation: "Ablation") -> list[str]:
    """What p cannot tell: with few control sets, and over several targets."""
    beside = ablation.against[ablation.against["match"] == ablation.primary]
    if beside.empty or ablation.primary == "neighbour":
        return []
    sets, said = int(beside["controls"].min()), []
    if 1 / (sets + 1) > ALPHA:
        need = round(1 / ALPHA) - 1
        said.append(
            f"With {sets} control sets no p is below {1 / (sets + 1):.2g}: {need} or more are needed."
        )
    if len(ablation.targets) > 1:
        said.append(
            f"p are adjusted for the classes of a target, not for the {len(ablation.targets)} targets."
        )
    return said


def _few(beside: Row) -> bool:
    return bool(1 / (beside["controls"] + 1) > ALPHA)
