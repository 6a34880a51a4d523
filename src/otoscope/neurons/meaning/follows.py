"""Which acoustic descriptors each neuron follows: rank correlations over clips, and within classes.

    rho     Spearman's rank correlation of the firing share with the descriptor, over clips
    within  the same ranks, less their mean in each class, and so blind to what classes have in common

A neuron that fires for a class correlates with whatever that class sounds like. So "follows X" is said of the
correlation within classes. The null permutes the descriptors' rows within classes: between clips, where a
group has one class between the groups' means, where groups cross classes within each group and class. The
largest |within| * sqrt(units - cells) over all neurons and descriptors of each permutation gives one
threshold for all (maxT): the chance that any neuron at all is flagged wrongly is at most alpha.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import gammaln

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.meaning.following import (
    BLOCK,
    descriptor_values,
    patterns_of,
    ranks_of_known,
    spearman,
    unit_length,
)
from otoscope.neurons.meaning.result import Follows
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.ranks import ranks_of
from otoscope.neurons.rates import rate_blocks

__all__ = ["averaging", "follows"]

_LEAST_DISTINCT = 100

Array = NDArray[np.float32]


def follows(
    store: Recording,
    descriptors: pd.DataFrame,
    label: str,
    *,
    permutations: int = 100,
    alpha: float = 0.05,
    seed: int = 0,
    design: DesignName | None = None,
    clips: NDArray[np.bool_] | None = None,
) -> Follows:
    """What each neuron follows in the sound, beyond what the classes of a labeling have in common.

    Args:
        store: a recording.
        descriptors: one row a clip of the recording, as `otoscope.descriptors.describe` gives them.
        label: name of a labeling: its classes are held fixed, and its groups kept whole.
        permutations: how many to draw, at least 1 / alpha - 1.
        alpha: chance of flagging any neuron where none follows anything.
        seed: of the permutations.
        design: "ungrouped", "nested" or "crossed"; by default what the labeling and its groups show.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.

    Raises:
        UsageError: too few permutations for alpha, or descriptors that do not fit the recording.
        OtoscopeError: fewer than 100 distinct permutations within classes.
    """
    if not 0 < alpha < 1 or permutations < 1 / alpha - 1 - 1e-9:
        raise UsageError(
            f"{permutations} permutations and alpha {alpha}; expected alpha between 0 and 1 and at least "
            "1 / alpha - 1 permutations, the fewest that can give such a p; try 100 and 0.05"
        )
    chosen = labelled_clips(store, label, clips)
    names, values = descriptor_values(store, descriptors, chosen.rows)
    plan = design_of(chosen.membership, chosen.groups, name=design, label=label)
    cells, units = _cells(plan), _pooling(plan)
    _check_distinct(cells, plan, label)
    random = np.random.default_rng(seed)
    tests = [
        _Test.of(columns, known, pooled, cells, permutations, random)
        for pooled in [_unit_means(ranks_of_known(values), units)]
        for columns, known in patterns_of(pooled)
    ]
    tests = [each for each in tests if each.freedom >= 3]
    patterns = list(patterns_of(values))
    neurons = sum(layer.units for layer in store.layers)
    rho, within = np.full((2, neurons, len(names)), np.nan)
    null = np.zeros(permutations)
    for part, rates in rate_blocks(store, chosen.rows, BLOCK):
        ranks = ranks_of(rates)
        for columns, known in patterns:
            rho[part, columns] = spearman(ranks, values[:, columns], known)
        pooled = np.asarray(units @ ranks, dtype=np.float32) if units.shape[0] < len(ranks) else ranks
        for test in tests:
            within[part, test.columns], largest = test.apply(pooled)
            np.maximum(null, largest, out=null)
    freedom = np.full(len(names), np.nan)
    for test in tests:
        freedom[test.columns] = test.freedom
    layer, unit = positions(store.layers)
    return Follows.of(
        label,
        plan.name,
        layer,
        unit,
        names,
        rho=rho,
        within=within,
        freedom=freedom,
        null=null,
        alpha=alpha,
        seed=seed,
    )


@dataclass(frozen=True)
class _Test:
    """Descriptors that are known of the same units, and what permutations make of them."""

    columns: NDArray[np.int64]
    known: NDArray[np.bool_]
    mean: sparse.csr_array  # of each cell, (cells, known units)
    cell: NDArray[np.int64]
    own: Array  # unit length within cells, (descriptors, known units)
    permuted: Array  # (permutations * descriptors, known units)
    freedom: int

    @classmethod
    def of(
        cls,
        columns: NDArray[np.int64],
        known: NDArray[np.bool_],
        values: NDArray[np.float64],
        cells: NDArray[np.int64],
        permutations: int,
        random: np.random.Generator,
    ) -> "_Test":
        cell = np.unique(cells[known], return_inverse=True)[1]
        count = int(cell.max(initial=-1)) + 1
        mean = averaging(cell, count)
        own = unit_length(_less_means(values[known][:, columns], mean, cell)).T
        places = np.argsort(cell, kind="stable")
        drawn = np.empty((permutations, len(cell)), dtype=np.int64)
        for row in drawn:
            row[places] = np.lexsort((random.random(len(cell)), cell))
        permuted = own[:, drawn].transpose(1, 0, 2).reshape(-1, len(cell))
        return cls(columns, known, mean, cell, own, np.ascontiguousarray(permuted), len(cell) - count)

    def apply(self, ranks: NDArray[np.floating]) -> tuple[Array, Array]:
        """Correlations within cells (neurons, descriptors), and the largest z of each permutation."""
        left = unit_length(_less_means(ranks[self.known], self.mean, self.cell))
        null = self.permuted @ np.nan_to_num(left)
        largest = np.maximum(null.max(axis=1), -null.min(axis=1)).reshape(-1, len(self.own))
        return (self.own @ left).T, np.nanmax(largest, axis=1, initial=0) * np.float32(np.sqrt(self.freedom))


def _less_means(values: NDArray[np.floating], mean: sparse.csr_array, cell: NDArray[np.int64]) -> Array:
    left: Array = (values - np.asarray(mean @ values)[cell]).astype(np.float32)
    return left


def _unit_means(values: NDArray[np.float64], units: sparse.csr_array) -> NDArray[np.float64]:
    """Means over the clips of each unit of which there is a value."""
    known = np.asarray(units @ np.isfinite(values).astype(float))
    total = np.asarray(units @ np.nan_to_num(values))
    mean: NDArray[np.float64] = np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)
    return mean


def _pooling(design: Design) -> sparse.csr_array:
    return averaging(design.unit, len(design.rows))


def averaging(of: NDArray[np.int64], count: int) -> sparse.csr_array:
    """The matrix that takes means over the members of each of so many sets."""
    sizes = np.bincount(of, minlength=count)
    return sparse.csr_array((1 / sizes[of], (of, np.arange(len(of)))), shape=(count, len(of)))


def _cells(design: Design) -> NDArray[np.int64]:
    """Within what the units may change places: class, and in a crossed design group."""
    rows = np.unique(design.rows, axis=0, return_inverse=True)[1].ravel()
    both = np.column_stack([rows, design.stratum])
    return np.unique(both, axis=0, return_inverse=True)[1].ravel().astype(np.int64)


def _check_distinct(cells: NDArray[np.int64], design: Design, label: str) -> None:
    sizes = np.bincount(cells)
    distinct = np.exp(min(float(gammaln(sizes + 1.0).sum()), 700.0))
    if distinct < _LEAST_DISTINCT - 0.5:
        raise OtoscopeError(
            f"labeling {label!r}, {design.name} design: there are {distinct:.0f} distinct permutations "
            f"within classes (the largest cell has {sizes.max()} units); expected {_LEAST_DISTINCT} or "
            "more; try more groups of each class, more clips of a class in a group, or the design ungrouped"
        )
