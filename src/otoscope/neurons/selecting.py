"""Select class-specific neurons: from a recording, or from a table of firing probabilities."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import UsageError
from otoscope.neurons.addresses import positions
from otoscope.neurons.baselines import beside_twins
from otoscope.neurons.chance import Chance, chance_of, ignored_groups
from otoscope.neurons.designs import Design, DesignName, design_of
from otoscope.neurons.entropy import checked
from otoscope.neurons.evidence.size_bias import equalised, size_bias
from otoscope.neurons.filters import PRESETS, Filters, Kept, apply_filters, filters_for
from otoscope.neurons.probability import (
    LabelledClips,
    Pooling,
    Recording,
    class_probabilities,
    labelled_clips,
)
from otoscope.neurons.selection import Selection, source_of
from otoscope.neurons.specific.procedure import specific

__all__ = ["select"]


_LEAST_CLASSES = 4  # whose sizes a rank correlation says something about

RECOMMENDED = "specific"
"""The preset that a recording is selected by where none is named."""


class _Thresholds(TypedDict):
    response: float | None
    share: float | None
    assignment: float | None


def select(
    store_or_table: Recording | xr.DataArray,
    label: str | None = None,
    *,
    preset: str | None = None,
    response: float | None = None,
    share: float | None = None,
    assignment: float | None = None,
    pooling: Pooling = "token",
    clips: NDArray[np.bool_] | None = None,
    permutations: int = 100,
    seed: int = 0,
    design: DesignName | None = None,
    equalise: bool = False,
    twins: bool = True,
) -> Selection:
    """Select the class-specific neurons of a labeling, and say what chance and untrained twins give.

    Args:
        store_or_table: a recording; or firing probabilities with the dimensions layer, unit and category, of
            which there is no chance level: labels cannot be permuted in them.
        label: name of a labeling of the recording. For a table only a name to keep with the result.
        preset: "specific", which tests every neuron (see `otoscope.neurons.specific`); the three filters with
            thresholds by name, "aape", "aape-drop5" or "lape"; or any other selector, such as "auroc", which
            takes the neurons that score highest, each for its best class (see `otoscope.neurons.selectors`).
            By default "specific" for a recording; "aape" for a table, or where a threshold is given.
        response: quantile of all p that a neuron's largest p must exceed, in place of the preset's.
        share: share of all neurons to keep, in place of the preset's; 0.01 with a selector.
        assignment: quantile of all p that a pair must exceed, in place of the preset's.
        pooling: "token" or "clip", see `firing_probability`; of the filters.
        clips: which clips to use, a boolean mask of shape (clips,); all by default.
        permutations: number of label permutations behind the chance level; 0 for none.
        seed: of the permutations, and of the halves of "specific".
        design: which labels may change places, "ungrouped", "nested" or "crossed"; by default what the
            labeling and its groups show.
        equalise: draw as many clips of every class as the smallest has, so that none is chosen for being
            small; see `equalised`. Not with `clips`.
        twins: count what the same selection finds in the recording's twins, if it has any.

    Raises:
        UsageError: an unknown labeling, preset or threshold, an option that a table cannot have, or a
            threshold with "specific", which has none.
        OtoscopeError: a class without a clip, fewer than two classes, or a labeling that is neither nested
            nor crossed where `design` does not say which to take; with "specific" also several labels a clip,
            or too few groups.

    >>> p = xr.DataArray([[[0.9, 0.1], [0.5, 0.5]]], dims=("layer", "unit", "category"),
    ...                  coords={"category": ["a", "b"]})
    >>> select(p, response=0.5, share=0.5, assignment=0.5).table.round(4).to_dict("records")
    [{'layer': 0, 'unit': 0, 'category': 'a', 'probability': 0.9, 'entropy': 0.3251}]
    """
    if permutations < 0:
        raise UsageError(f"permutations is {permutations}; expected 0 or more, for example 100")
    thresholds: _Thresholds = {"response": response, "share": share, "assignment": assignment}
    given = [name for name, value in thresholds.items() if value is not None]
    if isinstance(store_or_table, xr.DataArray):
        if clips is not None or design is not None or pooling != "token" or preset == RECOMMENDED:
            raise UsageError(
                "clips, design, pooling or the preset 'specific' was given with a table of probabilities, "
                "which has no clips; expected a recording; try giving the store"
            )
        return _from_table(store_or_table, label, preset or "aape", thresholds)
    if label is None:
        raise UsageError("label is missing; expected the name of one of the recording's labelings")
    if equalise:
        if clips is not None:
            raise UsageError("clips and equalise were given; expected one of the two, since equalise draws")
        clips = equalised(store_or_table, label, seed=seed)
    name = preset or ("aape" if given or pooling != "token" else RECOMMENDED)
    if name == RECOMMENDED:
        if given or pooling != "token":
            raise UsageError(
                f"the preset 'specific' has no {' or '.join(given or ['pooling'])}; expected one of "
                f"{', '.join(PRESETS)} with it; try leaving it out, or --preset aape"
            )
        choose = partial(specific, label=label, clips=clips, seed=seed, design=design)
    elif name in PRESETS:
        choose = partial(
            _by_filters, label=label, preset=name, thresholds=thresholds, pooling=pooling, clips=clips,
            seed=seed, design=design,
        )  # fmt: skip
    else:
        _check_selector(name, given, pooling)
        choose = partial(
            _by_selector, label=label, name=name, share=0.01 if share is None else share, clips=clips,
            seed=seed, design=design,
        )  # fmt: skip
    selection = choose(store_or_table, permutations=permutations)
    bias = np.nan
    if len(selection.classes) >= _LEAST_CLASSES:
        bias = size_bias(selection.by_category, store_or_table, label, clips)
    selection = replace(
        selection,
        size_bias=None if np.isnan(bias) else bias,
        provenance={**selection.provenance, **({"equalised": True} if equalise else {})},
    )
    if not twins:
        return selection
    return beside_twins(selection, store_or_table, partial(choose, permutations=0))


def _check_selector(name: str, given: Sequence[str], pooling: Pooling) -> None:
    """Refuse a name that is no selector's, and options that selectors have not."""
    from otoscope.neurons.selectors import selectors  # which compare selections, and so import this module

    if name not in selectors():
        others = [each for each in selectors() if each not in PRESETS]
        raise UsageError(
            f"preset {name!r} not found; expected {RECOMMENDED}, {', '.join(PRESETS)}, or a selector: "
            f"{', '.join(others)}"
        )
    unknown = [each for each in given if each != "share"] + ["pooling"] * (pooling != "token")
    if unknown:
        raise UsageError(f"the selector {name!r} has no {' or '.join(unknown)}; expected share")


