"""What stands beside the figures of a labeling: power, tests of every neuron, acoustics, and notes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.descriptors import describe
from otoscope.errors import OtoscopeError
from otoscope.neurons.baselines import twins_missing
from otoscope.neurons.chance import LEAST_DISTINCT
from otoscope.neurons.designs import Design, DesignName
from otoscope.neurons.evidence.power import power
from otoscope.neurons.evidence.significance import NeuronTests, neuron_tests
from otoscope.neurons.evidence.unseen import Unseen
from otoscope.neurons.meaning.follows import follows
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.selection import Selection

__all__ = ["follow", "followed_of", "notes_of", "power_of", "tests_of"]

_DESIGNS = {
    "ungrouped": "labels are permuted between clips, which come in no groups",
    "nested": "a group has one label, so that labels are permuted between groups",
    "crossed": "labels vary within groups, so that they are permuted within groups",
}


def tests_of(
    store: Recording, label: str, permutations: int, seed: int, design: DesignName | None
) -> tuple[NeuronTests | None, tuple[str, ...]]:
    """A test of every neuron, and the sentence about it; None where nothing is tested, and a note why."""
    if permutations < LEAST_DISTINCT:
        why = f"{permutations} permutations, and {LEAST_DISTINCT} are needed"
        return None, (f"Single neurons are not tested: {why}.",)
    try:
        found = neuron_tests(store, label, permutations=permutations, seed=seed, design=design)
    except OtoscopeError as error:
        return None, (f"Single neurons are not tested: {error}.",)
    told = found.document()["significant"]
    return found, (
        f"Of {len(found.table):,} neurons {told['p']:,} tell some class from the rest by the largest "
        f"statistic over all neurons (p <= 0.05), {told['q']:,} at a false discovery rate of 5 %. These "
        "tests know neither twins nor unseen clips.",
    )


def power_of(
    store: Recording, label: str, seed: int, design: DesignName | None
) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    """What `specific` can find; None, and a note, where that cannot be told."""
    try:
        return power(store, label, seed=seed, design=design).document(), ()
    except OtoscopeError as error:
        return None, (f"Power is not told: {error}.",)


def followed_of(
    store: Recording,
    source: Recording,
    label: str,
    seed: int,
    design: DesignName | None,
    say: Callable[[str], object],
) -> tuple[set[tuple[int, int]] | None, tuple[str, ...]]:
    """The neurons that follow a descriptor; None, and a note, where none have been measured."""
    path = getattr(store, "path", None)
    if path is None or not (Path(path) / "descriptors.parquet").is_file():
        return None, ("Acoustics are not told: otoscope describe measures the descriptors of the clips.",)
    say("acoustic descriptors")
    try:
        described: Any = store
        table = follows(source, describe(described), label, seed=seed, design=design).table
    except OtoscopeError as error:
        return None, (f"Acoustics are not told: {error}.",)
    flagged = table[table["follows"] != ""]
    return set(zip(flagged["layer"], flagged["unit"], strict=True)), ()


def follow(selection: Selection, followed: set[tuple[int, int]] | None) -> float:
    """How many neurons of a selection follow a descriptor; NaN where that is not known."""
    if followed is None:
        return np.nan
    return sum(each in followed for each in zip(*map(selection.neurons.get, ("layer", "unit")), strict=True))


def notes_of(
    store: Recording,
    chosen: LabelledClips,
    design: Design,
    selections: Mapping[str, Selection],
    measured: Unseen,
) -> list[str]:
    """Design, what is not tested, what was not recorded."""
    said = [f"The design is {design.name}: {_DESIGNS[design.name]}; {design.distinct} distinct permutations."]
    if isinstance(design.distinct, int) and design.distinct < LEAST_DISTINCT:
        said.append(f"Fewer than {LEAST_DISTINCT} distinct permutations: depth and excess are not tested.")
    if design.name == "ungrouped" and chosen.groups is not None:
        said[0] = said[0].replace(", which come in no groups", " although these come in groups")
    if missing := twins_missing(store):
        said.append(f"{missing[0].upper()}{missing[1:]}.")
    for name, selection in selections.items():
        for category, reason in ((selection.test or {}).get("refused") or {}).items():
            said.append(f"{name} does not test class {category!r}: {reason}.")
    said += measured.notes
    single = [name for name, free in zip(measured.classes, measured.freedom, strict=True) if not free]
    if single:
        said.append(f"No interval of {', '.join(map(repr, single))}: one group of it in a half.")
    return said
