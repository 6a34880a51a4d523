"""Selectors compared by what the neurons that they choose do."""

from typing import TYPE_CHECKING

import pandas as pd

from otoscope.neurons.selectors.causal import specificity_of

if TYPE_CHECKING:
    from otoscope.interventions.effects.result import Ablation

__all__ = ["causal_specificity"]


def causal_specificity(ablation: "Ablation") -> pd.DataFrame:
    """How much more the neurons that selectors choose for a class move its margin than the others' margins.

    Of the probe that counts and the primary control sets; the targets are those of `selectors_of`. One row
    per selector, see `otoscope.neurons.selectors.causal.specificity_of`; none without such targets.
    """
    aimed = {
        target.name: (target.at, target.categories[0], len(target.neurons))
        for target in ablation.targets
        if target.series == "selector" and target.categories
    }
    return specificity_of(aimed, ablation.table, ablation.probe, ablation.primary)
