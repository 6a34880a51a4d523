"""The table over open choices equals single selections; class sizes can be made equal."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import otoscope
from otoscope import cli
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.neurons import Multiverse, multiverse, select
from otoscope.neurons.evidence.apart import CountedToo, counted_apart
from otoscope.neurons.evidence.grid import Grid
from otoscope.neurons.evidence.size_bias import equalised, size_bias
from otoscope.neurons.filters import Filters, apply_filters

WORLD = {"groups": 4, "units": 40, "strength": 2.0}
LAYERS = [SimpleNamespace(units=3), SimpleNamespace(units=2)]


@pytest.fixture(scope="module")
def known():
    world = otoscope.world(**WORLD)
    masks = {name: world.labeling("class").in_split(world.clips, name) for name in ("train", "test")}
    thresholds = {"response": [0.5, 0.9], "share": [0.05], "assignment": [0.8, 0.9]}
    return world, masks, multiverse(world, "class", **thresholds, clips=masks, permutations=3, seed=4)


def test_every_combination_is_a_selection_with_true_and_with_permuted_labels(known):
    world, masks, found = known
    rows = found.table[found.table["quantiles"] == "global"]
    assert (len(found.table), len(rows)) == (32, 16)
    for place, row in rows.iterrows():
        alone = select(
            world,
            "class",
            response=row["response"],
            share=row["share"],
            assignment=row["assignment"],
            pooling=row["pooling"],
            clips=masks[row["clips"]],
            permutations=3,
            seed=4,
        )
        assert (row["neurons"], row["coverage"]) == (len(alone.neurons), alone.coverage)
        assert row["depth"] == alone.depth
        assert row["chance_depth"] == pytest.approx(alone.chance.depth.mean, rel=1e-12)
        assert row["chance_neurons_high"] == alone.chance.neurons.high
        assert row["p"] == alone.chance.depth.p or (np.isnan(row["p"]) and alone.chance.depth.p is None)
        permuted = found.permuted[found.permuted["combination"] == place]
        assert permuted["coverage"].tolist() == alone.chance.values["coverage"].tolist()


def test_quantiles_within_layers_by_hand():
    # two classes; of layer 0 (3 neurons) and layer 1 (2) half are kept: round(1.5) = 2 and round(1) = 1
    p = np.array([[0.1, 0.6, 0.3, 0.9, 0.8], [0.1, 0.2, 0.3, 0.1, 0.7]])
    grid = Grid(["global", "layer"], [0.5], [0.5], [0.5])
    everywhere, by_layer = grid.kept(p, LAYERS)
    # all p in order: .1 .1 .1 .2 .3 .3 .6 .7 .8 .9; rank round(10 / 2) = 5 is 0.3; neurons 1, 3, 4 pass
    assert everywhere.neurons.tolist() == [1, 3]
    assert everywhere.assigned.tolist() == [[True, True], [False, False]]
    # layer 0: .1 .1 .2 .3 .3 .6, rank 3 is 0.2: neurons 1 and 2 pass; layer 1: .1 .7 .8 .9, rank 2 is 0.7
    assert by_layer.neurons.tolist() == [1, 2, 3]
    assert by_layer.assigned.tolist() == [[True, True, True], [False, True, False]]


def test_a_grid_is_the_filters_one_by_one():
    random = np.random.default_rng(1)
    p = random.uniform(size=(4, 60)).round(2)  # rounded, so that there are ties
    grid = Grid(["global"], [0.1, 0.95], [0.02, 0.3, 1.0], [0.5, 0.99])
    for point, found in zip(grid.points, grid.kept(p, [SimpleNamespace(units=60)]), strict=True):
        alone = apply_filters(p, Filters(*point[1:]))
        assert np.array_equal(found.neurons, alone.neurons)
        assert np.array_equal(found.assigned, alone.assigned)
        assert np.array_equal(found.entropy, alone.entropy)


def test_presets_are_marked_and_told(known):
    found = multiverse(known[0], "class", pooling=["token"], quantiles=["global"], permutations=0)
    marked = found.table[found.table["preset"] != ""]
    assert marked["preset"].tolist() == ["aape-drop5", "aape, lape"]
    assert marked["agreement"].iloc[1] == 1.0  # `aape` is the paper's reading itself
    assert any(sentence.startswith("aape, lape lies at depth") for sentence in found.sentences)
    assert found.sentences[0].endswith("none has its depth tested.")
    assert found.table[["chance_depth", "p"]].isna().all(axis=None)


def test_signal_holds_over_the_multiverse_and_noise_does_not():
    def joint(seed, strength):
        world = otoscope.world(classes=3, groups=8, units=60, strength=strength, seed=seed, specific=6)
        options = {"share": [0.05, 0.1], "response": [0.5, 0.9], "assignment": [0.9], "pooling": ["token"]}
        found = multiverse(world, "class", **options, clips={"all": None}, permutations=39, seed=seed)
        return found.joint["p"].item()

    assert max(joint(seed, 2.5) for seed in range(3)) <= 0.05
    noise = np.array([joint(seed, 0.0) for seed in range(12)])
    assert (noise <= 0.05).sum() <= stats.binom.ppf(0.995, 12, 0.05)


def test_special_and_padding_positions_count_if_that_is_chosen():
    fired = np.array([[2, 0], [0, 1], [1, 1]], dtype=np.uint16)
    apart = {
        "fired_special": xr.DataArray(np.array([[1, 0], [1, 1], [0, 0]], np.uint16), dims=("clip", "neuron")),
        "fired_padding": xr.DataArray(np.array([[0, 0], [3, 2], [0, 1]], np.uint16), dims=("clip", "neuron")),
    }
    store = SimpleNamespace(
        layers=[SimpleNamespace(units=2)], tokens=np.array([2, 2, 2]), dataset=apart,
        layer_tokens=np.array([[2], [2], [2]]), counts=lambda part, clips: fired[clips, part],
    )  # fmt: skip
    assert counted_apart(store) == ("special", "padding")
    found = CountedToo.of(store, ["special", "padding"])
    # as many positions as the neuron that fired most: 1, 1, 0 special and 0, 3, 1 of padding
    assert found.layer_tokens.tolist() == [[3], [6], [3]]
    assert found.counts(slice(0, 2)).tolist() == [[3, 0], [4, 4], [1, 2]]
    assert found.counts(slice(1, 2)).tolist() == [[0], [4], [2]]


def test_it_is_saved_and_summed_up(known, tmp_path):
    _, _, found = known
    found.save(tmp_path)
    again = Multiverse.load(tmp_path)
    assert to_json(again.document()) == to_json(found.document())
    assert again.table.equals(found.table)
    assert set(found.choices) == {"clips", "pooling", "quantiles", "response", "assignment"}
    half = found.table[found.table["response"] == 0.5]
    row = found.influence.query("choice == 'response' and value == '0.5'").iloc[0]
    assert (row["combinations"], row["depth"]) == (16, half["depth"].median())
    assert "3 permutations cannot bring a p below 0.25" in found.sentences[0]
    assert "Multiverse('class', 32 combinations" in repr(found)
    assert "combinations of choices" in found._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no multiverse\.json"):
        Multiverse.load(tmp_path / "none")


def test_what_is_left_out_is_told(known):
    notes = " ".join(known[2].notes)
    assert "Whether special and padding positions count is left out" in notes
    assert "--special --padding --out NEW.zarr" in notes


def test_its_figures_show_every_combination(known):
    import matplotlib as mpl

    mpl.use("Agg")
    _, _, found = known
    curve, made = found.plot()
    points = curve.collections[0].get_offsets()[:, 1]
    assert (np.diff(points) >= 0).all()
    assert len(points) == found.table["depth"].notna().sum()
    named = [label.get_text() for label in made.get_yticklabels()]
    assert "quantiles layer" in named
    assert "response 0.5" in named
    assert len(found.heat("coverage")) == 2  # one picture for each assignment
    assert len(found.heat("depth")) == 1  # which the depth does not hang on


def test_the_verb(tmp_path, capsys, monkeypatch):
    toy = otoscope.planted(tmp_path / "sounds", classes=2, groups=4, seconds=0.25)
    store = otoscope.record(toy.model, toy.task, tmp_path / "x.zarr")

    def run(*arguments):
        words = ["otoscope", "multiverse", store.path, "--label", "tone", *arguments]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), capsys.readouterr().out

    status, out = run("--share", 0.02, "--permutations", 2)
    assert status == 0
    assert "combinations of choices, 2 permutations each" in out
    assert "medians by choice" in out
    status, out = run("--permutations", 0, "--share", 0.02, "--json")
    document = json.loads(out)
    assert document["combinations"] == len(pd.read_csv(store.results / "multiverse-tone" / "multiverse.csv"))
    assert run("--share", 2)[0] == 2


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
    with pytest.raises(UsageError, match=r"share is .*; expected each value once"):
        multiverse(world, "class", share=[0.01, 0.01])
    with pytest.raises(UsageError, match="response is 2; expected a share from 0 to 1"):
        multiverse(world, "class", response=[2])
    with pytest.raises(UsageError, match="quantiles is 'unit'; expected global or layer"):
        multiverse(world, "class", quantiles=["unit"])
    with pytest.raises(UsageError, match="permutations is -1; expected 0 or more"):
        multiverse(world, "class", permutations=-1)
    other = select(otoscope.world(classes=3), "class", preset="aape", permutations=0).by_category
    with pytest.raises(UsageError, match="by_category counts the classes"):
        size_bias(other, world, "class")
    several = store_of(np.ones((3, 4)), [4, 4, 4], ["a", "b", "a,b"], multilabel=True)
    with pytest.raises(UsageError, match="has clips of several classes"):
        equalised(several, "kind")
