"""Series of targets: the same neurons at several gains, more and more of them, layer by layer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.targets.ranked import Ranks, ranked
from otoscope.interventions.targets.target import Learning, Maker, Target
from otoscope.neurons.selectors import selectors

__all__ = ["counts_of", "gains_of", "layers_of"]

RANDOM = "random"

_SELECTORS = {"probability": "lap"}
"""Selectors that go by another name here."""


def gains_of(maker: Maker, gains: Sequence[float]) -> Maker:
    """Dose and response: each target once at every gain.

    Args:
        maker: chooses the targets.
        gains: what the neurons are multiplied by.

    Raises:
        UsageError: no gain, the same one twice, or one that is no number.
    """
    _check_distinct("gains", [f"{gain:g}" for gain in gains])
    if not np.isfinite(gains).all():
        raise UsageError(f"gains are {list(gains)}; expected finite numbers, 0 for off, 1 for as they are")

    def make(learning: Learning) -> list[Target]:
        return [
            replace(
                target,
                name=f"{target.name} x{gain:g}",
                level=float(gain),
                series="gain",
                of=target.name,
                at=f"{gain:g}",
            )
            for target in maker(learning)
            for gain in gains
        ]

    return make


def counts_of(maker: Maker, counts: Sequence[int], *, by: str = "entropy") -> Maker:
    """The first neurons of each target, more and more of them: every set lies within the next larger one.

    Args:
        maker: chooses the targets.
        counts: how many neurons.
        by: which come first, as the learning clips show it. "probability": those that fire most often for one
            of the target's classes; "entropy": those of lowest entropy over the classes, so that those fire
            for few; or another selector (see `otoscope.neurons.selectors`), by the score for one of the
            target's classes. Neurons that have no such score follow by their score for any class, and then by
            address. "random": in an order drawn with the learning's seed.

    Raises:
        UsageError: no count, one below 1, the same one twice, or no such selector.
        OtoscopeError: when it is called: a target of fewer neurons.
    """
    _check_distinct("counts", [str(count) for count in counts])
    if min(counts) < 1:
        raise UsageError(f"counts are {list(counts)}; expected whole numbers of neurons, 1 or more")
    if by not in (RANDOM, *_SELECTORS, *selectors()):
        raise UsageError(
            f"neurons cannot be ranked by {by!r}; expected {RANDOM}, {', '.join(_SELECTORS)}, or a selector: "
            f"{', '.join(selectors())}"
        )

    def make(learning: Learning) -> list[Target]:
        targets = maker(learning)
        _check_enough(targets, max(counts))
        selector = _SELECTORS.get(by, by)
        ranks = None if by == RANDOM else ranked(learning, [selector])[selector]
        return [
            replace(
                target,
                name=f"{target.name}, {count} by {by}",
                neurons=tuple(sorted(order[:count])),
                series="count",
                of=f"{target.name} by {by}",
                at=str(count),
            )
            for number, target in enumerate(targets)
            for order in [_order(target, ranks, learning, number)]
            for count in counts
        ]

    return make


def layers_of(maker: Maker) -> Maker:
    """The neurons of each target layer by layer: a target for every layer that it has neurons in."""

    def make(learning: Learning) -> list[Target]:
        return [
            replace(
                target,
                name=f"{target.name}, layer {layer}",
                neurons=tuple(each for each in target.neurons if each[0] == layer),
                series="layer",
                of=target.name,
                at=str(layer),
            )
            for target in maker(learning)
            for layer in target.by_layer
        ]

    return make


def _order(target: Target, ranks: Ranks | None, learning: Learning, number: int) -> list[Address]:
    """The target's neurons, first to last."""
    if ranks is None:
        random = np.random.default_rng([learning.seed, number])
        return [target.neurons[at] for at in random.permutation(len(target.neurons))]
    own = set(target.neurons)
    places = [each for each in ranks.first(target.categories) if each in own]
    return list(dict.fromkeys([*places, *(each for each in ranks.first() if each in own), *target.neurons]))


def _check_enough(targets: Sequence[Target], most: int) -> None:
    for target in targets:
        if len(target.neurons) < most:
            raise OtoscopeError(
                f"target {target.name!r} has {len(target.neurons)} neurons, and counts go up to {most}; "
                "expected none above the former; try smaller ones, a preset that selects more, or "
                "selectors_of, which takes as many as are asked for"
            )


def _check_distinct(what: str, values: Sequence[str]) -> None:
    if not values or len(set(values)) < len(values):
        raise UsageError(f"{what} are {', '.join(values) or 'none'}; expected one or more, each once")
