"""The three filters that make class-specific neurons out of firing probabilities.

    1 response      a neuron's largest p lies above a quantile of all p
    2 selectivity   of those, the neurons of lowest entropy: a fixed share of all neurons
    3 assignment    a kept neuron belongs to every class whose p lies above a quantile of all p

As in LAPE (Tang et al. 2024, arXiv:2402.16438): a quantile is an order statistic, not interpolated, and
"above" is strict.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.neurons.entropy import class_entropy

__all__ = ["PRESETS", "Filters", "Kept", "apply_filters", "filters_for", "order_statistic", "ranked"]

_TIE = 1e-12  # nats: entropies closer than this are tied; only the rounding of sums sets them apart


@dataclass(frozen=True)
class Filters:
    """The three thresholds.

    Attributes:
        response: quantile of all p that a neuron's largest p must exceed, in [0, 1].
        share: share of all neurons to keep, those of lowest entropy, in [0, 1].
        assignment: quantile of all p that a (neuron, class) pair must exceed, in [0, 1].
    """

    response: float = 0.95
    share: float = 0.01
    assignment: float = 0.95

    def __post_init__(self) -> None:
        for name in ("response", "share", "assignment"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name} is {value}; expected a share from 0 to 1, for example 0.95")


PRESETS: dict[str, Filters] = {
    "aape": Filters(response=0.95, share=0.01, assignment=0.95),
    "aape-drop5": Filters(response=0.05, share=0.01, assignment=0.95),
    "lape": Filters(response=0.95, share=0.01, assignment=0.95),
}
"""Thresholds by name; on ESC-50 and GISE-51 the two `aape` presets keep twice the share."""

_WIDER_TASKS = ("esc50", "gise51")


def filters_for(
    preset: str,
    task: str = "",
    *,
    response: float | None = None,
    share: float | None = None,
    assignment: float | None = None,
) -> Filters:
    """The thresholds of a preset for a task, with those given in their place.

    Args:
        preset: a name in `PRESETS`.
        task: name of the task; `aape` and `aape-drop5` keep 2 % of the neurons on "esc50" and "gise51", as
            published.
        response: in place of the preset's.
        share: in place of the preset's.
        assignment: in place of the preset's.

    Raises:
        UsageError: an unknown preset, or a threshold outside [0, 1].

    >>> filters_for("aape", "esc50")
    Filters(response=0.95, share=0.02, assignment=0.95)
    """
    if preset not in PRESETS:
        raise UsageError(f"preset {preset!r} not found; expected specific, {', '.join(PRESETS)}")
    filters = PRESETS[preset]
    if preset.startswith("aape") and task in _WIDER_TASKS:
        filters = replace(filters, share=0.02)
    given = {"response": response, "share": share, "assignment": assignment}
    return replace(filters, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class Kept:
    """The neurons that the first two filters keep, and the classes that the third gives them.

    Attributes:
        neurons: columns of the table, ascending. Shape (kept,).
        assigned: which kept neuron belongs to which class; it may be none. Shape (classes, kept).
        entropy: in nats. Shape (kept,).
    """

    neurons: NDArray[np.int64]
    assigned: NDArray[np.bool_]
    entropy: NDArray[np.float64]

    @property
    def specific(self) -> NDArray[np.int64]:
        """The kept neurons that belong to a class: the class-specific ones."""
        return self.neurons[self.assigned.any(axis=0)]

    @property
    def coverage(self) -> float:
        """Share of the classes that have a neuron, in [0, 1]."""
        return float(self.assigned.any(axis=1).mean())

    @property
    def depth(self) -> float:
        """Mean over the kept neurons of log(classes) - entropy, in nats; NaN if none is kept.

        All that the selectivity filter kept count, whether or not the assignment filter gave them a class:
        where its quantile is no higher than the response filter's, as in `aape` and `lape`, every one of them
        has a class.
        """
        if not len(self.neurons):
            return float("nan")
        return float(np.log(len(self.assigned)) - self.entropy.mean())


def order_statistic(values: NDArray[np.float64], *quantiles: float) -> list[float]:
    """For each quantile q, the value of rank round(n q), counted from 1, in ascending order.

    The rank is rounded as Python rounds, to even at .5, and kept within 1 to n.

    >>> order_statistic(np.array([0.4, 0.1, 0.3, 0.2]), 0.5, 1.0)
    [0.2, 0.4]
    """
    n = values.size
    ranks = [min(max(round(n * q), 1), n) - 1 for q in quantiles]
    ordered = np.partition(values.ravel(), sorted(set(ranks)))
    return [float(ordered[rank]) for rank in ranks]


def apply_filters(p: NDArray[np.float64], filters: Filters) -> Kept:
    """The neurons that pass the filters.

    Args:
        p: firing probabilities in [0, 1]; columns in the order of (layer, unit), by which ties in entropy are
            broken (entropies are tied that lie within 1e-12 nats). Shape (classes, neurons).
        filters: the thresholds.

    Returns:
        At most round(neurons x share) neurons. A neuron that never fires is never among them: no p of 0 lies
        above a quantile.
    """
    response, assignment = order_statistic(p, filters.response, filters.assignment)
    candidates = np.flatnonzero(p.max(axis=0) > response)
    found = class_entropy(p[:, candidates])
    order = ranked(found)[: round(p.shape[1] * filters.share)]
    best = np.sort(order)
    neurons = candidates[best]
    return Kept(neurons, p[:, neurons] > assignment, found[best])


def ranked(entropy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices in the order of entropy, lowest first; ties in ascending order."""
    order = np.argsort(entropy, kind="stable")
    # Equal to the last bit would not do: the same p in another order of classes sums to another last bit.
    tie = np.concatenate([[0], np.cumsum(np.diff(entropy[order]) > _TIE)])[: len(order)]
    return order[np.lexsort((order, tie))]
