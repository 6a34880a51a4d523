"""What the selector `specific` reports: effects on the half that tests, depth, and chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.neurons.addresses import positions
from otoscope.neurons.chance import LEAST_DISTINCT, Chance, Spread
from otoscope.neurons.designs import Design
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.probability import LabelledClips, Recording
from otoscope.neurons.rates import rates_of
from otoscope.neurons.specific.halving import Halves
from otoscope.neurons.specific.pairwise import bootstrap_auroc, pairwise_auroc
from otoscope.neurons.specific.search import Found

__all__ = ["Selected", "chance_of_worlds", "selected_of", "table_of"]

_RESAMPLES = 500


@dataclass(frozen=True)
class Selected:
    """The selected neurons of one world.

    Attributes:
        neurons: their flat numbers, ascending. Shape (neurons,).
        inside: their class sets, by the labeling's classes. Shape (classes, neurons).
        p: of each neuron. Shape (neurons,).
        auroc: of each class inside, against the class outside that it is told from worst; NaN for classes
            outside. Shape (classes, neurons).
        against: that class. Shape (classes, neurons).
        probability: firing probabilities over all clips, token pooling. Shape (classes, neurons).
    """

    neurons: NDArray[np.int64]
    inside: NDArray[np.bool_]
    p: NDArray[np.float64]
    auroc: NDArray[np.float64]
    against: NDArray[np.int64]
    probability: NDArray[np.float64]

    @property
    def entropy(self) -> NDArray[np.float64]:
        """Of the firing probabilities, in nats. Shape (neurons,)."""
        return class_entropy(self.probability)

    @property
    def depth(self) -> float:
        """Mean of log(classes) - entropy, in nats; NaN without a neuron."""
        if not len(self.neurons):
            return float("nan")
        return float(np.log(len(self.inside)) - self.entropy.mean())


def selected_of(
    store: Recording,
    clips: LabelledClips,
    design: Design,
    worlds: Sequence[Halves],
    found: Sequence[Found],
    least_auroc: float,
) -> list[Selected]:
    """Step 8 in every world: of the neurons that stand, those of sufficient effect on half B.

    Args:
        store: the recording.
        clips: the clips and their labels.
        design: the units.
        worlds: classes and halves of the units in each world.
        found: what stands in each world.
        least_auroc: what the smallest pairwise area under the ROC curve must reach.
    """
    wanted = np.unique(np.concatenate([each.neurons for each in found]))
    rates = rates_of(store, clips.rows, wanted)
    tokens = np.asarray(store.layer_tokens)[clips.rows][:, positions(store.layers)[0][wanted]]
    selected = []
    for world, each in zip(worlds, found, strict=True):
        columns = np.searchsorted(wanted, each.neurons)
        auroc, against = _worst_pairs(rates[:, columns], each.inside, world, design)
        enough = np.flatnonzero(np.nanmin(auroc, axis=0, initial=1.0) >= least_auroc)
        columns = columns[enough]
        selected.append(
            Selected(
                each.neurons[enough],
                _spread(each.inside[:, enough], world, len(clips.classes), False),
                each.p[enough],
                _spread(auroc[:, enough], world, len(clips.classes), np.nan),
                _spread(against[:, enough], world, len(clips.classes), -1),
                _probability(
                    rates[:, columns], tokens[:, columns], world.label[design.unit], len(clips.classes)
                ),
            )
        )
    return selected


def _spread(values: NDArray[Any], world: Halves, classes: int, empty: object) -> NDArray[Any]:
    """Rows of the classes used, as rows of all classes of the labeling."""
    rows = np.full((classes, values.shape[1]), empty, dtype=values.dtype)
    rows[world.kept] = values
    return rows


def _worst_pairs(
    rates: NDArray[np.float32], inside: NDArray[np.bool_], world: Halves, design: Design
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each class inside, its smallest area under the ROC curve against one outside, and that class."""
    code = world.code[design.unit]
    rows = np.flatnonzero(world.held[design.unit] & (code >= 0))
    auroc = np.full(inside.shape, np.nan)
    against = np.full(inside.shape, -1, dtype=np.int64)
    for j, mine in enumerate(inside.T):
        pairs = pairwise_auroc(rates[rows, j], code[rows], len(mine))[mine][:, ~mine]
        others = np.flatnonzero(~mine)
        auroc[mine, j] = pairs.min(axis=1)
        against[mine, j] = world.kept[others[pairs.argmin(axis=1)]]
    return auroc, against


