"""What the probes say: accuracies and differences with intervals, as a table and as Markdown.

Intervals are percentiles over a bootstrap of whole groups, drawn jointly for the labelings of a task. They
cover clips and groups, not that a model could be trained again: each seed is shown for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from evaluate import Answers

KINDS = ("untrained", "ssl", "supervised")
PAIRS = (("ssl", "untrained"), ("supervised", "untrained"), ("ssl", "supervised"))
DRAWS = 5000
# What the twin's 21 training labels tell of a labeling: 8 language branches, 7 kinds of music, 6 of event.
TAUGHT = {
    ("mini:events", "event"): "kinds of event",
    ("mini:effects", "event"): "kinds of event",
    ("mini:notes", "family"): "groups of instruments",
    ("mini:synth", "preset"): "in part: groups of instruments",
    ("mini:voices", "language"): "language branches",
    ("mini:genres", "genre"): "in part: bands, drums, groups of instruments",
}
HEAD = """\
Made by `tools/mini/train.py`. Accuracy of a linear probe on clip embeddings (ridge regression in closed form,
penalty chosen within the training folds), out of fold; recipes, instruments, presets, voices and pieces kept
apart, for presets themselves notes instead, for speakers sentences. The mean over seeds; in brackets, each.
"""
BETWEEN = """\
Differences of these means in percentage points, 95 % intervals by a bootstrap of whole groups; they do not
cover another training run, and those of mini:manners are too narrow, as its 48 voices come from four people.
The last column says which labelings are of a kind with the 21 broad labels that mini:supervised was taught
(language branches, kinds of music, kinds of event); none is one of them.
"""


def difference(answers: Answers, first: str, second: str) -> np.ndarray:
    """By how much one kind of model is right more often than another, per clip, on average over seeds."""
    return answers.right[first].mean(0) - answers.right[second].mean(0)


def resampled(results: list[Answers], first: str, second: str, seed: int = 0) -> np.ndarray:
    """The difference of every labeling under the bootstrap: (labelings, draws)."""
    rng, weights = np.random.default_rng(seed), {}
    for task in dict.fromkeys(one.task for one in results):
        count = 1 + max(one.groups.max() for one in results if one.task == task)
        weights[task] = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    found = []
    for one in results:
        size = weights[one.task].shape[1]
        sums = np.bincount(one.groups, difference(one, first, second), minlength=size)
        clips = np.bincount(one.groups, minlength=size)
        found.append(weights[one.task] @ sums / (weights[one.task] @ clips))
    return np.array(found)


def averaged(results: list[Answers]) -> dict[str, np.ndarray]:
    """What is averaged over, bool (labelings,): all, and those that the twin was told nothing about."""
    untaught = np.array([(one.task, one.label) not in TAUGHT for one in results])
    found = {"average": np.ones(len(results), dtype=bool), "untaught": untaught}
    return {name: which for name, which in found.items() if which.any()}


def differences(results: list[Answers]) -> pd.DataFrame:
    """Rows `task, label, first, second, value, low, high`, in points; averages over labelings come last."""
    rows = []
    for first, second in PAIRS:
        samples = resampled(results, first, second)
        values = np.array([difference(one, first, second).mean() for one in results])
        named = [(one.task, one.label, values[i], samples[i]) for i, one in enumerate(results)]
        named += [
            (name, "", values[which].mean(), samples[which].mean(0))
            for name, which in averaged(results).items()
        ]
        for task, label, value, sample in named:
            low, high = np.percentile(sample, [2.5, 97.5])
            rows.append((task, label, first, second, 100 * value, 100 * low, 100 * high))
    return pd.DataFrame(rows, columns=["task", "label", "first", "second", "value", "low", "high"])


def table(results: list[Answers]) -> pd.DataFrame:
    """One row a labeling: accuracy of every seed, differences with intervals; the averages come last."""
    rows = []
    for one in results:
        row = {"task": one.task, "label": one.label, "classes": one.classes, "clips": len(one.groups)}
        row |= {"groups": len(np.unique(one.groups)), "taught": TAUGHT.get((one.task, one.label), "no")}
        rows.append(row | seeds(one.right))
    frame = pd.DataFrame(rows)
    numbers = [column for column in frame if column.startswith(KINDS)]
    averages = [
        {"task": name, "label": "", **frame.loc[which, numbers].mean()}
        for name, which in averaged(results).items()
    ]
    frame = pd.concat([frame, pd.DataFrame(averages)], ignore_index=True)
    for (first, second), part in differences(results).groupby(["first", "second"], sort=False):
        part = part.rename(columns={end: f"{first} - {second} {end}" for end in ("value", "low", "high")})
        frame = frame.merge(part.drop(columns=["first", "second"]), on=["task", "label"], how="left")
    return frame


def seeds(right: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Accuracy of every model, by kind and place in the list of seeds."""
    return {f"{kind} {seed}": float(one.mean()) for kind in KINDS for seed, one in enumerate(right[kind])}


