"""Who chooses and who tests: groups split in two halves, and the classes that have enough of them.

The selector `specific` finds its candidates on half A of the groups and tests them on half B. In a nested
design, and where every clip is its own group, each class is split on its own; in a crossed one, the groups.
Where a number is odd, half B has one more: it is the test that lacks groups first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.neurons.designs import Design

__all__ = ["LEAST_GROUPS", "LEAST_SHARED", "Halves", "halves_of", "permuted_halves"]

LEAST_GROUPS = 4
"""Groups (clips, where there are none) that a class needs on half B."""

LEAST_SHARED = 6
"""Groups on half B that two classes of a crossed design need to share."""

_LEAST_CHOOSING = 2  # groups of a class on half A: one has no spread


@dataclass(frozen=True)
class Halves:
    """The classes of the units of a design, and the half that each unit is in.

    Attributes:
        label: class of each unit by its number in the labeling. Shape (units,).
        code: class of each unit, numbered within `kept`; -1 for a unit of a class left out. Shape (units,).
        held: True on half B. Shape (units,).
        kept: the classes used, by their number in the labeling. Shape (classes,).
        groups: groups of each class used on half B. Shape (classes,).
        refused: why a class, by its number in the labeling, was left out.
    """

    label: NDArray[np.int64]
    code: NDArray[np.int64]
    held: NDArray[np.bool_]
    kept: NDArray[np.int64]
    groups: NDArray[np.int64]
    refused: dict[int, str]


def halves_of(design: Design, classes: Sequence[str], random: np.random.Generator, label: str) -> Halves:
    """Split the groups in two and leave out the classes that have too few of them on half B.

    Args:
        design: the units and their labels, one class each.
        classes: names of the classes, for messages.
        random: where the split comes from.
        label: name of the labeling, for messages.

    Raises:
        OtoscopeError: fewer than two classes remain; the message has the numbers of groups.
    """
    code = design.rows.argmax(axis=1)
    if design.name == "crossed":
        held = _split_groups(design.stratum, random)
        kept, refused = _shared_enough(_presence(design.stratum, code, held, len(classes)), classes)
    else:
        held = _split_classes(code, random)
        kept, refused = _large_enough(code, held, len(classes), design.name)
    if len(kept) < 2:
        raise OtoscopeError(_too_few(design, code, classes, label, refused))
    used = _numbered(code, kept, len(classes))
    return Halves(code, used, held, kept, _groups_on_b(design, used, held, len(kept)), refused)


def permuted_halves(
    first: Halves, design: Design, permutations: int, random: np.random.Generator
) -> Iterator[Halves]:
    """Yield the halves under permuted labels: the same classes, the groups of each split anew.

    In a crossed design labels move within groups, so the split of the groups stays.
    """
    for _ in range(permutations):
        code = design.permuted(random).argmax(axis=1)
        held = first.held if design.name == "crossed" else _split_classes(code, random)
        used = _numbered(code, first.kept, design.rows.shape[1])
        yield Halves(code, used, held, first.kept, first.groups, first.refused)


def _numbered(code: NDArray[np.int64], kept: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    number = np.full(classes, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    return number[code]


def _split_classes(code: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.bool_]:
    """True for the units of half B: of each class's units, at random, those after the first half."""
    order = np.lexsort((random.random(len(code)), code))
    size = np.bincount(code)
    rank = np.arange(len(code)) - np.repeat(np.cumsum(size) - size, size)
    held = np.empty(len(code), dtype=bool)
    held[order] = rank >= (size // 2)[code[order]]
    return held


def _split_groups(group: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.bool_]:
    """True for the clips of the groups of half B."""
    names, inverse = np.unique(group, return_inverse=True)
    side = np.zeros(len(names), dtype=bool)
    side[random.permutation(len(names))[len(names) // 2 :]] = True
    return side[inverse]


def _large_enough(
    code: NDArray[np.int64], held: NDArray[np.bool_], classes: int, design: str
) -> tuple[NDArray[np.int64], dict[int, str]]:
    what = "clips" if design == "ungrouped" else "groups"
    size = np.bincount(code[held], minlength=classes)
    enough = size >= LEAST_GROUPS
    total = np.bincount(code, minlength=classes)
    refused = {
        int(
            k
        ): f"{size[k]} of its {total[k]} {what} on the half that tests; expected {LEAST_GROUPS} or more, "
        f"so {2 * LEAST_GROUPS - 1} in all"
        for k in np.flatnonzero(~enough)
    }
    return np.flatnonzero(enough), refused


def _presence(
    group: NDArray[np.int64], code: NDArray[np.int64], held: NDArray[np.bool_], classes: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which group has which class: on half A and on half B, each of shape (groups, classes)."""
    names, inverse = np.unique(group, return_inverse=True)
    has = np.zeros((len(names), classes), dtype=bool)
    has[inverse, code] = True
    on_b = np.zeros(len(names), dtype=bool)
    on_b[inverse[held]] = True
    return has[~on_b], has[on_b]


def _shared_enough(
    presence: tuple[NDArray[np.bool_], NDArray[np.bool_]], classes: Sequence[str]
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Leave out, one by one, the class that shares too few groups with most others."""
    on_a, on_b = (has.astype(np.int64) for has in presence)
    shared = on_b.T @ on_b
    np.fill_diagonal(shared, LEAST_SHARED)
    kept = list(range(len(classes)))
    refused: dict[int, str] = {}
    while len(kept) > 1:
        choosing = on_a[on_a[:, kept].sum(axis=1) > 1][:, kept].sum(axis=0)
        lacking = (shared[np.ix_(kept, kept)] < LEAST_SHARED).sum(axis=1)
        lacking[choosing < _LEAST_CHOOSING] += len(classes)
        if not lacking.any():
            break
        # The class that lacks most, of several the one in the fewest groups, of those the last.
        worst = max(range(len(kept)), key=lambda i: (lacking[i], -on_b[:, kept[i]].sum(), i))
        k = kept.pop(worst)
        if choosing[worst] < _LEAST_CHOOSING:
            refused[k] = (
                f"{choosing[worst]} of its groups on the half that chooses have another class too; expected "
                f"{_LEAST_CHOOSING} or more"
            )
        else:
            other = min(kept, key=lambda each: (shared[k, each], each))
            refused[k] = (
                f"{shared[k, other]} groups shared with {classes[other]} on the half that tests; expected "
                f"{LEAST_SHARED} or more, so about {2 * LEAST_SHARED - 1} in all"
            )
    return np.array(kept, dtype=np.int64), dict(sorted(refused.items()))


def _groups_on_b(
    design: Design, code: NDArray[np.int64], held: NDArray[np.bool_], classes: int
) -> NDArray[np.int64]:
    used = held & (code >= 0)
    if design.name != "crossed":
        return np.bincount(code[used], minlength=classes)
    pairs = np.unique(np.column_stack([design.stratum[used], code[used]]), axis=0)
    return np.bincount(pairs[:, 1], minlength=classes)


def _too_few(
    design: Design, code: NDArray[np.int64], classes: Sequence[str], label: str, refused: dict[int, str]
) -> str:
    if design.name == "crossed":
        needed = (
            f"{2 * LEAST_SHARED - 1} or more groups that hold both of two classes ({LEAST_SHARED} to test)"
        )
        has = _presence(design.stratum, code, np.zeros(len(code), dtype=bool), len(classes))[0].astype(
            np.int64
        )
        most = int(np.triu(has.T @ has, k=1).max())
        there = f"there are {len(has)} groups, of which at most {most} hold both of two classes"
    else:
        what = "clips" if design.name == "ungrouped" else "groups"
        needed = f"{2 * LEAST_GROUPS - 1} or more {what} in each of two classes ({LEAST_GROUPS} to test)"
        size = np.bincount(code, minlength=len(classes))
        order = np.argsort(-size, kind="stable")[:3]
        there = f"the largest have {', '.join(f'{classes[k]}: {size[k]}' for k in order)}"
    return (
        f"labeling {label!r}: {len(classes) - len(refused)} of {len(classes)} classes can be tested in the "
        f"{design.name} design: {there}; expected {needed}; try more clips, broader classes, or the preset "
        "aape, which does not test single neurons"
    )
