"""Switch neurons off and see what the classification loses, beside control sets.

The probes learn from unmodified embeddings and never change. Their test clips are embedded again, first by
the model as it is, then with the target's neurons switched, then with control sets, in the same batches:
every difference between conditions is due to the changes alone. The target's neurons are chosen on other
clips than these.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address, Clamp, Directions, Gain, Patch
from otoscope.interventions.controls import ControlSet, Pool, draw_controls
from otoscope.interventions.controls.drawing import MATCHES, Match
from otoscope.interventions.effects import Ablation, Heard, collect
from otoscope.interventions.experiment import Condition, hear
from otoscope.interventions.outcomes import Judge
from otoscope.interventions.probes.scores import Probe, fit_probes, usable
from otoscope.interventions.probes.splits import class_index, make_splits
from otoscope.interventions.running import Changes, Donors
from otoscope.interventions.targets import Learning, Maker, Target, class_neurons, given
from otoscope.models import load_model
from otoscope.models.base import AudioModel

__all__ = ["How", "ablate"]

How: TypeAlias = Literal["gain", "mean", "clamp", "resample", "patch"]
"""What is done to the neurons: multiplied by a gain; held at their mean activation, or at a value; given the
activations of a random other clip, or of one of the target's class."""

MATCHED: tuple[Match, ...] = ("layer", "rate", "displacement", "neighbour")


def ablate(
    store: Store,
    label: str,
    *,
    categories: Sequence[str] | None = None,
    neurons: Sequence[Address] | None = None,
    targets: Maker | None = None,
    model: AudioModel | None = None,
    how: How = "gain",
    gain: float = 0.0,
    controls: int = 20,
    matched: Sequence[Match] = MATCHED,
    seed: int = 0,
    preset: str = "aape",
    batch_size: int = 16,
    probe: Probe = "logistic",
    probe_seeds: int = 3,
    device: torch.device | str | None = None,
    cache: str | Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: bool = False,
) -> Ablation:
    """Switch neurons off; compare each class's accuracy and margin with the intact model and with controls.

    One fold is used, the first where there are several: the probes are trained, and the neurons are selected,
    on the clips outside its test set, and the test clips are read from their paths and embedded again.

    Args:
        store: a recorded store whose clips can still be read.
        label: one of its labelings.
        categories: switch off the neurons of these classes together. By default every class that has neurons
            is an experiment of its own.
        neurons: switch off these (layer, unit) pairs instead.
        targets: choose what to switch off in another way, see `otoscope.interventions.targets`.
        model: the model that was recorded; loaded by the store's own account of it by default.
        how: what is done to the neurons.
        gain: factor on the neurons: 0 is off, between 0 and 1 weaker, above 1 stronger; with how="clamp" the
            value that they are held at.
        controls: number of control sets of each kind. No p falls below 1 / (controls + 1).
        matched: kinds of control sets, see `otoscope.interventions.controls`.
        seed: of the split, the probes and the control sets.
        preset: what chooses the class-specific neurons, see `otoscope.select`.
        batch_size: clips in a forward pass.
        probe: the probe that counts: `logistic`, `evar`, `own` for the model's own classifier, or a
            scikit-learn classifier. Of `logistic` and `evar` the other is trained beside it.
        probe_seeds: how often each probe is trained.
        device: where the model runs, "cuda" for example; where it is, by default.
        cache: a folder that keeps outcomes as they come: a call that was stopped goes on where it was.
        say: told what can be seen, before the work, and what is done.
        progress: show a progress bar on stderr.

    Raises:
        UsageError: an unknown labeling, class, neuron or probe, or options that exclude each other.
        OtoscopeError: nothing to switch off, another model than the recorded one, clips that changed since,
            or a layer without enough neurons for controls.
    """
    labeling = store.labeling(label)
    make = _maker(categories, neurons, targets, preset, gain)
    _check_options(controls, matched, probe_seeds)
    truth, groups = class_index(labeling, store.clips), labeling.groups(store.clips)
    splits = make_splits(labeling, store.clips, usable(store), seed=seed)
    fold = splits.folds[0]
    chosen = tuple(make(Learning(store, labeling, fold.learning, seed)))
    model = _recorded_model(store, model, device)
    probes = fit_probes(store, labeling, fold, probe, seeds=range(seed, seed + probe_seeds), model=model)
    spread = store.embedding[fold.learning].std(axis=0, dtype=np.float64)
    pool = Pool(store, fold.learning, model, spread, batch_size)
    donors = _donors(how, chosen, truth, fold.learning, fold.test, seed)
    conditions, notes = [Condition("", "intact", 0, ())], list[str]()
    for target in chosen:
        conditions.append(Condition(target.name, "target", 0, _changes(how, target, target.neurons, pool)))
        sets, remarks = draw_controls(pool, target.neurons, matched, controls, seed=seed)
        notes += remarks
        conditions += [
            Condition(target.name, each.match, each.draw, _switched(how, target, each, pool)) for each in sets
        ]
    outcomes = hear(
        model,
        store,
        fold.test.tolist(),
        conditions,
        Judge(probes, truth, spread),
        classes=labeling.classes,
        batch_size=batch_size,
        donors=donors,
        cache=None if cache is None else Path(cache),
        progress=progress,
    )
    unit = np.arange(len(truth)) if groups is None else groups
    heard = Heard(
        label,
        labeling.classes,
        chosen,
        conditions,
        outcomes,
        probes,
        truth[fold.test],
        unit[fold.test],
    )
    settings = {
        "how": how,
        "gain": gain,
        "draws": controls,
        "matched": list(matched),
        "seed": seed,
        "probe": probe if isinstance(probe, str) else repr(probe),
        "probe_seeds": probe_seeds,
        "preset": preset if neurons is None and targets is None else None,
        "splits": splits.description,
        "fold": f"1 of {len(splits.folds)}",
        "clips": {"selection": len(fold.learning), "probe": len(fold.learning), "test": len(fold.test)},
        "notes": list(dict.fromkeys(notes)),
    }
    return collect(heard, settings, {"otoscope": __version__, "recording": dict(store.info)})


