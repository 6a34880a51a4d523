"""Put selectors side by side: agreement, stability, and effect on clips not seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom

from otoscope import __version__
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.halves import halves, unit_labels, units_of
from otoscope.neurons.probability import LabelledClips, Recording, labelled_clips
from otoscope.neurons.ranks import auroc
from otoscope.neurons.rates import rates_of
from otoscope.neurons.selectors.ablated import ablated_sets, shares_of
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.causal import causal_note, saved_specificity
from otoscope.neurons.selectors.comparison import Comparison
from otoscope.neurons.selectors.ranking import Ranking, best_neurons, check_share, rankings
from otoscope.neurons.selectors.registry import named, selectors
from otoscope.neurons.selectors.whole import SPECIFIC, specific_ranking

__all__ = ["compare_selectors"]

_TRIES = 50  # draws of halves before giving up on one that holds every class
_NO_ABLATION = (
    "causal effect: not known, since no ablation of this labeling is saved; otoscope ablate makes one"
)
_OF_SETS = (
    "causal effect: of the ablated sets, not of selectors; where a selector chooses a part of a set, what "
    "the part does is not known"
)


def compare_selectors(
    store: Recording,
    label: str,
    *,
    names: Sequence[str] | None = None,
    share: float = 0.01,
    per_class: bool = False,
    repeats: int = 5,
    seed: int = 0,
    clips: NDArray[np.bool_] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare selectors on one labeling.

    Every selector takes the same share of neurons, from all clips and from each of two halves of the groups
    (of the clips, where there are no groups). What it takes from one half is measured on the other.

    Args:
        store: a recording.
        label: name of one of its labelings.
        names: selectors; all by default, and "specific". Where "specific" refuses, that is noted.
        share: share of all neurons that each takes, above 0.
        per_class: give every class as many places, see `rank`.
        repeats: number of random splits into halves.
        seed: of the splits.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        progress: told a line about each step, if given.

    Raises:
        UsageError: an unknown selector or labeling, a share that takes no neuron, no repeats.
        OtoscopeError: a class with fewer than two groups, which cannot be in both halves.
    """
    chosen = _asked(names)
    neurons = sum(layer.units for layer in store.layers)
    check_share(share)
    if round(neurons * share) < 1:
        raise UsageError(
            f"share is {share:g}: of {neurons} neurons that is none; expected {1 / neurons:.2g} or more"
        )
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}; expected 1 or more splits into halves, for example 5")
    used = labelled_clips(store, label, clips)
    splits = _splits(used, repeats, seed, label)  # before the work: they may not exist
    say = progress or _silent
    say(f"{len(chosen)} selectors on {len(used.rows)} clips")
    found, refusal = _ranked(store, used, chosen)
    sets = {name: best_neurons(each, share, per_class) for name, each in found.items()}
    rows: list[dict[str, object]] = []
    for number, split in enumerate(splits):
        say(f"halves {number + 1} of {repeats}")
        halved, refused = _halved(store, split, chosen, share, per_class, number)
        rows += halved
        refusal += refused
    order = [each.name for each in chosen]
    ablated, causal = ablated_sets(store, label), saved_specificity(store, label)
    return Comparison(
        label=label,
        classes=used.classes,
        agreement=_agreement(sets, order),
        table=_summary(chosen, sets, found, pd.DataFrame(rows), neurons),
        values=pd.DataFrame(rows),
        ablated=shares_of(sets, ablated, store.layers),
        share=share,
        per_class=per_class,
        repeats=repeats,
        notes=(
            *dict.fromkeys(refusal[:2]),
            *_empty(rows, repeats),
            *causal_note(causal),
            _OF_SETS if ablated else _NO_ABLATION,
        ),
        provenance={
            "otoscope": __version__,
            "recording": {
                what: {key: store.info.get(what, {}).get(key) for key in ("name", "fingerprint")}
                for what in ("model", "task")
            },
            "clips": len(used.rows),
            "groups": used.labeling.group,
            "seed": seed,
        },
        causal=causal,
    )


def _asked(names: Sequence[str] | None) -> list[Selector]:
    """The selectors of these names, `specific` among them; all by default."""
    asked = [SPECIFIC.name, *selectors()] if names is None else list(dict.fromkeys(names))
    if not asked:
        return named(asked)  # refuses
    return [SPECIFIC if name == SPECIFIC.name else named([name])[0] for name in asked]


def _ranked(
    store: Recording, clips: LabelledClips, chosen: Sequence[Selector]
) -> tuple[dict[str, Ranking], list[str]]:
    """What each selector makes of every neuron, and why `specific` takes none, if it refuses."""
    found = dict(rankings(store, clips, chosen))
    if SPECIFIC not in chosen:
        return found, []
    try:
        found[SPECIFIC.name] = specific_ranking(store, clips)
    except OtoscopeError as error:
        return found, [f"specific takes none: {error}"]
    return found, []


