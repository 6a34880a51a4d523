"""Profiles and their bands, nearest neighbours, descriptors."""

import numpy as np
import pytest

import otoscope as oto
from otoscope.listening import examples
from otoscope.listening.examples import columns_of
from otoscope.listening.following import following
from otoscope.listening.nearest import nearest
from otoscope.listening.profiles import profiles_of


def test_profiles_are_firing_probabilities(store, detectors):
    neurons = [*(address for address, _ in detectors), (0, 0), (2, 5)]
    p, h = oto.firing_probability(store, "tone"), oto.entropy(oto.firing_probability(store, "tone"))
    for (layer, unit), profile in zip(
        neurons, profiles_of(store, "tone", list(columns_of(store, neurons)), permutations=5), strict=True
    ):
        own = p.sel(layer=layer, unit=unit)
        assert profile.table["category"].tolist() == own["category"].values.tolist()
        assert np.allclose(profile.table["probability"], own)
        assert profile.entropy == pytest.approx(float(h.sel(layer=layer, unit=unit)), nan_ok=True)


def test_bands_are_what_permuted_labels_give(store, detectors):
    """A second, slow version: every permutation by itself, clip by clip."""
    from otoscope.neurons.designs import design_of
    from otoscope.neurons.probability import labelled_clips

    (column,) = columns_of(store, [detectors[0][0]])
    (profile,) = profiles_of(store, "tone", [column], permutations=40, seed=3)
    clips = labelled_clips(store, "tone")
    design = design_of(clips.membership, clips.groups)
    random = np.random.default_rng(3)
    drawn = []
    for _ in range(40):
        labels = design.permuted(random)[design.unit]
        drawn.append(
            [
                sum(int(column.fired[clips.rows[i]]) for i in range(len(labels)) if labels[i, k])
                / sum(int(column.tokens[clips.rows[i]]) for i in range(len(labels)) if labels[i, k])
                for k in range(3)
            ]
        )
    assert np.allclose(profile.table["mean"], np.mean(drawn, axis=0))
    assert np.allclose(profile.table["low"], np.quantile(drawn, 0.025, axis=0))
    assert np.allclose(profile.table["high"], np.quantile(drawn, 0.975, axis=0))
    assert "within groups" in profile.note


def test_planted_classes_lie_above_their_band_and_shuffled_ones_mostly_do_not(store, detectors):
    columns = list(columns_of(store, [address for address, _ in detectors]))
    for (_, category), profile in zip(detectors, profiles_of(store, "tone", columns), strict=True):
        assert profile.beyond["category"].tolist() == [category]
    shuffled = profiles_of(store, "shuffled", columns)
    assert sum(len(profile.beyond) for profile in shuffled) <= 2  # of 18, where 0.45 are expected


def test_without_permutations_there_is_no_band(store):
    (profile,) = profiles_of(store, "tone", list(columns_of(store, [(0, 0)])), permutations=0)
    assert profile.table[["mean", "low", "high"]].isna().all(axis=None)
    assert profile.beyond.empty


def test_nearest_by_every_cosine(store, detectors):
    address = detectors[0][0]
    (found,) = nearest(store, list(columns_of(store, [address])), number=5)
    share = (store.fired.values / store.tokens[:, None, None]).reshape(len(store.tokens), -1)
    length = np.linalg.norm(share, axis=0)
    own = share[:, address[0] * 120 + address[1]]
    with np.errstate(invalid="ignore"):
        cosine = own @ share / length / np.linalg.norm(own)
    cosine[address[0] * 120 + address[1]] = np.nan
    best = np.sort(cosine[np.isfinite(cosine)])[::-1][:5]
    assert np.allclose(found["cosine"], best, atol=1e-5)
    assert found["address"].tolist() == [f"{a}.{b}" for a, b in zip(found.layer, found.unit, strict=True)]
    assert found["address"].iloc[0] == next(
        f"{a}.{b}" for (a, b), category in detectors[1:] if category == detectors[0][1]
    )


def test_a_dead_neuron_is_like_none(store):
    dead = int(np.flatnonzero(store.fired.sum("clip").values[0] == 0)[0])
    assert nearest(store, list(columns_of(store, [(0, dead)])))[0].empty


def test_neighbours_together_are_those_of_each_alone(store):
    columns = list(columns_of(store, [(0, 3), (2, 9), (1, 1)]))
    for column, table in zip(columns, nearest(store, columns), strict=True):
        assert table.equals(nearest(store, [column])[0])


def test_descriptors_only_where_the_store_has_been_described(toy, tmp_path):
    store = oto.record(toy.model, toy.task, tmp_path / "toy.zarr", limit=30)
    columns = list(columns_of(store, [(0, 3), (1, 4)]))
    found, told = following(store, columns)
    assert all(table.empty for table in found)
    assert told.endswith("otoscope describe toy.zarr measures loudness, pitch, brightness and spectrum.")

    described = oto.describe(store)
    found, told = following(store, columns, number=3)
    assert "otoscope acoustics toy.zarr" in told
    from scipy.stats import spearmanr

    for column, table in zip(columns, found, strict=True):
        for row in table.to_dict("records"):
            values = described[row["descriptor"]].to_numpy()
            known = np.isfinite(values)
            assert row["rho"] == pytest.approx(spearmanr(column.share[known], values[known])[0], abs=1e-5)
        assert table["rho"].abs().is_monotonic_decreasing
        assert (table["follows"] == "").all()


def test_columns_read_in_stretches_of_clips_are_the_same(store, monkeypatch):
    addresses = [(0, 3), (0, 4), (2, 9), (1, 1)]
    whole = list(columns_of(store, addresses))
    monkeypatch.setattr(examples, "_STRETCH", 7)
    for column, expected in zip(columns_of(store, addresses), whole, strict=True):
        assert (column.layer, column.unit) == (expected.layer, expected.unit)
        np.testing.assert_array_equal(column.fired, expected.fired)
        np.testing.assert_array_equal(column.peak, expected.peak)
