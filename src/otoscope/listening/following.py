"""The acoustic descriptors that neurons follow, as far as a store has been described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.descriptors.describing import described
from otoscope.files import path_of
from otoscope.listening.examples import Column
from otoscope.neurons.meaning.account import Acoustics
from otoscope.neurons.meaning.following import descriptor_values, patterns_of, spearman
from otoscope.neurons.ranks import ranks_of

if TYPE_CHECKING:
    from otoscope.activations.store import Store

__all__ = ["following"]

_COLUMNS = ["descriptor", "rho", "follows"]


def following(store: Store, columns: Sequence[Column], number: int = 5) -> tuple[list[pd.DataFrame], str]:
    """For every neuron the descriptors that its firing share is most correlated with, over clips.

    A correlation alone may come from the classes: whether a neuron follows a descriptor within the classes of
    a labeling too is what `acoustics` tests, and is taken from its saved results.

    Args:
        store: the recording.
        columns: what it holds of the neurons.
        number: of descriptors, at most.

    Returns:
        For each neuron a table, the strongest first: `descriptor`, `rho` (Spearman's) and `follows` (the
        labelings within whose classes it is found to follow it, joined by commas). Then a sentence: what was
        tested, or what to run.
    """
    table = described(store)
    if table is None:
        none = pd.DataFrame(columns=_COLUMNS)
        return [none] * len(columns), (
            "The clips of this store have not been described; "
            f"otoscope describe {path_of(store.path).name} measures loudness, pitch, brightness and spectrum."
        )
    rows = np.flatnonzero(store.tokens > 0)
    names, values = descriptor_values(store, table, rows)
    ranks = ranks_of(np.stack([column.share[rows] for column in columns], axis=1))
    rho = np.full((len(columns), len(names)), np.nan)
    for which, known in patterns_of(values):
        rho[:, which] = spearman(ranks, values[:, which], known)
    tested = _tested(store)
    found = [
        _strongest(pd.Series(rho[place], index=names), _followed(tested, column), number)
        for place, column in enumerate(columns)
    ]
    return found, _told(store, list(tested))


def _tested(store: Store) -> dict[str, pd.DataFrame]:
    """By labeling, which descriptor each neuron was found to follow: by layer and unit."""
    folders = sorted(path for path in path_of(store.results).glob("acoustics-*") if path.is_dir())
    saved = [Acoustics.load(folder) for folder in folders]
    return {
        each.label: each.follows.table.set_index(["layer", "unit"])
        for each in saved
        if each.follows is not None
    }


def _followed(tested: dict[str, pd.DataFrame], column: Column) -> dict[str, str]:
    """The descriptor that a neuron follows, by labeling; those that it does not are left out."""
    address = (column.layer, column.unit)
    found = {label: str(table.loc[address, "follows"]) for label, table in tested.items()}
    return {label: descriptor for label, descriptor in found.items() if descriptor}


def _strongest(rho: pd.Series[float], followed: dict[str, str], number: int) -> pd.DataFrame:
    """The descriptors that are followed, and then the most correlated."""
    known = rho.dropna()
    order = list(dict.fromkeys([*followed.values(), *known.abs().sort_values(ascending=False).index]))[
        :number
    ]
    labels = [
        ", ".join(label for label, descriptor in followed.items() if descriptor == name) for name in order
    ]
    return pd.DataFrame(
        {"descriptor": order, "rho": rho[order].to_numpy(), "follows": labels}, columns=_COLUMNS
    )


def _told(store: Store, tested: list[str]) -> str:
    if tested:
        return (
            "Spearman's correlation over clips; whether a neuron follows a descriptor within classes too was "
            f"tested for {', '.join(tested)}."
        )
    return (
        "Spearman's correlation over clips, which may come from the classes; whether a neuron follows a "
        f"descriptor within classes too, otoscope acoustics {path_of(store.path).name} tests."
    )
