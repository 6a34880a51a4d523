"""Switch class-specific neurons off and see what the classification loses, beside control sets.

The probe learns from unmodified embeddings and never changes. Its test clips are embedded again, first by
the model as it is, then with the target's neurons switched, then with as many random others, in the same
batches: every difference between conditions is due to the gains alone. The target's neurons are chosen on
other clips than these.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from otoscope import __version__
from otoscope.activations.progress import counting
from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.controls import control_sets
from otoscope.interventions.effects import Ablation, Target, margins
from otoscope.interventions.gains import Address
from otoscope.interventions.scores import Probe, fit_probe, usable
from otoscope.interventions.splits import class_index, make_splits
from otoscope.interventions.steering import embed, read_batches
from otoscope.models import load_model
from otoscope.models.base import AudioModel
from otoscope.neurons import select
from otoscope.neurons.addresses import flat_index
from otoscope.tasks.labeling import Labeling

TOLERANCE = 1e-2
"""How far, relative to its length, a clip's embedding may lie from the one that was recorded."""

Condition = Mapping[Address, float]


def ablate(
    store: Store,
    label: str,
    *,
    categories: Sequence[str] | None = None,
    neurons: Sequence[Address] | None = None,
    model: AudioModel | None = None,
    gain: float = 0.0,
    controls: int = 20,
    seed: int = 0,
    preset: str = "aape",
    batch_size: int = 16,
    probe: Probe = "logistic",
    device: torch.device | str | None = None,
    progress: bool = False,
) -> Ablation:
    """Switch neurons off; compare each class's accuracy and margin with the intact model and with controls.

    One fold is used, the first where there are several: the probe is trained, and the neurons are selected,
    on the clips outside its test set, and the test clips are read from their paths and embedded again.

    Args:
        store: a recorded store whose clips can still be read.
        label: one of its labelings, single-label.
        categories: switch off the neurons of these classes together. By default every class that has neurons
            is an experiment of its own.
        neurons: switch off these (layer, unit) pairs instead.
        model: the model that was recorded; loaded by the store's own account of it by default.
        gain: factor on the neurons: 0 is off, between 0 and 1 weaker, above 1 stronger.
        controls: number of random control sets per experiment: as many neurons in each layer as the target
            has there, none of them the target's. No p falls below 1 / (controls + 1).
        seed: of the split, the probe and the control sets.
        preset: filters that choose the class-specific neurons, see `otoscope.select`.
        batch_size: clips in a forward pass.
        probe: `logistic`, `evar`, or a scikit-learn classifier.
        device: where the model runs, "cuda" for example; where it is, by default.
        progress: show a progress bar on stderr.

    Raises:
        UsageError: an unknown labeling, class, neuron or probe, or options that exclude each other.
        OtoscopeError: nothing to switch off, another model than the recorded one, clips that changed since,
            or a layer without enough neurons for controls.
    """
    labeling = store.labeling(label)
    _check_options(labeling, categories, neurons, controls)
    index, groups = class_index(labeling, store.clips), labeling.groups(store.clips)
    splits = make_splits(labeling, store.clips, usable(store), seed=seed)
    fold = splits.folds[0]
    if neurons is not None:
        targets = [_given(neurons, store)]
    else:
        targets = _class_targets(store, labeling, categories, preset, fold.learning)
    sets = [
        [target.neurons, *control_sets(target.neurons, store.layers, controls, seed=(seed, number))]
        for number, target in enumerate(targets)
    ]
    conditions: list[Condition] = [{}, *(dict.fromkeys(each, gain) for family in sets for each in family)]
    fitted = fit_probe(probe, store.embedding, index, fold, groups, seed)
    model = _recorded_model(store, model, device)
    leads = _leads(store, model, fitted, index, fold.test, conditions, batch_size, progress)
    return Ablation(
        label=label,
        classes=labeling.classes,
        targets=tuple(targets),
        table=_table(targets, controls, leads, index[fold.test], labeling.classes),
        settings={
            "gain": gain,
            "draws": controls,
            "matching": "control sets are random, as many neurons per layer as the target, disjoint from it",
            "test": "two-sided: (1 + control sets whose change is at least as large) / (1 + control sets)",
            "seed": seed,
            "probe": probe if isinstance(probe, str) else repr(probe),
            "preset": None if neurons is not None else preset,
            "splits": splits.description,
            "fold": f"1 of {len(splits.folds)}",
            "clips": {"selection": len(fold.learning), "probe": len(fold.learning), "test": len(fold.test)},
        },
        provenance={"otoscope": __version__, "recording": dict(store.info)},
    )


def _check_options(
    labeling: Labeling, categories: Sequence[str] | None, neurons: Sequence[Address] | None, controls: int
) -> None:
    if categories is not None and neurons is not None:
        raise UsageError(
            "both categories and neurons are given; expected one: whose neurons, or which neurons"
        )
    if controls < 1:
        raise UsageError(
            f"controls is {controls}; expected at least 1 control set, 20 or more for a p below 0.05"
        )
    for name in categories or ():
        if name not in labeling.classes:
            raise UsageError(
                f"labeling {labeling.name!r} has no class {name!r}; it has {', '.join(labeling.classes)}"
            )
    if (categories is not None and not categories) or (neurons is not None and not neurons):
        raise UsageError("an empty list says nothing to switch off; expected at least one class or neuron")


