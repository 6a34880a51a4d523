"""The experiment on sharing: how often classes that share only base rates are said to share neurons."""

from dataclasses import replace
from typing import Any

import otoscope
from otoscope.neurons.filters import Filters
from otoscope.neurons.sharing.relabelled import Side
from otoscope.neurons.sharing.tested import sharing_tests

__all__ = ["SETTINGS", "sharing"]

PERMUTATIONS = 99
WORLD = {"classes": 5, "clips": 4, "layers": 2, "units": 200, "group_effect": 0.2, "specific": 8}
SIZES: dict[str, dict[str, Any]] = {"equal": {"groups": 6}, "unequal": {"class_sizes": (96, 48, 24, 16, 12)}}

SETTINGS = tuple(
    {"compared": compared, "sizes": sizes, "strength": strength, "correlation": correlation}
    for compared in ("within", "across")
    for sizes in SIZES
    for strength in (0.0, 2.0)
    for correlation in (0.0, 0.8)
)


def sharing(setting: dict[str, Any], seed: int) -> dict[str, float]:
    """The p of one pair of classes, drawn at random, by both nulls and combined; and that of T.

    With a strength every class has neurons of its own, and what two of them share follows from base rates.
    Across, the two labelings are of other clips and the same neurons. What cannot be tested counts as 1.
    """
    known = {name: setting[name] for name in ("strength", "correlation")}
    draws = range(1 + (setting["compared"] == "across"))
    worlds = [
        otoscope.world(**WORLD, **SIZES[setting["sizes"]], **known, seed=seed, draw=each) for each in draws
    ]
    sides = [replace(Side.of(world, "class", "aape"), filters=Filters(share=0.1)) for world in worlds]
    found = sharing_tests(sides, PERMUTATIONS, seed)
    table = found.pairs.table
    if setting["strength"]:  # across, classes of one name do share what is planted
        table = table[table["category_a"] != table["category_b"]]
    pair = table.fillna(1.0).sample(1, random_state=seed).iloc[0]
    names = found.names.p if found.names is not None and not setting["strength"] else None
    return {
        "labels": float(pair["p_labels"]),
        "margins": float(pair["p_margins"]),
        "both": float(pair["p"]),
        "names": 1.0 if names is None else names,
    }
