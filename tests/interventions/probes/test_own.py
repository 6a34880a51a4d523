"""A model's own classifier in a probe's place: which of its outputs stand for which class."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions import probe_accuracy
from otoscope.interventions.probes import Fold, fit_probes
from otoscope.interventions.probes.own import own_classifier
from otoscope.models.heads import Head
from otoscope.tasks import Labeling

ROWS = np.arange(3)


def reader(outputs, classes=None, of=None):
    """A model whose head gives the embedding itself: output k is value k."""
    linear = torch.nn.Linear(outputs, outputs).double()
    with torch.no_grad():
        linear.weight.copy_(torch.eye(outputs))
        linear.bias.zero_()
    fingerprint = "" if of is None else of.info["model"]["fingerprint"]
    return SimpleNamespace(name="toy", head=Head(linear, outputs, classes), fingerprint=fingerprint)


def labeling(*classes, **settings):
    return Labeling("sound", "sound", classes, **settings)


def test_classes_are_found_by_name_and_the_others_left_out():
    model = reader(4, ("dog", "Cat", "cat", "rain"))
    own = own_classifier(model, labeling("rain", "cat"))
    np.testing.assert_array_equal(own.decision_function(np.array([[1.0, 2.0, 3.0, 4.0]])), [[4, 3]])
    np.testing.assert_array_equal(own.classes_, [0, 1])


def test_outputs_without_names_are_in_alphabetical_order():
    own = own_classifier(reader(3), labeling("b", "c", "a"))
    np.testing.assert_array_equal(own.decision_function(np.array([[1.0, 2.0, 3.0]])), [[2, 3, 1]])


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (
            reader(2, ("Dog", "cat")),
            OtoscopeError,
            "does not know dog of labeling 'sound', whose classes are dog, cat; it knows Dog, cat; expected "
            "the same names; try renaming",
        ),
        (
            reader(3),
            OtoscopeError,
            "has 3 classes without names, labeling 'sound' has 2: dog, cat; expected as",
        ),
        (
            SimpleNamespace(name="plain"),
            UsageError,
            "but 'plain' has none; expected an AST .* try probe 'log",
        ),
        (None, UsageError, "but no model has none"),
    ],
)
def test_a_head_that_does_not_know_the_classes_is_refused(model, error, message):
    with pytest.raises(error, match=message):
        own_classifier(model, labeling("dog", "cat"))


@pytest.mark.parametrize("multilabel", [False, True])
def test_it_comes_alone_and_once(store, multilabel):
    size = store.embedding.shape[1]
    classes = tuple(f"unit {k}" for k in range(size))
    of = labeling("unit 5", "unit 2", multilabel=multilabel)
    clips = store.clips.assign(sound="unit 2")
    asked = SimpleNamespace(clips=clips, embedding=store.embedding, info=store.info)
    fold = Fold(ROWS, ROWS[:0], ROWS)
    (fitted,) = fit_probes(asked, of, fold, "own", seeds=[7, 8], model=reader(size, classes, store))
    assert (fitted.name, fitted.seed, fitted.multilabel) == ("own", 7, multilabel)
    np.testing.assert_allclose(fitted.logits(store.embedding), store.embedding[:, [5, 2]], rtol=1e-6)


def test_its_accuracy_is_that_of_its_largest_output(store):
    labels = store.labeling("tone").classes
    size = store.embedding.shape[1]
    names = (*labels, *(f"unit {k}" for k in range(size - len(labels))))
    score = probe_accuracy(store, "tone", probe="own", model=reader(size, names, store))
    expected = store.embedding[:, : len(labels)].argmax(axis=1)
    named = np.array(labels)[expected]
    assert score.accuracy == (named == store.clips["tone"]).mean()
    assert (score.probe, score.beside) == ("own", ())
    with pytest.raises(OtoscopeError, match=r"probe 'own' of 'toy' was given embeddings of .* other weights"):
        probe_accuracy(store, "tone", probe="own", model=reader(size, names))
    with pytest.raises(UsageError, match="probe 'own' needs a model"):
        probe_accuracy(store, "tone", probe="own")
