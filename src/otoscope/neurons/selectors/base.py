"""What a selector is: a function from a block of neurons to scores, with a name, a line and a source."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError
from otoscope.neurons.selectors.block import Block

__all__ = ["Score", "Selector", "selector"]

Score = Callable[[Block], NDArray[np.float64]]
"""From a block to scores of shape (classes, neurons): higher is more specific, NaN cannot be selected."""


@dataclass(frozen=True)
class Selector:
    """A way to say how specific a neuron is to a class.

    Attributes:
        name: what users call it.
        about: one line about what it measures.
        source: who described it.
        score: the function; see `Score`.
    """

    name: str
    about: str
    source: str
    score: Score

    def __call__(self, block: Block) -> NDArray[np.float64]:
        """Scores of the block's neurons; NaN for one that never fires. Shape (classes, neurons).

        Raises:
            OtoscopeError: the function gave something of another shape.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.array(self.score(block), dtype=np.float64)
        if scores.shape != block.p.shape:
            raise OtoscopeError(
                f"the selector {self.name!r} returned an array of shape {scores.shape}; expected "
                f"{block.p.shape}, a score for each class and neuron"
            )
        # Whatever a selector makes of a dead neuron: it says nothing about any class.
        scores[:, ~(block.p > 0).any(axis=0)] = np.nan
        return scores


def selector(name: str, about: str, *, source: str) -> Callable[[Score], Selector]:
    """Make a selector of a function.

    Args:
        name: what users call it.
        about: one line about what it measures.
        source: who described it.

    >>> @selector("fires", "fires at all", source="this page")
    ... def fires(block):
    ...     return (block.p > 0).astype(float)
    >>> fires.name
    'fires'
    """

    def made(score: Score) -> Selector:
        return Selector(name, about, source, score)

    return made
