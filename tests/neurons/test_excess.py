"""The excess S against a slow second version, and beside the depth in what is saved and shown."""

import json

import numpy as np
import pytest

import otoscope
from otoscope.neurons import Selection, select
from otoscope.neurons.chance import Chance, Spread
from otoscope.neurons.designs import design_of
from otoscope.neurons.entropy import class_entropy
from otoscope.neurons.excess import excesses, selectivities
from otoscope.neurons.probability import labelled_clips


def test_selectivity_is_log_classes_less_the_entropy():
    p = np.random.default_rng(0).beta(0.3, 1.0, (5, 4000)) * (np.arange(4000) > 3)
    p[1:, 4] = 0
    expected = np.nan_to_num(np.log(5) - class_entropy(p))
    np.testing.assert_allclose(selectivities(p), expected, rtol=1e-6, atol=1e-12)


def test_uniform_one_hot_and_dead():
    p = np.array([[0.3, 0.7, 0.0], [0.3, 0.0, 0.0], [0.3, 0.0, 0.0]])
    assert selectivities(p) == pytest.approx([0, np.log(3), 0], abs=1e-7)


def test_excess_equals_a_slow_loop():
    values = np.random.default_rng(1).gamma(1.0, 0.01, (12, 300)).astype(np.float32)
    values[:, :3] = [[0.0, 0.5, 1.0]]  # that no labeling moves
    for number, found in enumerate(excesses(values)):
        others = np.delete(values.astype(float), number, axis=0)
        deviation = others.std(axis=0, ddof=1)
        moves = deviation > 0
        z = (values[number, moves] - others[:, moves].mean(axis=0)) / deviation[moves]
        assert found == pytest.approx(np.maximum(z, 0).sum(), rel=1e-9)


def test_excess_of_a_selection_is_that_of_the_method():
    world = otoscope.world(groups=6, units=50, seed=4)
    found = select(world, "class", preset="aape", permutations=20, seed=5)
    clips = labelled_clips(world, "class")
    design = design_of(clips.membership, clips.groups)
    random = np.random.default_rng(5)

    def entropies(member):
        p = np.stack([world.fired[of].sum(axis=0) / world.tokens[of].sum() for of in member.T])
        return np.nan_to_num(class_entropy(p), nan=np.log(4))

    permuted = np.stack([entropies(design.permuted(random)[design.unit]) for _ in range(20)])
    deviation = permuted.std(axis=0, ddof=1)
    moves = deviation > 1e-9
    z = (permuted.mean(axis=0) - entropies(clips.membership))[moves] / deviation[moves]
    assert found.chance.found_excess == pytest.approx(np.maximum(z, 0).sum(), rel=1e-4)
    values = found.chance.values["excess"]
    assert found.chance.excess.p == (1 + (values >= found.chance.found_excess).sum()) / 21
    assert found.chance.excess.mean == values.mean()


def test_the_order_of_neurons_and_the_blocks_do_not_matter(monkeypatch):
    values = np.random.default_rng(2).gamma(1.0, 0.01, (9, 200)).astype(np.float32)
    whole = excesses(values)
    monkeypatch.setattr("otoscope.neurons.excess._BLOCK_BYTES", 8 * 9 * 7)
    np.testing.assert_allclose(excesses(values[:, ::-1]), whole, rtol=1e-12)


def test_few_labelings_have_no_excess():
    assert np.isnan(excesses(np.ones((2, 5), np.float32))).all()
    chance = select(otoscope.world(groups=3), "class", preset="aape", permutations=1).chance
    assert chance.found_excess is None
    assert chance.excess == Spread(None, None, None, None)
    json.dumps(chance.document())


def test_too_few_permutations_are_no_test():
    chance = select(otoscope.world(classes=2, groups=3), "class", preset="aape", permutations=20).chance
    assert chance.distinct == 20
    assert chance.excess.p is None
    assert chance.depth.p is None
    assert chance.found_excess > 0
    assert "Depth and excess are not tested: the nested design has 20 distinct" in chance.note


def test_it_is_saved_shown_and_missed_in_what_was_saved_before(tmp_path):
    found = select(otoscope.world(), "class", preset="aape", permutations=20)
    found.save(tmp_path)
    again = Selection.load(tmp_path)
    assert again.chance.found_excess == found.chance.found_excess
    assert again.chance.excess == found.chance.excess
    assert "excess, all neurons (sd)" in found._repr_html_()
    old = {key: value for key, value in found.chance.document().items() if "excess" not in key}
    before = Chance.from_document(old, found.chance.values.drop(columns="excess"))
    assert before.found_excess is None
    assert before.depth == found.chance.depth
    assert len(before.by_layer) == 3
