"""What the selector `specific` can find with these clips, told before anything is recorded.

It follows from clips, classes and groups alone: how many groups of each class are left to test on, and how
far a class must then lie above every other for a t test over groups to see it. Not counted is what is lost
where half A misses a neuron, or where its AUROC stays below 0.65: real power is lower.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import nct, norm, t

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.chance import LEAST_DISTINCT
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.halves import unit_labels
from otoscope.neurons.specific.halving import LEAST_GROUPS, LEAST_SHARED, halves_of
from otoscope.neurons.specific.procedure import LEAST_AUROC
from otoscope.tasks import Labeling

__all__ = ["Labelled", "Power", "chance_to_find", "power", "smallest_shift"]

VIT_B = 36_864
"""Neurons of a ViT-B: assumed where there is no recording."""

_CANDIDATES = 0.02  # share of all neurons that `specific` tests
_REAL = 0.1  # share of the candidates that are real, in the hopeful case
_LARGEST = 1000.0  # sd: a shift that is never reached


class Labelled(Protocol):
    """A task or a store: labelled clips."""

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, with its labels and groups."""
        ...

    def labeling(self, name: str) -> Labeling:
        """The labeling of this name."""
        ...


@dataclass(frozen=True, eq=False)
class Power:
    """What can be found out about a labeling.

    Attributes:
        label: name of the labeling.
        design: ungrouped, nested or crossed.
        distinct: how many distinct permutations there are; beyond 2^53 as text ("10^78").
        neurons: number of neurons assumed.
        candidates: how many of them `specific` tests.
        alpha: false discovery rate.
        power: probability with which a neuron should be found, once it is a candidate.
        table: one row per class: `category`, `clips`, `groups`, `groups_a` and `groups_b` (on the halves that
            choose and that test; clips where there are no groups), `testable`, `reason` (why not, or ""),
            `shift` (the smallest that is found, if the neuron is the only real one among the candidates) and
            `shift_of_many` (if one candidate in ten is real). A shift is in standard deviations of the mean
            firing share between groups of one class; without groups, between clips. NaN where nothing can
            be tested.
    """

    label: str
    design: str
    distinct: int | str
    neurons: int
    candidates: int
    alpha: float
    power: float
    table: pd.DataFrame

    @property
    def sentences(self) -> list[str]:
        """The same for people."""
        table, unit = self.table, "clips" if self.design == "ungrouped" else "groups"
        good = table[table["testable"]]
        enough = not (isinstance(self.distinct, int) and self.distinct < LEAST_DISTINCT)
        said = [
            f"The design is {self.design}: {int(table['clips'].sum())} clips, {len(table)} classes, "
            f"{self.distinct} distinct permutations"
            + ("." if enough else f"; fewer than {LEAST_DISTINCT}, so nothing is tested by permutation."),
        ]
        if len(good) < 2:
            need = 2 * LEAST_GROUPS - 1 if self.design != "crossed" else 2 * LEAST_SHARED - 1
            shared = " shared by both" if self.design == "crossed" else " each"
            return [
                *said,
                f"The selector `specific` cannot test this labeling: it takes two classes with {need} or "
                f"more {unit}{shared}.",
            ]
        said.append(
            f"`specific` can test {len(good)} of {len(table)} classes, on "
            f"{_range(good['groups_b'], '{:.0f}')} {unit} each."
        )
        said.append(
            f"With {self.power:.0%} power it finds, of {self.candidates} candidates, a neuron that lies "
            f"{_range(good['shift'], '{:.1f}')} standard deviations between {unit} above every other class; "
            f"{_range(good['shift_of_many'], '{:.1f}')} where one candidate in ten is real."
        )
        said.append(
            f"It also asks for a pairwise AUROC of {LEAST_AUROC:g} over clips: a neuron that lies less than "
            f"{np.sqrt(2) * norm.ppf(LEAST_AUROC):.2f} standard deviations between clips above another class "
            "is left out more often than not, however many there are."
        )
        return said

    def document(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        figures = ("label", "design", "distinct", "neurons", "candidates", "alpha", "power")
        return {
            **{name: getattr(self, name) for name in figures},
            "sentences": self.sentences,
            "classes": self.table.to_dict("records"),
        }

    def __repr__(self) -> str:
        good = self.table[self.table["testable"]]
        return f"Power({self.label!r}, {self.design}: {len(good)} of {len(self.table)} classes can be tested)"

    def _repr_html_(self) -> str:
        return f"<p>{escape(' '.join(self.sentences))}</p>{self.table.to_html(index=False, na_rep='')}"


def power(
    source: Labelled,
    label: str,
    *,
    neurons: int | None = None,
    alpha: float = 0.05,
    target: float = 0.8,
    seed: int = 0,
    design: DesignName | None = None,
) -> Power:
    """Say what `specific` can find in a task or a store, from clips, classes and groups alone.

    Args:
        source: a task, or a recording.
        label: name of one of its labelings, with one class a clip.
        neurons: of the model; by default the recording's, for a task those of a ViT-B.
        alpha: false discovery rate, in (0, 1).
        target: probability of finding a neuron, in (0, 1).
        seed: of the split of the groups, in a crossed design.
        design: which labels may change places; by default what the labeling and its groups show.

    Raises:
        UsageError: a number out of its range, an unknown labeling or design.
        OtoscopeError: a labeling with several classes a clip or without a labelled clip, or one that is
            neither nested nor crossed where `design` does not say which to take.
    """
    layers = getattr(source, "layers", None)
    count = neurons or (VIT_B if layers is None else sum(layer.units for layer in layers))
    for name, value in (("alpha", alpha), ("target", target)):
        if not 0 < value < 1:
            raise UsageError(f"{name} is {value}; expected a number between 0 and 1, for example 0.8")
    if count < 1:
        raise UsageError(f"neurons is {count}; expected 1 or more, for example {VIT_B}")
    labeling = source.labeling(label)
    membership, groups = labeling.membership(source.clips), labeling.groups(source.clips)
    used = membership.any(axis=1) & (np.asarray(getattr(source, "tokens", 1)) > 0)
    if not used.any():
        raise OtoscopeError(f"no clip has a label of {label!r}; expected some of every class")
    if (membership.sum(axis=1) > 1).any():
        raise OtoscopeError(
            f"labeling {label!r} has several classes a clip; expected one, as `specific` takes them"
        )
    group = None if groups is None else groups[used]
    made = design_of(membership[used], group, name=design, label=label)
    table = _classes(made, labeling.classes, membership[used], seed, label)
    candidates = int(np.ceil(_CANDIDATES * count / len(labeling.classes))) * len(labeling.classes)
    for column, real in (("shift", 1.0), ("shift_of_many", max(1.0, _REAL * candidates))):
        table[column] = _shifts(table, alpha * min(real / candidates, 1.0), target, made.name == "crossed")
    columns = ["category", "clips", "groups", "groups_a", "groups_b", "testable", "reason"]
    kept = table[[*columns, "shift", "shift_of_many"]]
    return Power(label, made.name, made.distinct, count, candidates, alpha, target, kept)


@lru_cache(maxsize=4096)
def smallest_shift(
    groups: int, others: tuple[int, ...], level: float, target: float = 0.8, paired: bool = False
) -> float:
    """The smallest shift above all other classes that t tests over groups find together.

    Args:
        groups: of the class. Not used if paired.
        others: groups of every other class; if paired, those that it shares with the class.
        level: one-sided level of each test; the largest p must reach it.
        target: probability that all tests reject, taken as if they were independent.
        paired: a paired t test rather than Welch's.

    Returns:
        In standard deviations between groups of one class (if paired, of each of the two classes, as if they
        were independent within a group).

    >>> round(smallest_shift(17, (17,), 0.05), 2)  # as any table of sample sizes has it
    0.87
    """

    def missing(shift: float) -> float:
        return chance_to_find(shift, groups, others, level, paired) - target

    high = 1.0
    while missing(high) < 0 and high < _LARGEST:
        high *= 2
    return float(brentq(missing, 0.0, high, xtol=1e-4)) if missing(0.0) < 0 else 0.0


def chance_to_find(
    shift: float, groups: int, others: tuple[int, ...], level: float, paired: bool = False
) -> float:
    """The probability that t tests over groups find a shift above all other classes together.

    Args:
        shift: in standard deviations between groups of one class (if paired, of each of the two classes, as
            if they were independent within a group).
        groups: of the class. Not used if paired.
        others: groups of every other class; if paired, those that it shares with the class.
        level: one-sided level of each test; the largest p must reach it.
        paired: a paired t test rather than Welch's.

    Returns:
        In [0, 1], taking the tests as if they were independent.

    >>> round(chance_to_find(0.87, 17, (17,), 0.05), 2)
    0.8
    """
    sizes, times = np.unique(others, return_counts=True)
    if paired:
        error, df = np.sqrt(2 / sizes), sizes - 1.0
    else:
        a, b = 1 / groups, 1 / sizes
        error, df = np.sqrt(a + b), (a + b) ** 2 / (a**2 / (groups - 1) + b**2 / (sizes - 1))
    found = np.nan_to_num(nct.sf(t.isf(level, df), df, shift / error), nan=1.0)
    return float(np.prod(found**times))


def _classes(design: Design, classes: Sequence[str], membership: Any, seed: int, label: str) -> pd.DataFrame:
    """The classes, their groups on both halves, and whether and why not they can be tested.

    In a crossed design the further column `shared` holds the groups that a class shares, on half B, with each
    other class that can be tested; else the groups of those.
    """
    unit = design.stratum if design.name == "crossed" else np.arange(len(design.rows))
    groups = unit_labels(design.rows, unit).sum(axis=0)
    on_b = groups - groups // 2
    reasons, kept, shared = dict.fromkeys(range(len(classes)), "too few groups"), np.zeros(0, np.int64), None
    try:
        halves = halves_of(design, classes, np.random.default_rng(seed), label)
    except OtoscopeError as problem:
        reasons = dict.fromkeys(range(len(classes)), str(problem))
    else:
        reasons, kept = halves.refused, halves.kept
        if design.name == "crossed":
            b = unit_labels(design.rows[halves.held], unit[halves.held]).astype(np.int64)
            shared, on_b = b.T @ b, b.sum(axis=0)
    others = [
        tuple(sorted(int(on_b[j] if shared is None else shared[k, j]) for j in kept if j != k))
        for k in range(len(classes))
    ]
    return pd.DataFrame(
        {
            "category": pd.Series(list(classes), dtype="str"),
            "clips": membership.sum(axis=0),
            "groups": groups,
            "groups_a": groups - on_b,
            "groups_b": on_b,
            "testable": np.isin(np.arange(len(classes)), kept),
            "reason": [reasons.get(k, "") for k in range(len(classes))],
            "others": others,
        }
    )


def _shifts(table: pd.DataFrame, level: float, target: float, paired: bool) -> list[float]:
    return [
        smallest_shift(0 if paired else int(row["groups_b"]), row["others"], level, target, paired)
        if row["testable"]
        else float("nan")
        for row in table.to_dict("records")
    ]


def _range(values: "pd.Series[Any]", form: str) -> str:
    low, high = form.format(values.min()), form.format(values.max())
    return low if low == high else f"{low} to {high}"
