"""Targets from several selectors, to compare what their neurons do."""

import warnings
from collections.abc import Sequence

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets.ranked import named_selectors, ranked
from otoscope.interventions.targets.target import Learning, Maker, Target, ordered

__all__ = ["selectors_of"]


def selectors_of(names: Sequence[str], *, neurons: int, level: float = 0.0) -> Maker:
    """For every selector and class the neurons that the selector ranks highest for this class.

    All get as many, so that selectors are compared at equal number. A class for which a selector can rank
    fewer gets no target of that selector, which is warned of. A target is named "ANG by auroc".

    Args:
        names: selectors, see `otoscope.neurons.selectors`, and "specific".
        neurons: how many for each class.
        level: see `Target`.

    Raises:
        UsageError: an unknown selector, or no neurons.
        OtoscopeError: when it is called: no selector ranks as many for a class; a labeling that "specific"
            refuses.
    """
    if neurons < 1:
        raise UsageError(f"neurons is {neurons}; expected 1 or more for each class, for example 20")
    named_selectors(names)

    def make(learning: Learning) -> list[Target]:
        targets, few = [], []
        for selector, ranks in ranked(learning, names).items():
            for category in ranks.classes:
                first = ranks.first([category])[:neurons]
                name = f"{category} by {selector}"
                if len(first) < neurons:
                    few.append(f"{name} ({len(first)})")
                    continue
                targets.append(
                    Target(name, (category,), ordered(first), level, "selector", category, selector)
                )
        what = f"selectors that rank fewer than {neurons} neurons for a class: {', '.join(few)}"
        if not targets:
            raise OtoscopeError(f"{what}; nothing is left; try fewer neurons, or other selectors")
        if few:
            warnings.warn(
                f"{what}; these are left out, and selectors are compared on the classes that all of them "
                "have; try fewer neurons",
                stacklevel=2,
            )
        return targets

    return make
