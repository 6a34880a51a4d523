"""Train a probe on a store's embeddings: which clips it learns from, with which seeds, and what beside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.base import ClassifierMixin, clone

from otoscope.activations.store import Store
from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.probes.linear import LinearProbe
from otoscope.interventions.probes.logistic import logistic_probes
from otoscope.interventions.probes.one_vs_rest import one_vs_rest
from otoscope.interventions.probes.own import own_classifier
from otoscope.interventions.probes.splits import Fold, truth_of
from otoscope.models.base import AudioModel
from otoscope.tasks.labeling import Labeling

__all__ = ["Probe", "evar_rate", "fit_probes", "usable"]

Probe: TypeAlias = "Literal['logistic', 'evar', 'own'] | ClassifierMixin"
"""A probe by name ("own" is the model's own classifier), or any scikit-learn classifier,
`LinearProbe(learning_rate=3e-5)` for example."""


def usable(store: Store) -> np.ndarray:
    """Which clips were recorded: those skipped have no token. Shape (clips,)."""
    return np.asarray(store.tokens) > 0


def evar_rate(model: str) -> float:
    """The learning rate that EVAR's configurations have for a model: 3e-5 for the family m2d, else 3e-4.

    ATST-Frame has 3e-5 too. The miniature models are a family of their own.

    Args:
        model: its name, as the store has it.

    >>> evar_rate("m2d:weights/m2d_vit_base-80x608p16x16-221006-mr7/checkpoint-300.pth")
    3e-05
    >>> evar_rate("random:m2d_vit_base-80x608p16x16-221006-mr7@1"), evar_rate("mini:ssl")
    (3e-05, 0.0003)
    """
    return 3e-5 if re.match("(random:|shuffled:)?(m2d|atst)", model) else 3e-4


def fit_probes(
    store: Store,
    labeling: Labeling,
    fold: Fold,
    probe: Probe,
    *,
    seeds: Sequence[int],
    model: AudioModel | None = None,
) -> list[Fitted]:
    """Train a probe once for each seed and, of `logistic` and `evar`, the other one beside it.

    EVAR's probe stops by the fold's validation clips where there are any; the others learn from them too. A
    scikit-learn classifier with a `random_state` is given the seed as such.

    Args:
        store: the recording.
        labeling: what is told, single-label or multi-label.
        fold: which clips are learnt from.
        probe: the one that counts; the first of the result are its.
        seeds: of the trainings. A model's own classifier is not trained here: it comes once, with the first.
        model: whose own classifier is asked for.

    Raises:
        UsageError: a name that is no probe's, or a model without a classifier of its own.
        OtoscopeError: the model's own classifier does not know the classes, or is another model's than the
            recorded one.
    """
    lesson = _Lesson(
        store.embedding,
        truth_of(labeling, store.clips),
        labeling.groups(store.clips),
        fold,
        evar_rate(store.info["model"]["name"]),
    )
    size = len(labeling.classes)
    if isinstance(probe, str) and probe == "own":
        _check_recorded(store, model)
        return [Fitted("own", seeds[0], own_classifier(model, labeling), size, labeling.multilabel)]
    kinds: list[Probe] = [probe]
    if isinstance(probe, str):
        kinds += [other for other in ("logistic", "evar") if other != probe]
    return [
        Fitted(kind if isinstance(kind, str) else repr(kind), seed, classifier, size, labeling.multilabel)
        for kind in kinds
        for seed, classifier in zip(seeds, lesson.taught(kind, seeds), strict=True)
    ]


def _check_recorded(store: Store, model: AudioModel | None) -> None:
    recorded = store.info["model"]
    if model is not None and model.fingerprint != recorded["fingerprint"]:
        raise OtoscopeError(
            f"probe 'own' of {model.name!r} was given embeddings of {recorded['name']!r}, which has other "
            "weights; expected the recorded model; try it, or record again"
        )


@dataclass(frozen=True, eq=False)
class _Lesson:
    """What there is to learn: embeddings, the truth of all clips, their groups, and which to learn from."""

    embedding: np.ndarray
    truth: np.ndarray
    groups: np.ndarray | None
    fold: Fold
    rate: float

    def taught(self, probe: Probe, seeds: Sequence[int]) -> list[Any]:
        """A probe, trained once for each seed."""
        rows = self.fold.learning
        X, y = self.embedding[rows], self.truth[rows]
        if isinstance(probe, ClassifierMixin):
            return self._classifiers(probe, seeds)
        if probe == "logistic":
            fit = one_vs_rest if self.truth.ndim == 2 else logistic_probes
            return list(fit(X, y, None if self.groups is None else self.groups[rows], seeds=seeds))
        if probe == "evar":
            return [self._stopped(LinearProbe(self.rate, random_state=seed)) for seed in seeds]
        raise UsageError(
            f"probe {probe!r} is not known; expected 'logistic', 'evar', 'own' or a scikit-learn classifier"
        )

    def _classifiers(self, probe: ClassifierMixin, seeds: Sequence[int]) -> list[Any]:
        if "random_state" not in probe.get_params():
            return [self._fitted(clone(probe))] * len(seeds)
        return [self._fitted(clone(probe).set_params(random_state=seed)) for seed in seeds]

    def _fitted(self, probe: ClassifierMixin) -> Any:
        if isinstance(probe, LinearProbe):
            return self._stopped(probe)
        rows = self.fold.learning
        return probe.fit(self.embedding[rows], self.truth[rows].astype(np.int64))

    def _stopped(self, probe: LinearProbe) -> LinearProbe:
        """EVAR's probe, stopped by the validation clips; its vocabulary is what there is to learn."""
        learning, several = self.truth[self.fold.learning], self.truth.ndim == 2
        known = np.flatnonzero(learning.any(axis=0)) if several else np.unique(learning)
        truth = self.truth[:, known] if several else self.truth
        parts = (self.fold.train, self.fold.valid) if len(self.fold.valid) else (self.fold.learning,)
        given = [(self.embedding[rows], truth[rows]) for rows in parts]
        (X, y), *validation = given
        probe.set_params(classes=known)
        return probe.fit(X, y, *validation)
