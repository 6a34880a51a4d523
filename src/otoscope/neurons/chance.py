"""What a selection gives when labels mean nothing: its distribution under permutations of the labels.

The selectivity filter keeps a fixed share of the neurons whatever the data, so a selection is never empty.
How many neurons it holds and how many classes it covers are therefore described beside their distribution
under permutation; what is tested is the depth of the selectivity, and the excess of it over all neurons.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from otoscope.errors import UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.designs import Design
from otoscope.neurons.excess import excesses, selectivities
from otoscope.neurons.filters import Filters, Kept, apply_filters
from otoscope.neurons.probability import (
    LabelledClips,
    Pooling,
    Recording,
    Weighting,
    class_probabilities,
    class_sums,
    membership_matrix,
)

__all__ = [
    "MEASURES",
    "Chance",
    "Spread",
    "chance_among",
    "chance_of",
    "ignored_groups",
    "permuted_tables",
]

MEASURES = ("neurons", "coverage", "depth", "excess")
LEAST_DISTINCT = 100
"""With fewer distinct permutations there is a description, but no test."""

_TABLE_BYTES = (
    256_000_000  # of permuted tables in memory at a time; the recording is read once for each such batch
)
_TIE = 1e-12  # nats by which depths that are equal on paper may differ
_TIE_OF_EXCESS = 1e-6  # the same, as a share of the excess, whose parts are kept in single precision


@dataclass(frozen=True)
class Spread:
    """A measure under permutation.

    Attributes:
        mean: its mean; None where no permutation gave a value.
        low: its 2.5th percentile.
        high: its 97.5th percentile.
        p: (1 + permutations at least as extreme) / (1 + permutations), in (0, 1]; None where nothing is
            tested.
    """

    mean: float | None
    low: float | None
    high: float | None
    p: float | None = None

    @classmethod
    def of(cls, values: NDArray[np.float64], p: float | None = None) -> "Spread":
        """The spread of values, those that are not numbers left out."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(None, None, None, p)
        low, high = np.percentile(known, [2.5, 97.5])
        return cls(float(known.mean()), float(low), float(high), p)

    def document(self) -> dict[str, float | None]:
        """The spread as JSON holds it."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "p": self.p}


@dataclass(frozen=True)
class Chance:
    """The permutation distribution of a selection.

    Attributes:
        design: ungrouped, nested or crossed: what was permuted.
        distinct: how many distinct permutations there are; beyond 2^53 as text ("10^78").
        permutations: how many were drawn.
        neurons: number of distinct class-specific neurons. Described, not tested.
        coverage: share of classes with a neuron, in [0, 1]. Described, not tested.
        depth: mean of log(classes) - entropy over the kept neurons, in nats; with its p.
        note: what is tested and what is not, and why, for people.
        values: one row a permutation, columns `neurons`, `coverage`, `depth`, `excess`, and `layer 0`,
            `layer 1` ... with the number of class-specific neurons in each layer.
        excess: sum over all neurons, selected or not, of max(0, z), where z says by how many standard
            deviations a neuron is more selective than under the other labelings; with its p.
        found_excess: the same with the true labels; None for a selection saved before there was one, or with
            fewer than two permutations.
    """

    design: str
    distinct: int | str
    permutations: int
    neurons: Spread
    coverage: Spread
    depth: Spread
    note: str
    values: pd.DataFrame
    excess: Spread = Spread(None, None, None)
    found_excess: float | None = None

    @property
    def by_layer(self) -> pd.DataFrame:
        """Number of class-specific neurons in a layer under permutation: columns layer, mean, low, high."""
        columns = [name for name in self.values.columns if name.startswith("layer ")]
        spreads = [Spread.of(self.values[name].to_numpy(dtype=float)) for name in columns]
        return pd.DataFrame(
            {
                "layer": range(len(columns)),
                **{key: [getattr(each, key) for each in spreads] for key in ("mean", "low", "high")},
            }
        )

    def document(self) -> dict[str, Any]:
        """The chance level as JSON holds it, without the single permutations."""
        return {
            "design": self.design,
            "distinct": self.distinct,
            "permutations": self.permutations,
            **{name: getattr(self, name).document() for name in MEASURES},
            "found_excess": self.found_excess,
            "note": self.note,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], values: pd.DataFrame) -> "Chance":
        """The chance level that `document` described, with its single permutations."""
        spreads = {name: Spread(**document[name]) for name in MEASURES if name in document}
        return cls(**{**document, **spreads, "values": values})


def chance_of(
    observed: Kept,
    store: Recording,
    clips: LabelledClips,
    design: Design,
    filters: Filters,
    *,
    pooling: Pooling = "token",
    permutations: int = 100,
    seed: int = 0,
    table: NDArray[np.float64] | None = None,
) -> Chance:
    """How the selection of the same filters is distributed when the labels are permuted.

    Args:
        observed: what the filters keep with the true labels.
        store: the recording.
        clips: the clips and their true labels.
        design: which labels may change places.
        filters: the thresholds.
        pooling: as in the selection.
        permutations: how many to draw, at least 1.
        seed: of the permutations.
        table: firing probabilities with the true labels, if they are known already. Shape (classes, neurons).

    Returns:
        The chance level. The excess has a p if at least 100 distinct permutations exist, the depth if a
        neuron was kept besides.

    Raises:
        UsageError: fewer than one permutation.
    """
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; expected 1 or more, for example 100")
    true = class_probabilities(store, clips, pooling) if table is None else table
    tables = permuted_tables(store, clips, design, pooling, permutations, seed)
    permuted = ((apply_filters(p, filters), p) for p in tables)
    return chance_among((observed, true), permuted, store, clips, design, permutations)


def chance_among(
    observed: tuple[Kept, NDArray[np.float64]],
    permuted: Iterable[tuple[Kept, NDArray[np.float64]]],
    store: Recording,
    clips: LabelledClips,
    design: Design,
    permutations: int,
) -> Chance:
    """The chance level of a choice of a fixed share of the neurons, from what it keeps under permutation.

    Args:
        observed: what is kept with the true labels, and the firing probabilities of all neurons with them.
        permuted: the same for each permutation.
        store: the recording.
        clips: the clips and their true labels.
        design: which labels changed places.
        permutations: how many there are.
    """
    kept, true = observed
    layer = positions(store.layers)[0]
    rows, selectivity = [], np.empty((1 + permutations, len(layer)), np.float32)
    selectivity[0] = selectivities(true)
    for number, (again, p) in enumerate(permuted, start=1):
        rows.append(_measures(again, layer))
        selectivity[number] = selectivities(p)
    found, *others = excesses(selectivity).tolist()
    values = pd.DataFrame(rows)
    values.insert(3, "excess", others)
    spreads = {name: values[name].to_numpy(dtype=float) for name in MEASURES}
    few, none = _too_few(design), _none_kept(kept)
    notes = [
        "Count and coverage are described, not tested: a fixed share of the neurons is kept "
        "whatever the data.",
        few or none,
        ignored_groups(clips, design),
    ]
    return Chance(
        design.name,
        design.distinct,
        permutations,
        neurons=Spread.of(spreads["neurons"]),
        coverage=Spread.of(spreads["coverage"]),
        depth=Spread.of(spreads["depth"], None if few or none else _p(spreads["depth"], kept.depth, _TIE)),
        note=" ".join(filter(None, notes)),
        values=values,
        excess=Spread.of(
            spreads["excess"],
            None if few or np.isnan(found) else _p(spreads["excess"], found, _TIE_OF_EXCESS * found),
        ),
        found_excess=None if np.isnan(found) else found,
    )


def _p(permuted: NDArray[np.float64], found: float, tie: float) -> float:
    return (1 + int(np.sum(permuted >= found - tie))) / (1 + len(permuted))


def permuted_tables(
    store: Recording, clips: LabelledClips, design: Design, pooling: Pooling, permutations: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Firing probabilities of all neurons in every permutation of the labels.

    The recording is read once for each batch of permutations, of as many tables as 256 MB hold.

    Args:
        store: the recording.
        clips: the clips and their true labels.
        design: which labels may change places.
        pooling: "token" or "clip", see `firing_probability`.
        permutations: how many to draw.
        seed: of the permutations; the same seed gives the same ones, whatever the filters or the neurons.

    Yields:
        One table at a time, in [0, 1]. Shape (classes, neurons).
    """
    weighting = Weighting.of(store.layer_tokens[clips.rows], store.layers, pooling)
    units = sparse.csr_array(
        (np.ones(len(design.unit), np.int32), (design.unit, np.arange(len(design.unit)))),
        shape=(len(design.rows), len(design.unit)),
    )
    unit_weights = units @ weighting.weights
    # Where the units are the clips themselves there is nothing to pool before the classes' sums.
    pooled = () if len(design.rows) == len(design.unit) else (units,)
    classes, neurons = len(clips.classes), sum(layer.units for layer in store.layers)
    random = np.random.default_rng(seed)
    width = 4 if weighting.fits else 8
    batch = max(_TABLE_BYTES // (width * classes * neurons), 1)
    for start in range(0, permutations, batch):
        draws = [membership_matrix(design.permuted(random)) for _ in range(min(batch, permutations - start))]
        stacked = sparse.csr_array(sparse.vstack(draws))
        weights = np.asarray(stacked @ unit_weights).reshape(len(draws), classes, -1)
        tables = np.empty((len(draws), classes, neurons), np.int32 if width == 4 else np.int64)
        for part, sums in class_sums(store, clips.rows, weighting, *pooled, stacked):
            tables[:, :, part] = sums.reshape(len(draws), classes, -1)
        for table, weight in zip(tables, weights, strict=True):
            yield table / weighting.spread(weight)


def _measures(kept: Kept, layer: NDArray[np.int64]) -> dict[str, float]:
    by_layer = np.bincount(layer[kept.specific], minlength=int(layer[-1]) + 1)
    return {
        "neurons": len(kept.specific),
        "coverage": kept.coverage,
        "depth": kept.depth,
        **{f"layer {number}": int(count) for number, count in enumerate(by_layer)},
    }


def _none_kept(observed: Kept) -> str:
    return "" if len(observed.neurons) else "The depth is not tested: the filters kept no neuron."


def _too_few(design: Design) -> str:
    if isinstance(design.distinct, int) and design.distinct < LEAST_DISTINCT:
        return (
            f"Depth and excess are not tested: the {design.name} design has {design.distinct} distinct "
            f"permutations, and a test needs {LEAST_DISTINCT}."
        )
    return ""


def ignored_groups(clips: LabelledClips, design: Design) -> str:
    """What is to be said where labels are permuted between clips although clips come in groups; or ""."""
    if clips.groups is None or design.name != "ungrouped":
        return ""
    groups = len(np.unique(clips.groups))
    if groups == len(clips.groups):
        return ""
    return (
        f"The design ungrouped ignores that the {len(clips.groups)} clips of labeling "
        f"{clips.labeling.name!r} come in {groups} groups ({clips.labeling.group}): clips of a group are "
        "alike, so p comes out too small; leave the design out to permute as the groups allow."
    )
