"""Selectors against scipy, scikit-learn and slow versions from their formulas; their laws; the registry."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.stats import f_oneway
from sklearn.metrics import mutual_info_score, roc_auc_score

import otoscope
from otoscope.errors import OtoscopeError, UsageError
from otoscope.neurons import select
from otoscope.neurons.designs import design_of
from otoscope.neurons.probability import labelled_clips
from otoscope.neurons.selectors import available, registry
from otoscope.neurons.selectors.base import Selector
from otoscope.neurons.selectors.block import blocks_of
from otoscope.neurons.selectors.ranking import Ranking, best_neurons, rank, rankings
from otoscope.neurons.selectors.registry import named, selectors

NAMES = [each.name for each in available()]
CLASSES = "abc"


@pytest.fixture
def store(store_of):
    """36 clips of three unequal classes; neuron 0 is dead, 1 always fires, 2 fires for b alone."""
    random = np.random.default_rng(4)
    labels = np.array(list("a" * 8 + "b" * 12 + "c" * 16))
    tokens = random.integers(4, 9, 36)
    lean = random.uniform(0.1, 0.7, (20, 3))
    fired = random.binomial(tokens[:, None], lean[:, np.searchsorted(list(CLASSES), labels)].T)
    fired[:, 0], fired[:, 1] = 0, tokens
    fired[:, 2] = np.where(labels == "b", tokens - 1, 0)
    return store_of(fired, tokens, labels, units=[12, 8], groups=[i % 12 for i in range(36)])


def blocks(store, size=None):
    return list(blocks_of(store, labelled_clips(store, "kind"), size))


def scores(store, name):
    (only,) = blocks(store)
    return selectors()[name](only)


def alive(found):
    return [j for j in range(found.shape[1]) if not np.isnan(found[:, j]).all()]


def by_class(store, j):
    rates = (store.fired[:, j] / store.tokens).astype(np.float32).astype(float)
    labels = store.clips["kind"].to_numpy()
    return [rates[labels == name] for name in CLASSES]


def slow_contrasts(means):
    """The contrasts of one neuron, from its class means, in loops."""
    found = {"mad": [], "cas": [], "csi": [], "probeless": []}
    for k, mean in enumerate(means):
        others = [each for i, each in enumerate(means) if i != k]
        found["mad"].append(mean - sum(others) / len(others))
        found["cas"].append(mean - max(others))
        rest = sum(others) / len(others)
        found["csi"].append((mean - rest) / (mean + rest))
        found["probeless"].append(sum(abs(mean - each) for each in others))
    return found


def test_contrasts_equal_slow_loops(store):
    found = {name: scores(store, name) for name in ("mad", "cas", "csi", "probeless")}
    for j in range(1, 20):
        slow = slow_contrasts([values.mean() for values in by_class(store, j)])
        for name, expected in slow.items():
            np.testing.assert_allclose(found[name][:, j], expected, atol=1e-7)


def test_probeless_sums_to_its_overall_ranking(store):
    found = scores(store, "probeless")
    for j in range(1, 20):
        pairs = itertools.combinations([values.mean() for values in by_class(store, j)], 2)
        assert found[:, j].sum() == pytest.approx(2 * sum(abs(a - b) for a, b in pairs), abs=1e-7)


def test_eta_squared_is_that_of_scipys_anova(store):
    found = scores(store, "eta2")
    for j in alive(found):
        groups = by_class(store, j)
        eta = np.nanmax(found[:, j])
        n = sum(map(len, groups))
        assert int(np.nanargmax(found[:, j])) == int(np.argmax([each.mean() for each in groups]))
        if eta < 1 - 1e-9:
            assert eta / (1 - eta) * (n - 3) / 2 == pytest.approx(f_oneway(*groups).statistic, rel=1e-5)
    assert np.isnan(found[:, 1]).all()  # a neuron that always fires has no variance


def test_auroc_is_scikit_learns(store):
    found = scores(store, "auroc")
    labels = store.clips["kind"].to_numpy()
    for j in range(1, 20):
        rates = (store.fired[:, j] / store.tokens).astype(np.float32)
        for k, name in enumerate(CLASSES):
            assert found[k, j] == pytest.approx(roc_auc_score(labels == name, rates), abs=1e-12)


def test_mutual_information_is_scikit_learns_on_tokens(store):
    found = scores(store, "mi")
    labels = np.repeat(store.clips["kind"].to_numpy(), store.tokens)
    for j in range(1, 20):
        fires = np.concatenate(
            [np.arange(t) < n for t, n in zip(store.tokens, store.fired[:, j], strict=True)]
        )
        assert np.nanmax(found[:, j]) == pytest.approx(mutual_info_score(labels, fires), abs=1e-12)


def test_d_prime_equals_its_formula(store):
    found = scores(store, "dprime")
    for j in alive(found):
        groups = by_class(store, j)
        for k in range(3):
            rest = np.concatenate([each for i, each in enumerate(groups) if i != k])
            spread = np.sqrt((groups[k].var(ddof=1) + rest.var(ddof=1)) / 2)
            assert found[k, j] == pytest.approx((groups[k].mean() - rest.mean()) / spread, rel=1e-5)


def test_d_prime_of_perfect_separation_is_infinite_and_leads(store_of):
    fired = [[4, 4, 2], [4, 3, 2], [0, 0, 2], [0, 1, 2]]
    store = store_of(fired, [4] * 4, list("aabb"))
    table = rank(store, "kind", "dprime", share=1.0)
    assert table["score"].tolist()[0] == np.inf
    assert table["unit"].tolist() == [0, 1]  # the third has no variance and no difference


def test_lap_and_entropy_on_paper(store_of):
    store = store_of([[4, 2, 0], [0, 2, 0]], [4, 4], list("ab"))
    np.testing.assert_allclose(scores(store, "lap")[:, :2], [[1, 0.5], [0, 0.5]])
    found = scores(store, "entropy")
    assert found[0, 0] == pytest.approx(np.log(2))
    assert found[0, 1] == pytest.approx(0)
    assert np.isnan(found[:, 2]).all()


@pytest.mark.parametrize("preset", ["aape", "aape-drop5"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_aape_takes_the_neurons_of_the_preset(store_of, preset, share):
    random = np.random.default_rng(3)
    store = store_of(
        random.binomial(9, random.uniform(0, 1, 300) ** 3, (40, 300)), [9] * 40, list("abcd" * 10)
    )
    found = rank(store, "kind", preset, share=share)
    # With an assignment threshold of 0 every kept neuron gets a class.
    kept = select(store, "kind", preset=preset, share=share, assignment=0.0, permutations=0).neurons
    assert sorted(zip(found["layer"], found["unit"], strict=True)) == list(
        zip(kept["layer"], kept["unit"], strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_dead_neuron_is_never_selected_and_the_planted_one_often_is(store, name):
    found = rank(store, "kind", name, share=1.0)
    assert 0 not in set(found["unit"][found["layer"] == 0])
    row = found.query("layer == 0 and unit == 2")
    if name not in ("probeless", "lap", "aape"):  # its p is not in the top 5 % of so few
        assert row["category"].tolist() == ["b"]
    assert not found["score"].isna().any()


@pytest.mark.parametrize("name", NAMES)
def test_blocks_and_the_order_of_clips_do_not_matter(store, store_of, name):
    clips = labelled_clips(store, "kind")
    whole = rankings(store, clips, named([name]))[name]
    parts = rankings(store, clips, named([name]), size=7)[name]
    np.testing.assert_allclose(parts.score, whole.score, rtol=1e-12)
    assert (parts.category == whole.category).all()
    order = np.random.default_rng(0).permutation(36)
    mixed = store_of(store.fired[order], store.tokens[order], store.clips["kind"][order], units=[12, 8])
    assert rank(mixed, "kind", name, share=0.5)[["layer", "unit", "category"]].equals(
        rank(store, "kind", name, share=0.5)[["layer", "unit", "category"]]
    )


@pytest.mark.parametrize("name", NAMES)
def test_renamed_classes_rename_the_result(store, store_of, name):
    other = dict(zip("abc", "zyx", strict=True))
    renamed = store_of(store.fired, store.tokens, [other[c] for c in store.clips["kind"]], units=[12, 8])
    here, there = (rank(each, "kind", name, share=0.4) for each in (store, renamed))
    there["category"] = there["category"].map({new: old for old, new in other.items()})
    # The neuron that always fires is as good for one class as for another.
    here, there = (each[~((each["layer"] == 0) & (each["unit"] == 1))] for each in (here, there))
    assert here[["layer", "unit", "category"]].equals(there[["layer", "unit", "category"]])


@pytest.mark.parametrize("name", ["mad", "cas", "probeless"])
@pytest.mark.parametrize("alike", [True, False])
def test_mean_activations_are_taken_where_recorded(store, name, alike):
    values = np.random.default_rng(1).normal(size=(36, 20)).astype(np.float32)
    store.layers = tuple(SimpleNamespace(units=n) for n in ((10, 10) if alike else (12, 8)))
    if alike:
        store.mean = xr.DataArray(values.reshape(36, 2, 10), dims=("clip", "layer", "unit"))
    else:
        store.mean = xr.DataArray(values, dims=("clip", "neuron"))
    labels = store.clips["kind"].to_numpy()
    for block in (None, 7):
        for each in blocks(store, block):
            np.testing.assert_array_equal(each.activations, values[:, each.part])
    found = scores(store, name)
    for j in range(1, 20):
        means = [values[labels == c, j].astype(float).mean() for c in CLASSES]
        np.testing.assert_allclose(found[:, j], slow_contrasts(means)[name], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_clips_of_several_labels_count_for_each(store_of, name):
    random = np.random.default_rng(2)
    store = store_of(random.binomial(5, 0.4, (12, 9)), [5] * 12, ["a,b", "b", "c"] * 4, multilabel=True)
    table = rank(store, "kind", name, share=0.5)
    assert len(table) == (0 if name == "aape" else 4)  # p in the top 5 % of 27: strictly above, none
    assert set(table["category"]) <= set("abc")


def test_ties_go_by_address_and_a_quota_by_class():
    ranking = Ranking(np.array([1, 2, 2 + 1e-12, np.nan, 2, 5.0]), np.array([0, 1, 1, 0, 1, 1]), 2)
    assert best_neurons(ranking, 1.0).tolist() == [5, 1, 2, 4, 0]
    assert best_neurons(ranking, 0.5).tolist() == [5, 1, 2]
    assert best_neurons(ranking, 0.5, per_class=True).tolist() == [5, 1, 0]  # round(1.5) each
    assert best_neurons(ranking, 0.0, per_class=True).tolist() == []


def test_errors_name_the_value_and_what_there_is(store):
    with pytest.raises(UsageError, match="selector 'lapp' not found; expected one of lap, entropy"):
        rank(store, "kind", "lapp")
    with pytest.raises(UsageError, match="share is 2; expected a share of all neurons from 0 to 1"):
        rank(store, "kind", "lap", share=2)
    with pytest.raises(UsageError, match="no selector is named"):
        named([])
    (only,) = blocks(store)
    bad = Selector("bad", "", "", lambda e: e.p[0])
    with pytest.raises(OtoscopeError, match=r"'bad' returned an array of shape \(20,\); expected \(3, 20\)"):
        bad(only)


def test_every_selector_says_what_it_is():
    for each in available():
        assert each.about
        assert each.source
        assert len(each.about) <= 70


def by_function(block):
    """Always the same.

    Not shown.
    """
    return np.ones_like(block.p)


def failing():
    raise ImportError("No module named 'nowhere'")


def test_packages_bring_selectors_and_broken_ones_are_left_out(monkeypatch):
    entries = [
        ("same", lambda: by_function, None),
        ("whole", lambda: Selector("mine", "about", "source", by_function), None),
        ("taken", lambda: Selector("lap", "", "", by_function), "has the name 'lap', which is taken"),
        ("absent", failing, "cannot be loaded: No module named 'nowhere'"),
        ("text", lambda: "lap", "cannot be loaded: expected a Selector or a function, found a str"),
    ]
    made = [SimpleNamespace(name=name, value=f"toy:{name}", load=load) for name, load, _ in entries]
    monkeypatch.setattr(registry, "entry_points", lambda group: made if group == registry.GROUP else [])
    selectors.cache_clear()
    try:
        with pytest.warns(UserWarning, match="it is left out") as warned:
            found = selectors()
    finally:
        selectors.cache_clear()
    assert list(found)[-2:] == ["same", "mine"]
    assert found["same"].about == "Always the same."
    assert found["lap"].about != ""
    told = [str(each.message) for each in warned]
    for (name, _, problem), message in zip(entries[2:], told, strict=True):
        assert f"the selector {name!r} (toy:{name}) of an installed package {problem}" in message


def test_select_takes_a_selector_by_name_and_says_what_chance_gives():
    world = otoscope.world()
    found = otoscope.select(world, "class", preset="auroc", share=0.02, permutations=19, seed=3)
    ranked = rank(world, "class", "auroc", share=0.02)
    assert found.preset == "auroc"
    assert set(map(tuple, found.table[["layer", "unit", "category"]].to_numpy().tolist())) == set(
        map(tuple, ranked[["layer", "unit", "category"]].to_numpy().tolist())
    )
    assert found.filters is None
    assert found.chance.permutations == 19
    assert 1 / 20 <= found.chance.depth.p <= 1
    assert found.document()["provenance"]["share"] == 0.02


def test_chance_of_a_selector_is_that_of_labels_dealt_anew():
    world = otoscope.world(classes=2, groups=4, clips=4)
    found = otoscope.select(world, "class", preset="mad", share=0.05, permutations=3, seed=5)
    used = labelled_clips(world, "class")
    design = design_of(used.membership, used.groups)
    random = np.random.default_rng(5)
    dealt = replace(world.labeling("class"), name="dealt", column="dealt")
    for depth in found.chance.values["depth"]:
        labels = design.permuted(random)[design.unit].argmax(axis=1)
        clips = world.clips.assign(dealt=[used.classes[k] for k in labels])
        again = replace(world, clips=clips, labelings={"dealt": dealt})
        assert select(again, "dealt", preset="mad", share=0.05, permutations=0).depth == pytest.approx(depth)


def test_what_no_selector_has_is_refused():
    world = otoscope.world()
    with pytest.raises(UsageError, match=r"preset 'best' not found; expected specific, aape.*auroc"):
        otoscope.select(world, "class", preset="best")
    with pytest.raises(UsageError, match="selector 'auroc' has no response or pooling; expected share"):
        otoscope.select(world, "class", preset="auroc", response=0.5, pooling="clip")
    with pytest.raises(UsageError, match="share is 2; expected a share of all neurons"):
        otoscope.select(world, "class", preset="auroc", share=2)
