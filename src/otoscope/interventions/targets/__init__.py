"""Targets: which neurons are switched, together, in one experiment; chosen on clips outside the test set.

A `Maker` chooses targets from what it may look at, its `Learning`. Makers compose:
`gains_of(pairs([("ANG", "HAP")]), [0, 0.5, 2])`.
"""

from otoscope.interventions.targets.across import from_store
from otoscope.interventions.targets.by_selector import selectors_of
from otoscope.interventions.targets.donors import draw_donors
from otoscope.interventions.targets.files import from_file
from otoscope.interventions.targets.given import given
from otoscope.interventions.targets.published import PUBLISHED, Published, named, published
from otoscope.interventions.targets.selected import all_neurons, class_neurons, pairs, shared_neurons
from otoscope.interventions.targets.series import counts_of, gains_of, layers_of
from otoscope.interventions.targets.target import Learning, Maker, Target, unique

__all__ = [
    "PUBLISHED",
    "Learning",
    "Maker",
    "Published",
    "Target",
    "all_neurons",
    "class_neurons",
    "counts_of",
    "draw_donors",
    "from_file",
    "from_store",
    "gains_of",
    "given",
    "layers_of",
    "named",
    "pairs",
    "published",
    "selectors_of",
    "shared_neurons",
    "unique",
]
