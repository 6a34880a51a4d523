"""Findings as plain sentences, generated from the overview: what was found, beside what chance gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.neurons.evidence.surviving import verdicts
from otoscope.reporting.beside import NOT_RECORDED
from otoscope.reporting.wording import band, counted, listing, number, p_value, percent, short_model

if TYPE_CHECKING:
    from otoscope.neurons import Selection, Sharing
    from otoscope.neurons.chance import Spread

RECOMMENDED = "specific"
_MOST_NAMED = 12  # selections told by name in a sentence
ALPHA = 0.05
"""Level below which a p-value is called one; every p-value is printed, so that readers can choose another."""


def findings(overview: pd.DataFrame) -> list[str]:
    """Sentences that sum up all rows of the overview, the cautions among them: what survives what.

    Args:
        overview: the table of `overview_table`.

    Returns:
        Nothing for an empty table.
    """
    return [sentence for _, sentence in findings_by_page(overview)]


def findings_by_page(overview: pd.DataFrame) -> list[tuple[str, str]]:
    """The same, each with the name of the page that has more on it."""
    if overview.empty:
        return []
    filtered = overview[overview["preset"] != RECOMMENDED]
    told = {
        "evidence": _through(overview),
        "layers": _recommended(overview[overview["preset"] == RECOMMENDED]),
        "evidence#depth": _depth(overview),
        "layers#counts": _counts(filtered),
        "evidence#unseen": [*_held_out(overview), *_stability(overview)],
        "methods": _without_twins(overview),
        "evidence#probe": _probe(overview),
    }
    return [(page.partition("#")[0], each) for page, sentences in told.items() for each in sentences if each]


def shared_most(sharing: Sharing) -> tuple[str, str, int] | None:
    """The two classes that share most, by the Jaccard index, and how many neurons; None where none share any.

    Of pairs that pass their test, where any do.
    """
    pairs = sharing.table[sharing.table["shared"] > 0]
    columns = ("category_a", "category_b", "shared")
    passing = [
        bool(sharing.marks.loc[one, other])
        for one, other in zip(pairs["category_a"], pairs["category_b"], strict=True)
    ]
    pairs = pairs[passing] if any(passing) else pairs
    best = pairs.sort_values(["jaccard", "shared"], ascending=False).head(1)
    found = [
        (str(one), str(other), int(count)) for one, other, count in zip(*map(best.get, columns), strict=True)
    ]
    return found[0] if found else None


def about_selection(selection: Selection, twins: str, wanted: str, again: str) -> str:
    """One selection in words: how many neurons, for which classes, how deep, beside chance and twins.

    Args:
        selection: the selection.
        twins: how many neurons the same selection finds in the twins, as a cell of the overview.
        wanted: what to say where there are no twins; else "".
        again: the command that computes the chance level, for a selection without.
    """
    if selection.chance is None:
        return f"No chance level was computed, and a bare count says nothing; {again} computes one."
    return " ".join(
        filter(
            None, [_found(selection), _beside(twins, wanted), _depth_of(selection), _classes_left(selection)]
        )
    )


def _found(selection: Selection) -> str:
    assert selection.chance is not None
    classes, neurons, chance = len(selection.classes), len(selection.neurons), selection.chance
    found = "No neuron is class-specific."
    if neurons:
        found = (
            f"{counted(neurons, 'neuron')} {'is' if neurons == 1 else 'are'} class-specific; they cover "
            f"{round(selection.coverage * classes)} of {counted(classes, 'class', 'classes')}."
        )
    return (
        f"{found} With permuted labels it is {_band(chance.neurons, number)} neurons and "
        f"{_band(chance.coverage, percent)} of the classes (mean, and 95 % of permutations)."
    )


def _band(spread: Spread, write: Callable[[float | None], str]) -> str:
    return f"{write(spread.mean)} ({write(spread.low)} to {write(spread.high)})"


def _beside(twins: str, wanted: str) -> str:
    return f"{wanted[0].upper()}{wanted[1:]}." if wanted else f"The same selection in twins finds: {twins}."


def _depth_of(selection: Selection) -> str:
    """The depth of filters is tested; that of `specific` is not, since each of its neurons is."""
    chance = selection.chance
    if selection.filters is None:
        return "" if chance is None else chance.note
    return _depth_beside_chance(selection)


def _classes_left(selection: Selection) -> str:
    refused = (selection.test or {}).get("refused") or {}
    if not refused:
        return ""
    return "Not tested: " + "; ".join(f"{name} ({reason})" for name, reason in refused.items()) + "."


def about_probe(probe: Mapping[str, Any]) -> str:
    """A probe's score in words, beside what chance gives."""
    rest = f"Splits: {probe['splits']}."
    if probe.get("measure") == "mAP":
        return (
            f"A linear classifier on the clip embeddings ranks {counted(probe['n'], 'clip')} for each class "
            f"with a mean average precision of {percent(probe['mAP'])} (95 % interval "
            f"{band(*probe['interval'])}); random ranks would give {percent(probe['chance'])}. {rest}"
        )
    return (
        f"A linear classifier on the clip embeddings names the class of {percent(probe['accuracy'])} of "
        f"{counted(probe['n'], 'clip')} (95 % interval {band(*probe['interval'])}); always naming the most "
        f"frequent class would give {percent(probe['chance'])}. {rest}"
    )