def _empty(rows: Sequence[Mapping[str, object]], repeats: int) -> list[str]:
    """Which selectors took nothing from a half, so that nothing can be said of that split."""
    names = [str(row["selector"]) for row in rows if row["held_out"] != row["held_out"]]
    return [
        f"{name}: in {names.count(name)} of {repeats} splits it took no neuron from a half; its stability "
        "and AUROC are those of the others"
        for name in dict.fromkeys(names)
    ]


def _silent(line: str) -> None:
    del line


def _splits(
    used: LabelledClips, repeats: int, seed: int, label: str
) -> list[tuple[LabelledClips, LabelledClips]]:
    """Halves of the groups, each with every class."""
    held = unit_labels(used.membership, units_of(used)).sum(axis=0)
    what = "clips" if used.groups is None else "groups"
    few = [f"{name!r} ({n})" for name, n in zip(used.classes, held.tolist(), strict=True) if n < 2]
    if few:
        raise OtoscopeError(
            f"labeling {label!r}: too few {what} of class {', '.join(few)}; expected two or more of each, "
            "one for either half; try a labeling without this class"
        )
    found = []
    for number in range(repeats):
        for attempt in range(_TRIES):
            sides = halves(used, int(np.random.SeedSequence((seed, number, attempt)).generate_state(1)[0]))
            if all(used.membership[side].any(axis=0).all() for side in sides):
                found.append((_part(used, sides[0]), _part(used, sides[1])))
                break
        else:
            raise OtoscopeError(
                f"labeling {label!r}: none of {_TRIES} random halves of its {what} has every class on both "
                f"sides; the smallest class has {held.min()} {what}; try a labeling with more of each"
            )
    return found


def _part(clips: LabelledClips, side: NDArray[np.bool_]) -> LabelledClips:
    groups = None if clips.groups is None else clips.groups[side]
    return replace(clips, rows=clips.rows[side], membership=clips.membership[side], groups=groups)


def _halved(
    store: Recording,
    split: tuple[LabelledClips, LabelledClips],
    chosen: Sequence[Selector],
    share: float,
    per_class: bool,
    number: int,
) -> tuple[list[dict[str, object]], list[str]]:
    """Stability and held-out effect of each selector in one split; and why `specific` took none."""
    both = [_ranked(store, half, chosen) for half in split]
    ranked = [each for each, _ in both]
    sets = [{name: best_neurons(each, share, per_class) for name, each in one.items()} for one in ranked]
    effects = [_held_out(store, other, ranked[at], sets[at]) for at, other in enumerate((split[1], split[0]))]
    rows: list[dict[str, object]] = [
        {
            "selector": each.name,
            "repeat": number,
            "stability": _jaccard(sets[0][each.name], sets[1][each.name]),
            "held_out": (effects[0][each.name] + effects[1][each.name]) / 2,
        }
        for each in chosen
    ]
    return rows, [f"in a half, {refused[0]}" for _, refused in both if refused]


def _held_out(
    store: Recording,
    other: LabelledClips,
    ranked: Mapping[str, Ranking],
    sets: Mapping[str, NDArray[np.int64]],
) -> dict[str, float]:
    """Mean AUROC on the other half of what each selector took from the one; NaN if it took nothing."""
    union = np.unique(np.concatenate(list(sets.values())))
    areas = auroc(rates_of(store, other.rows, union), other.membership)
    found = {}
    for name, neurons in sets.items():
        values = areas[ranked[name].category[neurons], np.searchsorted(union, neurons)]
        found[name] = float(values.mean()) if len(values) else float("nan")
    return found


def _summary(
    chosen: Sequence[Selector],
    sets: Mapping[str, NDArray[np.int64]],
    found: Mapping[str, Ranking],
    values: pd.DataFrame,
    neurons: int,
) -> pd.DataFrame:
    columns = ["stability", "held_out"]
    means = values.groupby("selector", sort=False)[columns].mean().to_dict("index")
    return pd.DataFrame(
        [
            {
                "selector": each.name,
                "about": each.about,
                "neurons": len(sets[each.name]),
                "coverage": len(np.unique(found[each.name].category[sets[each.name]]))
                / found[each.name].classes,
                "stability": means[each.name]["stability"],
                "stability_chance": _chance(len(sets[each.name]), neurons),
                "held_out": means[each.name]["held_out"],
            }
            for each in chosen
        ]
    )


def _agreement(sets: Mapping[str, NDArray[np.int64]], order: Sequence[str]) -> pd.DataFrame:
    found = pd.DataFrame(1.0, index=list(order), columns=list(order))
    for name in order:
        found.loc[name, name] = 1.0 if len(sets[name]) else np.nan
    for a, b in combinations(order, 2):
        found.loc[a, b] = found.loc[b, a] = _jaccard(sets[a], sets[b])
    return found


def _jaccard(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Shared over all; NaN where both are empty."""
    either = len(np.union1d(a, b))
    return len(np.intersect1d(a, b)) / either if either else float("nan")


def _chance(size: int, neurons: int) -> float:
    """Mean Jaccard index of two random sets of so many of all neurons; NaN for empty ones."""
    if size == 0:
        return float("nan")
    shared = np.arange(size + 1)
    return float(np.sum(hypergeom.pmf(shared, neurons, size, size) * shared / (2 * size - shared)))