def _maker(
    categories: Sequence[str] | None,
    neurons: Sequence[Address] | None,
    targets: Maker | None,
    preset: str,
    level: float,
) -> Maker:
    """What chooses the targets."""
    asked = [
        word
        for word, value in (("categories", categories), ("neurons", neurons), ("targets", targets))
        if value is not None
    ]
    if len(asked) > 1:
        raise UsageError(
            f"both {' and '.join(asked)} are given; expected one: whose neurons, or which neurons"
        )
    if targets is not None:
        return targets
    return (
        class_neurons(categories, preset=preset, level=level)
        if neurons is None
        else given(neurons, level=level)
    )


def _check_options(controls: int, matched: Sequence[Match], probe_seeds: int) -> None:
    if controls < 1:
        raise UsageError(
            f"controls is {controls}; expected at least 1 control set, 20 or more for a p below 0.05"
        )
    if unknown := [each for each in matched if each not in MATCHES]:
        raise UsageError(f"controls cannot be matched by {unknown[0]!r}; expected {', '.join(MATCHES)}")
    if probe_seeds < 1:
        raise UsageError(f"probe_seeds is {probe_seeds}; expected at least 1")


def _changes(how: How, target: Target, neurons: Sequence[Address], pool: Pool) -> Changes:
    """What a condition does to neurons, be they the target's or a control set's."""
    if how == "mean":
        return (Clamp(pool.mean_activations(neurons)),)
    if how == "clamp":
        return (Clamp(dict.fromkeys(neurons, target.level)),)
    if how in ("resample", "patch"):
        return (Patch(tuple(neurons), "+".join(target.categories) if how == "patch" else "any"),)
    return (Gain.of(neurons, target.level),)


def _switched(how: How, target: Target, drawn: ControlSet, pool: Pool) -> Changes:
    if drawn.bases:
        return (Directions(drawn.bases, target.level if how == "gain" else 0.0),)
    return _changes(how, target, drawn.neurons, pool)


def _donors(
    how: How,
    targets: Sequence[Target],
    truth: NDArray[Any],
    learning: NDArray[np.int64],
    test: NDArray[np.int64],
    seed: int,
) -> Donors | None:
    """Which clip gives each test clip its activations: any, or one of the target's classes."""
    if how not in ("resample", "patch"):
        return None
    if how == "resample":
        allowed = {"any": learning}
    else:
        raise NotImplementedError
    random = np.random.default_rng(seed)
    return {
        source: dict(zip(test.tolist(), random.choice(rows, len(test)).tolist(), strict=True))
        for source, rows in allowed.items()
    }


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
