"""The same clips before and after: which are lost, which are gained, and what they are taken for instead."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from otoscope.interventions.effects.changes import frame
from otoscope.interventions.effects.layout import Layout

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["confusions_of", "mcnemar", "paired_of"]

PAIRED = {
    **dict.fromkeys(("target", "category", "probe"), "str"),
    "clips": "int64",
    **dict.fromkeys(("right", "lost", "gained", "mcnemar_p"), "float64"),
}
CONFUSIONS = {
    **dict.fromkeys(("target", "probe", "category", "predicted"), "str"),
    **dict.fromkeys(("before", "after", "change"), "float64"),
}


def mcnemar(lost: NDArray[np.int64], gained: NDArray[np.int64]) -> NDArray[np.float64]:
    """Exact two-sided p that as many clips are lost as gained: a fair coin for each clip that changes.

    Clips are taken to be independent of each other, as those of one group may not be. 1 where no clip
    changes.

    >>> mcnemar(np.array([6, 5, 0]), np.array([0, 0, 0])).tolist()
    [0.03125, 0.0625, 1.0]
    """
    return np.minimum(1.0, 2 * binom.cdf(np.minimum(lost, gained), lost + gained, 0.5))


def paired_of(heard: "Heard", layout: Layout) -> pd.DataFrame:
    """One row per target, class and probe, as `Ablation.paired` has them; none of a multi-label labeling."""
    rows = []
    if heard.truth.ndim == 1:
        member = heard.truth[:, None] == np.arange(len(heard.classes))
        right = _predicted(heard) == heard.truth
        tested = np.flatnonzero(member.any(axis=0))
        for target, number in layout.targets.items():
            for probe, seeds in layout.probes.items():
                before, after = right[0, seeds], right[number, seeds]
                was, lost, gained = (
                    np.stack([which[:, member[:, k]].sum(axis=1) for k in tested], axis=1)
                    for which in (before, before & ~after, ~before & after)
                )
                p = mcnemar(lost, gained).max(axis=0)
                for place, k in enumerate(tested):
                    rows.append(
                        {
                            "target": target,
                            "category": heard.classes[k],
                            "probe": probe,
                            "clips": int(member[:, k].sum()),
                            "right": was[:, place].mean(),
                            "lost": lost[:, place].mean(),
                            "gained": gained[:, place].mean(),
                            "mcnemar_p": p[place],
                        }
                    )
    return frame(rows, PAIRED)


def confusions_of(heard: "Heard", layout: Layout) -> pd.DataFrame:
    """One row per target, probe, class and class named instead of it, as `Ablation.confusions` has them."""
    rows = []
    if heard.truth.ndim == 1:
        predicted, truth = _predicted(heard), heard.truth.astype(np.int64)
        for probe, seeds in layout.probes.items():
            clean = _confused(predicted[0, seeds], truth, len(heard.classes))
            for target, number in layout.targets.items():
                switched = _confused(predicted[number, seeds], truth, len(heard.classes))
                for true, named in np.argwhere(switched != clean):
                    if true != named:
                        before, after = clean[true, named], switched[true, named]
                        rows.append(
                            {
                                "target": target,
                                "probe": probe,
                                "category": heard.classes[true],
                                "predicted": heard.classes[named],
                                "before": before,
                                "after": after,
                                "change": after - before,
                            }
                        )
    return frame(rows, CONFUSIONS)


def _predicted(heard: "Heard") -> NDArray[np.int64]:
    """The number of the class that each clip is taken for: (conditions, probes, clips)."""
    named = heard.outcomes["predicted"].transpose("condition", "probe", "clip")
    return np.asarray(named.to_numpy(), dtype=np.int64)


def _confused(predicted: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Mean number, over seeds, of clips of each class (row) that are taken for each class (column)."""
    pairs = truth * classes + predicted
    counts = np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)
    return np.asarray(counts / len(predicted))
