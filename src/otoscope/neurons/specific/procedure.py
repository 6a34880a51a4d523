"""`specific`: neurons that fire more for every class of a set than for every class outside it.

One half of the groups chooses candidates and their class sets, the other tests them, so that nothing is
selected only because much was tried:

    1 split       the groups in two halves, A and B
    2 average     U[g, k] = mean firing share of group g on class k; crossed, on A: less the group's
    3 class set   on A: the top s classes, s <= max(1, K / 4), where the gap to the next, over the pooled
                  standard deviation, is widest
    4 candidates  for each class, of the neurons whose top class it is, the best ceil(0.02 n / K) by that gap
    5 tests       on B: Welch's t over groups (crossed: paired t) of each class inside against each outside
    6 p           the largest of them: it must fire more for every class inside than for every one outside
    7 correction  Benjamini-Hochberg (or Holm) over the candidates
    8 effect      the smallest area under the ROC curve of those pairs on B, over clips, is 0.65 or more
    9 refusal     of classes with fewer than 4 groups on B (crossed: fewer than 6 shared ones)
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.probability import Recording, labelled_clips
from otoscope.neurons.selection import Selection, source_of
from otoscope.neurons.specific.halving import Halves, halves_of, permuted_halves
from otoscope.neurons.specific.search import Found, search
from otoscope.neurons.specific.selected import Selected, chance_of_worlds, selected_of, table_of

__all__ = ["LEAST_AUROC", "specific"]

Correction = Literal["bh", "holm"]

LEAST_AUROC = 0.65
"""What the smallest pairwise area under the ROC curve of a selected neuron must reach."""


def specific(
    store: Recording,
    label: str,
    *,
    clips: NDArray[np.bool_] | None = None,
    seed: int = 0,
    design: DesignName | None = None,
    alpha: float = 0.05,
    correction: Correction = "bh",
    least_auroc: float = LEAST_AUROC,
    permutations: int = 100,
) -> Selection:
    """Select neurons that fire more for every class of their set than for every class outside it.

    Args:
        store: the recording.
        label: name of a labeling with one class a clip.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        seed: of the split in halves, the permutations and the bootstrap.
        design: "ungrouped", "nested" or "crossed"; by default what the labeling and its groups show.
        alpha: false discovery rate (with "holm": family-wise error rate) over the candidates, above 0, at
            most 0.5.
        correction: "bh" (Benjamini-Hochberg) or "holm".
        least_auroc: what the smallest pairwise area under the ROC curve must reach, 0 to 1.
        permutations: how often to repeat the whole procedure with permuted labels; 0 for never.

    Returns:
        A selection, which may be empty. Its table has, beside the presets' columns (over all clips), `p` of
        the neuron (not corrected), `auroc` of this class against the class outside that it is told from
        worst, on half B, and the ends of its 95 % group-bootstrap interval. `test` holds the figures of the
        test: how many candidates there were, groups of each class on half B, classes refused and why.

    Raises:
        UsageError: an unknown labeling, design or correction, a number out of range.
        OtoscopeError: a labeling with several labels a clip; fewer than two classes with enough groups; a
            class without a clip; a labeling that is neither nested nor crossed where `design` does not say
            which to take.
    """
    _check(alpha, correction, least_auroc, permutations)
    chosen = labelled_clips(store, label, clips)
    if chosen.labeling.multilabel:
        raise OtoscopeError(
            f"labeling {label!r} gives a clip several labels, and `specific` tests one class against another "
            "on clips that have but one; expected a labeling with one class a clip; try the preset aape"
        )
    made = design_of(chosen.membership, chosen.groups, name=design, label=label)
    first = halves_of(made, chosen.classes, np.random.default_rng([seed, 0]), label)
    dealt = permuted_halves(first, made, permutations, np.random.default_rng([seed, 1]))
    worlds = [first, *dealt]
    found = search(store, chosen, made, worlds, alpha, correction)
    selected = selected_of(store, chosen, made, worlds, found, least_auroc)
    return Selection(
        label=label,
        classes=chosen.classes,
        preset="specific",
        filters=None,
        table=table_of(selected[0], store, chosen, made, first, seed),
        layers=len(store.layers),
        depth=selected[0].depth,
        chance=chance_of_worlds(selected[1:], store, made, alpha) if permutations else None,
        provenance={
            "otoscope": __version__,
            "recording": source_of(store.info),
            "clips": len(chosen.rows),
            "seed": seed,
        },
        test=_figures(found[0], selected[0], first, made, chosen.classes)
        | {"alpha": alpha, "correction": correction, "least_auroc": least_auroc},
    )


def _check(alpha: float, correction: str, least_auroc: float, permutations: int) -> None:
    if not 0 < alpha <= 0.5:
        raise UsageError(f"alpha is {alpha}; expected a level above 0, at most 0.5, for example 0.05")
    if correction not in get_args(Correction):
        raise UsageError(
            f"correction {correction!r} not found; expected one of {', '.join(get_args(Correction))}"
        )
    if not 0 <= least_auroc <= 1:
        raise UsageError(f"least_auroc is {least_auroc}; expected 0 to 1, for example 0.65")
    if permutations < 0:
        raise UsageError(f"permutations is {permutations}; expected 0 or more, for example 100")


def _figures(
    found: Found, selected: Selected, halves: Halves, design: Design, classes: Sequence[str]
) -> dict[str, Any]:
    return {
        "design": design.name,
        "candidates": found.candidates,
        "tested": found.candidates,
        "significant": len(found.neurons),
        "selected": len(selected.neurons),
        "groups": {classes[k]: int(n) for k, n in zip(halves.kept, halves.groups, strict=True)},
        "refused": {classes[k]: reason for k, reason in halves.refused.items()},
    }
