"""The quick probe: regularised logistic regression whose strength is chosen on the training clips."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from otoscope.interventions.probes.basis import basis

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""The grid of C, the inverse strength of the penalty; features are standardised."""

INNER_FOLDS = 3
ROUGH, FINE = 3e-4, 1e-5
"""Where the search for the minimum ends (largest slope): to choose C, and for the probe that is kept."""


def logistic_probe(
    X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None, *, seed: int = 0
) -> Pipeline:
    """Fit a standardising, L2-penalised logistic regression; C is the one of `STRENGTHS` with the least log
    loss.

    C is judged by cross-validation inside the clips given, which keeps groups whole, and ties go to the
    stronger penalty. Where a class has a single group (or clip), no inner fold can test it, and C is the
    middle of the grid.

    Args:
        X: embeddings, shape (clips, features).
        y: classes, shape (clips,), at least two distinct.
        groups: group of each clip, shape (clips,); None where clips stand for themselves.
        seed: of the inner folds.

    Returns:
        A fitted scikit-learn pipeline with `classes_`, `predict` and `decision_function`.

    >>> X = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    >>> logistic_probe(X, np.array(["low", "low", "high", "high"])).predict([[-3.0], [3.0]])
    array(['low', 'high'], dtype='<U4')
    """
    (probe,) = logistic_probes(X, y, groups, seeds=[seed])
    return probe


def logistic_probes(
    X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, *, seeds: Sequence[int]
) -> list[Pipeline]:
    """One `logistic_probe` a seed; seeds that choose the same C share one fit, which nothing else decides."""
    X = np.asarray(X, dtype=np.float64)  # in float32 the search for the minimum may get stuck on rounding
    chosen = [_choose(X, y, groups, seed) for seed in seeds]
    made = basis(X)
    features = made.transform(X)
    fits = {strength: _model(strength, FINE).fit(features, y) for strength in dict.fromkeys(chosen)}
    return [Pipeline([*made.steps, ("classify", fits[strength])]) for strength in chosen]


def _choose(X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, seed: int) -> float:
    unit = np.arange(len(y)) if groups is None else groups
    folds = min(INNER_FOLDS, min(len(np.unique(unit[y == k])) for k in np.unique(y)))
    if folds < 2:
        return STRENGTHS[len(STRENGTHS) // 2]
    dealer = StratifiedKFold if groups is None else StratifiedGroupKFold
    losses = np.zeros(len(STRENGTHS))
    for train, test in dealer(folds, shuffle=True, random_state=seed).split(X, y, groups):
        known = test[np.isin(y[test], y[train])]  # a fold of groups may hold all clips of a class
        if len(known) and len(np.unique(y[train])) > 1:
            losses += _path(X[train], y[train], X[known], y[known])
    return STRENGTHS[int(losses.argmin())]


def _path(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> np.ndarray:
    """Summed log loss on the test clips for each strength, every fit starting where the last one ended."""
    made = basis(X)
    features, features_test = made.transform(X), made.transform(X_test)
    model = _model(STRENGTHS[0], ROUGH).set_params(warm_start=True)
    losses = []
    for strength in STRENGTHS:
        model.set_params(C=strength).fit(features, y)
        probabilities = model.predict_proba(features_test)
        losses.append(log_loss(y_test, probabilities, labels=model.classes_, normalize=False))
    return np.array(losses)


def _model(strength: float, tolerance: float) -> LogisticRegression:
    # Newton's method: L-BFGS takes many hundred steps where classes are hard to tell and the penalty is weak.
    return LogisticRegression(C=strength, solver="newton-cg", max_iter=1000, tol=tolerance)
