"""The clips on which displacement is matched: some of those that matching may look at, read once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError
from otoscope.interventions.changes import Address, Gain
from otoscope.interventions.controls.push import Push, derivatives
from otoscope.interventions.running import Batch, Changes, embed, read_batches
from otoscope.models.base import AudioModel

__all__ = ["Pilot"]

CLIPS = 32
PROJECTIONS = 8  # of a clip's embedding: with 32 clips, squared lengths are right to some 1 / 11
AT_ONCE = 2  # clips whose whole forward pass is held for its gradient

_LEAST_SPREAD = 1e-12  # of an embedding's value over clips, below which it is constant


@dataclass(frozen=True, eq=False)
class Pilot:
    """Clips on which it is tried how far switching neurons off moves the embedding.

    Attributes:
        model: the model.
        batches: the clips.
        scale: what standardises each value of the embedding; 0 for one that is constant.
        seed: of the random projections.
    """

    model: AudioModel
    batches: Sequence[Batch]
    scale: NDArray[np.float64]
    seed: int

    @classmethod
    def read(
        cls,
        model: AudioModel,
        store: Store,
        rows: NDArray[np.int64],
        spread: NDArray[np.float64],
        *,
        batch_size: int,
        seed: int,
    ) -> Self:
        """Draw up to `CLIPS` of some clips and read them.

        Raises:
            OtoscopeError: there are none.
            AudioError: a clip can no longer be read.
        """
        if len(rows) == 0:
            raise OtoscopeError(
                "displacement cannot be matched without clips outside the test set; expected at least one"
            )
        drawn = np.sort(np.random.default_rng([seed, 0]).choice(rows, min(CLIPS, len(rows)), replace=False))
        task = store.info["task"]
        batches = list(read_batches(model, store.clips, drawn, task=task, batch_size=batch_size))
        constant = ~(spread > _LEAST_SPREAD)
        return cls(model, batches, np.where(constant, 0, 1 / np.where(constant, 1, spread)), seed)

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(len(batch.rows) for batch in self.batches)

    @cached_property
    def push(self) -> Push:
        """How far each neuron pushes the embedding, to first order.

        Raises:
            OtoscopeError: the model gives no gradient.
        """
        random = np.random.default_rng([self.seed, 1])
        return Push(
            np.concatenate(
                [
                    derivatives(
                        self.model, batch.waveforms[at : at + AT_ONCE], self.scale, PROJECTIONS, random
                    )
                    for batch in self.batches
                    for at in range(0, len(batch.waveforms), AT_ONCE)
                ],
                axis=1,
            )
        )

    def displacements(self, sets: Sequence[Sequence[Address]]) -> NDArray[np.float64]:
        """How far switching off each of some sets of neurons moves the standardised embedding.

        Returns:
            ||delta e||, mean over clips. Shape (sets,).
        """
        conditions: list[Changes] = [(), *((Gain.of(neurons),) for neurons in sets)]
        total = np.zeros(len(conditions))
        for _, numbers, embeddings in embed(self.model, self.batches, conditions):
            if numbers[0] == 0:
                clean = embeddings[0]
            total[list(numbers)] += np.linalg.norm((embeddings - clean) * self.scale, axis=2).sum(axis=1)
        return total[1:] / self.clips
