"""A trained probe, of whatever kind, as one function: embeddings in, a logit for every class out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

__all__ = ["Fitted"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained probe.

    Attributes:
        name: "logistic", "evar", "own" for the model's own classifier, or a classifier as it prints itself.
        seed: of what was random in its training.
        classifier: with `classes_`, numbers of the vocabulary, and `decision_function` or `predict_proba`; a
            multi-label one that speaks of all classes needs no `classes_`.
        classes: size of the vocabulary.
        multilabel: a clip may have several classes: each logit speaks for itself.
    """

    name: str
    seed: int
    classifier: Any
    classes: int
    multilabel: bool = False

    def logits(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """One value a class before softmax (multi-label: before sigmoid): (clips, classes).

        Two classes have half their difference each, and a class that the probe has not learnt has minus
        infinity.
        """
        found = np.full((len(X), self.classes), -np.inf)
        if hasattr(self.classifier, "decision_function"):
            given = np.asarray(self.classifier.decision_function(X), dtype=np.float64)
        else:
            given = self._from_probabilities(self.classifier.predict_proba(X))
        if given.ndim == 1:
            given = np.stack([-given / 2, given / 2], axis=1)
        found[:, self._columns(given.shape[1])] = given
        return found

    def _from_probabilities(self, given: Any) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            if not self.multilabel:
                return np.log(np.asarray(given, dtype=np.float64))
            if isinstance(given, list):  # some classifiers give a pair of probabilities a class
                pairs = zip(given, self.classifier.classes_, strict=True)
                given = np.stack([each @ present for each, present in pairs], axis=1)
            return np.asarray(logit(given), dtype=np.float64)

    def _columns(self, number: int) -> NDArray[np.int64]:
        """Which classes the classifier's outputs speak of."""
        if self.multilabel and number == self.classes:
            return np.arange(number)
        return np.asarray(self.classifier.classes_, dtype=np.int64)
