"""The quick probe where a clip may have several classes: a regularised logistic regression for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline

from otoscope.interventions.probes.basis import basis
from otoscope.interventions.probes.logistic import FINE, INNER_FOLDS, ROUGH, STRENGTHS

__all__ = ["OneVsRest", "one_vs_rest"]

# As scikit-learn's logistic regression searches.
_SEARCH = {"maxiter": 1000, "maxls": 50, "ftol": 64 * np.finfo(float).eps}


@dataclass(frozen=True, eq=False)
class OneVsRest:
    """Fitted logistic regressions, one a class.

    Attributes:
        classes_: numbers of the classes that were learnt. Shape (learnt,).
        strengths: C, the inverse strength of the penalty, of each class. Shape (learnt,).
        basis: standardises and rotates embeddings.
        weights: shape (values of the basis + 1, learnt); the last row is the intercepts.
    """

    classes_: np.ndarray
    strengths: np.ndarray
    basis: Pipeline
    weights: np.ndarray

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """The logit of each learnt class, shape (clips, learnt)."""
        return _logits(self.basis.transform(np.asarray(X, dtype=np.float64)), self.weights)


def one_vs_rest(
    X: np.ndarray, member: np.ndarray, groups: np.ndarray | None, *, seeds: Sequence[int]
) -> list[OneVsRest]:
    """Fit an L2-penalised logistic regression for every class, once a seed; each C is the one of `STRENGTHS`
    with the least log loss.

    C is judged by cross-validation inside the clips given, which keeps groups whole, and ties go to the
    stronger penalty. With a single group (or clip) there is no inner fold, and C is the middle of the grid.
    Seeds that choose the same C share one fit, which nothing else decides.

    Args:
        X: embeddings, shape (clips, features).
        member: which clip bears which class, bool, shape (clips, classes). A class without a clip is not
            learnt.
        groups: group of each clip, shape (clips,); None where clips stand for themselves.
        seeds: of the inner folds.

    >>> X = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    >>> bears = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    >>> (probe,) = one_vs_rest(X, bears, None, seeds=[0])
    >>> (probe.decision_function(np.array([[-3.0], [3.0]]))[:, 0] > 0).tolist()
    [True, False]
    """
    X = np.asarray(X, dtype=np.float64)
    learnt = np.flatnonzero(member.any(axis=0))
    signs = np.where(member[:, learnt], 1.0, -1.0)
    chosen = [_choose(X, signs, groups, seed) for seed in seeds]
    made = basis(X)
    features = made.transform(X)
    fits: dict[bytes, OneVsRest] = {}
    for strengths in chosen:
        if (key := strengths.tobytes()) not in fits:
            fits[key] = OneVsRest(learnt, strengths, made, _fit(features, signs, strengths, FINE))
    return [fits[strengths.tobytes()] for strengths in chosen]


def _choose(X: np.ndarray, signs: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """C of each class, shape (classes,)."""
    folds = min(INNER_FOLDS, len(X) if groups is None else len(np.unique(groups)))
    if folds < 2:
        return np.full(signs.shape[1], STRENGTHS[len(STRENGTHS) // 2])
    dealer = KFold if groups is None else GroupKFold
    losses = np.zeros((len(STRENGTHS), signs.shape[1]))
    for train, test in dealer(folds, shuffle=True, random_state=seed).split(X, None, groups):
        made, weights = basis(X[train]), None
        features, features_test = made.transform(X[train]), made.transform(X[test])
        for number, strength in enumerate(STRENGTHS):  # every fit starts where the last one ended
            weights = _fit(features, signs[train], strength, ROUGH, weights)
            losses[number] += np.logaddexp(0, -signs[test] * _logits(features_test, weights)).sum(axis=0)
    return np.asarray(np.array(STRENGTHS)[losses.argmin(axis=0)])


def _logits(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(features @ weights[:-1] + weights[-1])


def _fit(
    features: np.ndarray,
    signs: np.ndarray,
    strength: float | np.ndarray,
    tolerance: float,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Minimise, for all classes at once, the mean log loss plus the penalty, scaled as in scikit-learn.

    The classes have nothing to do with one another; together they take one matrix product a step.
    """
    clips, shape = len(signs), (features.shape[1] + 1, signs.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        lead = signs * _logits(features, weights)
        pull = weights[:-1] / (strength * clips)
        slope = -signs * expit(-lead) / clips
        gradient = np.vstack([features.T @ slope + pull, slope.sum(axis=0)])
        return float(np.logaddexp(0, -lead).sum() / clips + (pull * weights[:-1]).sum() / 2), gradient.ravel()

    begin = np.zeros(shape) if start is None else start
    options: Any = {**_SEARCH, "gtol": tolerance}
    found = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)
