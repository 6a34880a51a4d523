"""What penalised probes see of an embedding: standardised, and along no more directions than matter."""

from typing import Any, Self

import numpy as np
import scipy.linalg
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["Span", "basis"]


class Span(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Coordinates in an orthonormal basis of the clips' span.

    Of use with far fewer clips than features: an L2-penalised linear map fitted on these coordinates is the
    one fitted on the features, since the penalty does not see rotations and the weights never leave the span.

    Attributes:
        directions_: shape (features, clips or fewer).
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the basis of X, shape (clips, features)."""
        del y
        self.directions_, _ = scipy.linalg.qr(np.asarray(X).T, mode="economic", check_finite=False)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Coordinates of X, shape (clips, directions)."""
        return np.asarray(X @ self.directions_)


def basis(X: np.ndarray) -> Pipeline:
    """Standardise; with fewer than half as many clips as features, rotate too: from there on it pays.

    >>> basis(np.random.default_rng(0).normal(size=(3, 20))).transform(np.zeros((1, 20))).shape
    (1, 3)
    """
    rotate = Span() if 2 * X.shape[0] < X.shape[1] else "passthrough"
    made: Pipeline = Pipeline([("scale", StandardScaler()), ("rotate", rotate)]).fit(X)
    return made
