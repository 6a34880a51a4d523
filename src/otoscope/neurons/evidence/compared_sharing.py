"""Whether the neurons of two models are shared among the same classes.

Neurons of two models cannot be paired, but the classes that share some can: the Jaccard indices of all pairs
of classes in one model are held against those in the other. The cells are not independent, so the classes of
one model change their names: the matrix regression of `otoscope.neurons.meaning.mrqap`, on ranks.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.meaning.mrqap import LEAST_CLASSES, mrqap
from otoscope.neurons.sharing.counting import Sharing

__all__ = ["SharingAgreement", "compare_sharing"]


@dataclass(frozen=True)
class SharingAgreement:
    """How alike two models are in which classes share neurons.

    Attributes:
        correlation: Spearman correlation over pairs of classes of their Jaccard indices, in [-1, 1].
        p: (1 + permutations of the names of one model's classes with at least this |correlation|) / (1 +
            permutations), two-sided.
        classes: the classes compared.
        left_out: those that have no neuron in one of the models.
        permutations: how many were drawn.
        seed: of the permutations.
    """

    correlation: float
    p: float
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    permutations: int
    seed: int

    def document(self) -> dict[str, Any]:
        """The agreement as JSON holds it."""
        return asdict(self)


def compare_sharing(a: Sharing, b: Sharing, *, permutations: int = 1000, seed: int = 0) -> SharingAgreement:
    """Compare which classes share neurons in one model with which do in another.

    Args:
        a: what the classes of a labeling share in one model.
        b: what the same classes share in another.
        permutations: of the names of the classes.
        seed: of the permutations.

    Raises:
        UsageError: sharing between two labelings, other classes, fewer than one permutation.
        OtoscopeError: fewer than 6 classes with neurons in both models, or a model in which all pairs of
            classes share alike, for example none.
    """
    if not (a.within and b.within):
        raise UsageError(
            "sharing between two labelings was given; expected the sharing within one labeling, in each of "
            "two models"
        )
    if list(a.jaccard.index) != list(b.jaccard.index):
        raise UsageError(
            f"the classes are {', '.join(a.jaccard.index)} in one model and {', '.join(b.jaccard.index)} in "
            "the other; expected the same classes in the same order"
        )
    has = (np.diag(a.shared) > 0) & (np.diag(b.shared) > 0)
    classes = tuple(map(str, a.jaccard.index[has]))
    if len(classes) < LEAST_CLASSES:
        raise OtoscopeError(
            f"{len(classes)} of {len(has)} classes have neurons in both models; expected {LEAST_CLASSES} or "
            "more to compare which of them share; try a preset that selects more neurons, or a labeling of "
            "more classes"
        )
    ranked = [_ranked(each.jaccard.loc[list(classes), list(classes)]) for each in (a, b)]
    found = mrqap(ranked[0], {"other": ranked[1]}, permutations=permutations, seed=seed).table.iloc[0]
    left_out = tuple(map(str, a.jaccard.index[~has]))
    return SharingAgreement(float(found["beta"]), float(found["p"]), classes, left_out, permutations, seed)


def _ranked(jaccard: pd.DataFrame) -> pd.DataFrame:
    """Ranks of the cells above the diagonal, and below it the same; refuses cells that are all the same."""
    upper = np.triu_indices(len(jaccard), k=1)
    cells = jaccard.to_numpy()[upper]
    if np.ptp(cells) == 0:
        raise OtoscopeError(
            f"in one of the models every pair of classes shares alike (Jaccard index {cells[0]:g}); expected "
            "some pairs to share more than others; try a preset that gives a neuron to several classes"
        )
    ranked = np.zeros(jaccard.shape)
    ranked[upper] = rankdata(cells)
    return pd.DataFrame(ranked + ranked.T, index=jaccard.index, columns=jaccard.columns)
