"""How well the neurons of a recording and of its twins tell classes apart, on clips that no choice has seen.

halves     groups (clips, where there are none) are dealt into two halves, each class into both
choose     on one half: a class's best neuron, a neuron's best class, or what a selection chooses
score      on the other half: AUROC of r = fired / T for the class against the rest
and back   the halves change places; the two scores are averaged
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.baselines import beside, twins_missing
from otoscope.neurons.evidence.both_ways import class_auroc, flat_pairs, half_masks
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.selection import Selection

__all__ = ["TwinComparison", "against_twins", "class_auroc"]

SelectAmong = Callable[[Recording, NDArray[np.bool_]], Selection]
"""Chooses neurons of a recording by the clips of a mask."""

_QUANTILES = {"median": 0.5, "q90": 0.9, "q99": 0.99}


@dataclass(frozen=True, eq=False)
class TwinComparison:
    """A trained model and its twins on one labeling.

    Attributes:
        label: name of the labeling.
        models: a row a model, the trained one first. `model` ("trained", "random-0", ...); `neurons` and
            `coverage` of what the selection chooses by all clips; `pairs` chosen by the halves, and their
            mean held-out AUROC `held_out` (all NaN without a selection); `median`, `q90` and `q99`, the
            quantiles over neurons of the held-out AUROC for the class that each told best on the other half.
        categories: a row a model and class: `model`, `category`, and `auroc`, held out, of the neuron that
            told the class best on the other half.
        seed: of the halves.
        note: "twin not recorded", with the command that would, or which twins cannot be used; else "".
    """

    label: str
    models: pd.DataFrame
    categories: pd.DataFrame
    seed: int
    note: str = ""

    def document(self) -> dict[str, Any]:
        """The comparison as JSON holds it."""
        return {
            "label": self.label,
            "models": self.models.to_dict("records"),
            "categories": self.categories.to_dict("records"),
            "seed": self.seed,
            "note": self.note,
        }

    def save(self, folder: str | Path) -> None:
        """Write `twins.json`, and the tables `twins-models` and `twins-categories` as Parquet and CSV."""
        place = path_of(folder)
        write_table(place / "twins-models", self.models)
        write_table(place / "twins-categories", self.categories)
        write_result(place / "twins.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "TwinComparison":
        """Read a comparison that `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "twins.json")
        models, categories = (
            read_parquet(place / f"twins-{name}.parquet") for name in ("models", "categories")
        )
        return cls(document["label"], models, categories, document["seed"], document["note"])

    def __repr__(self) -> str:
        names = ", ".join(self.models["model"])
        return f"TwinComparison({self.label!r}: {names}{f'; {self.note}' if self.note else ''})"

    def _repr_html_(self) -> str:
        table = self.categories.pivot(index="category", columns="model", values="auroc")
        table = table.loc[list(dict.fromkeys(self.categories["category"])), list(self.models["model"])]
        return (
            f"<h4>{escape(self.label)}: trained and not, held out</h4>"
            f"{self.models.to_html(index=False, float_format='{:.3f}'.format, na_rep='')}"
            f"{table.to_html(float_format='{:.3f}'.format, na_rep='')}<p>{escape(self.note)}</p>"
        )


def against_twins(
    store: Recording,
    label: str,
    select: SelectAmong | None = None,
    *,
    clips: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> TwinComparison:
    """Compare a recording with its twins by rank statistics on held-out halves.

    What the neurons of a twin are called has nothing to do with the trained model's, so a selection is not
    carried over: it is made anew in each model.

    Args:
        store: the recording; where it has no twins, the comparison holds the trained model alone, and a note
            that says so.
        label: name of a labeling.
        select: chooses neurons of a recording by the clips of a mask; by default none are chosen. For a
            preset: `lambda recording, mask: select(recording, "kind", clips=mask, permutations=0)`.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        seed: of the halves; the same for all models.

    Raises:
        UsageError: an unknown labeling, or a mask of another shape.
        OtoscopeError: a class that has clips in one half only, for want of groups.
    """
    chosen = labelled_clips(store, label, clips)
    half, _ = half_masks(chosen, seed)
    everyone = [("trained", store), *((twin.name, recording) for twin, recording in beside(store))]
    models, categories = [], []
    for name, recording in everyone:
        heard = np.asarray(recording.tokens)[chosen.rows] > 0  # a twin may have skipped others
        best, facts = _scores(recording, chosen, half, heard, select)
        models.append({"model": name, **facts})
        categories += [
            {"model": name, "category": category, "auroc": area}
            for category, area in zip(chosen.classes, best.tolist(), strict=True)
        ]
    return TwinComparison(label, pd.DataFrame(models), pd.DataFrame(categories), seed, twins_missing(store))


def _scores(
    store: Recording,
    chosen: LabelledClips,
    first: NDArray[np.bool_],
    heard: NDArray[np.bool_],
    select: SelectAmong | None,
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """The held-out AUROC of each class's best neuron, and the row of `models`."""
    two = []
    for half in (first, ~first):
        use = half & heard
        two.append((chosen.rows[use], class_auroc(store, chosen.rows[use], chosen.membership[use])))
    best = np.zeros(len(chosen.classes))
    quantiles = np.zeros(len(_QUANTILES))
    pairs: list[float] = []
    for (rows, learned), (_, held_out) in (two, two[::-1]):
        known = np.nan_to_num(learned, nan=-1.0)
        top = known.argmax(axis=1)
        best += held_out[np.arange(len(top)), top] / 2
        own = held_out[known.argmax(axis=0), np.arange(known.shape[1])]
        quantiles += np.nanquantile(own, list(_QUANTILES.values())) / 2
        if select is not None:
            pairs += _of_selection(select(store, _mask(store, rows)), store, chosen.classes, held_out)
    facts = dict(zip(_QUANTILES, quantiles.tolist(), strict=True))
    found = None if select is None else select(store, _mask(store, chosen.rows[heard]))
    return best, {
        "neurons": np.nan if found is None else len(found.neurons),
        "coverage": np.nan if found is None else found.coverage,
        "pairs": np.nan if found is None else len(pairs),
        "held_out": float(np.nanmean(pairs)) if pairs else np.nan,
        **facts,
    }


def _of_selection(
    selection: Selection, store: Recording, classes: tuple[str, ...], area: NDArray[np.float64]
) -> list[float]:
    """The AUROC of every (neuron, class) pair that was chosen."""
    return [
        float(each) for k, own in enumerate(flat_pairs(selection, store, classes)) for each in area[k, own]
    ]


def _mask(store: Recording, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(len(np.asarray(store.tokens)), dtype=bool)
    mask[rows] = True
    return mask