def markdown(results: list[Answers], shipped: Mapping[str, int]) -> str:
    """The tables for people; `shipped` says which seed of a kind was chosen."""
    rows = table(results).to_dict("records")
    return "\n".join(
        [HEAD, *accuracies(rows), "", *chosen(shipped), BETWEEN, *gains(rows), "", verdict(rows)]
    )


def accuracies(rows: list[dict]) -> list[str]:
    """The first table, line by line."""
    lines = [f"| task | labeling | classes | clips | groups | {' | '.join(KINDS)} |", "|" + "---|" * 8]
    for row in rows:
        counts = ["" if pd.isna(row[key]) else f"{row[key]:.0f}" for key in ("classes", "clips", "groups")]
        cells = [named(row), row["label"], *counts]
        for kind in KINDS:
            each = [value for key, value in row.items() if key.startswith(f"{kind} ") and key[-1].isdigit()]
            cells.append(f"{np.mean(each):.3f} ({', '.join(f'{value:.3f}' for value in each)})")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def gains(rows: list[dict]) -> list[str]:
    """The second table, line by line."""
    pairs = [f"{first} - {second}" for first, second in PAIRS]
    lines = [f"| task | labeling | {' | '.join(pairs)} | taught to supervised |", "|" + "---|" * 6]
    for row in rows:
        cells = [named(row), row["label"], *(interval(row, pair) for pair in pairs)]
        lines.append(f"| {' | '.join([*cells, '' if pd.isna(row['taught']) else row['taught']])} |")
    return lines


def named(row: dict) -> str:
    return "average where not taught" if row["task"] == "untaught" else row["task"]


def interval(row: dict, pair: str) -> str:
    return f"{row[f'{pair} value']:+.1f} ({row[f'{pair} low']:+.1f} to {row[f'{pair} high']:+.1f})"


def chosen(shipped: Mapping[str, int]) -> list[str]:
    """Which seed is the shipped one, as a paragraph, or nothing."""
    said = " and ".join(f"seed {seed} of {kind}" for kind, seed in shipped.items())
    return [f"Shipped is the seed with the median average: {said}.\n"] if shipped else []


def verdict(rows: list[dict]) -> str:
    """The figures that were asked for beforehand, in words."""
    labelings = [row for row in rows if row["label"]]
    average = next(row for row in rows if row["task"] == "average")
    pair = "ssl - untrained"
    above = sum(row[f"{pair} low"] > 0 for row in labelings)
    below = sum(row[f"{pair} high"] < 0 for row in labelings)
    lines = [
        f"The interval of {pair} lies above 0 on {above} of {len(labelings)} labelings "
        f"and below 0 on {below}; on average the difference is {interval(average, pair)} points "
        "(asked for beforehand: most of them, and 8 points)."
    ]
    for row in rows:
        if row["task"] == "untaught":
            lines.append(
                "Over the labelings that supervised was told nothing about, ssl - supervised is "
                f"{interval(row, 'ssl - supervised')} points."
            )
    return " ".join(lines) + "\n"
