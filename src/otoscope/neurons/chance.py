"""What a selection gives when labels mean nothing: its distribution under permutations of the labels.

The selectivity filter keeps a fixed share of the neurons whatever the data, so a selection is never empty.
How many neurons it holds and how many classes it covers are therefore described beside their distribution
under permutation; what is tested is the depth of the selectivity.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from otoscope.errors import UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.designs import Design
from otoscope.neurons.filters import Filters, Kept, apply_filters
from otoscope.neurons.probability import (
    LabelledClips,
    Pooling,
    Recording,
    Weighting,
    class_sums,
    membership_matrix,
)

__all__ = ["MEASURES", "Chance", "Spread", "chance_of", "permuted_measures"]

MEASURES = ("neurons", "coverage", "depth")
LEAST_DISTINCT = 100
"""With fewer distinct permutations there is a description, but no test."""

_TABLE_BYTES = (
    256_000_000  # of permuted tables in memory at a time; the recording is read once for each such batch
)
_TIE = 1e-12  # nats by which depths that are equal on paper may differ


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
        values: one row a permutation, columns `neurons`, `coverage`, `depth`, and `layer 0`, `layer 1` ...
            with the number of class-specific neurons in each layer.
    """

    design: str
    distinct: int | str
    permutations: int
    neurons: Spread
    coverage: Spread
    depth: Spread
    note: str
    values: pd.DataFrame

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
            "note": self.note,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], values: pd.DataFrame) -> "Chance":
        """The chance level that `document` described, with its single permutations."""
        spreads = {name: Spread(**document[name]) for name in MEASURES}
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

    Returns:
        The chance level. The depth has a p if at least 100 distinct permutations exist and a neuron was kept.

    Raises:
        UsageError: fewer than one permutation.
    """
    if permutations < 1:
        raise UsageError(f"permutations is {permutations}; expected 1 or more, for example 100")
    values = permuted_measures(store, clips, design, filters, pooling, permutations, seed)
    untested = _why_untested(observed, design)
    depths = values["depth"].to_numpy(dtype=float)
    extreme = int(np.sum(depths >= observed.depth - _TIE))
    p = None if untested else (1 + extreme) / (1 + permutations)
    note = (
        "Count and coverage are described, not tested: the filters keep a fixed share of the neurons "
        "whatever the data."
    )
    return Chance(
        design.name,
        design.distinct,
        permutations,
        neurons=Spread.of(values["neurons"].to_numpy(dtype=float)),
        coverage=Spread.of(values["coverage"].to_numpy(dtype=float)),
        depth=Spread.of(depths, p),
        note=f"{note} {untested}".strip(),
        values=values,
    )


def permuted_measures(
    store: Recording,
    clips: LabelledClips,
    design: Design,
    filters: Filters,
    pooling: Pooling,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Count, coverage, depth and counts by layer in every permutation: the table `Chance.values`."""
    weighting = Weighting.of(store.layer_tokens[clips.rows], store.layers, pooling)
    units = sparse.csr_array(
        (np.ones(len(design.unit), np.int32), (design.unit, np.arange(len(design.unit)))),
        shape=(len(design.rows), len(design.unit)),
    )
    unit_weights = units @ weighting.weights
    # Where the units are the clips themselves there is nothing to pool before the classes' sums.
    pooled = () if len(design.rows) == len(design.unit) else (units,)
    layer = positions(store.layers)[0]
    classes = len(clips.classes)
    random = np.random.default_rng(seed)
    width = 4 if weighting.fits else 8
    batch = max(_TABLE_BYTES // (width * classes * len(layer)), 1)
    rows = []
    for start in range(0, permutations, batch):
        draws = [membership_matrix(design.permuted(random)) for _ in range(min(batch, permutations - start))]
        stacked = sparse.csr_array(sparse.vstack(draws))
        weights = np.asarray(stacked @ unit_weights).reshape(len(draws), classes, -1)
        tables = np.empty((len(draws), classes, len(layer)), np.int32 if width == 4 else np.int64)
        for part, sums in class_sums(store, clips.rows, weighting, *pooled, stacked):
            tables[:, :, part] = sums.reshape(len(draws), classes, -1)
        rows += [
            _measures(apply_filters(table / weighting.spread(weight), filters), layer)
            for table, weight in zip(tables, weights, strict=True)
        ]
    return pd.DataFrame(rows)


def _measures(kept: Kept, layer: NDArray[np.int64]) -> dict[str, float]:
    by_layer = np.bincount(layer[kept.specific], minlength=int(layer[-1]) + 1)
    return {
        "neurons": len(kept.specific),
        "coverage": kept.coverage,
        "depth": kept.depth,
        **{f"layer {number}": int(count) for number, count in enumerate(by_layer)},
    }


def _why_untested(observed: Kept, design: Design) -> str:
    if not len(observed.neurons):
        return "The depth is not tested: the filters kept no neuron."
    if isinstance(design.distinct, int) and design.distinct < LEAST_DISTINCT:
        return (
            f"The depth is not tested: the {design.name} design has {design.distinct} distinct permutations, "
            f"and a test needs {LEAST_DISTINCT}."
        )
    return ""
