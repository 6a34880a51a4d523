"""Which neurons are looked at one by one: those given, or those that a preset selects."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.files import slug
from otoscope.neurons.addresses import flat_index
from otoscope.neurons.probability import Recording
from otoscope.neurons.selecting import select
from otoscope.neurons.selection import Selection

__all__ = ["chosen_neurons"]

_PRESETS = ("specific", "aape")


def chosen_neurons(
    store: Recording,
    label: str,
    *,
    neurons: Sequence[tuple[int, int]] | None = None,
    preset: str | None = None,
    clips: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, str, list[str]]:
    """The neurons to look at, what chose them, and a sentence on each preset that chose none.

    Without neurons and preset it is "specific", else "aape". A selection that the store keeps in its results
    is taken as it is, unless the store was relabelled since or clips are to be left out.

    Returns:
        Columns `layer`, `unit` and `category` (the classes, joined; "" for neurons that were given), then
        "given" or the preset, then the sentences.

    Raises:
        UsageError: a neuron that does not exist.
        OtoscopeError: the preset that was asked for refuses the labeling.
    """
    if neurons is not None:
        for layer, unit in neurons:
            flat_index(store.layers, layer, unit)
        distinct = list(dict.fromkeys((int(layer), int(unit)) for layer, unit in neurons))
        return pd.DataFrame(distinct, columns=["layer", "unit"]).assign(category=""), "given", []
    notes = []
    for name in _PRESETS if preset is None else (preset,):
        try:
            found = _kept(store, label, name) if clips is None else None
            found = found or select(
                store, label, preset=name, permutations=0, twins=False, seed=seed, clips=clips
            )
        except OtoscopeError as error:
            if preset is not None or name != _PRESETS[0]:
                raise
            notes.append(f"{name} chooses no neurons: {error}")
            continue
        if len(found.table) or preset is not None or name == _PRESETS[-1]:
            return _rows(found), name, notes
        notes.append(f"{name} finds no neurons in {label}")
    raise AssertionError("the last preset returns or raises")


def _rows(selection: Selection) -> pd.DataFrame:
    if not len(selection.table):
        return pd.DataFrame({"layer": [], "unit": [], "category": []}).astype({"layer": int, "unit": int})
    classes = selection.table.groupby(["layer", "unit"])["category"].agg(", ".join)
    return classes.reset_index()


def _kept(store: Recording, label: str, preset: str) -> Selection | None:
    """The selection in the store's results, if it is still one of these classes."""
    results: Path | None = getattr(store, "results", None)
    if results is None:
        return None
    place = results / f"select-{slug(label)}-{slug(preset)}"
    document = place / "selection.json"
    if not document.is_file():
        return None
    relabelled = [file.stat().st_mtime for file in (results.parent / "labels").glob("*.parquet")]
    if document.stat().st_mtime < max(relabelled, default=0.0):
        return None
    found = Selection.load(place)
    default = found.label == label and found.classes == store.labeling(label).classes
    return found if default and found.provenance.get("clips") == _labelled(store, label) else None


def _labelled(store: Recording, label: str) -> int:
    """Recorded clips that have a label: as many as a selection from all clips has used."""
    labelled = store.labeling(label).membership(store.clips).any(axis=1)
    return int((labelled & (np.asarray(store.tokens) > 0)).sum())
