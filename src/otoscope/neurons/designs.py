"""What may be permuted: the design of a labeling and its groups.

Clips of one group (a speaker, an instrument) are not independent, so labels may not simply be dealt out anew:

    ungrouped   no groups: labels are permuted between clips
    nested      a group has one label (gender in speaker): labels are permuted between groups
    crossed     labels vary within groups (emotion in speaker): labels are permuted within groups

A clip of several labels keeps them together. If some groups of several clips hold one label and others more,
the design is neither, and the user must say.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from otoscope.errors import OtoscopeError, UsageError

__all__ = ["Design", "DesignName", "design_of"]

DesignName = Literal["ungrouped", "nested", "crossed"]

_EXACT = 2**53


@dataclass(frozen=True)
class Design:
    """Units that carry one row of labels each, and the strata within which those rows may change places.

    Attributes:
        name: ungrouped, nested or crossed.
        unit: the unit of each clip: the clip itself, or in a nested design its group. Shape (clips,).
        stratum: the stratum of each unit: all in one, or in a crossed design its group. Shape (units,).
        rows: the labels of each unit. Shape (units, classes).
    """

    name: DesignName
    unit: NDArray[np.int64]
    stratum: NDArray[np.int64]
    rows: NDArray[np.bool_]

    def permuted(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """The labels of the units, dealt out anew within strata. Shape (units, classes)."""
        places = np.argsort(self.stratum, kind="stable")
        drawn = np.lexsort((random.random(len(places)), self.stratum))
        rows = np.empty_like(self.rows)
        rows[places] = self.rows[drawn]
        return rows

    @property
    def distinct(self) -> int | str:
        """How many different labelings the permutations can give; beyond 2^53 as text ("10^78")."""
        if self.log10_distinct > math.log10(_EXACT):
            return f"10^{self.log10_distinct:.0f}"
        total = 1
        for stratum in np.unique(self.stratum):
            left = int(np.sum(self.stratum == stratum))
            for same in self._alike[1][self._alike[0] == stratum].tolist():
                total *= math.comb(left, same)
                left -= same
        return total

    @property
    def log10_distinct(self) -> float:
        """Decimal logarithm of the number of distinct permutations."""
        sizes = np.unique(self.stratum, return_counts=True)[1]
        log = gammaln(sizes + 1.0).sum() - gammaln(self._alike[1] + 1.0).sum()
        return max(0.0, float(log) / math.log(10))

    @property
    def _alike(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For every set of units of one stratum with equal labels: its stratum, and how many they are."""
        pairs = np.column_stack([self.stratum, _codes(self.rows)])
        values, counts = np.unique(pairs, axis=0, return_counts=True)
        return values[:, 0], counts


def design_of(
    membership: NDArray[np.bool_],
    groups: NDArray[np.int64] | None = None,
    *,
    name: DesignName | None = None,
    label: str = "",
) -> Design:
    """The design of a labeling.

    Args:
        membership: which clip bears which class. Shape (clips, classes).
        groups: the group of each clip, None for no groups. Shape (clips,).
        name: the design to take, if it is not to be found out. "crossed" then holds groups of one label
            fixed, "ungrouped" ignores the groups.
        label: the labeling's name, for messages.

    Raises:
        UsageError: an unknown design, one that needs groups where there are none, or "nested" where labels
            vary within a group.
        OtoscopeError: neither nested nor crossed, and `name` does not say which to take.
    """
    if name is not None and name not in get_args(DesignName):
        raise UsageError(f"design {name!r} not found; expected one of {', '.join(get_args(DesignName))}")
    if groups is None:
        if name in ("nested", "crossed"):
            raise UsageError(f"labeling {label!r} has no groups; expected the design ungrouped, given {name}")
        return _ungrouped(membership)
    group = np.unique(groups, return_inverse=True)[1]
    rows = _codes(membership)
    size = np.bincount(group)
    held = np.unique(np.column_stack([group, rows]), axis=0)
    various = np.bincount(held[:, 0]) > 1
    if name is None:
        name = _name(various, size, label)
    if name == "ungrouped":
        return _ungrouped(membership)
    if name == "crossed":
        return Design("crossed", np.arange(len(group)), group, membership)
    if various.any():
        raise UsageError(
            f"labeling {label!r}: {various.sum()} of {len(size)} groups hold several labels; the design "
            "nested expects one label a group; try the design crossed"
        )
    first = np.unique(group, return_index=True)[1]
    return Design("nested", group, np.zeros(len(size), dtype=np.int64), membership[first])


def _name(various: NDArray[np.bool_], size: NDArray[np.int64], label: str) -> DesignName:
    """Nested, if no group holds several labels; crossed, if every group does that has several clips."""
    if not various.any():
        return "nested"
    uniform = ~various & (size > 1)
    if not uniform.any():
        return "crossed"
    raise OtoscopeError(
        f"labeling {label!r} is neither nested in its groups nor crossed with them: {uniform.sum()} groups "
        f"of several clips hold one label, {various.sum()} hold more; expected all one or all several; "
        "say which labels may change places: the design crossed (within groups; those of one label stay as "
        "they are) or ungrouped (between all clips, as without groups); or ask for 0 permutations"
    )


def _ungrouped(membership: NDArray[np.bool_]) -> Design:
    clips = len(membership)
    return Design("ungrouped", np.arange(clips), np.zeros(clips, dtype=np.int64), membership)


def _codes(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """An integer for each row, the same for equal rows."""
    return np.unique(rows, axis=0, return_inverse=True)[1].ravel()
