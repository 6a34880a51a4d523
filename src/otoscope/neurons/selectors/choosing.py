"""A selector's choice as a selection is made of it: the neurons, their classes, and what chance gives."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otoscope.neurons.chance import Chance, chance_among
from otoscope.neurons.designs import Design
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.filters import Kept
from otoscope.neurons.probability import LabelledClips, Recording, class_probabilities
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.ranking import best_neurons, rankings

__all__ = ["chance_of_choice", "choice"]

Choice = tuple[Kept, NDArray[np.float64]]
"""What is kept, and the firing probabilities of all neurons. Shape (classes, neurons)."""


def choice(store: Recording, clips: LabelledClips, selector: Selector, share: float) -> Choice:
    """The share of all neurons that a selector scores highest, each with its best class."""
    ranking = rankings(store, clips, [selector])[selector.name]
    neurons = np.sort(best_neurons(ranking, share))
    p = class_probabilities(store, clips, "token")
    assigned = ranking.category[neurons] == np.arange(len(clips.classes))[:, None]
    return Kept(neurons, assigned, class_entropy(p[:, neurons])), p


def chance_of_choice(
    observed: Choice,
    store: Recording,
    clips: LabelledClips,
    design: Design,
    selector: Selector,
    share: float,
    permutations: int,
    seed: int,
) -> Chance:
    """How the choice is distributed when the labels are permuted: the selector chooses anew in each."""
    random = np.random.default_rng(seed)

    def permuted() -> Iterator[Choice]:
        for _ in range(permutations):
            membership = design.permuted(random)[design.unit]
            yield choice(store, replace(clips, membership=membership), selector, share)

    return chance_among(observed, permuted(), store, clips, design, permutations)
