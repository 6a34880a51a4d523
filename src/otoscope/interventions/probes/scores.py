"""What a linear probe can read from a store's clip embeddings, with its interval and the chance level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone

from otoscope import __version__
from otoscope.activations.store import Store
from otoscope.errors import UsageError
from otoscope.interventions.probes.fitted import Fitted
from otoscope.interventions.probes.linear import LinearProbe
from otoscope.interventions.probes.logistic import logistic_probe
from otoscope.interventions.probes.splits import Fold, class_index, make_splits
from otoscope.models.base import AudioModel
from otoscope.tasks.labeling import Labeling

Probe: TypeAlias = "Literal['logistic', 'evar'] | ClassifierMixin"
"""A probe by name, or any scikit-learn classifier, `LinearProbe(learning_rate=3e-5)` for example."""

RESAMPLES = 2000


@dataclass(frozen=True)
class ProbeScore:
    """The accuracy of a probe on clips it has not learnt from.

    Attributes:
        label: the labeling.
        classes: its classes.
        probe: which probe.
        accuracy: share of all test clips, over all folds, that it gets right, 0 to 1.
        interval: central 95 % of the accuracy when groups (clips, where there are none) are drawn again with
            replacement; it covers the choice of test clips, not of training clips.
        chance: the accuracy of always naming the most frequent class.
        fold_accuracy: accuracy on each fold's test clips; EVAR reports their mean.
        splits: how the clips were split.
        predictions: one row per test clip: `clip`, `group`, `fold`, `category`, `predicted`, `correct`.
        provenance: which model, task, settings and version the store is of.
    """

    label: str
    classes: tuple[str, ...]
    probe: str
    accuracy: float
    interval: tuple[float, float]
    chance: float
    fold_accuracy: tuple[float, ...]
    splits: str
    predictions: pd.DataFrame
    provenance: dict[str, Any]

    @property
    def n(self) -> int:
        """Number of test clips, over all folds."""
        return len(self.predictions)

    @property
    def per_category(self) -> pd.DataFrame:
        """One row per class: `category`, `clips` (in test) and `accuracy` (NaN without a clip)."""
        correct = self.predictions.groupby("category")["correct"]
        table = pd.DataFrame({"clips": correct.size(), "accuracy": correct.mean()}).reindex(
            list(self.classes)
        )
        table["clips"] = table["clips"].fillna(0).astype(int)
        return table.rename_axis("category").reset_index()

    def document(self) -> dict[str, Any]:
        """All but the single clips, as one JSON document."""
        return {
            "label": self.label,
            "classes": list(self.classes),
            "probe": self.probe,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "chance": self.chance,
            "n": self.n,
            "by_category": {
                row["category"]: {"clips": row["clips"], "accuracy": row["accuracy"]}
                for row in self.per_category.to_dict("records")
            },
            "fold_accuracy": list(self.fold_accuracy),
            "splits": self.splits,
            "provenance": self.provenance,
        }

    def _repr_html_(self) -> str:
        return str(pd.DataFrame(self.per_category).to_html(index=False, float_format="{:.3f}".format))


def probe_accuracy(store: Store, label: str, *, probe: Probe = "logistic", seed: int = 0) -> ProbeScore:
    """Train a probe on a store's embeddings and judge it on the test clips of every fold.

    Args:
        store: a recorded store.
        label: one of its labelings, single-label.
        probe: `logistic`, quick and tuned on the training clips; `evar`, the protocol of EVAR; or a
            classifier.
        seed: of folds, probe and interval.

    Raises:
        UsageError: no such labeling or probe.
        OtoscopeError: a labeling or split on which no probe can be judged.
    """
    labeling = store.labeling(label)
    clips, index, groups = store.clips, class_index(labeling, store.clips), labeling.groups(store.clips)
    splits = make_splits(labeling, clips, usable(store), seed=seed)
    embedding = store.embedding
    parts = []
    for number, fold in enumerate(splits.folds):
        fitted = fit_probe(probe, embedding, index, fold, groups, seed)
        predicted = fitted.predict(embedding[fold.test])
        parts.append(pd.DataFrame({"row": fold.test, "fold": number, "predicted": predicted}))
    tested = pd.concat(parts, ignore_index=True)
    rows = tested["row"].to_numpy()
    hit = tested["predicted"].to_numpy() == index[rows]
    names = np.array(labeling.classes, dtype=object)
    unit = rows if groups is None else groups[rows]
    predictions = pd.DataFrame(
        {
            "clip": clips["clip"].to_numpy()[rows],
            "group": unit,
            "fold": tested["fold"],
            "category": names[index[rows]],
            "predicted": names[tested["predicted"].to_numpy()],
            "correct": hit,
        }
    )
    return ProbeScore(
        label=label,
        classes=labeling.classes,
        probe=probe if isinstance(probe, str) else repr(probe),
        accuracy=float(hit.mean()),
        interval=group_interval(hit, unit, seed=seed),
        chance=float(np.bincount(index[rows]).max() / len(rows)),
        fold_accuracy=tuple(float(mean) for mean in predictions.groupby("fold")["correct"].mean()),
        splits=splits.description,
        predictions=predictions,
        provenance={"otoscope": __version__, "recording": dict(store.info), "seed": seed},
    )


def usable(store: Store) -> np.ndarray:
    """Which clips were recorded: those skipped have no token. Shape (clips,)."""
    return np.asarray(store.tokens) > 0


def fit_probe(
    probe: Probe, embedding: np.ndarray, index: np.ndarray, fold: Fold, groups: np.ndarray | None, seed: int
) -> Any:
    """Fit a probe on a fold's clips outside the test set; classes are numbers of the vocabulary.

    EVAR's probe stops by the fold's validation clips where there are any; the others learn from them too.

    Raises:
        UsageError: a name that is no probe's.
    """
    if probe == "evar":
        probe = LinearProbe(random_state=seed)
    if isinstance(probe, LinearProbe) and len(fold.valid):
        validation = (embedding[fold.valid], index[fold.valid])
        vocabulary = np.unique(index[fold.learning])
        model = clone(probe).set_params(classes=vocabulary)
        return model.fit(embedding[fold.train], index[fold.train], validation=validation)
    rows = fold.learning
    if isinstance(probe, ClassifierMixin):
        return clone(probe).fit(embedding[rows], index[rows])
    if probe == "logistic":
        return logistic_probe(
            embedding[rows], index[rows], None if groups is None else groups[rows], seed=seed
        )
    raise UsageError(
        f"probe {probe!r} is not known; expected 'logistic', 'evar' or a scikit-learn classifier"
    )


def group_interval(values: np.ndarray, groups: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Central 95 % of the mean of values when whole groups are drawn again with replacement.

    Args:
        values: shape (clips,).
        groups: shape (clips,), any integers.
        seed: of the drawing.

    >>> group_interval(np.array([1.0, 1.0, 1.0]), np.array([0, 0, 1]))
    (1.0, 1.0)
    """
    _, group = np.unique(groups, return_inverse=True)
    sums, sizes = np.bincount(group, weights=values), np.bincount(group)
    rng, even = np.random.default_rng(seed), np.full(len(sizes), 1 / len(sizes))
    times = (rng.multinomial(len(sizes), even) for _ in range(RESAMPLES))  # how often each group was drawn
    low, high = np.quantile([(drawn @ sums) / (drawn @ sizes) for drawn in times], [0.025, 0.975])
    return float(low), float(high)


def fit_probes(
    store: Store,
    labeling: Labeling,
    fold: Fold,
    probe: Probe,
    *,
    seeds: Sequence[int],
    model: AudioModel,
) -> list[Fitted]:
    """Train a probe once for each seed and, of `logistic` and `evar`, the other one beside it.

    Args:
        store: the recording.
        labeling: what is told.
        fold: which clips are learnt from.
        probe: the one that counts; the first of the result are its.
        seeds: of the trainings.
        model: for its own classifier.

    Raises:
        UsageError: a name that is no probe's.
    """
    del model
    index, groups = class_index(labeling, store.clips), labeling.groups(store.clips)
    kinds: list[Probe] = [probe]
    if probe in ("logistic", "evar"):
        kinds.append("evar" if probe == "logistic" else "logistic")
    return [
        Fitted(
            kind if isinstance(kind, str) else repr(kind),
            seed,
            fit_probe(kind, store.embedding, index, fold, groups, seed),
            len(labeling.classes),
        )
        for kind in kinds
        for seed in seeds
    ]
