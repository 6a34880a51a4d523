"""A model's own classifier in a probe's place, where it knows the classes of a labeling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import AudioModel
from otoscope.models.heads import Head, head_of
from otoscope.tasks.cells import some
from otoscope.tasks.labeling import Labeling

__all__ = ["OwnClassifier", "own_classifier"]


@dataclass(frozen=True, eq=False)
class OwnClassifier:
    """A model's head, of which the outputs of a labeling's classes are read.

    Attributes:
        head: of the model.
        columns: its output for each class of the labeling. Shape (classes,).
        classes_: the numbers of the classes. Shape (classes,).
    """

    head: Head
    columns: NDArray[np.int64]
    classes_: NDArray[np.int64]

    def decision_function(self, X: NDArray[np.floating]) -> NDArray[np.float64]:
        """The logit of each class, shape (clips, classes), also for two classes."""
        return self.head.logits(X)[:, self.columns]


def own_classifier(model: AudioModel | None, labeling: Labeling) -> OwnClassifier:
    """The model's own classifier, for the classes of a labeling; what else it knows is left out.

    Classes are found by name, letter for letter. A head without names is taken to have the labeling's
    classes in alphabetical order, which is EVAR's, if it has as many.

    Raises:
        UsageError: the model has no classifier of its own.
        OtoscopeError: the classifier cannot be read, or does not know the classes.
    """
    head = None if model is None else head_of(model)
    if head is None:
        name = "no model" if model is None else repr(model.name)
        raise UsageError(
            f"probe 'own' needs a model with a classifier of its own, but {name} has none; expected an AST "
            "for classification, or an M2D that EVAR fine-tuned; try probe 'logistic'"
        )
    columns = _columns(head, labeling)
    return OwnClassifier(head, columns, np.arange(len(columns)))


def _columns(head: Head, labeling: Labeling) -> NDArray[np.int64]:
    if head.classes is not None:
        place = {name: number for number, name in enumerate(head.classes)}
        if not (unknown := [name for name in labeling.classes if name not in place]):
            return np.array([place[name] for name in labeling.classes])
        raise OtoscopeError(
            f"the model's own classifier does not know {some(unknown)} of labeling {labeling.name!r}, whose "
            f"classes are {some(labeling.classes, 20)}; it knows {some(head.classes, 20)}; expected the same "
            "names; try renaming the labels of the task, or probe 'logistic'"
        )
    if head.size == len(labeling.classes):
        place = {name: number for number, name in enumerate(sorted(labeling.classes))}
        return np.array([place[name] for name in labeling.classes])
    raise OtoscopeError(
        f"the model's own classifier has {head.size} classes without names, labeling {labeling.name!r} has "
        f"{len(labeling.classes)}: {some(labeling.classes, 20)}; expected as many, in alphabetical order as "
        "EVAR has them; try the task that the model was fine-tuned on, or probe 'logistic'"
    )