def _given(neurons: Sequence[Address], store: Store) -> Target:
    for layer, unit in neurons:
        flat_index(store.layers, layer, unit)  # refuses an address that is not there
    return Target("given", (), tuple(sorted({(int(layer), int(unit)) for layer, unit in neurons})))


def _class_targets(
    store: Store, labeling: Labeling, categories: Sequence[str] | None, preset: str, rows: np.ndarray
) -> list[Target]:
    """The class-specific neurons, selected on some clips only: one target, or one per class that has any."""
    mask = np.zeros(len(store.clips), dtype=bool)
    mask[rows] = True
    found = select(store, labeling.name, preset=preset, clips=mask, permutations=0, twins=False).sets()
    wanted = (
        [tuple(dict.fromkeys(categories))]
        if categories is not None
        else [(name,) for name in labeling.classes]
    )
    targets = [
        Target("+".join(names), names, tuple(sorted(set().union(*(found[name] for name in names)))))
        for names in wanted
    ]
    kept = [target for target in targets if target.neurons]
    if not kept:
        asked = ", ".join(target.name for target in targets)
        having = ", ".join(name for name in labeling.classes if found[name]) or "none"
        raise OtoscopeError(
            f"labeling {labeling.name!r}: preset {preset!r} finds no neurons of {asked} on the clips outside "
            f"the test set; classes that have some: {having}; try other classes or another preset"
        )
    return kept


def _recorded_model(store: Store, model: AudioModel | None, device: torch.device | str | None) -> AudioModel:
    recorded = store.info["model"]
    if model is None:
        try:
            model = load_model(recorded["name"])
        except UsageError as error:
            raise OtoscopeError(
                f"{store.path} was recorded with {recorded['name']!r}, a name that finds no model here; "
                "expected the recorded model: give it in Python, ablate(store, label, model=...), or install "
                f"the package that brings its family ({error})"
            ) from error
    if model.fingerprint != recorded["fingerprint"]:
        raise OtoscopeError(
            f"{store.path} was recorded with the model {recorded['name']!r} (fingerprint "
            f"{recorded['fingerprint'][:12]}), not with {model.name!r} ({model.fingerprint[:12]}); expected "
            "the same weights and front end: give that model, or record again"
        )
    return model if device is None else model.to(device)


def _leads(
    store: Store,
    model: AudioModel,
    fitted: Any,
    index: np.ndarray,
    rows: np.ndarray,
    conditions: Sequence[Condition],
    batch_size: int,
    progress: bool,
) -> np.ndarray:
    """The margin of every test clip under every condition, the first being the unmodified model.

    Returns:
        Shape (conditions, test clips), the clips in the order of `rows`.
    """
    clips, recorded = store.clips, store.embedding
    place = {int(row): number for number, row in enumerate(rows)}
    truth = np.searchsorted(fitted.classes_, index[rows])
    leads = np.full((len(conditions), len(rows)), np.nan)
    batches = read_batches(model, clips, rows, task=store.info["task"], batch_size=batch_size)
    with counting("ablating", len(rows) * len(conditions), shown=progress) as advance:
        for batch, number, embedding in embed(model, batches, conditions):
            if number == 0:
                _check_same(clips.iloc[list(batch.rows)], recorded[list(batch.rows)], embedding)
            columns = [place[row] for row in batch.rows]
            leads[number, columns] = margins(fitted.decision_function(embedding), truth[columns])
            advance(len(columns))
    return leads


def _check_same(clips: pd.DataFrame, recorded: np.ndarray, embedding: np.ndarray) -> None:
    """Refuse clips that differ from what was recorded: the probe has learnt from the latter."""
    apart = np.linalg.norm(embedding - recorded, axis=1)
    far = np.flatnonzero(apart > TOLERANCE * np.linalg.norm(recorded, axis=1))
    if len(far):
        raise OtoscopeError(
            f"{clips['path'].iloc[int(far[0])]}: the intact model's embedding of this clip is not the one "
            "that was recorded; expected the same audio: put the same file back, or record again"
        )


def _table(
    targets: Sequence[Target], controls: int, leads: np.ndarray, index: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """The tidy table of `Ablation`, from the margins; a clip is right where its own class leads."""
    frames = []
    for number, target in enumerate(targets):
        first = 1 + number * (1 + controls)
        numbers = [0, *range(first, first + 1 + controls)]
        for at, condition in enumerate(numbers):
            lead = pd.Series(leads[condition]).groupby(index)
            figures = pd.DataFrame({"clips": lead.size(), "margin": lead.mean()})
            figures["accuracy"] = lead.agg(lambda values: float((values > 0).mean()))
            figures["target"] = target.name
            figures["condition"] = ("baseline", "target")[at] if at < 2 else "control"
            figures["draw"] = max(0, at - 1)
            figures["category"] = [classes[int(k)] for k in figures.index]
            frames.append(figures)
    columns = ["target", "condition", "draw", "category", "clips", "accuracy", "margin"]
    return pd.concat(frames, ignore_index=True)[columns]