def about_sharing(sharing: Sharing) -> str:
    """Shared neurons in words: how many pairs of classes share any, which most, and what the tests say."""
    pairs = sharing.table
    tested = sharing.tests.note if sharing.tests else "Not tested; otoscope share --permutations 1000 does."
    known = pairs[pairs["shared"] > 0]
    if known.empty:
        return f"No two classes share a neuron. {tested}"
    best = known.sort_values(["jaccard", "shared"], ascending=False).iloc[0]
    return (
        f"{len(known):,} of {counted(len(pairs), 'pair')} of classes share neurons; by the Jaccard index "
        "most, "
        f"{best['category_a']} and {best['category_b']}: {counted(int(best['shared']), 'neuron')} "
        f"({number(best['jaccard'], 2)}). {tested}"
    )


def _depth_beside_chance(selection: Selection) -> str:
    depth = selection.depth if math.isfinite(selection.depth) else None
    if depth is None:
        return "There is no depth, since no neuron was kept."
    chance = selection.chance
    if chance is None:
        return f"Their depth is {number(depth)} nats. No chance level was computed."
    spread = (
        f"The depth is {number(depth)} nats; permuted labels give {number(chance.depth.mean)} "
        f"({number(chance.depth.low)} to {number(chance.depth.high)})"
    )
    if chance.depth.p is None:
        return f"{spread}. {chance.note}"
    beyond = chance.depth.p <= ALPHA
    verdict = "more selective than chance" if beyond else "no more selective than chance can make it"
    return f"{spread}: {verdict} ({p_value(chance.depth.p)}, {chance.design} design)."


def _through(overview: pd.DataFrame) -> list[str]:
    """The selections that survive every baseline, of those that were held against each."""
    found = overview[(overview["preset"] != "") & (overview["refused"] == "") & overview["neurons"].notna()]
    judged = [list(verdicts(row).values()) for row in found.to_dict("records")]
    held = found.assign(through=[all(each) for each in judged]).loc[[None not in each for each in judged]]
    sentences = []
    for preset, rows in held.groupby("preset", sort=False):
        best = rows[rows["through"]]
        named = f": {_listed(best)}" if 0 < len(best) <= _MOST_NAMED else ""
        sentences.append(
            f"Held against permuted labels, twins, unseen clips and other halves, {len(best)} of "
            f"{counted(len(rows), 'selection')} by {preset} survive all four{named}."
        )
    return sentences


def _recommended(rows: pd.DataFrame) -> list[str]:
    """What `specific` finds, and whether more than permuted labels and more than the twins."""
    known = rows[rows["neurons"].notna()]
    refused = rows[rows["refused"] != ""]
    sentences = []
    if len(known):
        some = known[known["neurons"] > 0]
        sentences.append(
            f"{RECOMMENDED} finds class-specific neurons in {len(some)} of "
            f"{counted(len(known), 'selection')} (a labeling as one model hears it); with permuted labels "
            f"it finds {number(known['neurons_chance'].mean(), 2)} neurons, on average over all of them."
        )
        beside = some[some["twins_most"].notna()]
        more = (beside["neurons"] > beside["neurons_high"]) & (beside["neurons"] > beside["twins_most"])
        if len(beside):
            sentences.append(
                f"{_list(beside[more])} more neurons than 95 % of permutations and than every twin"
                f"{_misses(beside[~more], 'as many or more come without training, or without the labels')}."
            )
    if len(refused):
        sentences.append(f"{RECOMMENDED} refuses {_listed(refused)}, for want of groups; the parts say why.")
    return sentences


