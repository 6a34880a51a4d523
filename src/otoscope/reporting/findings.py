"""Findings as plain sentences, generated from the overview: what was found, beside what chance gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.reporting.wording import band, counted, listing, number, p_value, percent, short_model

if TYPE_CHECKING:
    from otoscope.neurons import Selection

ALPHA = 0.05
"""Level below which a p-value is called one; every p-value is printed, so that readers can choose another."""


def findings(overview: pd.DataFrame) -> list[str]:
    """Sentences that sum up all rows of the overview, the cautions among them.

    Args:
        overview: the table of `overview_table`.

    Returns:
        Nothing for an empty table.
    """
    sentences = [*_depth(overview), *_counts(overview), *_probe(overview)]
    return [sentence for sentence in sentences if sentence]


def about_selection(selection: Selection) -> str:
    """One selection in words: how many neurons, for which classes, how deep, all beside chance."""
    classes, neurons = len(selection.classes), len(selection.neurons)
    if not neurons:
        return f"The filters ({selection.preset}) give no neuron a class. {_depth_beside_chance(selection)}"
    found = (
        f"{counted(neurons, 'neuron')} {'is' if neurons == 1 else 'are'} class-specific; they cover "
        f"{round(selection.coverage * classes)} of {counted(classes, 'class', 'classes')}."
    )
    if selection.chance is not None:
        found += (
            f" With permuted labels it is {number(selection.chance.neurons.mean)} neurons and "
            f"{percent(selection.chance.coverage.mean)} of the classes (means)."
        )
    return f"{found} {_depth_beside_chance(selection)}"


def about_probe(probe: Mapping[str, Any]) -> str:
    """A probe's score in words, beside what always naming one class gives."""
    return (
        f"A linear classifier on the clip embeddings names the class of {percent(probe['accuracy'])} of "
        f"{counted(probe['n'], 'clip')} (95 % interval {band(*probe['interval'])}); always naming the most "
        "frequent "
        f"class would give {percent(probe['chance'])}. Splits: {probe['splits']}."
    )


def about_sharing(pairs: pd.DataFrame) -> str:
    """Shared neurons in words: how many pairs of classes share any, and which share most."""
    known = pairs[pairs["shared"] > 0]
    if known.empty:
        return "No two classes share a neuron."
    best = known.sort_values(["jaccard", "shared"], ascending=False).iloc[0]
    return (
        f"{len(known):,} of {counted(len(pairs), 'pair')} of classes share neurons; by the Jaccard index "
        "most, "
        f"{best['category_a']} and {best['category_b']}: {counted(int(best['shared']), 'neuron')} "
        f"({number(best['jaccard'], 2)}). Sharing is described here, not tested."
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


def _depth(overview: pd.DataFrame) -> list[str]:
    tested = overview[overview["depth_p"].notna()]
    if tested.empty:
        return []
    deep = tested[tested["depth_p"] <= ALPHA]
    flat = tested[tested["depth_p"] > ALPHA]
    head = (
        f"In {len(deep)} of {counted(len(tested), 'tested selection')} the chosen neurons are more selective "
        "than "
        f"permuted labels make them (depth, p ≤ {ALPHA}); by luck alone one would expect "
        f"{number(ALPHA * len(tested), 2)}."
    )
    misses = f"Not beyond chance: {listing(_names(flat))}." if 0 < len(flat) <= 12 else ""
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


def _probe(overview: pd.DataFrame) -> list[str]:
    sentences = []
    for (task, label), rows in overview[overview["probe"].notna()].groupby(["task", "label"], sort=False):
        rows = rows.drop_duplicates("model").sort_values("probe", ascending=False)
        parts = [
            f"{short_model(row['model'])} {percent(row['probe'])} "
            f"({band(row['probe_low'], row['probe_high'])})"
            for row in rows.to_dict("records")
        ]
        sentences.append(
            f"A linear probe reads {label} of {task} correctly from {listing(parts)} of the clips."
        )
    return sentences if len(sentences) <= 8 else []


def _names(rows: pd.DataFrame) -> list[str]:
    return [f"{row['label']} in {short_model(row['model'])}" for row in rows.to_dict("records")]
