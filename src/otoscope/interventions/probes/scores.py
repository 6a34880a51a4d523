"""What a linear probe can read from a store's clip embeddings, with its interval and the chance level."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from otoscope import __version__
from otoscope.activations.store import Store
from otoscope.interventions.probes.fitting import Probe, fit_probes, usable
from otoscope.interventions.probes.intervals import group_interval, precision_interval
from otoscope.interventions.probes.precision import average_precision, mean_average_precision
from otoscope.interventions.probes.splits import make_splits, truth_of
from otoscope.models.base import AudioModel

__all__ = ["ProbeScore", "probe_accuracy"]


@dataclass(frozen=True)
class ProbeScore:
    """How well a probe tells the classes of clips that it has not learnt from.

    Attributes:
        label: the labeling.
        classes: its classes.
        probe: which probe.
        measure: what `score` is: "accuracy", the share of all test clips, over all folds, that the probe gets
            right; of a multi-label labeling "mAP", the mean over classes of the average precision on the
            test clips of all folds together.
        score: 0 to 1.
        interval: central 95 % of the score when groups (clips, where there are none) are drawn again with
            replacement; it covers the choice of test clips, not of training clips.
        chance: what needs no embedding: the accuracy of always naming the most frequent class; of a
            multi-label labeling the mean share of clips that bear a class, the expected average precision of
            random scores.
        fold_scores: the score on each fold's test clips; EVAR reports their mean.
        splits: how the clips were split.
        predictions: one row per test clip: `clip`, `group`, `fold`, `category`, `predicted`, `correct`; of a
            multi-label labeling one per test clip and class: `clip`, `group`, `fold`, `category`, `present`,
            `logit`.
        provenance: which model, task, settings and version the store is of.
        beside: of `logistic` and `evar`, the other one's score on the same folds.
    """

    label: str
    classes: tuple[str, ...]
    probe: str
    measure: Literal["accuracy", "mAP"]
    score: float
    interval: tuple[float, float]
    chance: float
    fold_scores: tuple[float, ...]
    splits: str
    predictions: pd.DataFrame
    provenance: dict[str, Any]
    beside: "tuple[ProbeScore, ...]" = ()

    @property
    def accuracy(self) -> float:
        """The accuracy; NaN for a multi-label labeling, where a clip is not simply right or wrong."""
        return self.score if self.measure == "accuracy" else float("nan")

    @property
    def n(self) -> int:
        """Number of test clips, over all folds."""
        rows = len(self.predictions)
        return rows if self.measure == "accuracy" else rows // len(self.classes)

    @property
    def per_category(self) -> pd.DataFrame:
        """One row per class: `category`, `clips` (in test) and `accuracy` or, of a multi-label labeling,
        `average_precision` (NaN without a clip).
        """
        by_class = self.predictions.groupby("category", observed=True)
        if self.measure == "accuracy":
            sizes, name, found = by_class["correct"].size(), "accuracy", by_class["correct"].mean()
        else:
            sizes, name = by_class["present"].sum(), "average_precision"
            values = {
                of: average_precision(rows["logit"].to_numpy(), rows["present"].to_numpy())[0]
                for of, rows in by_class
            }
            found = pd.Series(values, dtype=float)
        table = pd.DataFrame({"clips": sizes, name: found}).reindex(list(self.classes))
        table["clips"] = table["clips"].fillna(0).astype(int)
        return table.rename_axis("category").reset_index()

    def document(self) -> dict[str, Any]:
        """All but the single clips, as one JSON document; the score is under the name of its measure."""
        by_category = self.per_category.set_index("category").to_dict("index")
        return {
            "label": self.label,
            "classes": list(self.classes),
            "probe": self.probe,
            "measure": self.measure,
            **self._figures(),
            "chance": self.chance,
            "n": self.n,
            "by_category": {str(name): values for name, values in by_category.items()},
            "splits": self.splits,
            "by_probe": {each.probe: each._figures() for each in (self, *self.beside)},
            "provenance": self.provenance,
        }

    def _figures(self) -> dict[str, Any]:
        return {
            self.measure: self.score,
            "interval": list(self.interval),
            f"fold_{self.measure}": list(self.fold_scores),
        }

    def _repr_html_(self) -> str:
        return str(pd.DataFrame(self.per_category).to_html(index=False, float_format="{:.3f}".format))


def probe_accuracy(
    store: Store,
    label: str,
    *,
    probe: Probe = "logistic",
    seed: int = 0,
    model: AudioModel | None = None,
) -> ProbeScore:
    """Train a probe on a store's embeddings and judge it on the test clips of every fold.

    Args:
        store: a recorded store.
        label: one of its labelings, single-label or multi-label.
        probe: `logistic`, tuned on the training clips; `evar`, the protocol of EVAR, with its head for two
            classes repaired (see `LinearProbe`); `own`, the model's own classifier, which is not trained
            here; or a scikit-learn classifier. Of `logistic` and `evar` the other is judged beside it.
        seed: of folds, probe and interval.
        model: the model that was recorded, for its own classifier.

    Raises:
        UsageError: no such labeling or probe.
        OtoscopeError: a labeling or split on which no probe can be judged.
    """
    labeling = store.labeling(label)
    truth, groups = truth_of(labeling, store.clips), labeling.groups(store.clips)
    splits = make_splits(labeling, store.clips, usable(store), seed=seed)
    embedding = store.embedding
    logits: dict[str, list[np.ndarray]] = {}
    for fold in splits.folds:
        for fitted in fit_probes(store, labeling, fold, probe, seeds=[seed], model=model):
            logits.setdefault(fitted.name, []).append(fitted.logits(embedding[fold.test]))
    rows = np.concatenate([fold.test for fold in splits.folds])
    about = pd.DataFrame(
        {
            "clip": store.clips["clip"].to_numpy()[rows],
            "group": rows if groups is None else groups[rows],
            "fold": np.repeat(range(len(splits.folds)), [len(fold.test) for fold in splits.folds]),
        }
    )
    provenance = {"otoscope": __version__, "recording": dict(store.info), "seed": seed}
    judge = _precisions if labeling.multilabel else _accuracy
    scores = [
        ProbeScore(
            label=label,
            classes=labeling.classes,
            probe=name,
            splits=splits.description,
            provenance=provenance,
            **judge(np.concatenate(parts), truth[rows], about, labeling.classes, seed),
        )
        for name, parts in logits.items()
    ]
    return replace(scores[0], beside=tuple(scores[1:]))


def _accuracy(
    logits: np.ndarray, truth: np.ndarray, about: pd.DataFrame, classes: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """What a probe gets right of clips with one class each."""
    predicted, names = logits.argmax(axis=1), np.array(classes, dtype=object)
    hit = predicted == truth
    predictions = about.assign(category=names[truth], predicted=names[predicted], correct=hit)
    return {
        "measure": "accuracy",
        "score": float(hit.mean()),
        "interval": group_interval(hit, about["group"].to_numpy(), seed=seed),
        "chance": float(np.bincount(truth).max() / len(truth)),
        "fold_scores": tuple(float(mean) for mean in predictions.groupby("fold")["correct"].mean()),
        "predictions": predictions,
    }


def _precisions(
    logits: np.ndarray, member: np.ndarray, about: pd.DataFrame, classes: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """How far up a probe ranks the clips of each class."""
    clips, size = member.shape
    long = about.loc[about.index.repeat(size)].reset_index(drop=True)
    category = pd.Categorical(np.tile(np.array(classes, dtype=object), clips), list(classes))
    tested = member.any(axis=0)
    folds = about["fold"].to_numpy()
    groups = about["group"].to_numpy()
    return {
        "measure": "mAP",
        "score": mean_average_precision(logits, member),
        "interval": precision_interval(logits[:, tested], member[:, tested], groups, seed=seed),
        "chance": float(member[:, tested].mean()),
        "fold_scores": tuple(
            mean_average_precision(logits[folds == number], member[folds == number])
            for number in np.unique(folds)
        ),
        "predictions": long.assign(category=category, present=member.ravel(), logit=logits.ravel()),
    }
