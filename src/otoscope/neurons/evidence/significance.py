"""Which neurons fire more for one class than for the rest: a test for each, with enough resolution for all.

With 1,000 permutations a neuron's own p is never below 1 / 1001, too coarse for tens of thousands of neurons.
Two ways round it, both on standardised rank sums, which are alike for all neurons and classes:

    p        the neuron's largest z against the largest of all neurons and classes in each permutation: holds
             for all neurons at once (Westfall and Young 1993)
    p_pooled the same against the largest z of every neuron in every permutation, pooled; and q, by which
             a share of false discoveries is held (Benjamini and Hochberg 1995)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.addresses import positions
from otoscope.neurons.chance import LEAST_DISTINCT
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.evidence.standardised import RankSums, unit_values
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.ranks import auroc
from otoscope.neurons.rates import rate_blocks

__all__ = ["NeuronTests", "neuron_tests"]

_TIE = 1e-4  # z by which equal sums may differ in float32: counted as at least as extreme
_BLOCK_BYTES = 64_000_000  # of z in hand at a time
_NEURONS = 1024  # of a block


@dataclass(frozen=True, eq=False)
class NeuronTests:
    """One test for each neuron of whether it fires more for some class than for the rest.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        table: one row per neuron, in flat order: `layer`, `unit`, `category` (the class of its largest z),
            `auroc` (of this class, over the units of the design), `z`, `p` (adjusted for all neurons and
            classes), `p_pooled` and `q`. A neuron that no permutation moves (one that never fires) has the
            category "" and NaN.
        design: ungrouped, nested or crossed: what was permuted.
        distinct: how many distinct permutations there are; beyond 2^53 as text ("10^78").
        permutations: how many were drawn.
        provenance: which model, task and version; number of clips; seed.
    """

    label: str
    classes: tuple[str, ...]
    table: pd.DataFrame
    design: str
    distinct: int | str
    permutations: int
    provenance: Mapping[str, Any]

    def significant(self, alpha: float = 0.05, by: str = "p") -> pd.DataFrame:
        """The rows with p (or, with by="q", with q) of at most alpha.

        Args:
            alpha: with "p" the probability of a single false neuron among them, with "q" the expected share
                of false ones.
            by: "p" or "q".

        Raises:
            UsageError: another column.
        """
        if by not in ("p", "q"):
            raise UsageError(f"by is {by!r}; expected 'p' (no false neuron) or 'q' (few among those found)")
        return self.table[self.table[by] <= alpha].reset_index(drop=True)

    def document(self) -> dict[str, Any]:
        """The tests as JSON holds them; the neurons are in `table`."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "design": self.design,
            "distinct": self.distinct,
            "permutations": self.permutations,
            "neurons": len(self.table),
            "tested": int(self.table["z"].notna().sum()),
            "significant": {"p": len(self.significant()), "q": len(self.significant(by="q"))},
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `tests.json`, and the table `tests` as Parquet and CSV."""
        write_table(path_of(folder) / "tests", self.table)
        write_result(path_of(folder) / "tests.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "NeuronTests":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "tests.json")
        return cls(
            table=read_parquet(place / "tests.parquet"),
            classes=tuple(document["classes"]),
            **{key: document[key] for key in ("label", "design", "distinct", "permutations", "provenance")},
        )

    def __repr__(self) -> str:
        found = self.document()["significant"]
        return (
            f"NeuronTests({self.label!r}, {len(self.table)} neurons: {found['p']} at p <= 0.05 over all, "
            f"{found['q']} at a false discovery rate of 0.05)"
        )

    def _repr_html_(self) -> str:
        best = self.table.sort_values(["p", "z"], ascending=[True, False]).head(10)
        note = f"{self.permutations} permutations of {self.distinct} distinct ones, {self.design} design"
        return f"<h4>{escape(repr(self))}</h4><p>{escape(note)}</p>{best.to_html(index=False)}"


def neuron_tests(
    store: Recording,
    label: str,
    *,
    clips: NDArray[np.bool_] | None = None,
    permutations: int = 1000,
    seed: int = 0,
    design: DesignName | None = None,
) -> NeuronTests:
    """Test every neuron for firing more for one class than for the rest.

    The tests hold for "no clip's label matters to the neurons": under permutation of what the design says is
    exchangeable. They are one-against-rest, so a neuron shared by two classes is found too, for the one of
    larger z; `specific` asks for more.

    Args:
        store: the recording.
        label: name of a labeling.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        permutations: how many to draw, 100 or more.
        seed: of the permutations.
        design: which labels may change places; by default what the labeling and its groups show.

    Raises:
        UsageError: too few permutations asked for, an unknown labeling or design.
        OtoscopeError: fewer than 100 distinct permutations exist; the message says how many.
    """
    if permutations < LEAST_DISTINCT:
        raise UsageError(f"permutations is {permutations}; expected {LEAST_DISTINCT} or more")
    used = labelled_clips(store, label, clips)
    made = design_of(used.membership, used.groups, name=design, label=label)
    if isinstance(made.distinct, int) and made.distinct < LEAST_DISTINCT:
        raise OtoscopeError(
            f"labeling {label!r} has {made.distinct} distinct permutations in the {made.name} design "
            f"({len(made.rows)} units in {len(np.unique(made.stratum))} strata); expected {LEAST_DISTINCT} "
            "or more for a test; try more groups or clips, or describe without a test"
        )
    found, largest = _null(store, used.rows, made, permutations, seed)
    p, pooled = _adjusted(found["z"], largest), _pooled(found["z"], largest)
    known = np.isfinite(found["z"])
    q = np.full(len(known), np.nan)
    if known.any():
        q[known] = false_discovery_control(pooled[known], method="bh")
    layer, unit = positions(store.layers)
    names = np.array([*used.classes, ""], dtype=object)
    table = pd.DataFrame(
        {
            "layer": layer,
            "unit": unit,
            "category": pd.Series(names[np.where(known, found["category"], -1)], dtype="str"),
            "auroc": np.where(known, found["auroc"], np.nan),
            "z": found["z"],
            "p": p,
            "p_pooled": pooled,
            "q": q,
        }
    )
    source = {
        what: {key: store.info.get(what, {}).get(key) for key in ("name", "fingerprint")}
        for what in ("model", "task")
    }
    provenance = {"otoscope": __version__, "recording": source, "clips": len(used.rows), "seed": seed}
    return NeuronTests(label, used.classes, table, made.name, made.distinct, permutations, provenance)


def _null(
    store: Recording, rows: NDArray[np.int64], design: Design, permutations: int, seed: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
    """Class, AUROC and z of every neuron; and its largest z in every permutation, (permutations, neurons)."""
    random = np.random.default_rng(seed)
    drawn = np.stack([design.permuted(random) for _ in range(permutations)])
    neurons = sum(layer.units for layer in store.layers)
    largest = np.empty((permutations, neurons), np.float32)
    found: dict[str, NDArray[Any]] = {
        "category": np.empty(neurons, np.int64),
        "auroc": np.empty(neurons),
        "z": np.empty(neurons),
    }
    for part, rates in rate_blocks(store, rows, _NEURONS):
        values = unit_values(rates, design)
        sums = RankSums.of(values, design)
        observed = np.nan_to_num(sums.z(design.rows), nan=-np.inf)
        best = observed.argmax(axis=0)
        columns = np.arange(observed.shape[1])
        found["category"][part] = best
        found["z"][part] = np.where(np.isinf(observed[best, columns]), np.nan, observed[best, columns])
        found["auroc"][part] = auroc(values, design.rows)[best, columns]
        size = max(_BLOCK_BYTES // (4 * observed.size), 1)
        for start in range(0, permutations, size):
            z = sums.z(drawn[start : start + size])
            largest[start : start + size, part] = np.fmax.reduce(z, axis=1)
    return found, largest


def _adjusted(z: NDArray[np.float64], largest: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of permutations, the true labels counted, whose largest z of all is at least this one."""
    return _share_above(z, np.fmax.reduce(largest, axis=1))


def _pooled(z: NDArray[np.float64], largest: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of all neurons in all permutations, the neuron itself counted, with at least this z."""
    return _share_above(z, largest[np.isfinite(largest)])


def _share_above(z: NDArray[np.float64], null: NDArray[np.float32]) -> NDArray[np.float64]:
    ordered = np.sort(null)
    above = len(ordered) - np.searchsorted(ordered, (z - _TIE).astype(np.float32), side="left")
    return np.where(np.isfinite(z), (1 + above) / (1 + len(ordered)), np.nan)
