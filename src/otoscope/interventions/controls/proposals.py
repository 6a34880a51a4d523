"""Random sets of neurons that, to first order, push the embedding as hard as is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from otoscope.interventions.controls.push import Push

__all__ = ["Proposals", "apart"]

PROPOSED = 5  # sets drawn for each one that is handed out
TRIED = 32  # sets by which a power is judged
STEEPEST = 4.0  # power of the push; beyond, hardly any but a layer's strongest neurons would be drawn
REACH = 0.9  # of the push that is wanted; a size whose sets do not get so far is too small

_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Proposals:
    """Draws sets of neurons, in each layer with probability proportional to their own push to some power.

    Attributes:
        push: of all neurons.
        wanted: of each layer that sets touch, how many neurons to draw.
        others: the neurons there that may be drawn, by their numbers on the flat axis, at least as many.
        seed: equal seeds, equal sets.
    """

    push: Push
    wanted: Sequence[int]
    others: Sequence[NDArray[np.int64]]
    seed: Sequence[int]

    def near(self, aim: float, number: int) -> NDArray[np.int64]:
        """Different sets that push about as hard as is wanted, or as nearly so as can be.

        The power is that at which sets do so on average. Where even `STEEPEST` leaves them weaker, they are
        given so many times as many neurons in every layer, up to all that there are.

        Args:
            aim: displacement that is wanted.
            number: of sets; fewer where there are not so many.

        Returns:
            The neurons of each set, ascending. Shape (sets, neurons).
        """
        times = self._times(aim)
        sets = np.unique(self._drawn(PROPOSED * number, self._power(aim, times), times), axis=0)
        nearest = np.argsort(apart(self._pushes(sets), aim), kind="stable")[:number]
        return np.asarray(sets[np.sort(nearest)])

    def _times(self, aim: float) -> int:
        """How many times as many neurons are needed."""
        reached, times = dict[int, float](), 1
        while True:
            reached[times] = self._typical(STEEPEST, times)
            if reached[times] >= REACH * aim:
                return times
            if all(times * wanted >= len(others) for wanted, others in self._layers):
                return max(reached, key=reached.__getitem__)
            times = max(times + 1, times * 3 // 2)

    def _power(self, aim: float, times: int) -> float:
        """At which power sets push so hard on average."""
        for end, beyond in ((STEEPEST, 1), (-STEEPEST, -1)):
            if beyond * (aim - self._typical(end, times)) >= 0:
                return end
        return float(brentq(lambda power: self._typical(power, times) - aim, -STEEPEST, STEEPEST, xtol=1e-2))

    def _typical(self, power: float, times: int) -> float:
        return float(self._pushes(self._drawn(TRIED, power, times)).mean())

    def _pushes(self, sets: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([self.push.of(neurons) for neurons in sets])

    def _drawn(self, number: int, power: float, times: int) -> NDArray[np.int64]:
        """Draw sets; with another power, the same chance. Shape (sets, neurons)."""
        parts = []
        for layer, (wanted, others) in enumerate(self._layers):
            # The largest of log(weight) + Gumbel noise are a draw without replacement by weight.
            noise = -np.log(
                np.random.default_rng([*self.seed, layer]).exponential(size=(number, len(others)))
            )
            keys = power * self._log_push[others] + noise
            taken = min(times * wanted, len(others))
            parts.append(others[np.argpartition(-keys, taken - 1, axis=1)[:, :taken]])
        return np.sort(np.concatenate(parts, axis=1), axis=1)

    @property
    def _layers(self) -> list[tuple[int, NDArray[np.int64]]]:
        return list(zip(self.wanted, self.others, strict=True))

    @cached_property
    def _log_push(self) -> NDArray[np.float64]:
        each = self.push.each
        return np.log(np.maximum(each, max(1e-6 * each.max(), _TINY)))  # some neurons do nothing


def apart(values: NDArray[np.float64] | float, aim: float) -> NDArray[np.float64]:
    """How far values are from another one: the size of the logarithm of their ratio; all may be 0."""
    return np.asarray(np.abs(np.log((values + _TINY) / (aim + _TINY))))