def _probability(
    rates: NDArray[np.float32], tokens: NDArray[np.integer], label: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Firing probability of each class, from whole counts, so that it is exactly the presets'."""
    member = (label == np.arange(classes)[:, None]).astype(np.float64)
    fired: NDArray[np.float64] = member @ np.rint(rates.astype(np.float64) * tokens)
    p: NDArray[np.float64] = fired / (member @ tokens.astype(np.float64))
    return p


def table_of(
    selected: Selected, store: Recording, clips: LabelledClips, design: Design, halves: Halves, seed: int
) -> pd.DataFrame:
    """One row per (neuron, class of its set), in the order of layer, unit and class."""
    index, category = np.nonzero(selected.inside.T)
    layer, unit = (axis[selected.neurons[index]] for axis in positions(store.layers))
    low, high = _intervals(selected, index, category, store, clips, design, halves, seed)
    return pd.DataFrame(
        {
            "layer": layer,
            "unit": unit,
            "category": pd.Series([clips.classes[k] for k in category], dtype="str"),
            "probability": selected.probability[category, index],
            "entropy": selected.entropy[index],
            "p": selected.p[index],
            "auroc": selected.auroc[category, index],
            "auroc_low": low,
            "auroc_high": high,
        }
    )


def _intervals(
    selected: Selected,
    index: NDArray[np.int64],
    category: NDArray[np.int64],
    store: Recording,
    clips: LabelledClips,
    design: Design,
    halves: Halves,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % percentile interval of each row's `auroc`, over resamples of the groups of half B."""
    rates = rates_of(store, clips.rows, selected.neurons)
    weights = _resamples(design, halves, np.random.default_rng([seed, 2]))
    label, held = halves.label[design.unit], halves.held[design.unit]
    low, high = np.empty(len(index)), np.empty(len(index))
    for row, (j, a) in enumerate(zip(index, category, strict=True)):
        pair = np.flatnonzero(held & ((label == a) | (label == selected.against[a, j])))
        drawn = weights[:, design.unit[pair]].astype(np.float64)
        values = bootstrap_auroc(rates[pair, j], label[pair] == a, drawn)
        low[row], high[row] = np.nanpercentile(values, [2.5, 97.5])
    return low, high


def _resamples(design: Design, halves: Halves, random: np.random.Generator) -> NDArray[np.float32]:
    """The weight of each unit of half B in each resample: drawn within classes, or crossed: whole groups."""
    weights = np.zeros((_RESAMPLES, len(halves.code)), np.float32)
    if design.name == "crossed":
        units = np.flatnonzero(halves.held)
        names, group = np.unique(design.stratum[units], return_inverse=True)
        weights[:, units] = _drawn(len(names), random)[:, group]
        return weights
    for k in halves.kept:
        units = np.flatnonzero(halves.held & (halves.label == k))
        weights[:, units] = _drawn(len(units), random)
    return weights


def _drawn(number: int, random: np.random.Generator) -> NDArray[np.float64]:
    """How much each of several things weighs in each resample: n - 1 are drawn, each for n / (n - 1).

    Source: Rao and Wu 1988, as in `otoscope.neurons.redrawing`.
    """
    drawn = random.multinomial(number - 1, np.full(number, 1 / number), size=_RESAMPLES)
    return np.asarray(drawn * (number / (number - 1)), dtype=np.float64)


def chance_of_worlds(permuted: Sequence[Selected], store: Recording, design: Design, alpha: float) -> Chance:
    """What `specific` selects under permutation: described, since every neuron has its own test."""
    layer = positions(store.layers)[0]
    rows = []
    for each in permuted:
        by_layer = np.bincount(layer[each.neurons], minlength=len(store.layers))
        rows.append(
            {
                "neurons": len(each.neurons),
                "coverage": float(each.inside.any(axis=1).mean()),
                "depth": each.depth,
                **{f"layer {number}": int(count) for number, count in enumerate(by_layer)},
            }
        )
    values = pd.DataFrame(rows)
    some = int((values["neurons"] > 0).sum())
    note = (
        f"With permuted labels the whole procedure selected a neuron in {some} of {len(permuted)} "
        f"permutations; at level {alpha:g} that should be rare. Count, coverage and depth are described, not "
        "tested: each neuron has a test of its own."
    )
    if isinstance(design.distinct, int) and design.distinct < LEAST_DISTINCT:
        note += f" The {design.name} design has only {design.distinct} distinct permutations."
    neurons, coverage, depth = (
        Spread.of(values[name].to_numpy(dtype=float)) for name in ("neurons", "coverage", "depth")
    )
    return Chance(
        design.name, design.distinct, len(permuted), neurons, coverage, depth, note=note, values=values
    )
