"""A selection among all neurons: firing probabilities and entropies, also with the labels permuted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.neurons.addresses import format_address, positions
from otoscope.neurons.designs import DesignName, design_of
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.probability import Pooling, class_probabilities, labelled_clips

if TYPE_CHECKING:
    from otoscope.activations import Store
    from otoscope.neurons import Selection


@dataclass(frozen=True)
class Population:
    """All neurons of a recording, seen through one labeling.

    Attributes:
        profile: p(k) of the class-specific neurons; rows their addresses, columns the classes.
        entropy: of every neuron, in nats; NaN for one that never fires. Shape (neurons,).
        permuted: the same with the labels permuted once; None where there is no chance level, or no filters.
    """

    profile: pd.DataFrame
    entropy: NDArray[np.float64]
    permuted: NDArray[np.float64] | None


def population(store: Store, selection: Selection) -> Population | None:
    """Firing probabilities and entropies of a store, in the way that the selection took them.

    Returns:
        None if the selection was made on a part of the clips, or on labels that the store no longer has: what
        it saw cannot be computed again from what was saved.
    """
    if selection.label not in store.labelings:
        return None
    clips = labelled_clips(store, selection.label)
    if clips.classes != selection.classes or len(clips.rows) != selection.provenance["clips"]:
        return None
    pooling: Pooling = selection.provenance.get("pooling", "token")  # `specific` does not pool
    p = class_probabilities(store, clips, pooling)
    permuted = None
    if selection.chance is not None and selection.filters is not None:
        name: DesignName = selection.chance.design  # type: ignore[assignment]  # as `design_of` had named it
        design = design_of(clips.membership, clips.groups, name=name, label=selection.label)
        random = np.random.default_rng(selection.provenance["seed"])
        members = design.permuted(random)[design.unit]
        permuted = class_entropy(class_probabilities(store, replace(clips, membership=members), pooling))
    return Population(_profile(p, store, selection), class_entropy(p), permuted)


def _profile(p: NDArray[np.float64], store: Store, selection: Selection) -> pd.DataFrame:
    layer, unit = positions(store.layers)
    place = {address: index for index, address in enumerate(zip(layer.tolist(), unit.tolist(), strict=True))}
    chosen = list(selection.neurons[["layer", "unit"]].itertuples(index=False, name=None))
    rows = p[:, [place[address] for address in chosen]].T
    index = pd.Index([format_address(*address) for address in chosen], name="neuron", dtype="str")
    return pd.DataFrame(rows, index=index, columns=pd.Index(selection.classes, name=selection.label))
