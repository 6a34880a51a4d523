"""A trained probe, of whatever kind, as one function: embeddings in, a logit for every class out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fitted"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained probe.

    Attributes:
        name: "logistic", "evar", "own" for the model's own classifier, or a classifier as it prints itself.
        seed: of what was random in its training.
        classifier: with `classes_`, numbers of the vocabulary, and `decision_function` or `predict_proba`.
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
            with np.errstate(divide="ignore"):
                given = np.log(np.asarray(self.classifier.predict_proba(X), dtype=np.float64))
        if given.ndim == 1:
            given = np.stack([-given / 2, given / 2], axis=1)
        found[:, np.asarray(self.classifier.classes_, dtype=np.int64)] = given
        return found
