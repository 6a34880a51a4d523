"""Experiments go on where they were stopped: what is known is not heard again, and nothing is made up."""

import io
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from otoscope.errors import OtoscopeError
from otoscope.interventions import Gain, Patch
from otoscope.interventions import experiment as room
from otoscope.interventions.experiment import Condition, hear
from otoscope.interventions.outcomes import Judge
from otoscope.interventions.probes.fitted import Fitted

INTACT = Condition("", "intact", 0, ())
SETS = [[(0, 3)], [(1, 5), (2, 7)], [(2, 0)], [(0, 1), (0, 2)]]
CONDITIONS = [INTACT, *(Condition("a", "layer", n, (Gain.of(each),)) for n, each in enumerate(SETS, 1))]
CLASSES = ("200 Hz", "400 Hz", "600 Hz")


class Readout:
    """A probe that reads some values of the embedding."""

    classes_ = np.arange(3)

    def __init__(self, first=0):
        self.first = first

    def decision_function(self, X):
        return np.asarray(X[:, self.first : self.first + 3], dtype=np.float64)


@pytest.fixture
def experiment(store, toy):
    """Hear 20 clips of the toy, as it likes."""
    rows = list(range(0, len(store.clips), 3))[:20]
    truth = np.arange(len(store.clips)) % 3

    def run(conditions=CONDITIONS, cache=None, first=0, **options):
        judge = Judge([Fitted("readout", 0, Readout(first), 3)], truth, np.ones(toy.model.embedding_size))
        options = {"batch_size": 6, "classes": CLASSES} | options
        return hear(toy.model, store, rows, conditions, judge, cache=cache, **options)

    return run


@pytest.fixture
def passes(toy, monkeypatch):
    """Counts forward passes, and fails in the one whose number is set."""

    class Passes:
        count = 0
        fail_at = 0

    forward, passes = toy.model.forward, Passes()

    def counted(chunk):
        passes.count += 1
        if passes.count == passes.fail_at:
            raise KeyboardInterrupt
        return forward(chunk)

    monkeypatch.setattr(toy.model, "forward", counted)
    return passes


def test_batches_do_not_matter_and_rows_keep_their_order(experiment):
    xr.testing.assert_allclose(experiment(), experiment(batch_size=1), atol=1e-5)


def test_conditions_that_change_the_same_are_heard_once(experiment, passes):
    again = [*CONDITIONS, Condition("b", "target", 0, CONDITIONS[2].changes)]
    found = experiment(again)
    assert passes.count == 4 * len(CONDITIONS)  # batches of 6 of 20 clips
    xr.testing.assert_identical(found.isel(condition=2), found.isel(condition=5))
    xr.testing.assert_identical(found.isel(condition=slice(5)), experiment())


def test_a_run_that_was_stopped_goes_on(experiment, passes, tmp_path):
    whole = experiment()
    passes.count, passes.fail_at = 0, 12  # in the third batch
    with pytest.raises(KeyboardInterrupt):
        experiment(cache=tmp_path)
    assert [each.suffix for each in tmp_path.iterdir()] == [".npz"]
    passes.count, passes.fail_at = 0, 0
    xr.testing.assert_identical(experiment(cache=tmp_path), whole)
    assert passes.count == 2 * len(CONDITIONS)
    passes.count = 0
    xr.testing.assert_identical(experiment(cache=tmp_path), whole)
    assert passes.count == 0


def test_more_conditions_are_heard_beside_the_known_ones(experiment, passes, tmp_path):
    few = experiment(CONDITIONS[:3], cache=tmp_path)
    passes.count = 0
    more = experiment(cache=tmp_path)
    assert passes.count == 4 * 3  # the clean pass and two new ones
    xr.testing.assert_identical(more.isel(condition=slice(3)), few)
    xr.testing.assert_allclose(more, experiment(), atol=1e-6)


def test_outcomes_are_saved_on_the_way(experiment, passes, tmp_path, monkeypatch):
    """A kill leaves what was saved; nothing is left half-written beside it."""
    monkeypatch.setattr(room, "SAVE_EVERY_S", -1.0)
    saved = []
    monkeypatch.setattr(room._Kept, "save", lambda self: saved.append(int(self.done.sum())))
    experiment(cache=tmp_path)
    assert saved[:4] == [6 * 5, 12 * 5, 18 * 5, 20 * 5]


@pytest.mark.parametrize("other", [{"first": 1}, {"batch_size": 5}])
def test_what_another_experiment_kept_is_not_used(experiment, passes, tmp_path, other):
    experiment(cache=tmp_path)
    passes.count = 0
    found = experiment(cache=tmp_path, **other)
    assert passes.count > 0
    xr.testing.assert_identical(found, experiment(**other))
    passes.count = 0
    experiment(cache=tmp_path)  # nor is it lost
    assert passes.count == 0


def test_fewer_conditions_lose_nothing(experiment, passes, tmp_path):
    whole = experiment(cache=tmp_path)
    few = experiment(CONDITIONS[:2], cache=tmp_path)
    xr.testing.assert_identical(few, whole.isel(condition=slice(2)))
    experiment([INTACT, Condition("b", "target", 0, (Gain.of([(1, 1)]),))], cache=tmp_path)
    passes.count = 0
    xr.testing.assert_identical(experiment(cache=tmp_path), whole)
    assert passes.count == 0


def test_a_broken_file_is_named(experiment, tmp_path):
    experiment(cache=tmp_path)
    (path,) = tmp_path.iterdir()
    other = io.BytesIO()
    np.savez(other, something=np.zeros(3))
    for content in (b"", b"no outcomes", path.read_bytes()[:200], other.getvalue()):
        path.write_bytes(content)
        with pytest.raises(OtoscopeError, match=rf"{path.name} cannot be read .* try removing it"):
            experiment(cache=tmp_path)


def test_donors_count_among_what_outcomes_depend_on(experiment, store, passes, tmp_path):
    patched = [INTACT, Condition("a", "target", 0, (Patch(((0, 3), (2, 7)), "any"),))]
    rows = list(range(0, len(store.clips), 3))[:20]

    def donors(shift):
        return {"any": {row: (row + shift) % len(store.clips) for row in rows}}

    own = experiment(patched, donors=donors(0), cache=tmp_path)
    assert (own["displacement"] == 0).all()  # each clip is its own donor
    other = experiment(patched, donors=donors(1), cache=tmp_path)
    assert (other["displacement"][1] > 0).any()


def test_keys_are_of_what_is_changed():
    keys = [each.key for each in CONDITIONS]
    assert len(set(keys)) == len(keys)
    assert replace(CONDITIONS[1], target="b", kind="target", draw=0).key == keys[1]
