"""The experiments on switching neurons off: is p uniform under the null, and what is found of a known toy?"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from otoscope.activations import Store, record
from otoscope.interventions import Ablation, Learning, Target, ablate
from otoscope.interventions.changes import Gain
from otoscope.interventions.controls import ControlSet, Pool, draw_controls
from otoscope.interventions.effects.ranks import adjusted_p, rank_p
from otoscope.interventions.experiment import Condition, hear
from otoscope.interventions.outcomes import Judge
from otoscope.interventions.probes.fitting import fit_probes, usable
from otoscope.interventions.probes.splits import Fold, make_splits, truth_of
from otoscope.neurons import planted
from otoscope.neurons.worlds.planting import Planted

__all__ = ["CLAIMS", "LEVELS", "addresses", "claim", "impact_level", "ratio_of"]

SOUND = {"classes": 3, "detectors": 2, "decoys": 2, "design": "crossed", "groups": 10, "seconds": 0.5}
NULL = {"units": 300, "loud": 60}  # of each of 3 layers; in all
LARGE = {"units": 1000, "loud": 90}
CONTROLS = 19  # sets of each experiment: the smallest p is 0.05
TOGETHER = 40  # sets in the toy with loud neurons, so that one of them may hold a detector by chance

LEVELS = tuple(
    {"match": match, "from": of, "neurons": neurons}
    for match, of, neurons in (
        ("layer", "all", 10),
        ("layer", "all", 90),
        ("layer", "all", 270),
        ("rate", "all", 10),
        ("displacement", "all", 10),
        ("displacement", "loud", 6),
        ("displacement", "loud", 20),
    )
)
CLAIMS = (
    *({"switched": "detectors", "gain": gain} for gain in (0.0, 0.25, 0.5, 0.75)),
    {"switched": "decoys", "gain": 0.0},
    {"switched": "loud", "gain": 0.0},
)


def addresses(neurons: pd.DataFrame) -> tuple[tuple[int, int], ...]:
    """(layer, unit) pairs of a table of `Planted`."""
    return tuple(zip(neurons["layer"].tolist(), neurons["unit"].tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Recorded:
    """A toy and its recording, on which many sets of neurons are tried."""

    toy: Planted
    store: Store

    @cached_property
    def fold(self) -> Fold:
        """Which clips are learnt from, and which are tested on."""
        return make_splits(self.store.labeling("tone"), self.store.clips, usable(self.store)).folds[0]

    @cached_property
    def judge(self) -> Judge:
        """A logistic probe."""
        labeling = self.store.labeling("tone")
        probes = fit_probes(self.store, labeling, self.fold, "logistic", seeds=[0])
        spread = self.store.embedding[self.fold.learning].std(axis=0, dtype=np.float64)
        return Judge(probes[:1], truth_of(labeling, self.store.clips), spread)

    @property
    def pool(self) -> Pool:
        """What sets are drawn from; anew, since it keeps the pilot clips of every seed."""
        return Pool(self.store, self.fold.learning, self.toy.model, self.judge.spread, 16)

    def drawn(self, match: str, of: str, neurons: int, seed: int) -> list[ControlSet]:
        """A target, and control sets for it; the target is itself a control set of random neurons."""
        random = np.random.default_rng([seed, neurons])
        loud = addresses(self.toy.loud)
        every = [(at, unit) for at, layer in enumerate(self.store.layers) for unit in range(layer.units)]
        from_which = loud if of == "loud" else every
        places = random.choice(len(from_which), neurons, replace=False)
        first = [from_which[place] for place in sorted(places.tolist())]
        pool = self.pool
        sets, _ = draw_controls(pool, first, [match], CONTROLS, seed=2 * seed)
        target = sets[int(random.integers(len(sets)))]
        return [target, *draw_controls(pool, target.neurons, [match], CONTROLS, seed=2 * seed + 1)[0]]

    def changes(self, sets: Sequence[ControlSet]) -> dict[str, np.ndarray]:
        """How much each class changes when each set is switched off: measures of shape (sets, classes)."""
        conditions = [
            Condition("", "intact", 0, ()),
            *(Condition(str(at), "target", 0, (Gain.of(each.neurons),)) for at, each in enumerate(sets)),
        ]
        rows, classes = self.fold.test, self.store.labeling("tone").classes
        heard = hear(self.toy.model, self.store, rows.tolist(), conditions, self.judge, classes=classes)
        truth = self.judge.truth[rows]
        right, margin = (heard[name].to_numpy()[:, 0].astype(np.float64) for name in ("predicted", "margin"))
        found = {}
        for name, values in (("accuracy", (right == truth).astype(np.float64)), ("margin", margin)):
            means = np.stack([values[:, truth == k].mean(axis=1) for k in range(len(classes))], axis=1)
            found[name] = means[1:] - means[0]
        return found


@cache
def _null() -> Recorded:
    return _recorded(planted(**SOUND, **NULL))


def _recorded(toy: Planted) -> Recorded:
    folder = tempfile.mkdtemp(prefix="otoscope-calibration-")
    return Recorded(toy, record(toy.model, toy.task, Path(folder) / "toy.zarr"))


def impact_level(setting: dict[str, Any], seed: int) -> dict[str, float]:
    """The p of a target that is nothing but one more control set.

    Returns:
        Of accuracy and margin: `_one`, the p of the first class; `_even`, the same randomised over its ties;
        `_any`, the smallest over classes of p adjusted for all classes. And `shared`, what share of its
        neurons a control set has in common with another one.
    """
    known = _null()
    sets = known.drawn(setting["match"], setting["from"], setting["neurons"], seed)
    clips = np.bincount(known.judge.truth[known.fold.test])
    row = {"shared": _shared(sets[1:])}
    for measure, values in known.changes(sets).items():
        least = 1 / clips if measure == "accuracy" else None
        row |= {
            f"{measure}_one": float(rank_p(values[0], values[1:])[0]),
            f"{measure}_even": _even(values[:, 0], np.random.default_rng(seed)),
            f"{measure}_any": float(adjusted_p(values[0], values[1:], least).min()),
        }
    return row


def ratio_of(shared: float) -> float:
    """How many times too small the spread of control sets is, if they never hold a neuron of the target.

    Of M + n neurons, n are the target and the sets are n of the other M: by sampling without replacement the
    variance of target less mean set is n (1 + n / M), that of sets n (1 - n / M); two sets share n / M.
    """
    return float(np.sqrt((1 + shared) / (1 - shared)))


def _even(values: np.ndarray, random: np.random.Generator) -> float:
    apart = np.abs(values - values.mean())
    above, level = (apart > apart[0] + 1e-9).sum(), (np.abs(apart - apart[0]) <= 1e-9).sum()
    return float((above + random.random() * level) / len(values))


def _shared(sets: Sequence[ControlSet]) -> float:
    pairs = combinations([set(each.neurons) for each in sets], 2)
    return float(np.mean([2 * len(one & other) / (len(one) + len(other)) for one, other in pairs]))


def claim(setting: dict[str, Any], seed: int) -> dict[str, float]:
    """What `ablate` says of a toy's known neurons; the toys differ in the seed.

    Returns:
        `own` and `accuracy`, mean change in margin and accuracy of the target's classes; `cross`, largest
        change in margin of another class; of `tests` pairs of a target and its class how many are called
        different in margin from layer- and from displacement-matched sets.
    """
    loud = setting["switched"] == "loud"
    known = _recorded(planted(**SOUND, **(LARGE if loud else NULL), seed=seed))
    found = ablate(
        known.store,
        "tone",
        model=known.toy.model,
        targets=lambda learning: targets_of(known.toy, learning, **setting),
        controls=TOGETHER if loud else CONTROLS,
        matched=("layer", "displacement"),
        probe_seeds=1,
    )
    return _figures(found)


def targets_of(toy: Planted, learning: Learning, switched: str, gain: float) -> list[Target]:
    """The detectors or the decoys of each class, or every tenth of the loud neurons, for all classes."""
    if switched == "loud":
        return [Target("loud", tuple(learning.labeling.classes), addresses(toy.loud)[::10], gain)]
    table = toy.truth if switched == "detectors" else toy.decoys
    return [
        Target(str(name), (str(name),), addresses(rows), gain) for name, rows in table.groupby("category")
    ]


def _figures(found: Ablation) -> dict[str, float]:
    own = {(target.name, name) for target in found.targets for name in target.categories}
    effects = found.effects[found.effects["probe"] == found.probe]
    is_own = np.array([pair in own for pair in zip(effects["target"], effects["category"], strict=True)])
    margin = effects["measure"] == "margin"
    against = found.against[(found.against["probe"] == found.probe) & (found.against["measure"] == "margin")]
    called = against[against["p_adjusted"] <= 0.05]
    return {
        "own": float(effects.loc[margin & is_own, "change"].mean()),
        "accuracy": float(effects.loc[(effects["measure"] == "accuracy") & is_own, "change"].mean()),
        "cross": float(effects.loc[margin & ~is_own, "change"].abs().max()) if not is_own.all() else 0.0,
        "tests": len(own),
        **{match: sum(_pairs(called, match, own)) for match in ("layer", "displacement")},
    }


def _pairs(called: pd.DataFrame, match: str, own: set[tuple[str, str]]) -> list[bool]:
    rows = called[called["match"] == match]
    return [pair in own for pair in zip(rows["target"], rows["category"], strict=True)]
