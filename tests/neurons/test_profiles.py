"""Correlations of profiles: scipy's answer, what noise does to them, errors and the round trip."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import otoscope
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons.halves import halves
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.sharing.profiles import ProfileCorrelation, profile_correlation

FEW = {"permutations": 19, "resamples": 9}


def slowly(world, mask):
    """Profiles of d' of some clips, class by class and neuron by neuron."""
    rates = (world.fired / world.tokens[:, None])[mask].astype(np.float32).astype(float)
    labels = world.clips["class"].to_numpy()[mask]
    found = []
    for name in world.labelings["class"].classes:
        a, b = rates[labels == name], rates[labels != name]
        spread = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / 2)
        found.append(
            np.divide(a.mean(axis=0) - b.mean(axis=0), spread, out=np.zeros(len(spread)), where=spread > 1e-9)
        )
    return np.array(found)


def test_it_is_what_scipy_gives_on_halves():
    world = otoscope.world(classes=3, specific=30, strength=1.5)
    one, two = (slowly(world, mask) for mask in halves(labelled_clips(world, "class"), 0))
    found = profile_correlation(world, "class", **FEW)

    def rho(a, b):
        return spearmanr(a, b).statistic

    reliability = [rho(one[k], two[k]) for k in range(3)]
    assert np.allclose(found.reliability[0], reliability, atol=1e-3)
    expected = (rho(one[0], two[1]) + rho(two[0], one[1])) / 2 / np.sqrt(reliability[0] * reliability[1])
    assert found.corrected.iloc[0, 1] == pytest.approx(expected, abs=5e-3)
    assert found.unrelated == -0.5


def test_the_same_neurons_on_other_clips_have_the_same_profiles(tmp_path):
    settings = {"classes": 4, "specific": 40, "strength": 2.0}
    found = profile_correlation(
        otoscope.world(**settings), "class", otoscope.world(**settings, draw=1), **FEW
    )
    assert np.diag(found.corrected) == pytest.approx(1, abs=0.2)
    assert (np.diag(found.q) <= 0.05).all()
    assert not found.marks.to_numpy()[~np.eye(4, dtype=bool)].all()
    found.save(tmp_path)
    assert ProfileCorrelation.load(tmp_path).document() == found.document()


def test_profiles_of_noise_have_no_correlation():
    found = profile_correlation(
        otoscope.world(strength=0.0, correlation=0.0, group_effect=0.0), "class", **FEW
    )
    assert found.corrected.isna().all().all()
    assert "Reliability below 0.1" in found.note


def test_errors(tmp_path):
    with pytest.raises(UsageError, match="permutations is 0"):
        profile_correlation(otoscope.world(), "class", permutations=0)
    with pytest.raises(OtoscopeError, match="of different models"):
        profile_correlation(otoscope.world(), "class", otoscope.world(seed=1))
    with pytest.raises(OtoscopeError, match=r"holds no profiles\.json"):
        ProfileCorrelation.load(tmp_path)
