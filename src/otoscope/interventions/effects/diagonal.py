"""Does switching off a class's neurons change that class, rather than others? The matrix in a few numbers."""

from collections.abc import Sequence
from itertools import permutations
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.interventions.effects.changes import frame
from otoscope.interventions.effects.layout import Layout
from otoscope.interventions.effects.measuring import Measured
from otoscope.interventions.effects.ranks import rank_p

if TYPE_CHECKING:
    from otoscope.interventions.effects.collecting import Heard

__all__ = ["diagonal_of", "difference", "orders"]

DIAGONAL = {
    **dict.fromkeys(("probe", "measure"), "str"),
    **dict.fromkeys(("self", "cross", "difference", "p", "p_controls"), "float64"),
    "classes": "int64",
}
_ALL = 5000  # orders up to which each is tried
_SOME = 2000  # of them where there are more


def diagonal_of(heard: "Heard", layout: Layout, measured: Measured, primary: str, seed: int) -> pd.DataFrame:
    """One row per probe and measure, as `Ablation.diagonal` has them; none with fewer than two classes.

    Its targets are those of a single tested class that belong to no series, the first of each class; its
    classes are theirs.
    """
    place = {heard.classes[k]: at for at, k in enumerate(measured.tested)}
    aimed: dict[str, str] = {}
    for target in heard.targets:
        if len(target.categories) == 1 and not target.series and target.categories[0] in place:
            aimed.setdefault(target.categories[0], target.name)
    rows = []
    if len(aimed) > 1:
        numbers = [layout.targets[name] for name in aimed.values()]
        columns = [place[category] for category in aimed]
        tried = orders(len(aimed), seed)
        drawn = _by_draw(layout, list(aimed.values()), primary)
        for at, probe in enumerate(layout.probes):
            for m, measure in enumerate(measured.measures):
                means = measured.means[m][:, at]
                changes = (means - means[0])[:, columns]
                own = changes[numbers]
                # One row a permutation of names: each target is given another one's class.
                chance = np.array([difference(own[order]) for order in tried[1:]])
                controls = np.array([difference(changes[sets]) for sets in drawn])
                found = difference(own)
                classes = len(columns)
                rows.append(
                    {
                        "probe": probe,
                        "measure": measure,
                        "self": np.trace(own) / classes,
                        "cross": (own.sum() - np.trace(own)) / (classes * (classes - 1)),
                        "difference": found,
                        "p": _p(found, chance),
                        "p_controls": _p(found, controls) if len(controls) else np.nan,
                        "classes": classes,
                    }
                )
    return frame(rows, DIAGONAL)


def difference(changes: NDArray[np.float64]) -> float:
    """Mean on the diagonal less mean off it. Shape (classes, classes).

    >>> difference(np.array([[-4.0, -1.0], [0.0, -2.0]]))
    -2.5
    """
    classes = len(changes)
    own = np.trace(changes)
    return float(own / classes - (changes.sum() - own) / (classes * (classes - 1)))


def orders(count: int, seed: int) -> Sequence[NDArray[np.int64]]:
    """The given order, and after it all others, or as many random ones as are enough.

    >>> [order.tolist() for order in orders(2, seed=0)]
    [[0, 1], [1, 0]]
    """
    if factorial(count) <= _ALL:
        return [np.array(order) for order in permutations(range(count))]
    random = np.random.default_rng([seed, 7])
    return [np.arange(count), *(random.permutation(count) for _ in range(_SOME))]


def _p(found: float, others: NDArray[np.float64]) -> float:
    return float(rank_p(np.array([found]), others[:, None])[0])


def _by_draw(layout: Layout, targets: Sequence[str], match: str) -> list[list[int]]:
    """For each draw that all targets have, their control sets."""
    own = [layout.controls[target].get(match) for target in targets]
    if match in ("", "neighbour") or any(each is None for each in own):
        return []
    return [list(map(int, sets)) for sets in zip(*(each for each in own if each is not None), strict=False)]
