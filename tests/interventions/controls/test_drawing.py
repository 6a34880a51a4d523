"""All kinds of control sets of one target, drawn from a recorded toy whose displacement is known."""

from collections import Counter

import numpy as np
import pytest

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.controls import Pool, draw_controls
from otoscope.interventions.controls.drawing import MATCHES

TARGET = [(0, 4), (0, 9), (0, 71)]


@pytest.fixture(scope="module")
def pool(toy, store):
    rows = np.arange(0, len(store.clips), 2)
    return Pool(store, rows, toy.model, store.embedding[rows].std(axis=0, dtype=np.float64), 8)


def test_every_kind_keeps_to_the_layers_and_apart_from_the_target(pool):
    sets, _ = draw_controls(pool, TARGET, MATCHES, 5, seed=0)
    drawn = Counter(each.match for each in sets)
    assert drawn == {
        **dict.fromkeys(("layer", "rate", "displacement", "directions"), 5),
        "neighbour": 1,
        "components": 1,
    }
    assert [each.draw for each in sets if each.match == "rate"] == [1, 2, 3, 4, 5]
    for each in sets:
        if each.match in ("directions", "components"):
            assert {layer: len(basis) for layer, basis in each.bases.items()} == {0: 3}
            assert not each.neurons
        else:
            assert not set(each.neurons) & set(TARGET)
            assert {layer for layer, _ in each.neurons} == {0}
            assert len(each.neurons) == 3 or each.match == "displacement"


def test_only_what_was_asked_for_is_drawn_and_it_does_not_depend_on_the_rest(pool, toy, store):
    sets, notes = draw_controls(pool, TARGET, MATCHES, 5, seed=0)
    fresh = Pool(store, pool.rows, toy.model, pool.spread, 8)
    alone, note = draw_controls(fresh, TARGET, ["displacement"], 5, seed=0)
    assert [each.neurons for each in alone] == [e.neurons for e in sets if e.match == "displacement"]
    assert note == notes
    assert len(note) == 1
    assert draw_controls(fresh, TARGET, [], 5, seed=0) == ([], [])


def test_fewer_draws_are_the_first_of_more(pool):
    kinds = ("layer", "rate")
    long, short = (draw_controls(pool, TARGET, kinds, draws, seed=1)[0] for draws in (6, 2))
    for kind in kinds:
        first = [each.neurons for each in long if each.match == kind][:2]
        assert [each.neurons for each in short if each.match == kind] == first


def test_where_the_embedding_is_the_activations_displacement_is_their_standardised_mean(pool, store):
    units = np.argsort(-pool.spread[:100])[:3].tolist()
    pilot = pool.pilot(0)
    (found,) = pilot.displacements([[(0, unit) for unit in units]])
    rows = [row for batch in pilot.batches for row in batch.rows]
    columns = store.embedding[rows][:, units]  # all layers side by side, layer 0 first
    expected = np.linalg.norm(columns / pool.spread[units], axis=1).mean()
    assert found == pytest.approx(expected, rel=1e-4)
    assert pool.pilot(0) is pilot


def test_rates_and_means_are_those_of_all_tokens(pool, store):
    fired = store.fired.to_numpy()[pool.rows].astype(float)
    tokens = store.tokens[pool.rows]
    assert pool.rates[0] == pytest.approx(fired[:, 0].sum(axis=0) / tokens.sum())
    means = store.mean.to_numpy()[pool.rows][:, 0].astype(float)
    found = pool.mean_activations([(0, 7), (0, 3)])
    expected = {(0, unit): np.average(means[:, unit], weights=tokens) for unit in (7, 3)}
    assert found == pytest.approx(expected)
    assert np.array_equal(pool.clip_means(0), store.mean.to_numpy()[pool.rows][:, 0])


def test_a_layer_is_read_only_once(pool, store, monkeypatch):
    pool.rates[0], pool.mean_activations([(0, 0)])
    monkeypatch.setattr(type(store), "counts", None)
    monkeypatch.setattr(type(store), "mean", None)
    assert len(pool.rates[0]) == 100
    assert len(pool.mean_activations([(0, 5)])) == 1


def test_a_neuron_that_is_not_there_is_refused_by_every_kind(pool):
    for match in MATCHES:
        with pytest.raises(UsageError, match=r"neuron 0\.100: no unit 100; layer 0 has units 0 to 99"):
            draw_controls(pool, [(0, 100)], [match], 2, seed=0)
    with pytest.raises(UsageError, match="no unit 100"):
        pool.mean_activations([(0, 100)])


def test_displacement_needs_clips(pool):
    empty = Pool(pool.store, pool.rows[:0], pool.model, pool.spread, 8)
    with pytest.raises(OtoscopeError, match="cannot be matched without clips outside the test set"):
        draw_controls(empty, TARGET, ["displacement"], 2, seed=0)
