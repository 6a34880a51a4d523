"""What neurons follow in the sound, as it is kept and shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.files import path_of, read_parquet, read_saved, replacing, write_result, write_table

__all__ = ["Follows"]


@dataclass(frozen=True, eq=False)
class Follows:
    """Which descriptor each neuron goes along with most, and whether that is more than chance.

    Attributes:
        label: the labeling whose classes were held fixed.
        design: ungrouped, nested or crossed: what was permuted.
        table: one row a neuron in flat order: `layer`, `unit`, `descriptor` (the one of largest |within| in
            units of its null), `rho` (over clips), `within` (within classes), `p` (maxT over all neurons and
            descriptors), and `follows`: the descriptor if p <= alpha, else "". A neuron that never changes
            has NaN and "".
        correlations: rho of every neuron (rows, flat order) with every descriptor (columns).
        thresholds: one row a descriptor: `descriptor`, `freedom` (units less cells), `threshold`: |within|
            above it is flagged; NaN for one that was not tested, constant or known of too few clips.
        permutations: how many were drawn.
        alpha: chance of any wrong flag.
        seed: of the permutations.
    """

    label: str
    design: str
    table: pd.DataFrame
    correlations: pd.DataFrame
    thresholds: pd.DataFrame
    permutations: int
    alpha: float
    seed: int

    @classmethod
    def of(
        cls,
        label: str,
        design: str,
        layer: NDArray[np.int64],
        unit: NDArray[np.int64],
        names: list[str],
        *,
        rho: NDArray[np.float64],
        within: NDArray[np.float64],
        freedom: NDArray[np.float64],
        null: NDArray[np.float64],
        alpha: float,
        seed: int,
    ) -> "Follows":
        """Judge correlations (neurons, descriptors) by the largest z of each permutation."""
        z = np.abs(within) * np.sqrt(freedom)
        known = np.isfinite(z).any(axis=1)
        best = np.where(np.isfinite(z), z, -1).argmax(axis=1)
        at = np.arange(len(z)), best
        # Permutations with a value at least as large, less a hair: equal ones differ by rounding.
        above = len(null) - np.searchsorted(np.sort(null), z[at] * (1 - 1e-6))
        p = np.where(known, (1 + above) / (1 + len(null)), np.nan)
        descriptor = np.where(known, np.array(names)[best], "")
        table = pd.DataFrame(
            {
                "layer": layer,
                "unit": unit,
                "descriptor": descriptor,
                "rho": np.where(known, rho[at], np.nan),
                "within": np.where(known, within[at], np.nan),
                "p": p,
                "follows": np.where(p <= alpha, descriptor, ""),
            }
        )
        allowed = int(alpha * (1 + len(null)) + 1e-9)  # permutations that count with the observed one
        largest = float(np.sort(null)[::-1][allowed - 1])
        thresholds = pd.DataFrame(
            {"descriptor": names, "freedom": freedom, "threshold": np.minimum(largest / np.sqrt(freedom), 1)}
        )
        correlations = pd.DataFrame(rho, columns=names)
        return cls(label, design, table, correlations, thresholds, len(null), alpha, seed)

    @property
    def following(self) -> "pd.Series[int]":
        """Number of neurons that follow each descriptor, most first."""
        followed = self.table["follows"]
        return followed[followed != ""].value_counts()

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them; single neurons are in the tables."""
        return {
            "label": self.label,
            "design": self.design,
            "neurons": len(self.table),
            "following": {str(name): int(count) for name, count in self.following.items()},
            "permutations": self.permutations,
            "alpha": self.alpha,
            "seed": self.seed,
        }

    def save(self, folder: str | Path) -> None:
        """Write `follows.json`, the tables `follows` and `thresholds`, and `correlations.parquet`."""
        place = path_of(folder)
        write_table(place / "follows", self.table)
        write_table(place / "thresholds", self.thresholds)
        with replacing(place / "correlations.parquet") as temporary:
            self.correlations.to_parquet(temporary, index=False)
        write_result(place / "follows.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Follows":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "follows.json")
        tables = [
            read_parquet(place / f"{name}.parquet") for name in ("follows", "correlations", "thresholds")
        ]
        settings = {name: document[name] for name in ("permutations", "alpha", "seed")}
        return cls(document["label"], document["design"], tables[0], tables[1], tables[2], **settings)

    def __repr__(self) -> str:
        count = int((self.table["follows"] != "").sum())
        return (
            f"Follows({self.label!r}, {self.design}: "
            f"{count} of {len(self.table)} neurons follow a descriptor)"
        )

    def _repr_html_(self) -> str:
        counts = self.following.rename_axis("descriptor").rename("neurons").reset_index()
        note = f"Within classes of {self.label}; any wrong flag: {self.alpha:.0%}."
        return f"{counts.to_html(index=False)}<p>{note}</p>"
