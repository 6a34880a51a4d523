"""What `multiverse` finds: every finding under every combination of choices, and what the choices do."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ALPHA", "CHANCED", "CHOICES", "FINDINGS", "Multiverse"]

CHOICES = ("clips", "special", "padding", "pooling", "quantiles", "response", "share", "assignment")
"""The choices that the paper leaves open, in the order of the work."""

CHANCED = {
    "neurons": "class-specific neurons",
    "coverage": "coverage of the classes",
    "depth": "depth (nats)",
    "upper": "share in the upper half of the layers",
}
"""Findings that are also computed under permuted labels, with the titles of their axes."""

FINDINGS = {
    **CHANCED,
    "size_bias": "class size bias (Spearman)",
    "agreement": "agreement with the paper's reading (Jaccard)",
}
"""All findings, with the titles of their axes."""

ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class Multiverse:
    """Every finding under every combination of the choices that the paper leaves open.

    Attributes:
        label: name of the labeling.
        table: one row a combination. Its choices: `clips` (name of a set of clips), `special` and `padding`
            (whether these positions count as tokens), `pooling`, `quantiles` ("global" or "layer"),
            `response`, `share`, `assignment`; `preset`, the presets that it is ("aape, lape"), or "". What is
            found: `neurons`, `coverage` (0 to 1), `depth` (nats; NaN where no neuron is kept), `upper` (share
            of the class-specific neurons that lie in the upper half of the layers; NaN without any),
            `size_bias` (rank correlation of the classes' neurons with their clips; NaN where either does not
            vary) and `agreement` (Jaccard index of the class-specific neurons with those of the paper's
            reading, `aape`; NaN where neither has any). The first four under permuted labels: `chance_depth`,
            its mean, and `chance_depth_low` and `chance_depth_high`, its central 95 %, and so on. `p` of the
            depth, NaN where it is not tested.
        permuted: one row for each combination (its row in `table`) and permutation, columns `combination`,
            `permutation`, `neurons`, `coverage`, `depth`, `upper`.
        permutations: of every combination.
        notes: what was left out and why, and what else is to be known, for people.
        provenance: which recording and seed it was made from.
    """

    label: str
    table: pd.DataFrame
    permuted: pd.DataFrame
    permutations: int
    notes: tuple[str, ...]
    provenance: Mapping[str, Any]

    @property
    def choices(self) -> dict[str, list[Any]]:
        """The values of each choice that has several."""
        values = {name: self.table[name].unique().tolist() for name in CHOICES}
        return {name: each for name, each in values.items() if len(each) > 1}

    @property
    def influence(self) -> pd.DataFrame:
        """What each value of each choice does, over all combinations that have it.

        Columns `choice`, `value` (as text), `combinations`, medians of `neurons`, `coverage`, `depth` and
        `agreement`, and `significant`: the share of those tested whose depth has p <= 0.05.
        """
        rows = []
        for name, values in self.choices.items():
            for value in values:
                part = self.table[self.table[name] == value]
                tested = part["p"].dropna()
                medians = part[["neurons", "coverage", "depth", "agreement"]].median().to_dict()
                rows.append(
                    {"choice": name, "value": f"{value:g}" if isinstance(value, float) else str(value),
                     "combinations": len(part), **medians,
                     "significant": float((tested <= ALPHA).mean()) if len(tested) else float("nan")}
                )  # fmt: skip
        columns = ["choice", "value", "combinations", "neurons", "coverage", "depth", "agreement"]
        return pd.DataFrame(rows, columns=[*columns, "significant"])

    @property
    def joint(self) -> pd.DataFrame:
        """One test over all combinations of each set of clips: is the median depth beyond chance?

        The combinations share their permutations, so that the median over them can be permuted as a whole
        (Simonsohn, Simmons and Nelson 2020, doi:10.1038/s41562-020-0912-z).

        Columns `clips`, `depth` (median over the combinations), `chance` (its mean under permutation) and
        `p`, NaN where no combination is tested.
        """
        rows = []
        for name, part in self.table.groupby("clips", sort=False):
            permuted = self.permuted[self.permuted["combination"].isin(part.index)]
            medians = permuted.groupby("permutation")["depth"].median()
            depth = part["depth"].median()
            p = (1 + int((medians >= depth - 1e-12).sum())) / (1 + len(medians))
            tested = bool(part["p"].notna().any())
            rows.append(
                {"clips": name, "depth": depth, "chance": medians.mean(), "p": p if tested else np.nan}
            )
        return pd.DataFrame(rows)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it comes to, in a few sentences."""
        return tuple(filter(None, [self._beyond(), *self._jointly(), self._ranges(), *self._presets()]))

    def _beyond(self) -> str:
        tested = self.table["p"].dropna()
        number = len(self.table)
        if not len(tested):
            return f"Of {number} combinations of choices none has its depth tested."
        if self.permutations + 1 < 1 / ALPHA:
            return (
                f"{self.permutations} permutations cannot bring a p below {1 / (self.permutations + 1):.2f}; "
                "expected 19 or more to say in how many combinations the depth is beyond chance."
            )
        of = f"{number}" if len(tested) == number else f"{len(tested)} that are tested, of {number}"
        return (
            f"The depth is beyond chance (p <= {ALPHA}) in {int((tested <= ALPHA).sum())} of the "
            f"combinations of choices ({of} in all); by chance about 1 in 20 would be."
        )

    def _jointly(self) -> list[str]:
        many = self.table["clips"].nunique() > 1
        return [
            f"Taken together{' (clips ' + row['clips'] + ')' if many else ''}: the median depth over the "
            f"combinations is {row['depth']:.4f} nats, {row['chance']:.4f} with permuted labels, "
            f"p = {row['p']:.3f}."
            for row in self.joint.to_dict("records")
            if row["p"] == row["p"]
        ]

    def _ranges(self) -> str:
        low, high = self.table["coverage"].min(), self.table["coverage"].max()
        text = f"Coverage goes from {low:.2f} to {high:.2f}"
        if self.permutations:
            chance = self.table["chance_coverage"]
            text += f" (with permuted labels, on average, from {chance.min():.2f} to {chance.max():.2f})"
        agreement = self.table["agreement"].median()
        return f"{text}; the median agreement with the paper's reading is {agreement:.2f} (Jaccard index)."

    def _presets(self) -> list[str]:
        depth = self.table["depth"]
        told = []
        for row in self.table[self.table["preset"] != ""].to_dict("records"):
            if np.isnan(row["depth"]):
                told.append(f"{row['preset']} keeps no neuron.")
                continue
            p = "" if np.isnan(row["p"]) else f", p = {row['p']:.3f}"
            rank = int((depth > row["depth"]).sum()) + 1
            told.append(
                f"{row['preset']} lies at depth {row['depth']:.4f} nats{p}, coverage {row['coverage']:.2f}: "
                f"number {rank} of {int(depth.notna().sum())} by depth."
            )
        return told

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them; the combinations themselves are in `table`."""
        return {
            "label": self.label,
            "combinations": len(self.table),
            "permutations": self.permutations,
            "choices": self.choices,
            "sentences": list(self.sentences),
            "joint": self.joint.to_dict("records"),
            "influence": self.influence.to_dict("records"),
            "presets": self.table[self.table["preset"] != ""].to_dict("records"),
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def save(self, folder: str | Path) -> None:
        """Write `multiverse.json`, and the tables `multiverse` and `permuted` as Parquet and CSV."""
        place = path_of(folder)
        write_table(place / "multiverse", self.table)
        write_table(place / "permuted", self.permuted)
        write_result(place / "multiverse.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Multiverse":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "multiverse.json", by="otoscope multiverse")
        return cls(
            document["label"],
            read_parquet(place / "multiverse.parquet"),
            read_parquet(place / "permuted.parquet"),
            document["permutations"],
            tuple(document["notes"]),
            document["provenance"],
        )

    def plot(self, finding: str = "depth") -> "list[Axes]":
        """The specification curve of a finding: its values in order, and which choices each was made with."""
        from otoscope import plots

        return plots.specification_curve(self.table, self.choices, finding, label=FINDINGS.get(finding, ""))

    def heat(self, finding: str = "depth") -> "list[Axes]":
        """A finding over the thresholds, one picture for each assignment; medians over the other choices."""
        from otoscope import plots

        return plots.threshold_heat(self.table, finding, label=FINDINGS.get(finding, ""))

    def __repr__(self) -> str:
        return f"Multiverse({self.label!r}, {len(self.table)} combinations: {self._beyond()})"

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{escape(sentence)}</li>" for sentence in (*self.sentences, *self.notes))
        table = self.influence.to_html(index=False, na_rep="", float_format="{:.4g}".format)
        title = f"{self.label}: {len(self.table)} combinations of choices"
        return f"<h4>{escape(title)}</h4><ul>{told}</ul>{table}"
