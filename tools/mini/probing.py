"""A linear probe in closed form: ridge regression on the classes, its penalty chosen within training folds.

The classes are indicator vectors; the greatest output is the answer. Solved in the clips' inner products, as
there are about as many features as clips: one product for all penalties, one Cholesky factor for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

# In units of the mean squared length of a training clip.
PENALTIES = tuple(np.geomspace(1e-3, 10, 9))


def right(features: np.ndarray, targets: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Which clips a probe gets right: tested outside its training folds, its penalty chosen inside them.

    Args:
        features: (clips, features).
        targets: class numbers from 0, (clips,).
        folds: (clips,); at least three different ones.

    Returns:
        bool (clips,).
    """
    correct = np.zeros(len(targets), dtype=bool)
    for fold in np.unique(folds):
        training, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        scores = np.zeros(len(PENALTIES))
        for held_out in np.unique(folds[training]):
            fit, judge = training[folds[training] != held_out], training[folds[training] == held_out]
            scores += (predictions(features, targets, fit, judge, PENALTIES) == targets[judge]).sum(1)
        best = max(zip(scores, PENALTIES, strict=True))[1]  # among equals the strongest
        correct[test] = predictions(features, targets, training, test, [best])[0] == targets[test]
    return correct


def predictions(
    features: np.ndarray,
    targets: np.ndarray,
    training: np.ndarray,
    test: np.ndarray,
    penalties: Sequence[float],
) -> np.ndarray:
    """Classes predicted for the test clips: (penalties, test clips)."""
    seen, unseen = standardised(features[training], features[test])
    wanted = np.eye(targets.max() + 1)[targets[training]]
    inner, across, offset = seen @ seen.T, unseen @ seen.T, wanted.mean(0)
    unit = np.trace(inner) / len(inner) * np.eye(len(inner))
    outputs = [
        across @ cho_solve(cho_factor(inner + penalty * unit), wanted - offset) + offset
        for penalty in penalties
    ]
    return np.argmax(outputs, axis=2)


def standardised(training: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with the means and deviations of the training clips taken out, in double precision."""
    mean, deviation = training.mean(0, dtype=float), training.std(0, dtype=float)
    deviation[deviation == 0] = 1
    return (training - mean) / deviation, (test - mean) / deviation
