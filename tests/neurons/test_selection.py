import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import otoscope
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import to_json
from otoscope.neurons import Selection, equalised, firing_probability, select

mpl.use("Agg")

# Layer 0: one neuron for a, a dead one; layer 1: one for b, one for all; layer 2: silent.
FIRED = [[8, 0, 0, 4, 0], [8, 0, 0, 4, 0], [0, 0, 6, 4, 0], [0, 0, 6, 4, 0], [0, 0, 0, 4, 0]]
LABELS = ["a", "a", "b", "b", "c"]
FILTERS = {"response": 0.5, "share": 0.4, "assignment": 0.5}


@pytest.fixture
def selection(store_of):
    return select(store_of(FIRED, [8] * 5, LABELS, units=[2, 2, 1]), "kind", permutations=20, **FILTERS)


def test_a_selection_on_paper(selection):
    assert selection.table.to_dict("list") == {
        "layer": [0, 1],
        "unit": [0, 0],
        "category": ["a", "b"],
        "probability": [1.0, 0.75],
        "entropy": [0.0, 0.0],
    }
    assert selection.neurons.to_dict("list") == {"layer": [0, 1], "unit": [0, 0]}
    assert (selection.pairs, selection.coverage, selection.depth) == (2, 2 / 3, np.log(3))
    assert selection.by_layer.to_dict() == {0: 1, 1: 1, 2: 0}
    assert selection.by_category.to_dict() == {"a": 1, "b": 1, "c": 0}
    assert selection.sets() == {"a": {(0, 0)}, "b": {(1, 0)}, "c": set()}


def test_the_document_has_the_agreed_words(selection):
    document = selection.document()
    words = "label classes preset filters neurons pairs coverage depth by_layer by_category chance"
    assert list(document) == [*words.split(), "test", "twins", "size_bias", "provenance"]
    assert document["filters"] == FILTERS
    assert document["provenance"]["recording"]["model"] == {"name": "toy", "fingerprint": "f"}
    assert document["provenance"]["clips"] == 5
    to_json(document)


def test_save_and_load_give_the_same(selection, tmp_path):
    selection.save(tmp_path / "found")
    again = Selection.load(tmp_path / "found")
    assert again.document() == selection.document()
    pd.testing.assert_frame_equal(again.table, selection.table)
    pd.testing.assert_frame_equal(again.chance.values, selection.chance.values)
    assert again.filters == selection.filters
    assert again.by_layer.equals(selection.by_layer)
    assert pd.read_csv(tmp_path / "found" / "neurons.csv")["category"].tolist() == ["a", "b"]


def test_an_empty_selection_is_still_one(store_of, tmp_path):
    empty = select(store_of(FIRED, [8] * 5, LABELS), "kind", share=0.0, permutations=0)
    empty.save(tmp_path)
    again = Selection.load(tmp_path)
    pd.testing.assert_frame_equal(again.table, empty.table)
    assert (again.pairs, again.coverage, again.sets()) == (0, 0.0, {"a": set(), "b": set(), "c": set()})
    assert np.isnan(again.depth)
    assert "No count is shown without what permuted labels give" in again._repr_html_()


def test_a_folder_without_a_selection_is_named(tmp_path):
    with pytest.raises(
        OtoscopeError, match=r"holds no selection\.json; expected a folder that `otoscope select`"
    ):
        Selection.load(tmp_path)


def test_the_same_from_a_table_of_probabilities(store_of, selection):
    store = store_of(FIRED, [8] * 5, LABELS, units=[2, 2, 1])
    p = firing_probability(store, "kind")  # padded with NaN where layer 2 has no unit 1
    found = select(p, **FILTERS)
    pd.testing.assert_frame_equal(found.table, selection.table)
    assert (found.label, found.depth, found.chance) == ("kind", selection.depth, None)
    assert found.by_layer.equals(selection.by_layer)


