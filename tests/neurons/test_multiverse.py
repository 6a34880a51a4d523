"""The table over open choices equals single selections; class sizes can be made equal."""

import numpy as np
import pytest
from scipy import stats

import otoscope
from otoscope import plots
from otoscope.errors import UsageError
from otoscope.neurons import select
from otoscope.neurons.evidence.multiverse import equalised, multiverse, size_bias

WORLD = {"groups": 4, "units": 40, "strength": 2.0}


def test_every_row_is_a_selection():
    world = otoscope.world(**WORLD)
    masks = {name: world.labeling("class").in_split(world.clips, name) for name in ("train", "test")}
    table = multiverse(
        world, "class", response=[0.5, 0.9], share=[0.05], assignment=[0.9], clips=masks, permutations=3
    )
    assert len(table) == 8
    for row in table.itertuples():
        found = select(
            world,
            "class",
            response=row.response,
            share=row.share,
            assignment=row.assignment,
            pooling=row.pooling,
            clips=masks[row.clips],
            permutations=3,
        )
        assert (row.neurons, row.coverage, row.depth) == (len(found.neurons), found.coverage, found.depth)
        assert row.chance_depth == found.chance.depth.mean
        assert row.p == found.chance.depth.p or (np.isnan(row.p) and found.chance.depth.p is None)


def test_nothing_kept_and_no_permutations_are_not_numbers():
    table = multiverse(otoscope.world(**WORLD), "class", share=[0.0], permutations=0)
    assert (table["neurons"] == 0).all()
    assert table[["depth", "chance_neurons", "p"]].isna().all(axis=None)


def test_equalised_classes():
    world = otoscope.world(classes=3, class_sizes=[40, 12, 9])
    mask = equalised(world, "class", seed=1)
    assert world.clips["class"][mask].value_counts().unique().tolist() == [9]
    assert (mask == equalised(world, "class", seed=1)).all()
    assert (mask != equalised(world, "class", seed=2)).any()
    select(world, "class", preset="aape", clips=mask, permutations=0)


def test_small_classes_are_chosen_more_often_until_sizes_are_equal():
    sizes = [200, 100, 50, 25, 12, 6]
    total = {False: 0, True: 0}
    for seed in range(12):
        world = otoscope.world(classes=6, class_sizes=sizes, design="ungrouped", strength=0.0, seed=seed)
        for equal in total:
            mask = equalised(world, "class", seed=seed) if equal else None
            found = select(world, "class", share=0.05, clips=mask, permutations=0).by_category
            total[equal] = total[equal] + found
    bias = {equal: size_bias(counts, world, "class") for equal, counts in total.items()}
    assert bias[False] == pytest.approx(stats.spearmanr(total[False], sizes).statistic)
    assert bias[False] < -0.7 < bias[True]
    assert total[False].iloc[-1] == total[False].max() > 1.2 * total[False].iloc[0]


def test_equal_sizes_have_no_bias_to_speak_of():
    world = otoscope.world(**WORLD)
    assert np.isnan(
        size_bias(select(world, "class", preset="aape", permutations=0).by_category, world, "class")
    )


def test_messages(store_of):
    world = otoscope.world(**WORLD)
    with pytest.raises(UsageError, match="share has no value; expected one or more"):
        multiverse(world, "class", share=[])
    other = select(otoscope.world(classes=3), "class", preset="aape", permutations=0).by_category
    with pytest.raises(UsageError, match="by_category counts the classes"):
        size_bias(other, world, "class")
    several = store_of(np.ones((3, 4)), [4, 4, 4], ["a", "b", "a,b"], multilabel=True)
    with pytest.raises(UsageError, match="has clips of several classes"):
        equalised(several, "kind")


def test_the_specification_curve_is_in_order_with_chance_beside_each():
    from matplotlib.figure import Figure

    table = multiverse(otoscope.world(**WORLD), "class", share=[0.05, 0.1], assignment=[0.9], permutations=2)
    ax = plots.specifications(table, Figure().subplots(), label="depth (nats)")
    found, chance = (each.get_offsets()[:, 1] for each in ax.collections)
    assert (np.diff(found) >= 0).all()
    ordered = table.sort_values("depth", kind="stable")
    assert chance.tolist() == ordered["chance_depth"].tolist()
    assert ax.get_ylabel() == "depth (nats)"
    with pytest.raises(UsageError, match="specifications: column 'p' not found"):
        plots.specifications(table[["depth"]], measure="p")