def _by_selector(
    store: Recording,
    label: str,
    name: str,
    share: float,
    clips: NDArray[np.bool_] | None,
    permutations: int,
    seed: int,
    design: DesignName | None,
) -> Selection:
    from otoscope.neurons.selectors import selectors
    from otoscope.neurons.selectors.choosing import chance_of_choice, choice
    from otoscope.neurons.selectors.ranking import check_share

    check_share(share)
    chosen = labelled_clips(store, label, clips)
    made = _design(chosen, label, design) if permutations else None
    found = choice(store, chosen, selectors()[name], share)
    chance = None
    if made is not None:
        chance = chance_of_choice(found, store, chosen, made, selectors()[name], share, permutations, seed)
    return _selection(store, chosen, name, None, found, chance, seed, share=share)


def _by_filters(
    store: Recording,
    label: str,
    preset: str,
    thresholds: _Thresholds,
    pooling: Pooling,
    clips: NDArray[np.bool_] | None,
    permutations: int,
    seed: int,
    design: DesignName | None,
) -> Selection:
    task = str(store.info.get("task", {}).get("name", ""))
    filters = filters_for(preset, task, **thresholds)
    chosen = labelled_clips(store, label, clips)
    made = _design(chosen, label, design) if permutations else None
    p = class_probabilities(store, chosen, pooling)
    kept = apply_filters(p, filters)
    chance = None
    if made is not None:
        chance = chance_of(
            kept,
            store,
            chosen,
            made,
            filters,
            pooling=pooling,
            permutations=permutations,
            seed=seed,
            table=p,
        )
    return _selection(store, chosen, preset, filters, (kept, p), chance, seed, pooling=pooling)


def _design(chosen: LabelledClips, label: str, design: DesignName | None) -> Design:
    """What may be permuted. It comes before the work: it may need an answer from the user."""
    made = design_of(chosen.membership, chosen.groups, name=design, label=label)
    if ignored := ignored_groups(chosen, made):
        warnings.warn(ignored, UserWarning, stacklevel=4)
    return made


def _selection(
    store: Recording,
    chosen: LabelledClips,
    preset: str,
    filters: Filters | None,
    found: tuple[Kept, NDArray[np.float64]],
    chance: Chance | None,
    seed: int,
    **settings: object,
) -> Selection:
    kept, p = found
    layer, unit = positions(store.layers)
    return Selection(
        label=chosen.labeling.name,
        classes=chosen.classes,
        preset=preset,
        filters=filters,
        table=_pairs(kept, p, layer, unit, chosen.classes),
        layers=len(store.layers),
        depth=kept.depth,
        chance=chance,
        provenance={
            "otoscope": __version__,
            "recording": source_of(store.info),
            **settings,
            "clips": len(chosen.rows),
            "seed": seed,
        },
    )


def _from_table(table: xr.DataArray, label: str | None, preset: str, thresholds: _Thresholds) -> Selection:
    filters = filters_for(preset, **thresholds)
    # Sorted, because ties are broken by address; and addresses are kept, because a table may hold a part of
    # the layers.
    ordered = checked(table).transpose("layer", "unit", "category").sortby(["layer", "unit"])
    values = ordered.to_numpy().astype(float)
    # Where layers differ in width the table is padded: a neuron without any value does not exist.
    row, column = np.nonzero(~np.isnan(values).all(axis=2))
    p = np.ascontiguousarray(values[row, column].T)
    layer, unit = (ordered[name].to_numpy() for name in ("layer", "unit"))
    classes = tuple(str(name) for name in ordered["category"].to_numpy())
    kept = apply_filters(p, filters)
    return Selection(
        label=label or str(table.attrs.get("label", "")),
        classes=classes,
        preset=preset,
        filters=filters,
        table=_pairs(kept, p, layer[row], unit[column], classes),
        layers=int(layer.max()) + 1,
        depth=kept.depth,
        chance=None,
        provenance={"otoscope": __version__, "recording": None},
    )


def _pairs(
    kept: Kept, p: NDArray[np.float64], layer: NDArray[Any], unit: NDArray[Any], classes: tuple[str, ...]
) -> pd.DataFrame:
    """One row per (neuron, class) pair, in the order of layer, unit and class."""
    index, category = np.nonzero(kept.assigned.T)
    neuron = kept.neurons[index]
    return pd.DataFrame(
        {
            "layer": layer[neuron].astype(np.int64),
            "unit": unit[neuron].astype(np.int64),
            "category": pd.Series([classes[k] for k in category], dtype="str"),
            "probability": p[category, neuron],
            "entropy": kept.entropy[index],
        }
    )
