"""The page Compare: two selections side by side, each figure beside its chance level."""

import json

import pytest

from otoscope.reporting.collect import collect
from otoscope.reporting.page import render
from otoscope.reporting.pages.compare import document, page
from otoscope.reporting.site import Site


@pytest.fixture
def site_of(tmp_path):
    def made(*stores, **settings):
        return Site(tmp_path, tuple(collect(stores)), "today", **settings)

    return made


@pytest.fixture
def two(make_store, toy):
    stores = [make_store(f"{name}.zarr", model=f"toy:{name}") for name in ("one", "two")]
    stores[1].info["model"]["fingerprint"] = "c" * 64
    for store in stores:
        toy.save_selection(store)
    return stores


def test_counts_by_class_and_layer_are_those_of_the_selection(site_of, two):
    site = site_of(*two)
    found = document(site)[0]
    selection = site.recorded[0].selections[0]
    assert dict(found["classes"]) == {str(k): int(v) for k, v in selection.by_category.items()}
    assert sum(found["layers"]) == len(found["neurons"]) == len(selection.neurons)


def test_the_page_begins_with_one_labeling_in_two_models(site_of, two):
    assert page(site_of(*two)).content["first"] == ("1-mood-aape", "2-mood-aape")


def test_with_one_selection_the_page_says_what_it_needs(site_of, two):
    site = site_of(two[0])
    made = page(site)
    html = render(site, made, [("compare", "Compare")])
    assert made.scripts == ()
    assert "needs two selections" in html
    assert "otoscope select one.zarr --label mood" in html


def test_labels_that_are_markup_stay_text(site_of, make_store, toy):
    store = make_store(label=toy.EVIL)
    other = make_store("other.zarr", label=toy.EVIL)
    for each in (store, other):
        toy.save_selection(each, label=toy.EVIL)
    site = site_of(store, other)
    made = page(site)
    assert toy.EVIL not in render(site, made, [("compare", "Compare")])
    text = (site.folder / made.scripts[0]).read_text(encoding="utf-8")
    assert "<" not in text
    assert json.loads(text.split(" = ", 1)[1].rstrip(";\n"))[0]["label"] == toy.EVIL


def test_two_stores_of_one_name_and_model_keep_their_own_figures(site_of, make_store, toy):
    stores = [make_store("a/toy.zarr"), make_store("b/toy.zarr")]
    toy.save_selection(stores[0])
    toy.save_selection(stores[1], share=0.3)
    site = site_of(*stores)
    for entry, each in zip(document(site), site.recorded, strict=True):
        assert entry["facts"][0][1] == str(len(each.selections[0].neurons))


def test_the_probe_stands_beside_chance(site_of, two, toy):
    for store in two:
        toy.save_probe(store)
    (probe,) = (fact for fact in document(site_of(*two))[0]["facts"] if fact[0].startswith("probe"))
    assert "most frequent class 34" in probe[2]


def test_selections_without_permutations_are_named(site_of, make_store, toy):
    stores = [make_store(f"{name}.zarr") for name in ("one", "two")]
    for store in stores:
        toy.save_selection(store, permutations=0)
    site = site_of(*stores)
    html = render(site, page(site), [("compare", "Compare")])
    assert "toy:one on toy, mood (aape); toy:one on toy, mood (aape)" in html
