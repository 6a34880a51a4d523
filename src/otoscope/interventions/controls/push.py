"""How far each neuron pushes the embedding, all neurons at once: by the gradient with respect to their gains.

To first order, neurons S that are switched off move the standardised embedding e of a clip by the sum over S
of the derivatives of e with respect to the neurons' gains. Of such a vector d only its length is wanted, and
for random signs v the mean of (v . d)^2 is its square. So a few backward passes, each with the derivatives of
v . e, tell the length for any set of neurons.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import AudioModel

__all__ = ["Push", "derivatives"]


@dataclass(frozen=True, eq=False)
class Push:
    """What the gains of all neurons do to the embedding, to first order.

    Attributes:
        slopes: derivatives of random projections of the standardised embedding with respect to each neuron's
            gain, at gain 1. Shape (neurons, clips, projections).
    """

    slopes: NDArray[np.float32]

    def of(self, neurons: NDArray[np.int64]) -> float:
        """How far neurons that are switched off together move the standardised embedding: mean over clips.

        Args:
            neurons: their numbers on the flat axis.
        """
        moved = self.slopes[neurons].sum(axis=0)
        return float(np.sqrt(np.mean(moved**2, axis=1)).mean())

    @cached_property
    def each(self) -> NDArray[np.float64]:
        """The same for each neuron by itself. Shape (neurons,)."""
        return np.asarray(np.sqrt(np.mean(self.slopes**2, axis=2)).mean(axis=1), dtype=np.float64)


def derivatives(
    model: AudioModel,
    waveforms: Sequence[Waveform],
    scale: NDArray[np.float64],
    projections: int,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Derivatives of random projections of clips' embeddings with respect to each neuron's gain, at gain 1.

    Args:
        model: what changes it when this is called is in force.
        waveforms: clips of equal length.
        scale: what each value of the embedding is multiplied by before it is projected.
        projections: how many; each clip has its own.
        random: draws their signs.

    Returns:
        Shape (neurons, clips, projections).

    Raises:
        OtoscopeError: the model gives no gradient.
    """
    with torch.inference_mode(False), torch.enable_grad(), _gains(model) as gains:
        try:
            chunks = model.prepare(waveforms)
            embedding = model.embedding(chunks, [model.forward(chunk) for chunk in chunks])
            signs = random.choice([-1.0, 1.0], size=(projections, *embedding.shape)) * scale
            return np.stack(
                [_slopes(embedding, gains, weights.to(embedding)) for weights in torch.from_numpy(signs)],
                axis=2,
            )
        except RuntimeError as error:
            raise OtoscopeError(
                f"displacement cannot be matched with the model {model.name!r}: its embedding has no "
                f"gradient with respect to its activations ({error}); expected a forward pass that autograd "
                "can follow; leave displacement out of matched= (--match on the command line)"
            ) from error


def _slopes(embedding: Tensor, gains: Sequence[Sequence[Tensor]], weights: Tensor) -> NDArray[np.float32]:
    """Derivatives of one projection of each clip's embedding. Shape (neurons, clips)."""
    every = [gain for seen in gains for gain in seen]
    found = iter(torch.autograd.grad(embedding, every, weights, retain_graph=True, materialize_grads=True))
    by_layer = [torch.stack([next(found) for _ in seen]).sum(dim=0)[:, 0] for seen in gains]
    return np.asarray(torch.cat(by_layer, dim=1).T.cpu().numpy())


@contextmanager
def _gains(model: AudioModel) -> Iterator[list[list[Tensor]]]:
    """Multiply every layer by gains of 1, for the length of a `with` block.

    Yields:
        Of each layer the gains that its activations were multiplied by, one tensor for each forward pass, of
        shape (clips, 1, units).
    """
    points = model.hooks()
    gains: list[list[Tensor]] = [[] for _ in points]

    def multiplied(seen: list[Tensor], activation: Tensor) -> Tensor:
        shape = (activation.shape[0], 1, activation.shape[2])
        gain = torch.ones(shape, device=activation.device, requires_grad=True)
        seen.append(gain)
        return (activation.float() * gain).to(activation.dtype)  # the sum over positions is float32 always

    with ExitStack() as stack:
        for point, seen in zip(points, gains, strict=True):
            stack.callback(point.attach(partial(multiplied, seen)).remove)
        yield gains
