"""What classes' shared neurons follow: how alike the classes sound, or what they mean."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.distances import acoustic_distance, taxonomy_distance
from otoscope.neurons.meaning.mrqap import LEAST_CLASSES, MatrixRegression, mrqap
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.selecting import select
from otoscope.neurons.sharing.counting import share

__all__ = ["sharing_on_sound"]


def sharing_on_sound(
    store: Recording,
    descriptors: pd.DataFrame,
    label: str,
    *,
    distances: Mapping[str, pd.DataFrame] | None = None,
    permutations: int = 1000,
    seed: int = 0,
    clips: NDArray[np.bool_] | None = None,
) -> tuple[MatrixRegression, list[str]]:
    """Explain which classes share neurons by how far apart they sound, and what they mean.

    The Jaccard index of the classes' neurons (preset "aape") is regressed on the acoustic distance, on the
    labeling's taxonomy if it has one, and on distances that are given.

    Args:
        store: a recording.
        descriptors: one row a clip of the recording.
        label: name of a labeling.
        distances: named class-by-class matrices; they may hold other classes too.
        permutations: of the classes.
        seed: of the permutations.
        clips: which clips to use, a boolean mask; all by default.

    Returns:
        The regression, and a sentence on each class or predictor that was left out.

    Raises:
        UsageError: a distance that lacks a class.
        OtoscopeError: fewer than 6 classes with neurons, or nothing to explain or to explain it by.

    Source: `otoscope.neurons.meaning.mrqap`.
    """
    chosen = labelled_clips(store, label, clips)
    names = list(chosen.classes)
    _check_classes(label, names, "")
    selection = select(store, label, preset="aape", permutations=0, twins=False, clips=clips)
    jaccard = share(selection).jaccard
    empty = [str(name) for name, count in selection.by_category.items() if count == 0]
    kept = [name for name in names if name not in empty]
    notes = (
        [f"{len(empty)} classes have no neurons by aape and are left out: {', '.join(empty)}"]
        if empty
        else []
    )
    _check_classes(label, kept, " with neurons by aape")
    predictors = {
        "acoustic": acoustic_distance(descriptors.iloc[chosen.rows], chosen.membership, chosen.classes)
    }
    if chosen.labeling.taxonomy:
        predictors["taxonomy"] = taxonomy_distance(chosen.labeling)
    for name, table in (distances or {}).items():
        if missing := [each for each in kept if each not in table.index or each not in table.columns]:
            raise UsageError(
                f"distance {name!r} has no row and column for {', '.join(missing)}; expected every class of "
                f"{label!r}"
            )
        predictors[name] = table
    used = {}
    for name, table in predictors.items():
        part = table.loc[kept, kept]
        cells = part.to_numpy(dtype=float)[np.triu_indices(len(kept), k=1)]
        if name == "acoustic" and not np.isfinite(cells).all():
            notes.append("some classes have no descriptor in common, and the acoustic distance is left out")
        elif np.isfinite(cells).all() and np.ptp(cells) == 0:
            notes.append(f"the {name} distance is {cells[0]:g} for all pairs of classes and is left out")
        else:
            used[name] = part
    if not used:
        raise OtoscopeError(f"labeling {label!r}: no distance between classes varies; expected one that does")
    return mrqap(jaccard.loc[kept, kept], used, permutations=permutations, seed=seed), notes


def _check_classes(label: str, names: list[str], which: str) -> None:
    if len(names) < LEAST_CLASSES:
        raise OtoscopeError(
            f"labeling {label!r} has {len(names)} classes{which}; expected {LEAST_CLASSES} or more for a "
            "matrix regression of shared neurons; with fewer there are too few permutations of the classes"
        )
