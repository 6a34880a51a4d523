"""Control sets: as many random neurons per layer as the target has there, and none of the target's own."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from otoscope.errors import OtoscopeError
from otoscope.interventions.changes.gain import Address
from otoscope.models.base import Layer
from otoscope.neurons.addresses import flat_index


def control_sets(
    target: Collection[Address], layers: Sequence[Layer], draws: int, *, seed: int | Sequence[int] = 0
) -> list[list[Address]]:
    """Draw sets of neurons that match a target in number per layer and never overlap it.

    Draws are independent of each other: two sets may share neurons. The first sets of a longer series are
    those of a shorter one.

    Args:
        target: (layer, unit) pairs, without repetition.
        layers: the model's layers.
        draws: number of sets.
        seed: equal seeds, equal sets.

    Returns:
        One sorted list of (layer, unit) per draw.

    Raises:
        UsageError: a target neuron that these layers do not have.
        OtoscopeError: a layer has fewer other units than the target takes of it.

    >>> from types import SimpleNamespace
    >>> layers = [SimpleNamespace(name="0", units=4), SimpleNamespace(name="1", units=3)]
    >>> control_sets([(0, 0), (0, 2), (1, 1)], layers, draws=1)
    [[(0, 1), (0, 3), (1, 2)]]
    """
    for layer, unit in target:
        flat_index(layers, layer, unit)  # refuses an address that is not there
    wanted = Counter(layer for layer, _ in target)
    rest = {layer: _others(layer, layers[layer].units, target) for layer in sorted(wanted)}
    for layer, others in rest.items():
        if len(others) < wanted[layer]:
            raise OtoscopeError(
                f"layer {layer} ({layers[layer].name}) has {layers[layer].units} units, {wanted[layer]} of "
                "them in "
                f"the target: {len(others)} are left and {wanted[layer]} are needed for a control set; "
                "choose a smaller target"
            )
    rng = np.random.default_rng(seed)
    return [
        [
            (layer, int(unit))
            for layer, others in rest.items()
            for unit in np.sort(rng.choice(others, wanted[layer], replace=False))
        ]
        for _ in range(draws)
    ]


def _others(layer: int, units: int, target: Collection[Address]) -> np.ndarray:
    taken = [unit for at, unit in target if at == layer]
    return np.setdiff1d(np.arange(units), taken)
