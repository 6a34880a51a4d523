"""The table of all neurons: what its data say, by neuron, and that nothing in them runs."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope.neurons import entropy, firing_probability, select
from otoscope.reporting.collect import collect
from otoscope.reporting.page import render
from otoscope.reporting.pages.neurons import document, page
from otoscope.reporting.site import Site
from otoscope.tasks import Labeling


@pytest.fixture
def site_of(tmp_path):
    def make(*stores, **settings):
        return Site(tmp_path, tuple(collect(stores)), "today", **settings)

    return make


def acoustics(neurons, follows=None):
    return SimpleNamespace(neurons=neurons, follows=follows)


FOLLOWING = pd.DataFrame(
    {"layer": [0, 1], "unit": [5, 2], "follows": ["", "centroid"], "rho": [0.1, -0.71239], "p": [0.9, 0.01]}
)


def test_every_neuron_stands_where_its_address_says(site_of, make_store):
    store = make_store()
    site = site_of(store)
    found = document(site, site.recorded[0], "mood")
    p = firing_probability(store, "mood")
    assert [each["units"] for each in found["layers"]] == [40, 40]
    for layer, unit in [(0, 0), (1, 25), (1, 39)]:  # 65 = 1.25 is planted
        own = p.sel(layer=layer, unit=unit)
        flat = layer * 40 + unit
        assert found["top"][flat] == int(own.to_numpy().argmax())
        assert found["p"][flat] == pytest.approx(float(own.max()), abs=5e-4)
        assert found["entropy"][flat] == pytest.approx(
            float(entropy(p).sel(layer=layer, unit=unit)), abs=5e-4
        )
    assert found["classes"] == list(store.labelings["mood"].classes)


def test_a_neuron_that_never_fires_has_no_class_and_no_entropy(site_of, make_store):
    store = make_store()
    store.fired[:, 7] = 0
    site = site_of(store)
    found = document(site, site.recorded[0], "mood")
    assert found["top"][7] == -1
    assert found["p"][7] == 0
    assert np.isnan(found["entropy"][7])


def test_chosen_pairs_are_those_of_the_selections(site_of, make_store, toy):
    store = make_store()
    selection = toy.save_selection(store)
    site = site_of(store)
    found = document(site, site.recorded[0], "mood")
    assert found["presets"] == [selection.preset]
    pairs = zip(found["chosen"]["neuron"], found["chosen"]["category"], strict=True)
    expected = [
        (layer * 40 + unit, found["classes"].index(name))
        for layer, unit, name in selection.table[["layer", "unit", "category"]].itertuples(index=False)
    ]
    assert list(pairs) == expected
    assert expected


def test_p_of_specific_stands_at_the_neurons_that_it_chose(site_of, make_store):
    store = make_store()
    selection = select(store, "mood", preset="specific", permutations=0)
    table = pd.DataFrame({"layer": [1], "unit": [3], "category": ["calm"], "p": [0.0123449]})
    object.__setattr__(selection, "table", table)
    site = site_of(store)
    object.__setattr__(site.recorded[0], "selections", (selection,))
    found = document(site, site.recorded[0], "mood")
    assert found["tested_by"] == "specific"
    assert found["test"][43] == 0.0123
    assert np.isfinite(found["test"]).sum() == 1


def test_tests_of_every_neuron_come_before_those_of_specific(site_of, make_store):
    site = site_of(make_store())
    table = pd.DataFrame({"layer": [0, 1], "unit": [0, 39], "p": [0.5, 0.001]})
    site.recorded[0].evidence["mood"] = SimpleNamespace(tests=SimpleNamespace(table=table))
    found = document(site, site.recorded[0], "mood")
    assert found["tested_by"] == "evidence"
    assert (found["test"][0], found["test"][79]) == (0.5, 0.001)
    assert np.isnan(found["test"][1])


@pytest.mark.parametrize("whole", [True, False])
def test_descriptors_stand_at_the_neurons_that_follow_them(site_of, make_store, whole):
    site = site_of(make_store())
    nothing = FOLLOWING.iloc[:0]
    saved = acoustics(nothing, SimpleNamespace(table=FOLLOWING)) if whole else acoustics(FOLLOWING)
    site.recorded[0].acoustics["mood"] = saved
    found = document(site, site.recorded[0], "mood")
    assert found["descriptors"] == ["centroid"]
    assert np.flatnonzero(found["descriptor"] == 0).tolist() == [42]
    assert found["rho"][42] == -0.712
    assert np.isnan(found["rho"][5])  # followed nothing beyond chance


def test_pages_are_those_of_the_site(site_of, make_store):
    store = make_store()
    site = site_of(store, neurons=frozenset({(1, 1, 3), (1, 0, 2), (2, 0, 9)}))
    assert document(site, site.recorded[0], "mood")["pages"] == [2, 43]


def test_a_site_that_is_served_has_a_page_for_every_neuron(site_of, make_store):
    site = site_of(make_store(), live=True)
    assert document(site, site.recorded[0], "mood")["pages"] is True


def test_the_page_loads_no_data_but_names_them_and_nothing_in_them_is_markup(site_of, make_store, toy):
    evil = f"{toy.EVIL}\u2028"
    store = make_store(label=evil)
    site = site_of(store)
    made = page(site)
    html = render(site, made, [("neurons", "Neurons")])
    assert toy.EVIL not in html
    (script,) = (label["script"] for each in made.content["index"] for label in each["labels"])
    assert not [path for path in made.scripts if path.startswith("data/")]
    text = (site.folder / script).read_text(encoding="utf-8")
    assert "<" not in text
    assert "\u2028" not in text
    data = json.loads(text.split(" = ", 1)[1].rstrip(";\n"))
    assert data["label"] == evil
    assert data["classes"] == list(toy.CLASSES)
    assert len(data["p"]) == 80


def test_a_labeling_without_probabilities_is_named_with_the_reason(site_of, make_store):
    store = make_store()
    store.labelings["other"] = Labeling("other", "other", ("one", "two"))
    store.clips["other"] = "one"
    site = site_of(store)
    (line,) = page(site).content["left_out"]
    assert line.startswith("toy.zarr, other: ")
    assert "'two'" in line


def test_a_large_recording_stays_small_and_quick(site_of, make_store):
    # 36,864 neurons of ESC-50: what is written must load at once
    from otoscope.reporting.pages import neurons
    from otoscope.reporting.shelf import script_json

    random = np.random.default_rng(0)
    values = {name: neurons._rounded(random.random(36_864), 4) for name in ("p", "entropy", "test", "rho")}
    places = {name: random.integers(0, 50, 36_864) for name in ("top", "descriptor")}
    assert len(script_json(values | places)) < 1_500_000
