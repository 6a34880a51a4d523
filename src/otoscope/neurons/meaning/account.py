"""Meaning or acoustics, as it is kept and shown: of neurons, of chosen neurons, and of what classes share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.addresses import format_address
from otoscope.neurons.meaning.mrqap import MatrixRegression
from otoscope.neurons.meaning.result import Follows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Acoustics"]


@dataclass(frozen=True, eq=False)
class Acoustics:
    """What of a labeling's neurons follows from how the clips sound.

    Attributes:
        label: name of the labeling.
        chosen_by: what chose the neurons that are looked at one by one: a preset, or "given".
        neurons: one row a chosen neuron: `layer`, `unit` and `category` (the classes it was chosen for, or
            ""); `descriptor`, `rho`, `within`, `p` and `follows` as in `Follows.table`; `r2` to `after_q` as
            `explained` gives them; and of a store recorded with rows `low_hz`, `high_hz`, `selectivity` and
            `reliability`, as `listens_to` gives them. NaN where a step could not be taken.
        correlations: Spearman's correlation of each of them, row by row, with every descriptor; those of all
            neurons are in `follows`.
        follows: which of all neurons follow a descriptor; None where that cannot be tested.
        twins: how many neurons follow a descriptor in the recording's untrained and shuffled twins: columns
            `twin`, `following` and `neurons`, of all; None where that cannot be tested.
        sharing: what the classes' shared neurons follow, by matrix regression; None where that cannot be.
        descriptors: one row a descriptor: `descriptor`, `clips` that have it, and `constant`.
        notes: what was left out or could not be done, and why; one sentence each.
    """

    label: str
    chosen_by: str
    neurons: pd.DataFrame
    correlations: pd.DataFrame
    follows: Follows | None
    twins: pd.DataFrame | None
    sharing: MatrixRegression | None
    descriptors: pd.DataFrame
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The findings as JSON holds them; correlations and the flags of all neurons are in the tables."""
        return {
            "label": self.label,
            "chosen_by": self.chosen_by,
            "neurons": self.neurons.to_dict("records"),
            "follows": None if self.follows is None else self.follows.document(),
            "twins": None if self.twins is None else self.twins.to_dict("records"),
            "sharing": None if self.sharing is None else self.sharing.document(),
            "descriptors": self.descriptors.to_dict("records"),
            "notes": list(self.notes),
        }

    def save(self, folder: str | Path) -> None:
        """Write `acoustics.json`, its tables, and what `follows` and `sharing` save."""
        place = path_of(folder)
        for stale in ("follows.json", "mrqap.json"):
            (place / stale).unlink(missing_ok=True)
        write_table(place / "neurons", self.neurons)
        write_table(place / "descriptors", self.descriptors)
        write_table(place / "neurons-correlations", self.correlations)
        if self.follows is not None:
            self.follows.save(place)
        if self.sharing is not None:
            self.sharing.save(place)
        write_result(place / "acoustics.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Acoustics":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "acoustics.json", by="otoscope acoustics")
        return cls(
            label=document["label"],
            chosen_by=document["chosen_by"],
            neurons=read_parquet(place / "neurons.parquet"),
            correlations=read_parquet(place / "neurons-correlations.parquet"),
            follows=Follows.load(place) if document["follows"] else None,
            twins=_twins(document["twins"]),
            sharing=MatrixRegression.load(place) if document["sharing"] else None,
            descriptors=read_parquet(place / "descriptors.parquet"),
            notes=tuple(document["notes"]),
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Selectivity of the chosen neurons before and after the descriptors are regressed out."""
        from otoscope import plots

        return plots.before_after(self.neurons, ax=ax)

    def plot_correlations(self, ax: "Axes | None" = None) -> "Axes":
        """Rank correlation of the chosen neurons with every descriptor."""
        from otoscope import plots

        pairs = zip(self.neurons["layer"], self.neurons["unit"], strict=True)
        return plots.following(self.correlations.set_axis([format_address(*pair) for pair in pairs]), ax=ax)

    def __repr__(self) -> str:
        followed = int((self.neurons["follows"] != "").sum())
        return (
            f"Acoustics({self.label!r}: {followed} of {len(self.neurons)} neurons chosen by "
            f"{self.chosen_by} follow a descriptor)"
        )

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        shared = "" if self.sharing is None else self.sharing._repr_html_()
        return f"{self.neurons.head(20).to_html(index=False, na_rep='')}{shared}{notes}"


def _twins(rows: list[dict[str, Any]] | None) -> pd.DataFrame | None:
    return None if rows is None else pd.DataFrame(rows, columns=["twin", "following", "neurons"])