def _list(rows: pd.DataFrame) -> str:
    return f"{_listed(rows)} {'has' if len(rows) == 1 else 'have'}" if len(rows) else "None has"


def _misses(rows: pd.DataFrame, why: str) -> str:
    return f"; not so {_listed(rows)}: {why}" if len(rows) else ""


def _depth(overview: pd.DataFrame) -> list[str]:
    tested = overview[overview["depth_p"].notna()]
    if tested.empty:
        return []
    deep = tested[tested["depth_p"] <= ALPHA]
    flat = tested[tested["depth_p"] > ALPHA]
    head = (
        f"In {len(deep)} of {counted(len(tested), 'tested selection')} the chosen neurons are more selective "
        f"than permuted labels make them (depth, p ≤ {ALPHA}); by luck alone one would expect "
        f"{number(ALPHA * len(tested), 2)}."
    )
    misses = f"Not beyond chance: {listing(_names(flat))}." if 0 < len(flat) <= _MOST_NAMED else ""
    return [head, misses]


def _counts(overview: pd.DataFrame) -> list[str]:
    known = overview[overview["coverage"].notna() & overview["coverage_chance"].notna()]
    inside = known[known["coverage"].between(known["coverage_low"], known["coverage_high"])]
    if known.empty:
        return []
    return [
        f"Coverage lies within what permuted labels give in {len(inside)} of "
        f"{counted(len(known), 'selection')}. The "
        "filters keep a fixed share of the neurons whatever the data, so count and coverage describe a "
        "selection; "
        "they are no evidence for it."
    ]


def _held_out(overview: pd.DataFrame) -> list[str]:
    """Whether the neurons tell their classes on clips that the choice has not seen, and better than twins."""
    sentences = []
    known = overview[overview["held_out"].notna() & overview["held_out_twins_most"].notna()]
    for preset, rows in known.groupby("preset", sort=False):
        better = rows["beyond_twins_low"] > 0
        sentences.append(
            f"On clips that the choice has not seen, the neurons of {preset} tell their classes better than "
            f"those of every twin in {int(better.sum())} of {counted(len(rows), 'selection')} (AUROC, "
            f"medians: {rows['held_out'].median():.2f}, twins {rows['held_out_twins'].median():.2f}; the "
            f"interval of the difference excludes 0)"
            f"{_but(rows[~better])}."
        )
    return sentences


def _but(rows: pd.DataFrame) -> str:
    return f"; not so {_listed(rows)}" if len(rows) else ""


def _stability(overview: pd.DataFrame) -> list[str]:
    known = overview[overview["stability"].notna()]
    parts = [
        f"{preset} {number(rows['stability'].median(), 2)} "
        f"({number(rows['stability_chance'].median(), 2)} under permuted labels)"
        for preset, rows in known.groupby("preset", sort=False)
    ]
    if not parts:
        return []
    return [
        "Chosen again on the other half of the groups, the neurons agree by a Jaccard index of "
        f"{listing(parts)}, medians over all selections."
    ]


def _without_twins(overview: pd.DataFrame) -> list[str]:
    known = overview[overview["neurons"].notna()]
    without = known[known["twins"] == NOT_RECORDED]
    if without.empty:
        return []
    return [
        f"Beside {len(without)} of {counted(len(known), 'selection')} a {NOT_RECORDED}: what training has "
        "added is not known there."
    ]


def _probe(overview: pd.DataFrame) -> list[str]:
    sentences = []
    for (task, label), found in overview[overview["probe"].notna()].groupby(["task", "label"], sort=False):
        rows = found.drop_duplicates("model").sort_values("probe", ascending=False)
        parts = [
            f"{short_model(row['model'])} {percent(row['probe'])} "
            f"({band(row['probe_low'], row['probe_high'])})"
            for row in rows.to_dict("records")
        ]
        sentences.append(
            f"A linear probe reads {label} of {task} correctly from {listing(parts)} of the clips."
        )
    return sentences if len(sentences) <= 8 else []


def _listed(rows: pd.DataFrame) -> str:
    """The selections by name, or how many they are."""
    return listing(_names(rows)) if len(rows) <= _MOST_NAMED else counted(len(rows), "selection")


def _names(rows: pd.DataFrame) -> list[str]:
    """The labelings, each with the models: "event (mini:ssl, mini:random)"."""
    models: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        models.setdefault(row["label"], []).append(short_model(row["model"]))
    return [f"{label} ({', '.join(dict.fromkeys(names))})" for label, names in models.items()]
