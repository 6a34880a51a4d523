"""The neurons of a statistical world: base rates, what moves them, and by how much.

A neuron with the latent z of unit variance fires on a token with the probability q = Phi(mu + sigma z), so

    E q   = Phi(a),                    a   = mu / sqrt(1 + sigma^2)
    var q = Phi2(a, a; rho) - (E q)^2, rho = sigma^2 / (1 + sigma^2)
    var r = var q + E[q (1 - q)] / T

The class effect is the shift of mu that moves E q by so many standard deviations of r.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, owens_t

from otoscope.errors import UsageError

__all__ = ["Neurons", "neurons_of", "rate_spread"]

_FACTORS = 4  # that neurons have in common
_DEAD, _ALWAYS_ON = 0.05, 0.01  # share of the neurons
_FOLLOWING = 0.7  # correlation of the latent of an acoustic neuron with its descriptor
DESCRIPTORS = ("loudness", "brightness")
_HIGHEST = 0.99  # mean firing share that a planted neuron may be moved to


@dataclass(frozen=True)
class Neurons:
    """What is fixed about the neurons of a world.

    Attributes:
        mu: mean of the argument of Phi; minus and plus infinity for a dead neuron and one that is always on.
            Shape (neurons,).
        sigma: its standard deviation. Shape (neurons,).
        loadings: of each neuron on the common factors; every column has length 1. Shape (factors, neurons).
        moved: which class moves which neuron. Shape (classes, neurons).
        shift: by how much a class that moves it raises the argument of Phi. Shape (neurons,).
        follows: number of the descriptor that a neuron follows; -1 for none. Shape (neurons,).
    """

    mu: NDArray[np.float32]
    sigma: NDArray[np.float32]
    loadings: NDArray[np.float32]
    moved: NDArray[np.bool_]
    shift: NDArray[np.float32]
    follows: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.mu)

    @property
    def fingerprint(self) -> str:
        """The same for equal neurons."""
        digest = hashlib.sha256()
        for values in (self.mu, self.sigma, self.loadings, self.moved, self.shift, self.follows):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]

    def shares(
        self,
        latent: NDArray[np.float32],
        part: slice,
        of_class: NDArray[np.int64],
        descriptors: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Probabilities of firing for latents of shape (clips, neurons of the part)."""
        follows = self.follows[part]
        following = np.flatnonzero(follows >= 0)
        latent[:, following] *= np.sqrt(np.float32(1 - _FOLLOWING**2))
        latent[:, following] += np.float32(_FOLLOWING) * descriptors[:, follows[following]]
        argument = self.mu[part] + self.sigma[part] * latent
        argument += (self.moved[:, part] * self.shift[part])[of_class]
        shares: NDArray[np.float32] = ndtr(argument)
        return shares

    def truth(self, units: int, classes: tuple[str, ...]) -> pd.DataFrame:
        """The planted neurons, one row for each class that moves one, in the order of layer, unit, class."""
        neuron, category = np.nonzero(self.moved.T)
        kind = np.where(self.moved.sum(axis=0)[neuron] == 1, "specific", "shared")
        following = np.flatnonzero(self.follows >= 0)
        rows = pd.DataFrame(
            {
                "neuron": np.concatenate([neuron, following]),
                "kind": [*kind, *["acoustic"] * len(following)],
                "category": [*(classes[k] for k in category), *[""] * len(following)],
                "follows": [*[""] * len(neuron), *(DESCRIPTORS[k] for k in self.follows[following])],
            }
        ).sort_values(["neuron", "category"], ignore_index=True)
        number = rows.pop("neuron").to_numpy(dtype=np.int64)
        rows.insert(0, "layer", number // units)
        rows.insert(1, "unit", number % units)
        return rows


def rate_spread(
    mu: NDArray[np.float64], sigma: NDArray[np.float64], tokens: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation over clips of the firing share r, of clips of so many tokens.

    >>> mean, deviation = rate_spread(np.array([0.0]), np.array([0.0]), 100)
    >>> mean.tolist(), deviation.tolist()
    ([0.5], [0.05])
    """
    a = mu / np.sqrt(1 + sigma**2)
    mean = ndtr(a)
    # Phi2(a, a; rho) by Owen's T, whose second argument is sqrt((1 - rho) / (1 + rho)).
    square = mean - 2 * owens_t(a, 1 / np.sqrt(1 + 2 * sigma**2))
    return mean, np.sqrt(square - mean**2 + (mean - square) / tokens)


def neurons_of(
    random: np.random.Generator,
    number: int,
    classes: int,
    specific: int,
    shared: int,
    acoustic: int,
    strength: float,
    twins: bool,
    tokens: float,
) -> Neurons:
    """Draw the neurons of a world; the arguments are those of `world`.

    Raises:
        UsageError: see `world`.
    """
    planted = classes * specific + shared
    dead, on = round(_DEAD * number), round(_ALWAYS_ON * number)
    most = number - dead - on
    if min(specific, shared, acoustic) < 0 or planted + acoustic > most:
        raise UsageError(
            f"{specific} specific neurons for each of {classes} classes, {shared} shared and {acoustic} "
            f"acoustic ones; expected 0 to {most} in all, since the others of {number} neurons never fire or "
            "always do; try more units"
        )
    if shared and classes - twins < 3:
        raise UsageError(
            f"shared is {shared} with {classes - twins} classes that differ; expected 0, since a neuron is "
            "shared by two or more classes and not by all; try 3 classes or more"
        )
    if not strength >= 0:
        raise UsageError(f"strength is {strength}; expected standard deviations, 0 or more")
    places = random.permutation(number)
    special = places[: planted + acoustic]
    rate = np.clip(random.beta(1.2, 2.4, number), 0.005, 0.995)
    rate[special] = random.uniform(0.1, 0.4, len(special))
    sigma = np.clip(0.5 * np.exp(0.35 * random.standard_normal(number)), 0.2, 1.2)
    sigma[special] = random.uniform(0.3, 0.6, len(special))
    mu = ndtri(rate) * np.sqrt(1 + sigma**2)
    mu[places[number - dead :]] = -np.inf
    mu[places[number - dead - on : number - dead]] = np.inf
    loadings = random.standard_normal((_FACTORS, number))
    moved = np.zeros((classes, number), dtype=bool)
    moved[:, special[:planted]] = _moved(random, classes, specific, shared, twins)
    follows = np.full(number, -1)
    follows[special[planted:]] = np.arange(acoustic) % len(DESCRIPTORS)
    shift = np.zeros(number)
    if not strength:
        moved[:] = False
    elif planted:
        chosen = special[:planted]
        shift[chosen] = _shift(mu[chosen], sigma[chosen], strength, tokens)
    return Neurons(
        mu.astype(np.float32),
        sigma.astype(np.float32),
        (loadings / np.linalg.norm(loadings, axis=0)).astype(np.float32),
        moved,
        shift.astype(np.float32),
        follows,
    )


def _moved(
    random: np.random.Generator, classes: int, specific: int, shared: int, twins: bool
) -> NDArray[np.bool_]:
    """Which class moves which planted neuron, the specific ones first. Shape (classes, planted)."""
    moved = np.zeros((classes, classes * specific + shared), dtype=bool)
    moved[np.repeat(np.arange(classes), specific), np.arange(classes * specific)] = True
    different = np.arange(int(twins), classes)
    for column in range(classes * specific, moved.shape[1]):
        several = random.integers(2, max(len(different) // 2, 2) + 1)
        moved[random.choice(different, several, replace=False), column] = True
    if twins:
        moved[:2] = moved[:2].any(axis=0)
    moved[:, moved.all(axis=0)] = False  # two classes that are twins: nothing can be told from anything
    return moved


def _shift(
    mu: NDArray[np.float64], sigma: NDArray[np.float64], strength: float, tokens: float
) -> NDArray[np.float64]:
    mean, deviation = rate_spread(mu, sigma, tokens)
    aim = mean + strength * deviation
    if aim.max() > _HIGHEST:
        raise UsageError(
            f"strength is {strength}, which would move a firing share from {mean[aim.argmax()]:.2f} to "
            f"{aim.max():.2f}; expected at most {_HIGHEST}; try a smaller strength, 2 for example, or clips "
            "of more tokens"
        )
    moved: NDArray[np.float64] = ndtri(aim) * np.sqrt(1 + sigma**2) - mu
    return moved
