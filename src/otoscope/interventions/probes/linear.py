"""The linear probe of EVAR, as a scikit-learn classifier.

It asks what a linear map can read from frozen embeddings: one layer, trained with Adam at a constant rate and
stopped early. A clip has one class, or any number of them.

Two faults of the published head are not repeated: the vocabulary of classes is explicit, so
that two classes are learnt and scored like any other number of them, and the held-out clips always have
every class.
"""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from otoscope.interventions.probes.precision import mean_average_precision

HELD_OUT = 0.1


class LinearProbe(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear classifier on standardised embeddings, trained by EVAR's protocol.

    Adam (betas 0.9 and 0.999, eps 1e-8, weight decay 1e-8) minimises the cross-entropy divided by the number
    of classes, in batches of at most `batch_size`. After each epoch the accuracy on the validation clips is
    taken; the weights of the best epoch win, the last among equals, and `patience` epochs without one as
    good end it. Where a clip may have several classes the loss is the binary cross-entropy, mean over clips
    and classes, and the mean average precision takes the accuracy's place.

    The protocol is made for thousands of clips. With a hundred, its small steps end before much is learnt.

    Args:
        learning_rate: constant. EVAR's configurations have 3e-4, and 3e-5 for M2D.
        epochs: at most so many passes over the training clips.
        patience: epochs to wait for an equal or better validation accuracy.
        batch_size: clips per step.
        classes: the vocabulary, in the order of the outputs; the sorted distinct labels by default. Of an
            indicator matrix, what its columns are; their numbers by default.
        random_state: seed of the first weights, the batches and the held-out clips.

    Attributes:
        classes_: the vocabulary, shape (classes,).
        coef_: weights on the standardised embeddings, shape (classes, features).
        intercept_: shape (classes,).
        scaler_: the fitted `StandardScaler`.
        multilabel_: a clip may have several classes.
        n_iter_: epochs run.

    >>> X = np.array([[-1.0], [-2.0], [1.0], [2.0]] * 5)
    >>> probe = LinearProbe(learning_rate=0.1).fit(X, ["low", "low", "high", "high"] * 5)
    >>> probe.predict([[-3.0], [3.0]])
    array(['low', 'high'], dtype='<U4')

    Source: nttcslab/eval-audio-repr (`lineareval.py`) and daisukelab/general-learning
    (`MLP/torch_mlp_clf2.py`).
    """

    def __init__(
        self,
        learning_rate: float = 3e-4,
        *,
        epochs: int = 200,
        patience: int = 20,
        batch_size: int = 200,
        classes: Sequence[Any] | None = None,
        random_state: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.classes = classes
        self.random_state = random_state

    def fit(self, X: Any, y: Any, validation: tuple[Any, Any] | None = None) -> Self:
        """Train on embeddings X, shape (clips, features), and labels y.

        Args:
            X: training embeddings.
            y: training labels, shape (clips,); or 1 where a clip has a class, shape (clips, classes).
            validation: embeddings and labels to stop by. By default 10 % of the training clips are held out
                for it, at random, with at least one clip of every class that has two. The scaler has seen
                them, as in EVAR.

        Raises:
            ValueError: fewer than two classes, or a label outside `classes`.
        """
        self.multilabel_ = type_of_target(y) == "multilabel-indicator"
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=self.multilabel_)
        check_classification_targets(y)
        found = np.arange(y.shape[1]) if self.multilabel_ else np.unique(y)
        self.classes_ = found if self.classes is None else np.asarray(self.classes)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels have {len(self.classes_)} class; expected at least 2 classes")
        index = self._index(y)
        self.scaler_ = StandardScaler().fit(X)
        features = self.scaler_.transform(X)
        rng = np.random.default_rng(self.random_state)
        if validation is None:
            held = _held_out(index, rng)
            train = (features[~held], index[~held])
            valid = (features[held], index[held]) if held.any() else train
        else:
            X_valid = validate_data(self, validation[0], dtype=np.float64, reset=False)
            train, valid = (features, index), (self.scaler_.transform(X_valid), self._index(validation[1]))
        self._train(_tensors(*train), _tensors(*valid))
        return self

    def logits(self, X: Any) -> np.ndarray:
        """One value per class before the softmax, shape (clips, classes), also for two classes."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(self.scaler_.transform(X) @ self.coef_.T + self.intercept_)

    def decision_function(self, X: Any) -> np.ndarray:
        """The logits; for two classes, as in scikit-learn, the second's minus the first's, shape (clips,).

        Where a clip may have several classes, always the logits.
        """
        logits = self.logits(X)
        pair = len(self.classes_) == 2 and not self.multilabel_
        return logits[:, 1] - logits[:, 0] if pair else logits

    def predict(self, X: Any) -> np.ndarray:
        """The class with the largest logit, shape (clips,).

        Where a clip may have several classes, 1 for those whose logit is above 0, shape (clips, classes).
        """
        logits = self.logits(X)
        if self.multilabel_:
            return (logits > 0).astype(np.int64)
        return np.asarray(self.classes_[logits.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told that this can do."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _index(self, y: Any) -> np.ndarray:
        """The labels as what the loss takes: numbers of classes, or 0 and 1 for each."""
        if self.multilabel_:
            return np.asarray(y, dtype=np.float32)
        place = {label: k for k, label in enumerate(self.classes_.tolist())}
        unknown = sorted({str(label) for label in np.asarray(y).tolist() if label not in place})
        if unknown:
            raise ValueError(
                f"the labels {', '.join(unknown)} are not among the classes {', '.join(map(str, place))}"
            )
        return np.array([place[label] for label in np.asarray(y).tolist()])

    def _train(self, train: tuple[Tensor, Tensor], valid: tuple[Tensor, Tensor]) -> None:
        (X, y), (X_valid, y_valid) = train, valid
        generator = torch.Generator().manual_seed(self.random_state)
        weight, bias = _first_weights(X.shape[1], len(self.classes_), generator)
        # `foreach` takes both in one step: the same numbers in two thirds of the time.
        optimiser = torch.optim.Adam([weight, bias], lr=self.learning_rate, weight_decay=1e-8, foreach=True)
        best, waited, kept = -1.0, 0, (weight.detach().clone(), bias.detach().clone())
        self.n_iter_ = 0
        while self.n_iter_ < self.epochs and waited < self.patience:
            self.n_iter_ += 1
            for batch in torch.randperm(len(X), generator=generator).split(self.batch_size):  # type: ignore[no-untyped-call]
                loss = self._loss(F.linear(X[batch], weight, bias), y[batch])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            with torch.no_grad():
                score = self._score(F.linear(X_valid, weight, bias), y_valid)
            waited += 1
            if score >= best:
                best, waited, kept = score, 0, (weight.detach().clone(), bias.detach().clone())
        self.coef_, self.intercept_ = (tensor.numpy().astype(np.float64) for tensor in kept)

    def _loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """The mean over all (clip, class) cells."""
        if self.multilabel_:
            return F.binary_cross_entropy_with_logits(logits, y)
        return F.cross_entropy(logits, y) / len(self.classes_)  # -one-hot * log-softmax

    def _score(self, logits: Tensor, y: Tensor) -> float:
        if self.multilabel_:
            return mean_average_precision(logits.numpy(), y.numpy() > 0)
        return float((logits.argmax(dim=1) == y).double().mean())


def _held_out(index: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mark about a tenth of each class: at least one clip where it has two, none where it has one.

    Where a clip may have several classes, about a tenth of all, with the same end as far as it can be met.
    """
    held = np.zeros(len(index), dtype=bool)
    if index.ndim == 2:
        held[rng.choice(len(index), max(1, round(HELD_OUT * len(index))), replace=False)] = True
        for k in np.flatnonzero((index.sum(axis=0) > 1) & ~index[held].any(axis=0)):
            held[rng.choice(np.flatnonzero(index[:, k]))] = True
        for k in np.flatnonzero(index.any(axis=0) & ~index[~held].any(axis=0)):
            held[rng.choice(np.flatnonzero(index[:, k]))] = False
        return held
    for k in np.unique(index):
        rows = np.flatnonzero(index == k)
        if len(rows) > 1:
            held[rng.choice(rows, max(1, round(HELD_OUT * len(rows))), replace=False)] = True
    return held


def _tensors(features: np.ndarray, index: np.ndarray) -> tuple[Tensor, Tensor]:
    kind = np.float32 if index.ndim == 2 else np.int64
    return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(index.astype(kind))


def _first_weights(features: int, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw weights and bias as `torch.nn.Linear` does, from a generator of our own."""
    bound = 1 / math.sqrt(features)
    weight, bias = (
        torch.empty(shape).uniform_(-bound, bound, generator=generator).requires_grad_()
        for shape in ((classes, features), (classes,))
    )
    return weight, bias
