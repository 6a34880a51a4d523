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
from otoscope.activations.again import recorded_model
from otoscope.activations.store import Store
from otoscope.errors import UsageError
from otoscope.interventions.changes import Address, Clamp, Directions, Gain, Patch
from otoscope.interventions.controls import ControlSet, Pool, draw_controls
from otoscope.interventions.controls.drawing import MATCHES, Match
from otoscope.interventions.effects import Ablation, Detectable, Heard, check_tested, collect, detectable
from otoscope.interventions.experiment import Condition, hear
from otoscope.interventions.outcomes import Judge
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.probes.fitting import Probe, fit_probes, usable
from otoscope.interventions.probes.splits import make_splits, thinned, truth_of
from otoscope.interventions.running import Changes
from otoscope.interventions.targets import Learning, Maker, Target, class_neurons, draw_donors, given, unique
from otoscope.models.base import AudioModel

__all__ = ["MATCHED", "How", "ablate"]

How: TypeAlias = Literal["gain", "mean", "clamp", "resample", "patch"]
"""What is done to the neurons: multiplied by a gain; held at their mean activation, or at a value; given the
activations of a random other clip, or of one of the target's class."""

MATCHED: tuple[Match, ...] = ("layer", "rate", "displacement", "neighbour")
"""The kinds of control sets that are drawn where none are named."""


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
    clips: int | None = None,
    seed: int = 0,
    preset: str = "aape",
    batch_size: int = 16,
    probe: Probe = "logistic",
    probe_seeds: int = 3,
    device: torch.device | str | None = None,
    cache: str | Path | None = None,
    say: Callable[[str], object] = lambda _: None,
    progress: bool = False,
) -> Ablation:
    """Switch neurons off; compare what each class loses with the intact model and with control sets.

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
        how: what is done to the neurons: "gain" multiplies them, "mean" holds them at their mean activation,
            "clamp" at a value, "resample" gives them the activations of a random other clip, "patch" those of
            a clip of the target's class.
        gain: factor on the neurons: 0 is off, between 0 and 1 weaker, above 1 stronger; with how="clamp" the
            value that they are held at.
        controls: number of control sets of each kind. No p falls below 1 / (controls + 1).
        matched: kinds of control sets, see `otoscope.interventions.controls`.
        clips: hear at most so many of the test clips, of all classes alike; by default all.
        seed: of the split, the probes and the control sets.
        preset: what chooses the class-specific neurons, see `otoscope.select`.
        batch_size: clips in a forward pass.
        probe: the probe that counts: `logistic`, `evar`, `own` for the model's own classifier, or a
            scikit-learn classifier. Of `logistic` and `evar` the other is trained beside it.
        probe_seeds: how often each probe is trained.
        device: where the model runs, "cuda" for example; where it is, by default.
        cache: a folder that keeps outcomes as they come: a call that was stopped goes on where it was, and
            one with more control sets hears only those that are new.
        say: told, before the work, what can be seen with so many test clips.
        progress: show a progress bar on stderr.

    Raises:
        UsageError: an unknown labeling, class, neuron or probe, or options that exclude each other.
        OtoscopeError: nothing to switch off, another model than the recorded one, clips that changed since, a
            class without a test clip, or a layer without enough neurons for controls.
    """
    labeling = store.labeling(label)
    make = _maker(categories, neurons, targets, preset, gain)
    _check_options(controls, matched, probe_seeds)
    model = recorded_model(store, model, device)
    truth, groups = truth_of(labeling, store.clips), labeling.groups(store.clips)
    splits = make_splits(labeling, store.clips, usable(store), seed=seed)
    fold, dealt = splits.folds[0], splits.description
    if clips is not None and clips < len(fold.test):
        dealt += f", {clips} of {len(fold.test)} test clips"
        fold = thinned(fold, truth, groups, clips, seed=seed)
    chosen = unique(make(Learning(store, labeling, fold.learning, seed)))
    check_tested(chosen, truth[fold.test], labeling.classes, dealt)
    donors = draw_donors(how, chosen, truth, fold.learning, fold.test, seed, classes=labeling.classes)
    probes = fit_probes(store, labeling, fold, probe, seeds=range(seed, seed + probe_seeds), model=model)
    visible = _visible(probes[0], store.embedding[fold.test], truth[fold.test], labeling.classes, controls)
    for sentence in visible.sentences:
        say(sentence)
    spread = store.embedding[fold.learning].std(axis=0, dtype=np.float64)
    pool = Pool(store, fold.learning, model, spread, batch_size)
    conditions, notes = _conditions(chosen, pool, how, matched, controls, seed)
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
    unit = fold.test if groups is None else groups[fold.test]
    heard = Heard(label, labeling.classes, chosen, conditions, outcomes, probes, truth[fold.test], unit)
    settings = {
        "how": how,
        "gain": gain,
        "draws": controls,
        "matched": list(matched),
        "seed": seed,
        "probe": probe if isinstance(probe, str) else repr(probe),
        "probe_seeds": probe_seeds,
        "preset": preset if neurons is None and targets is None else None,
        "splits": dealt,
        "fold": f"1 of {len(splits.folds)}",
        "clips": {"selection": len(fold.learning), "probe": len(fold.learning), "test": len(fold.test)},
        "detectable": visible.document(),
        "notes": notes,
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
    asked = {"categories": categories, "neurons": neurons, "targets": targets}
    named = [word for word, value in asked.items() if value is not None]
    if len(named) > 1:
        raise UsageError(
            f"both {' and '.join(named)} are given; expected one of them: whose neurons, or which neurons"
        )
    if targets is not None:
        return targets
    if neurons is not None:
        return given(neurons, level=level)
    return class_neurons(categories, preset=preset, level=level)


def _check_options(controls: int, matched: Sequence[Match], probe_seeds: int) -> None:
    if controls < 1:
        raise UsageError(
            f"controls is {controls}; expected at least 1 control set, 20 or more for a p below 0.05"
        )
    if unknown := [each for each in matched if each not in MATCHES]:
        raise UsageError(f"controls cannot be matched by {unknown[0]!r}; expected {', '.join(MATCHES)}")
    if probe_seeds < 1:
        raise UsageError(f"probe_seeds is {probe_seeds}; expected at least 1 training of each probe")


def _visible(
    probe: Fitted, embedding: NDArray[np.float32], truth: NDArray[Any], classes: Sequence[str], controls: int
) -> Detectable:
    """What so many test clips and control sets can show, from what the probe makes of the recorded clips."""
    member = truth if truth.ndim == 2 else truth[:, None] == np.arange(len(classes))
    clips = member.sum(axis=0)
    tested = np.flatnonzero(clips)
    accuracy = np.full(len(tested), np.nan)
    if truth.ndim == 1:
        hit = probe.logits(embedding).argmax(axis=1) == truth
        accuracy = np.array([hit[truth == k].mean() for k in tested])
    return detectable(
        clips[tested].tolist(), accuracy.tolist(), controls, [classes[k] for k in tested.tolist()]
    )


def _conditions(
    targets: Sequence[Target], pool: Pool, how: How, matched: Sequence[Match], controls: int, seed: int
) -> tuple[list[Condition], list[str]]:
    """The unmodified model, every target and its control sets; and how well these match.

    Targets with the same neurons, at several gains say, have the same control sets.
    """
    drawn: dict[tuple[Address, ...], list[ControlSet]] = {}
    conditions, notes = [Condition("", "intact", 0, ())], []
    for target in targets:
        if target.neurons not in drawn:
            drawn[target.neurons], remarks = draw_controls(pool, target.neurons, matched, controls, seed=seed)
            notes += [f"{target.of or target.name}: {remark}" for remark in remarks]
        switched = _changes(how, target, target.neurons, pool)
        conditions.append(Condition(target.name, "target", 0, switched))
        for each in drawn[target.neurons]:
            switched = _controlled(how, target, each, pool)
            conditions.append(Condition(target.name, each.match, each.draw, switched))
    return conditions, notes


def _changes(how: How, target: Target, neurons: Sequence[Address], pool: Pool) -> Changes:
    """What a condition does to neurons, be they the target's or a control set's."""
    if how == "mean":
        return (Clamp(pool.mean_activations(neurons)),)
    if how == "clamp":
        return (Clamp(dict.fromkeys(neurons, target.level)),)
    if how in ("resample", "patch"):
        return (Patch(tuple(neurons), "+".join(target.categories) if how == "patch" else "any"),)
    return (Gain.of(neurons, target.level),)


def _controlled(how: How, target: Target, drawn: ControlSet, pool: Pool) -> Changes:
    """What a condition does to a control set."""
    if drawn.bases:
        return (Directions(drawn.bases, target.level if how == "gain" else 0.0),)
    return _changes(how, target, drawn.neurons, pool)
