"""The page Sharing: matrices whose cells know their numbers, their neurons and their places in each order."""

import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest

from otoscope.neurons import Sharing, share
from otoscope.reporting import report
from otoscope.reporting.collect import collect
from otoscope.reporting.sharing import matrix_document, sides_of
from otoscope.tasks import Labeling

WHERE = SimpleNamespace(href=lambda number, layer, unit: f"neurons/{number}/{layer}.{unit}.html")


def matrix_of(store, sharing):
    return matrix_document(WHERE, "matrix-1-1", sharing, sides_of(collect([store]), sharing))


@pytest.fixture
def counted(toy, make_store):
    """A store, its selection, and what the classes of that share."""
    store = make_store()
    selection = toy.save_selection(store)
    return store, selection, share(selection)


def test_a_cell_lists_as_many_neurons_as_it_counts_and_leads_to_each(counted):
    store, selection, sharing = counted
    document, sets = matrix_of(store, sharing), selection.sets()
    assert sum(map(len, sets.values())) > 0
    for row, one in enumerate(document["classes"][0]):
        for column, other in enumerate(document["classes"][1]):
            listed = document["neurons"][row][column]
            assert len(listed) == document["shared"][row][column]
            assert {address for address, *_ in listed} == {f"{k}.{u}" for k, u in sets[one] & sets[other]}
            assert all(places == [f"neurons/1/{address}.html"] for address, *places in listed)


def test_every_order_holds_every_class_once(counted):
    store, _, sharing = counted
    document = matrix_of(store, sharing)
    assert list(document["orders"]) == ["data set", "alphabet", "dendrogram"]
    for rows, columns in document["orders"].values():
        assert rows == columns
        assert sorted(rows) == [0, 1, 2]
    names = document["classes"][0]
    assert [names[place] for place in document["orders"]["alphabet"][0]] == sorted(names)


def test_classes_with_broader_ones_can_stand_beside_their_like(toy, counted):
    store, _, sharing = counted
    calm, evil, said = toy.CLASSES
    broader = {calm: "mood", evil: "code", said: "mood"}
    store.labelings["mood"] = Labeling("mood", "mood", toy.CLASSES, taxonomy=broader)
    assert matrix_of(store, sharing)["orders"]["taxonomy"][0] == [0, 2, 1]


def test_without_the_selection_that_was_counted_no_neuron_is_listed(toy, make_store, tmp_path):
    store = make_store()
    sharing = share(toy.save_selection(store))
    toy.save_selection(store, share=0.3)  # another one, in its place
    assert matrix_of(store, sharing)["neurons"] is None
    sharing.save(store.results / "share-within")
    index = report([store], tmp_path / "report")
    html = (index.parent / "sharing.html").read_text(encoding="utf-8")
    assert "is not saved in any store of this report" in html


def test_two_labelings_with_unlike_numbers_of_classes_keep_their_own_orders():
    shared = pd.DataFrame([[1, 0], [2, 1], [0, 3]], index=["c", "a", "b"], columns=["y", "x"])
    jaccard = shared / 10
    sharing = Sharing(("one", "two"), False, shared, jaccard, jaccard, {"selections": [{}, {}]}, None)
    orders = matrix_document(WHERE, "matrix-1-1", sharing, sides_of([], sharing))["orders"]
    assert orders == {"data set": [[0, 1, 2], [0, 1]], "alphabet": [[1, 2, 0], [1, 0]]}


def test_what_was_not_tested_has_no_p(counted):
    store, _, sharing = counted
    document = matrix_of(store, sharing)
    assert document["expected"] is document["p"] is document["q"] is None


def test_names_are_markup_to_nobody_and_as_they_are_where_they_are_text(toy, counted):
    store, _, sharing = counted
    document = matrix_of(store, sharing)
    assert document["classes"][0] == list(toy.CLASSES)
    assert "&lt;script&gt;" in document["shown"][0][1]


def test_the_page_loads_the_data_of_each_matrix_before_the_script_that_draws_it(toy, counted, tmp_path):
    store, selection, sharing = counted
    sharing.save(store.results / "share-within")
    toy.save_across(store, selection, selection)
    folder = report([store], tmp_path / "report").parent
    html = (folder / "sharing.html").read_text(encoding="utf-8")
    scripts = re.findall(r'<script src="([^"]*)"', html)
    named = re.findall(r'data-matrix="([^"]*)"', html)
    assert sorted(named) == ["matrix-1-1", "matrix-1-2"]
    for name in named:
        assert scripts.index(f"data/{name}.js") < scripts.index("assets/sharing.js")
        text = (folder / "data" / f"{name}.js").read_text(encoding="utf-8")
        document = json.loads(text.partition(" = ")[2].rstrip(";\n"))
        assert document["name"] == name
        linked = [
            place for line in document["neurons"] for cell in line for _, *ways in cell for place in ways
        ]
        assert linked
        assert all((folder / place).is_file() for place in linked if place)


def test_with_no_sharing_counted_the_page_says_which_command_does(make_store, tmp_path):
    folder = report([make_store()], tmp_path / "report").parent
    html = (folder / "sharing.html").read_text(encoding="utf-8")
    assert "otoscope share toy.zarr:mood" in html
    assert "sharing.js" not in html
