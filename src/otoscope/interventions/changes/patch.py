"""Let neurons say of a clip what they say of another one."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor

from otoscope.errors import OtoscopeError
from otoscope.interventions.changes.base import Address, Edit, by_layer, check_addresses
from otoscope.models.base import AudioModel, Chunk, Layer

__all__ = ["Patch", "Tape", "tape"]


@dataclass(frozen=True, eq=False)
class Tape:
    """What some neurons did while a chunk was heard.

    Attributes:
        units: which units of which layer, ascending.
        activations: of these units, by layer. Shape (clips, positions, units).
    """

    units: Mapping[int, Sequence[int]]
    activations: Mapping[int, Tensor]

    def of(self, layer: int, units: Sequence[int]) -> Tensor:
        """What some of the units did: (clips, positions, units)."""
        place = {unit: number for number, unit in enumerate(self.units[layer])}
        return self.activations[layer][..., [place[unit] for unit in units]]


def tape(model: AudioModel, chunk: Chunk, neurons: Collection[Address]) -> Tape:
    """Run a chunk and write down what some neurons do.

    Args:
        model: the model; what changes it when this is called is in force.
        chunk: from `model.prepare`.
        neurons: (layer, unit) pairs.

    Raises:
        UsageError: a neuron that the model does not have.
    """
    check_addresses(neurons, model.layers)
    wanted = by_layer(neurons)
    points, kept = model.hooks(), dict[int, Tensor]()

    def note(layer: int, activation: Tensor) -> None:
        kept[layer] = activation[..., torch.tensor(wanted[layer], device=activation.device)].clone()

    with ExitStack() as stack, torch.inference_mode():
        for layer in wanted:
            stack.callback(points[layer].attach(partial(note, layer)).remove)
        model.forward(chunk)
    return Tape(wanted, kept)


@dataclass(frozen=True)
class Patch:
    """Put the activations of other clips, position by position, in the place of the clips' own; a `Change`.

    If neurons suffice to make a clip seem what the other one is, they carry it. With clips drawn at random
    this is resample ablation.

    Args:
        neurons: (layer, unit) pairs, counted from 0.
        source: names the clips that the activations come from; equal names, equal clips.
        tape: what the neurons did in them: as many clips and positions as there are to be changed.
    """

    neurons: tuple[Address, ...]
    source: str = "given"
    tape: Tape | None = None

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that it touches."""
        return tuple(by_layer(self.neurons))

    def check(self, layers: Sequence[Layer]) -> None:
        """Refuse neurons that these layers do not have."""
        check_addresses(self.neurons, layers)

    def playing(self, tape: Tape) -> Self:
        """The same neurons, given these activations."""
        return replace(self, tape=tape)

    def edit(self, layer: int) -> Edit:
        """Write the other clips' activations over the layer's units.

        Raises:
            OtoscopeError: there is no tape yet, or one of clips of another shape.
        """
        if self.tape is None:
            raise OtoscopeError("a Patch has no tape; expected one, from tape(model, chunk, neurons)")
        units = by_layer(self.neurons)[layer]
        given = self.tape.of(layer, units)

        def patched(output: Tensor) -> Tensor:
            if output.shape[:2] != given.shape[:2]:
                raise OtoscopeError(
                    f"the tape of layer {layer} has {tuple(given.shape[:2])} clips and positions, the clips "
                    f"to be changed {tuple(output.shape[:2])}; expected as many: give clips of equal length"
                )
            changed = output.clone()
            changed[..., torch.tensor(units, device=output.device)] = given.to(output)
            return changed

        return patched

    def words(self) -> dict[str, Any]:
        """Itself as JSON."""
        return {"patch": [list(address) for address in sorted(self.neurons)], "source": self.source}
