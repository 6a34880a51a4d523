"""How far two selections agree that are made on complementary halves of the groups.

A bootstrap would put copies of one clip on both sides; halves do not. Each selection sees half of the clips,
so the agreement is that of selections of half the size: all clips together do better.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from otoscope.errors import UsageError
from otoscope.files import path_of, read_parquet, read_saved, write_result, write_table
from otoscope.neurons.halves import halves
from otoscope.neurons.pairs import Pairs, pairs_of
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.selecting import select

__all__ = ["Selector", "Stability", "chance_jaccard", "chosen_by_halves", "stability"]

Selector = Callable[[NDArray[np.bool_]], Pairs]
"""Takes the clips to select on, a boolean mask of shape (clips,), and gives (neuron, class) pairs."""

_ALL = ""  # category of the rows about all classes together


@dataclass(frozen=True, eq=False)
class Stability:
    """Agreement of selections from complementary halves.

    Attributes:
        label: name of the labeling.
        classes: its classes, in the data set's order.
        table: one row per split and class, columns `split`, `category`, `first` and `second` (neurons of
            either half), `shared`, `jaccard` (shared over distinct ones; NaN where neither half has any) and
            `expected` (its mean, if two sets of these sizes were drawn at random from all neurons). The
            category "" is that of the class-specific neurons of all classes together.
        splits: how many times the groups were split.
        seed: of the splits.
    """

    label: str
    classes: tuple[str, ...]
    table: pd.DataFrame
    splits: int
    seed: int

    @property
    def by_category(self) -> pd.DataFrame:
        """Mean over the splits, columns `category`, `neurons` (of a half), `jaccard` and `expected`.

        The first row, of category "", is about all classes together. A split in which neither half has a
        neuron of the class is left out of the means of `jaccard` and `expected`.
        """
        table = self.table.assign(neurons=(self.table["first"] + self.table["second"]) / 2)
        means = table.groupby("category", sort=False)[["neurons", "jaccard", "expected"]].mean()
        return means.reindex([_ALL, *self.classes]).reset_index()

    def document(self) -> dict[str, Any]:
        """The agreement as JSON holds it; the single splits are in `table`."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "splits": self.splits,
            "seed": self.seed,
            "by_category": self.by_category.to_dict("records"),
        }

    def save(self, folder: str | Path) -> None:
        """Write `stability.json`, and the table `stability` as Parquet and CSV."""
        write_table(path_of(folder) / "stability", self.table)
        write_result(path_of(folder) / "stability.json", self.document())

    @classmethod
    def load(cls, folder: str | Path) -> "Stability":
        """Read what `save` wrote.

        Raises:
            OtoscopeError: the folder holds none.
        """
        place = path_of(folder)
        document = read_saved(place, "stability.json")
        table = read_parquet(place / "stability.parquet")
        return cls(document["label"], tuple(document["classes"]), table, document["splits"], document["seed"])

    def __repr__(self) -> str:
        whole = self.by_category.iloc[0]
        return (
            f"Stability({self.label!r}, {self.splits} splits: Jaccard {whole['jaccard']:.2f}, "
            f"{whole['expected']:.2f} by chance)"
        )

    def _repr_html_(self) -> str:
        shown = self.by_category.replace({"category": {_ALL: "all classes"}})
        return f"<h4>{escape(repr(self))}</h4>{shown.to_html(index=False, na_rep='')}"


def stability(
    store: Recording, label: str, selector: str | Selector = "aape", *, splits: int = 10, seed: int = 0
) -> Stability:
    """Select on both halves of the groups, several times over, and compare.

    Args:
        store: the recording.
        label: name of a labeling.
        selector: a preset of `select`; or a function of the clips to use, such as
            `lambda clips: select(store, label, clips=clips, share=0.02, permutations=0)`.
        splits: how many times to split the groups.
        seed: of the splits.

    Raises:
        UsageError: no split asked for, or an unknown preset.
        OtoscopeError: a class that has a single group (or, without groups, a single clip).
    """
    if splits < 1:
        raise UsageError(f"splits is {splits}; expected 1 or more, for example 10")
    classes = store.labeling(label).classes
    neurons = sum(layer.units for layer in store.layers)
    choose = _preset(store, label, selector) if isinstance(selector, str) else selector
    tables = [
        _compared(*chosen, classes, neurons).assign(split=number)
        for number, chosen in enumerate(chosen_by_halves(store, label, choose, splits=splits, seed=seed))
    ]
    table = pd.concat(tables, ignore_index=True)
    columns = ["split", "category", "first", "second", "shared", "jaccard", "expected"]
    return Stability(label, classes, table[columns], splits, seed)


def chosen_by_halves(
    store: Recording, label: str, choose: Selector, *, splits: int, seed: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """What is selected on one half of the groups and on the other, split by split.

    Yields:
        The pairs of either half, columns `layer`, `unit` and `category`, each pair once.

    Raises:
        OtoscopeError: a class that has a single group (or, without groups, a single clip).
    """
    used = labelled_clips(store, label)
    for child in np.random.default_rng(seed).spawn(splits):
        chosen = []
        for half in halves(used, int(child.integers(2**32))):
            mask = np.zeros(len(store.tokens), dtype=bool)
            mask[used.rows[half]] = True
            labelled_clips(store, label, mask)  # says which class a half is without
            chosen.append(pairs_of(choose(mask)))
        yield chosen[0], chosen[1]


def chance_jaccard(first: int, second: int, neurons: int) -> float:
    """Mean Jaccard index of two random sets of these sizes out of so many neurons; NaN if both are empty.

    >>> round(chance_jaccard(1, 1, 4), 4)
    0.25
    """
    if first + second == 0:
        return float("nan")
    shared = np.arange(min(first, second) + 1)
    probability = hypergeom.pmf(shared, neurons, first, second)
    return float(np.sum(probability * shared / (first + second - shared)))


def _compared(a: pd.DataFrame, b: pd.DataFrame, classes: tuple[str, ...], neurons: int) -> pd.DataFrame:
    rows = []
    for name in (_ALL, *classes):
        first, second = (
            set(zip(part["layer"], part["unit"], strict=True))
            for part in (each if name == _ALL else each[each["category"] == name] for each in (a, b))
        )
        shared, either = len(first & second), len(first | second)
        rows.append(
            {
                "category": name,
                "first": len(first),
                "second": len(second),
                "shared": shared,
                "jaccard": shared / either if either else float("nan"),
                "expected": chance_jaccard(len(first), len(second), neurons),
            }
        )
    return pd.DataFrame(rows).astype({"category": "str"})


def _preset(store: Recording, label: str, preset: str) -> Selector:
    return lambda clips: select(store, label, preset=preset, clips=clips, permutations=0, twins=False)