def test_a_table_keeps_its_addresses_and_their_order():
    values = np.array([[[0.9, 0.0]], [[0.9, 0.0]]])
    p = xr.DataArray(
        values,
        dims=("layer", "unit", "category"),
        coords={"layer": [7, 3], "unit": [5], "category": ["a", "b"]},
    )
    assert select(p, share=0.5, response=0.5, assignment=0.5).neurons.to_dict("list") == {
        "layer": [3],
        "unit": [5],
    }


def test_class_names_cannot_run_in_a_notebook(store_of):
    labels = ["<script>alert(1)</script>", "b"]
    page = select(store_of([[9, 0], [0, 1]], [9, 9], labels), "kind", permutations=3, **FILTERS)._repr_html_()
    assert "<script>" not in page
    assert "permutations" in page


def test_the_plot_shows_layers_over_chance(selection):
    ax = selection.plot()
    assert ax.get_ylabel() == "class-specific neurons"


def test_the_share_follows_the_task(store_of):
    for task, share in (("esc50", 0.02), ("gise51", 0.02), ("cremad", 0.01)):
        store = store_of(FIRED, [8] * 5, LABELS, task=task)
        assert select(store, "kind", preset="aape", permutations=0).filters.share == share


def test_misuse_is_told(store_of):
    store = store_of(FIRED, [8] * 5, LABELS)
    with pytest.raises(UsageError, match="label is missing; expected the name"):
        select(store)
    with pytest.raises(UsageError, match="expected a recording; try giving the store"):
        select(firing_probability(store, "kind"), clips=np.ones(5, dtype=bool))


def test_specific_is_the_default_and_a_threshold_asks_for_the_filters(store_of):
    world = otoscope.world(groups=12)
    assert otoscope.select(world, "class", permutations=0).preset == "specific"
    assert otoscope.select(world, "class", share=0.02, permutations=0).preset == "aape"
    assert otoscope.select(world, "class", pooling="clip", permutations=0).preset == "aape"
    with pytest.raises(UsageError, match="'specific' has no share; expected one of aape"):
        otoscope.select(world, "class", preset="specific", share=0.02)
    with pytest.raises(UsageError, match="which has no clips; expected a recording"):
        otoscope.select(otoscope.firing_probability(world, "class"), preset="specific")


def test_too_few_groups_are_refused_with_their_numbers_and_a_way_on(store_of):
    store = store_of([[9, 0], [0, 1], [3, 3], [1, 2]], [9] * 4, list("abab"))
    with pytest.raises(OtoscopeError, match=r"(?s)2 .*preset"):
        otoscope.select(store, "kind")


def test_twins_are_counted_unless_left_out(store_of):
    world = otoscope.world(groups=12)
    assert otoscope.select(world, "class", permutations=0).twins.note.startswith("twin not recorded")
    assert otoscope.select(world, "class", permutations=0, twins=False).twins is None


def test_class_size_bias_is_told_where_sizes_differ(tmp_path):
    unequal = otoscope.world(classes=4, class_sizes=[40, 24, 16, 8], groups=2, clips=4)
    found = otoscope.select(unequal, "class", preset="aape", share=0.1, permutations=2)
    expected = stats.spearmanr(found.by_category, [40, 24, 16, 8]).statistic
    assert found.size_bias == pytest.approx(expected)
    found.save(tmp_path)
    assert Selection.load(tmp_path).size_bias == found.size_bias
    assert otoscope.select(otoscope.world(), "class", preset="aape", permutations=2).size_bias is None
    equal = otoscope.select(unequal, "class", preset="aape", share=0.1, permutations=0, equalise=True)
    assert equal.size_bias is None
    assert (equal.provenance["clips"], equal.provenance["equalised"]) == (4 * 8, True)
    mask = equalised(unequal, "class")
    again = otoscope.select(unequal, "class", preset="aape", share=0.1, permutations=0, clips=mask)
    assert again.table.equals(equal.table)
    two = otoscope.world(classes=2, class_sizes=[40, 8])
    assert otoscope.select(two, "class", preset="aape", share=0.1, permutations=0).size_bias is None
    with pytest.raises(UsageError, match="clips and equalise were given"):
        otoscope.select(unequal, "class", clips=mask, equalise=True)
