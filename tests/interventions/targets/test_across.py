"""Neurons chosen in another recording."""

from dataclasses import replace

import numpy as np
import pytest

from otoscope.activations import record
from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.targets import Learning, Target, all_neurons, class_neurons, from_store, gains_of
from otoscope.neurons import planted
from otoscope.tasks import Labeling


@pytest.fixture(scope="module")
def other(toy, tmp_path_factory):
    """The toy's model on other clips, 24 of them."""
    settings = {"classes": 3, "detectors": 1, "units": 100, "design": "crossed", "groups": 2, "seconds": 0.5}
    clips = planted(tmp_path_factory.mktemp("clips"), seed=5, **settings).task
    return record(toy.model, replace(clips, name="others"), tmp_path_factory.mktemp("store") / "others.zarr")


def test_planted_neurons_are_found_elsewhere_and_say_where(other, learning, toy):
    found = from_store(other, "tone", class_neurons())(learning)
    planted_at = {row.category: (row.layer, row.unit) for row in toy.truth.itertuples()}
    assert {target.name: target.neurons for target in found} == {
        f"tone:{name}@others": (address,) for name, address in planted_at.items()
    }
    assert [target.categories for target in found] == [(name,) for name in learning.labeling.classes]


def test_classes_that_are_not_here_are_left_behind(other, learning):
    here = replace(learning, labeling=Labeling("loud", "loud", ("soft", "loud")))
    (found,) = from_store(other, "tone", gains_of(all_neurons(), [0.5]))(here)
    assert (found.name, found.categories) == ("tone:all x0.5@others", ())
    assert (found.of, found.at, found.level) == ("tone:all@others", "0.5", 0.5)


def test_all_clips_are_looked_at_save_test_clips(store, other, learning):
    seen = []

    def look(there):
        seen.append(there)
        return [Target("x", (), ((0, 1),))]

    from_store(other, "tone", look)(learning)
    from_store(store, "shuffled", look)(learning)  # the same clips: not those that are for the test
    elsewhere, here = seen
    assert elsewhere.rows.tolist() == list(range(len(other.clips)))
    assert elsewhere.labeling.name == "tone"
    np.testing.assert_array_equal(here.rows, learning.rows)
    assert (here.labeling.name, here.seed) == ("shuffled", learning.seed)


def test_refusals(store, other, learning, tmp_path):
    with pytest.raises(UsageError, match="no labeling 'pitch'"):
        from_store(other, "pitch", class_neurons())
    stranger = planted(tmp_path, classes=2, units=90, groups=1, clips=2, seconds=0.1)
    recorded = record(stranger.model, stranger.task, tmp_path / "stranger.zarr")
    with pytest.raises(OtoscopeError, match=r"recorded with 'planted:2.*expected the same weights"):
        from_store(recorded, "tone", class_neurons())(learning)
    none = Learning(store, learning.labeling, np.array([], dtype=np.int64))
    with pytest.raises(OtoscopeError, match="holds no clip that is not a test clip here"):
        from_store(store, "tone", class_neurons())(none)
