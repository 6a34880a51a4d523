import numpy as np
import pytest

from otoscope.errors import UsageError
from otoscope.neurons import chance, select
from otoscope.neurons.chance import Spread, chance_of
from otoscope.neurons.designs import design_of
from otoscope.neurons.filters import Filters, apply_filters
from otoscope.neurons.probability import class_probabilities, labelled_clips

FILTERS = {"response": 0.5, "share": 0.2, "assignment": 0.5}


def measures(store, clips, design, filters, pooling, permutations, seed):
    kept = apply_filters(class_probabilities(store, clips, pooling), filters)
    return chance_of(
        kept, store, clips, design, filters, pooling=pooling, permutations=permutations, seed=seed
    ).values


def noise(store_of, clips=40, neurons=300, classes="abcd", seed=0, merging=False, **settings):
    random = np.random.default_rng(seed)
    tokens = random.integers(3, 30, clips)[:, None]
    if merging:  # the upper of two layers has fewer tokens, and not in proportion
        tokens = np.column_stack([tokens, random.integers(2, 9, clips)])
    each = np.repeat(tokens, settings["units"], axis=1) if merging else tokens
    fired = random.binomial(each, random.uniform(0, 1, neurons))
    return store_of(fired, tokens, [classes[i % len(classes)] for i in range(clips)], **settings)


@pytest.mark.parametrize("merging", [False, True])
@pytest.mark.parametrize("pooling", ["token", "clip"])
@pytest.mark.parametrize("design", ["ungrouped", "nested", "crossed"])
def test_permuted_measures_equal_a_slow_loop(store_of, design, pooling, merging, monkeypatch):
    groups = {
        "ungrouped": None,
        "nested": [i % 20 for i in range(40)],
        "crossed": [i // 8 for i in range(40)],
    }
    store = noise(store_of, groups=groups[design], units=[100, 200], merging=merging)
    each = np.repeat(store.layer_tokens, [100, 200], axis=1)
    clips = labelled_clips(store, "kind")
    made = design_of(clips.membership, clips.groups)
    assert made.name == design
    found = measures(store, clips, made, Filters(**FILTERS), pooling, 7, seed=3)
    monkeypatch.setattr(chance, "_TABLE_BYTES", 2 * 4 * 4 * 300)  # two permutations at a time
    assert found.equals(measures(store, clips, made, Filters(**FILTERS), pooling, 7, seed=3))
    random = np.random.default_rng(3)
    for row in found.to_dict("records"):
        member = made.permuted(random)[made.unit]
        p = np.empty((4, 300))
        for k in range(4):
            fired, tokens = store.fired[member[:, k]].astype(int), each[member[:, k]]
            p[k] = fired.sum(0) / tokens.sum(0) if pooling == "token" else (fired / tokens).mean(0)
        kept = apply_filters(p, Filters(**FILTERS))
        assert row["neurons"] == len(kept.specific) == row["layer 0"] + row["layer 1"]
        assert row["layer 0"] == (kept.specific < 100).sum()
        assert row["coverage"] == kept.coverage
        assert row["depth"] == pytest.approx(kept.depth, abs=1e-12)


def test_p_of_noise_is_spread_evenly(store_of):
    ps = [
        select(
            noise(store_of, clips=24, neurons=60, seed=seed), "kind", permutations=19, seed=seed, **FILTERS
        ).chance.depth.p
        for seed in range(80)
    ]
    assert 0.4 < np.mean(ps) < 0.6
    assert np.mean(np.array(ps) <= 0.1) < 0.2


def test_a_neuron_that_knows_the_class_is_told_from_chance(store_of):
    store = noise(store_of)
    store.fired[:, 5] = np.where(np.arange(40) % 4 == 0, store.tokens, 0)
    found = select(store, "kind", share=1 / 300, response=0.5, assignment=0.9)
    assert found.depth == np.log(4)
    assert found.chance.depth.p == 1 / 101
    assert found.chance.depth.high < 1.0


def test_only_depth_is_tested(store_of):
    document = select(noise(store_of), "kind", **FILTERS).chance.document()
    assert list(document) == [
        *(
            "design",
            "distinct",
            "permutations",
            "neurons",
            "coverage",
            "depth",
            "excess",
            "found_excess",
            "note",
        )
    ]
    assert document["neurons"]["p"] is None
    assert document["coverage"]["p"] is None
    assert 0 < document["depth"]["p"] <= 1
    assert "described, not tested" in document["note"]
    assert document["permutations"] == 100


def test_below_100_distinct_permutations_there_is_no_test(store_of):
    # 4 voices of one class each, two classes: 6 ways.
    few = select(noise(store_of, classes="aabb", groups=[i % 4 for i in range(40)]), "kind", **FILTERS).chance
    assert (few.design, few.distinct, few.depth.p) == ("nested", 6, None)
    assert "the nested design has 6 distinct permutations, and a test needs 100" in few.note
    assert few.depth.low <= few.depth.mean <= few.depth.high
    # 10 voices, two classes of five: 252 ways.
    many = select(noise(store_of, classes="ab", groups=[i % 10 for i in range(40)]), "kind", **FILTERS).chance
    assert many.distinct == 252
    assert many.depth.p is not None


def test_an_equivalent_permutation_counts_as_extreme(store_of):
    # Two classes of two clips: of the six permutations two leave the classes as they are or swap them.
    store = store_of([[4, 1], [4, 1], [0, 2], [0, 2]], [4] * 4, list("aabb"))
    clips = labelled_clips(store, "kind")
    design = design_of(clips.membership)
    depths = measures(store, clips, design, Filters(0.0, 1.0, 0.0), "token", 600, 0)["depth"]
    assert np.mean(depths > depths.max() - 1e-12) == pytest.approx(1 / 3, abs=0.07)


def test_no_kept_neuron_no_test(store_of):
    found = select(noise(store_of), "kind", share=0.0)
    assert np.isnan(found.depth)
    assert found.document()["depth"] is None
    assert found.chance.depth == Spread(None, None, None, None)
    assert "the filters kept no neuron" in found.chance.note


def test_the_seed_repeats_and_matters(store_of):
    store = noise(store_of)
    one, again, other = (select(store, "kind", seed=seed, **FILTERS).chance.values for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_the_design_is_asked_before_the_work(store_of):
    store = noise(store_of, classes="ab", groups=[0, 1, 0, 1, *[2] * 36])
    with pytest.raises(ValueError, match="neither nested"):
        select(store, "kind", preset="aape")
    assert select(store, "kind", preset="aape", permutations=0).chance is None
    assert select(store, "kind", preset="aape", design="crossed", permutations=5).chance.design == "crossed"


def test_messages(store_of):
    with pytest.raises(UsageError, match="permutations is -1; expected 0 or more"):
        select(noise(store_of), "kind", permutations=-1)
