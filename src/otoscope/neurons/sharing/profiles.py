"""Likeness of classes without any threshold: correlated profiles of all neurons, corrected for reliability.

The profile of a class is d' of every neuron, class against rest. Two classes are compared by Spearman's
correlation over all neurons of their profiles from complementary halves of the groups (without groups: of
the clips), so that they have no clip and no noise in common:

    corrected(k, l) = mean of rho(d'_k in one half, d'_l in the other), both ways
                      / sqrt(reliability(k) reliability(l)),    reliability(k) = rho(d'_k, d'_k) of the halves

Within one labeling each class is in the other's rest: K classes whose true profiles have nothing to do with
each other correlate -1 / (K - 1), which `unrelated` gives. Between two labelings halves of both are compared.

Sources: Spearman 1904 (correction for attenuation).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.halves import halves, unit_labels, units_of
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.ranks import ranks_of
from otoscope.neurons.rates import rate_blocks
from otoscope.neurons.sharing.counting import check_same_model
from otoscope.neurons.sharing.profile_result import MATRICES, ProfileCorrelation, framed, series
from otoscope.neurons.sharing.testing import discoveries, few, pooled_p

__all__ = ["ProfileCorrelation", "profile_correlation"]

_LEAST_RELIABLE = 0.1
"""Below this reliability a corrected correlation would be mostly noise: it is not given."""
_LEAST_SPREAD = 1e-7  # of firing shares, below which a neuron is constant but for rounding
_MOST_BYTES = 200_000_000  # of firing shares and their squares that are held over all permutations
_AT_ONCE = 60_000  # weights of draws whose profiles are found together; with more the caches overflow


def profile_correlation(
    store: Recording,
    label: str,
    other: Recording | None = None,
    other_label: str | None = None,
    *,
    permutations: int = 200,
    resamples: int = 100,
    seed: int = 0,
    design: DesignName | None = None,
    other_design: DesignName | None = None,
) -> ProfileCorrelation:
    """Correlate the profiles of classes over all neurons, corrected for reliability.

    Args:
        store: a recording; the classes of its labeling are the rows.
        label: its labeling.
        other: another recording of the same model; the classes of its labeling are the columns. By default
            the classes of one labeling are compared with one another.
        other_label: its labeling; by default of the same name as `label`.
        permutations: of the labels, as the design allows; at least 1.
        resamples: of the groups within each half and class, for the interval; at least 1.
        seed: of everything random.
        design: which labels may change places, "ungrouped", "nested" or "crossed"; by default what the
            labeling and its groups show.
        other_design: that of the other labeling.

    Raises:
        UsageError: no permutation or resample, or a design that the labeling cannot have.
        OtoscopeError: the recordings are of different models; or a labeling is neither nested nor crossed,
            and no design says what to permute.
    """
    if min(permutations, resamples) < 1:
        raise UsageError(f"permutations is {permutations}, resamples {resamples}; expected 1 or more of both")
    within = other is None and other_label in (None, label)
    columns = (store if other is None else other, other_label or label)
    if other is not None:
        check_same_model((label, columns[1]), (store.info.get("model", {}), other.info.get("model", {})))
    sides = [_Profiled.of(store, label, design)] + ([] if within else [_Profiled.of(*columns, other_design)])
    random = np.random.default_rng(seed)
    plain = next(_found(sides, ([side.as_it_is(seed) for side in sides] for _ in range(1))))
    relabelled = ([side.permuted(random, seed) for side in sides] for _ in range(permutations))
    permuted = [cross for cross, _, _ in _found(sides, relabelled)]
    redrawn = ([side.resampled(random, seed) for side in sides] for _ in range(resamples))
    resampled = [_corrected(*each) for each in _found(sides, redrawn)]
    return _result(sides, plain, np.array(permuted), np.array(resampled), within)


@dataclass(frozen=True)
class _Profiled:
    """A labeling of a recording whose profiles are wanted."""

    store: Recording
    clips: LabelledClips
    design: Design

    @classmethod
    def of(cls, store: Recording, label: str, design: DesignName | None) -> "_Profiled":
        clips = labelled_clips(store, label)
        return cls(store, clips, design_of(clips.membership, clips.groups, name=design, label=label))

    def as_it_is(self, seed: int) -> NDArray[np.float64]:
        """How often each clip counts: for each class and, in the last row, at all; in each half.

        Returns:
            Shape (halves, classes + 1, clips).
        """
        return self._weights(self.clips, seed, np.ones(len(self.clips.rows)))

    def permuted(self, random: np.random.Generator, seed: int) -> NDArray[np.float64]:
        """The same with permuted labels, split anew in the same way."""
        membership = self.design.permuted(random)[self.design.unit]
        return self._weights(replace(self.clips, membership=membership), seed, np.ones(len(membership)))

    def resampled(self, random: np.random.Generator, seed: int) -> NDArray[np.float64]:
        """The same with groups drawn with replacement, within each half and set of labels."""
        unit, stratum = self._strata(seed)
        times = np.zeros(len(stratum))
        for each in range(stratum.max() + 1):
            inside = np.flatnonzero(stratum == each)
            times += np.bincount(random.choice(inside, len(inside)), minlength=len(stratum))
        return self._weights(self.clips, seed, times[unit])

    def profiles(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The ranked profiles of both halves: (draws, halves, classes, neurons), for weights of draws."""
        found = [_d_primes(weights, *block) for block in self._blocks()]
        profiles = np.concatenate(found, axis=-1)
        return _standard_ranks(profiles.reshape(-1, profiles.shape[-1])).reshape(profiles.shape)

    def _strata(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The unit of each clip, and of each unit which others lie in its half and bear the same labels."""
        unit = units_of(self.clips)
        half = halves(self.clips, seed)[0][np.unique(unit, return_index=True)[1]]
        kinds = np.column_stack([half, unit_labels(self.clips.membership, unit)])
        return unit, np.unique(kinds, axis=0, return_inverse=True)[1].ravel()

    def _weights(self, clips: LabelledClips, seed: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
        counted = np.column_stack([clips.membership, np.ones(len(times))]) * times[:, None]
        return np.stack([(counted * mask[:, None]).T for mask in halves(clips, seed)])

    def _blocks(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Firing shares less the neuron's mean, and their squares; those of a small recording are held."""
        total = len(self.clips.rows) * sum(layer.units for layer in self.store.layers)
        return iter(self._held) if 16 * total <= _MOST_BYTES else self._read()

    @cached_property
    def _held(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return list(self._read())

    def _read(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        for _, rates in rate_blocks(self.store, self.clips.rows):
            shares = rates.astype(float)
            shares -= shares.mean(axis=0)
            yield shares, np.square(shares)


def _found(
    sides: list[_Profiled], draws: Iterable[list[NDArray[np.float64]]]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """What `_correlated` gives for each draw of weights, one array a side; some draws at a time."""
    draws = iter(draws)
    size = max((len(side.clips.classes) + 1) * 2 * len(side.clips.rows) for side in sides)
    while part := list(islice(draws, max(_AT_ONCE // size, 1))):
        ranked = [
            side.profiles(np.stack(each)) for side, each in zip(sides, zip(*part, strict=True), strict=True)
        ]
        yield from (_correlated(each) for each in zip(*ranked, strict=True))


def _d_primes(
    weights: NDArray[np.float64], rates: NDArray[np.float64], squared: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(mu(k) - mu(rest)) / sqrt((var(k) + var(rest)) / 2), 0 where neither varies; of each draw and half.

    Args:
        weights: how many times each clip counts for each class and, in the last row, at all. Shape (draws,
            halves, classes + 1, clips).
        rates: less a constant of each neuron. Shape (clips, neurons).
        squared: their squares.

    Returns:
        Shape (draws, halves, classes, neurons).
    """
    flat = weights.reshape(-1, weights.shape[-1])
    sums, squares = (
        (flat @ values).reshape(*weights.shape[:-1], values.shape[1]) for values in (rates, squared)
    )
    number = weights.sum(axis=-1)[..., None]
    mean, variance = _moments(*(each[..., :-1, :] for each in (sums, squares, number)))
    others = (each[..., -1:, :] - each[..., :-1, :] for each in (sums, squares, number))
    rest, rest_variance = _moments(*others)
    spread = np.sqrt((variance + rest_variance) / 2)
    found: NDArray[np.float64] = np.zeros_like(mean)
    np.divide(mean - rest, spread, out=found, where=spread > _LEAST_SPREAD)
    return found


def _moments(
    sums: NDArray[np.float64], squares: NDArray[np.float64], number: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance from sums over so many values; 0 where there are none."""
    mean = sums / np.maximum(number, 1)
    spread = np.maximum(squares / np.maximum(number, 1) - np.square(mean), 0)
    return mean, spread * (number / np.maximum(number - 1, 1))


def _standard_ranks(profiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks over the neurons, of mean 0 and length 1: their products are Spearman's correlations."""
    ranks = ranks_of(profiles.T).T
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt(np.square(ranks).sum(axis=1, keepdims=True))
    standard: NDArray[np.float64] = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
    return standard


def _correlated(
    sides: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Correlations of the classes, shape (classes, classes), and the reliabilities of both sides."""
    (a, b), (c, d) = sides[0], sides[-1]
    # Within a labeling only complementary halves meet; two labelings' halves may all meet.
    pairs = [(a, b), (b, a)] if len(sides) == 1 else [(a, c), (a, d), (b, c), (b, d)]
    cross = np.mean([one @ two.T for one, two in pairs], axis=0)
    return cross, (a * b).sum(axis=1), (c * d).sum(axis=1)


def _corrected(
    cross: NDArray[np.float64], one: NDArray[np.float64], two: NDArray[np.float64]
) -> NDArray[np.float64]:
    enough = np.logical_and.outer(one >= _LEAST_RELIABLE, two >= _LEAST_RELIABLE)
    scale = np.sqrt(np.maximum(np.outer(one, two), _LEAST_RELIABLE**2))
    return np.where(enough, cross / scale, np.nan)


def _result(
    sides: list[_Profiled],
    plain: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    permuted: NDArray[np.float64],
    resampled: NDArray[np.float64],
    within: bool,
) -> ProfileCorrelation:
    cross, one, two = plain
    classes = [list(side.clips.classes) for side in (sides[0], sides[-1])]
    labels = [side.clips.labeling.name for side in (sides[0], sides[-1])]
    corrected = _corrected(*plain)
    known = np.isfinite(resampled).mean(axis=0) >= 0.5
    low, high = np.percentile(np.where(np.isfinite(resampled), resampled, cross), [2.5, 97.5], axis=0)
    p, q = np.full(cross.shape, np.nan), np.full(cross.shape, np.nan)
    cells = np.triu_indices(len(cross), k=1) if within else tuple(map(np.ravel, np.indices(cross.shape)))
    short = any(few(side.design.distinct) for side in sides)
    if not short:
        p[cells] = pooled_p(cross[cells], permuted[:, cells[0], cells[1]])[1]
        q[cells] = discoveries(p[cells])
        if within:
            p.T[cells], q.T[cells] = p[cells], q[cells]
    for each in (low, high):
        each[~known | np.isnan(corrected)] = np.nan
    if within:
        for each in (corrected, low, high):
            np.fill_diagonal(each, np.nan)
    unrelated = -1 / (len(cross) - 1) if within else 0.0
    matrices = dict(zip(MATRICES, (corrected, low, high, p, q), strict=True))
    return ProfileCorrelation(
        (labels[0], labels[1]),
        **{name: framed(values, classes, labels) for name, values in matrices.items()},
        reliability=series([one, two], classes),
        unrelated=unrelated,
        note=_about(sides, (one, two), unrelated, short, len(permuted)),
    )


def _about(
    sides: list[_Profiled],
    reliability: tuple[NDArray[np.float64], NDArray[np.float64]],
    unrelated: float,
    short: bool,
    permutations: int,
) -> str:
    poor = [
        name
        for side, found in zip(sides, reliability, strict=False)
        for name, value in zip(side.clips.classes, found, strict=True)
        if value < _LEAST_RELIABLE
    ]
    parts = [
        "Not tested: too few distinct permutations of the labels."
        if short
        else f"p by {permutations} permutations of the labels, as the design allows: whether the profiles "
        "have anything to do with each other.",
        f"Profiles that are unrelated correlate {unrelated:.2f}, because each class is in the other's rest."
        if unrelated
        else "",
        f"Reliability below {_LEAST_RELIABLE:g}, so no correlation: {', '.join(poor)}." if poor else "",
        "Both labelings are of the same clips: their profiles have noise in common."
        if len(sides) == 2 and sides[0].store is sides[1].store
        else "",
    ]
    return " ".join(filter(None, parts))
