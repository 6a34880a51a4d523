"""Count the neurons that classes share, and test it: labels permuted and neurons selected again."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.chance import ignored_groups
from otoscope.neurons.designs import DesignName
from otoscope.neurons.probability import Recording
from otoscope.neurons.selecting import RECOMMENDED, select
from otoscope.neurons.sharing.counting import Sharing, check_same_model, share
from otoscope.neurons.sharing.margins import excess_over_margins
from otoscope.neurons.sharing.relabelled import Incidence, Side, relabelled
from otoscope.neurons.sharing.swaps import swap_randomised
from otoscope.neurons.sharing.testing import (
    PAIR_COLUMNS,
    NameTest,
    PairTests,
    SharingTests,
    alike,
    discoveries,
    few,
    name_test,
    pooled_p,
)

__all__ = ["sharing_test", "sharing_tests"]

_LEVEL = 0.05


def sharing_test(
    store: Recording,
    label: str,
    other: Recording | None = None,
    other_label: str | None = None,
    *,
    preset: str = "aape",
    permutations: int = 1000,
    seed: int = 0,
    design: DesignName | None = None,
    other_design: DesignName | None = None,
) -> Sharing:
    """Count the neurons that classes share, in one labeling or in two, and test it against chance.

    Every pair of classes is tested against permuted labels, with which neurons are selected again, and
    against shuffled tables of the classes and neurons; p is the larger of both. Between two labelings T says
    besides whether classes of the same name ("m" and "Male" are) share more than others. See
    `otoscope.neurons.sharing.testing` for what that covers, and at which rates it errs.

    Args:
        store: a recording; the classes of its labeling are the rows.
        label: its labeling.
        other: another recording of the same model, or the same recording; the classes of its labeling are
            the columns. By default the classes of one labeling are compared with one another.
        other_label: its labeling; by default of the same name as `label`.
        preset: "aape", "aape-drop5" or "lape". "specific" is slow to repeat and gives a neuron at most a
            quarter of the classes: it is counted by `share`, but not tested.
        permutations: of the labels, and as many tables and orders of the names; at least 1.
        seed: of all of them.
        design: which labels may change places, "ungrouped", "nested" or "crossed"; by default what the
            labeling and its groups show.
        other_design: that of the other labeling.

    Raises:
        UsageError: fewer than one permutation, another preset, or a design that the labeling cannot have.
        OtoscopeError: the recordings are of different models; a labeling is neither nested nor crossed, and
            no design says what to permute; or what `select` raises.

    >>> from otoscope import world
    >>> found = sharing_test(world(classes=3), "class", permutations=20)
    >>> found.tests.pairs.table[["category_a", "category_b"]].to_numpy().tolist()
    [['class 0', 'class 1'], ['class 0', 'class 2'], ['class 1', 'class 2']]
    """
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; expected 1 or more, for example 1000")
    if preset == RECOMMENDED:
        raise UsageError(
            "the preset 'specific' is not tested for sharing; expected aape, aape-drop5 or lape; "
            "share(select(...)) counts what its classes share"
        )
    within = other is None and other_label in (None, label)
    columns = (store if other is None else other, other_label or label)
    if other is not None:
        models = [each.info.get("model", {}) for each in (store, other)]
        check_same_model((label, columns[1]), (models[0], models[1]))
    sides = [Side.of(store, label, preset, design)]
    sides += [] if within else [Side.of(*columns, preset, other_design)]
    selections = [
        select(side.store, side.clips.labeling.name, preset=preset, permutations=0, twins=False)
        for side in sides
    ]
    return share(*selections).tested(sharing_tests(sides, permutations, seed))


def sharing_tests(sides: list[Side], permutations: int, seed: int) -> SharingTests:
    """The tests of one labeling, or of two; what `sharing_test` counts is not in them."""
    a, b = sides[0], sides[-1]
    within = len(sides) == 1
    found = (first := a.found(), first if within else b.found())
    shared, jaccard = found[0].shared(found[1]), found[0].jaccard(found[1])
    drawn = [
        (one.shared(two), excess_over_margins(one, two), one.jaccard(two))
        for one, two in relabelled(a, None if within else b, permutations, seed)
    ]
    total, excess, indices = (np.array(each) for each in zip(*drawn, strict=True))
    cells = np.triu_indices(len(shared), k=1) if within else tuple(map(np.ravel, np.indices(shared.shape)))
    z, by_labels = pooled_p(excess_over_margins(*found)[cells], excess[:, cells[0], cells[1]])
    tables = _swapped(found, within, permutations, seed)
    by_margins = pooled_p(shared[cells], tables[:, cells[0], cells[1]])[1]
    reason = _why_not(sides, tables)
    untested = bool(reason) | (found[0].sizes[cells[0]] == 0) | (found[1].sizes[cells[1]] == 0)
    by_labels, by_margins = (np.where(untested, np.nan, each) for each in (by_labels, by_margins))
    p = np.maximum(by_labels, by_margins)
    names = [np.array(side.clips.classes, dtype=object) for side in (a, b)]
    values = (
        names[0][cells[0]], names[1][cells[1]], shared[cells], total.mean(axis=0)[cells], z,
        by_labels, by_margins, p, discoveries(p),
    )  # fmt: skip
    table = pd.DataFrame(dict(zip(PAIR_COLUMNS, values, strict=True))).astype(PAIR_COLUMNS)
    pairs = PairTests(table, reason or _about(table, sides, permutations))
    named = None if within else _names((a, b), found, jaccard, indices, permutations, seed)
    return SharingTests(pairs, named, tuple(side.design.name for side in sides), permutations, seed)


def _swapped(
    found: tuple[Incidence, Incidence], within: bool, permutations: int, seed: int
) -> NDArray[np.int64]:
    """What every pair of classes shares in shuffled tables. Shape (tables, classes, classes)."""
    tables = []
    for number, each in enumerate(found[:1] if within else found):
        shuffled = swap_randomised(each.assigned, permutations, seed + number)
        tables.append([table for batch in shuffled for table in batch])
    return np.array(
        [
            Incidence(found[0].neurons, one).shared(Incidence(found[1].neurons, two))
            for one, two in zip(tables[0], tables[-1], strict=True)
        ]
    )


def _why_not(sides: list[Side], tables: NDArray[np.int64]) -> str:
    """Why no pair can be tested; "" if they can."""
    for side in sides:
        if few(side.design.distinct):
            return (
                f"Not tested: the {side.design.name} design of {side.clips.labeling.name!r} has "
                f"{side.design.distinct} distinct permutations, and a test needs 100."
            )
    if len(sides) == 1 and len(sides[0].clips.classes) < 3:
        return (
            f"Not tested: {len(sides[0].clips.classes)} classes. What two classes share follows from how "
            "many neurons they have; 3 are needed."
        )
    if not len(tables) or np.ptp(tables, axis=0).max(initial=0) == 0:
        return "Not tested: no other table of classes and neurons has the margins of this one."
    return ""


def _about(table: pd.DataFrame, sides: list[Side], permutations: int) -> str:
    tested, found = int(table["p"].notna().sum()), int((table["q"] <= _LEVEL).sum())
    ignored = (ignored_groups(side.clips, side.design) for side in sides)
    same = len(sides) == 2 and sides[0].store is sides[1].store
    return " ".join(
        filter(
            None,
            [
                f"{found} of {tested} pairs of classes share more neurons than both "
                f"{permutations} permutations of the labels, with neurons selected again, and as many "
                "shuffled tables with the same margins give, at a false discovery rate of 5 %. Weak sharing "
                "passes unseen: none found is not none there.",
                *ignored,
                "Both labelings are of the same clips and were permuted apart: classes that have clips in "
                "common share neurons for that reason too."
                if same
                else "",
            ],
        )
    )


_SHORT = {"m": "male", "f": "female"}


def _plain(name: str) -> str:
    """A class's name as data sets have it in common: VoxCeleb1's "m" is CREMA-D's "Male".

    >>> _plain("m"), _plain("Male"), _plain("dog_bark")
    ('male', 'male', 'dog bark')
    """
    small = name.casefold().replace("_", " ")
    return _SHORT.get(small, small)


def _names(
    sides: tuple[Side, Side],
    found: tuple[Incidence, Incidence],
    jaccard: NDArray[np.float64],
    drawn: NDArray[np.float64],
    permutations: int,
    seed: int,
) -> NameTest:
    """T of the classes of the same name, against permuted labels and against permuted names."""
    a, b = ([_plain(name) for name in side.clips.classes] for side in sides)
    matched = [name for name in a if name in b]
    rows, columns = [a.index(name) for name in matched], [b.index(name) for name in matched]
    return name_test(
        jaccard[np.ix_(rows, columns)],
        drawn[:, rows][:, :, columns],
        max(alike(found[0].assigned[rows]), alike(found[1].assigned[columns])),
        labels=not any(few(side.design.distinct) for side in sides),
        permutations=permutations,
        seed=seed,
    )
