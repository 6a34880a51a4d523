"""A recording beside its twins: counts by the same selection, ranks on held-out halves."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from otoscope.activations import open_store, record
from otoscope.activations.twins import place_of
from otoscope.errors import OtoscopeError
from otoscope.neurons import Selection, planted, select
from otoscope.neurons.baselines import TwinCounts, beside, beside_twins, count_in_twins, twins_missing
from otoscope.neurons.evidence.against_twins import TwinComparison, against_twins, class_auroc
from otoscope.neurons.worlds.model import PlantedModel

LOOSE = {"response": 0.5, "share": 0.2, "assignment": 0.5}


@dataclass
class Other:
    name: str
    kind: str
    seed: int
    recording: object
    problem: str = ""

    def open(self):
        return self.recording


@pytest.fixture
def stores(store_of):
    """Eight voices of two clips; neuron 0 of the trained model tells a from b, its twins know nothing."""

    def make(groups=8, classes="ab"):
        random = np.random.default_rng(0)
        group = np.repeat(np.arange(groups), 2)
        labels = [classes[number % len(classes)] for number in group]
        kinds = []
        for seed in range(3):
            fired = np.random.default_rng(seed).integers(0, 100, (len(labels), 20))
            if seed == 0:
                fired[:, 0] = [90 if label == "a" else 10 for label in labels] + random.integers(
                    0, 10, len(labels)
                )
            kinds.append(store_of(fired, [100] * len(labels), labels, groups=[f"v{g}" for g in group]))
        store = kinds[0]
        store.twins = [Other(f"random-{seed}", "random", seed, kinds[seed + 1]) for seed in range(2)]
        return store

    return make


def choose(recording, mask=None):
    return select(recording, "kind", clips=mask, permutations=0, twins=False, **LOOSE)


def test_the_same_selection_in_every_twin(stores):
    store = stores()
    counts = count_in_twins(store, choose)
    assert counts.table["twin"].tolist() == ["random-0", "random-1"]
    for twin, row in zip(store.twins, counts.table.itertuples(), strict=True):
        alone = choose(twin.recording)
        assert (row.neurons, row.pairs, row.coverage) == (len(alone.neurons), alone.pairs, alone.coverage)
    assert counts.of("random", "neurons") == counts.table["neurons"].tolist()
    assert counts.of("shuffled", "neurons") == []
    assert counts.note == ""


def test_a_twin_is_asked_under_the_labels_of_the_store(stores):
    store = stores()
    for twin in store.twins:
        twin.recording.labelings = {}  # the labels were given to the store later
        twin.recording.clips = store.clips[["clip"]]
    assert len(count_in_twins(store, choose).table) == 2


def test_twins_are_kept_with_the_selection(stores, tmp_path):
    store = stores()
    selection = beside_twins(choose(store), store, choose)
    selection.save(tmp_path)
    again = Selection.load(tmp_path)
    assert again.document() == selection.document()
    assert again.twins.table.equals(selection.twins.table)
    assert "random-1" in again.twins._repr_html_()
    choose(store).save(tmp_path)
    assert Selection.load(tmp_path).twins is None


def test_without_twins_the_words_say_so(store_of, tmp_path):
    store = store_of([[1, 2], [2, 1], [1, 0], [0, 1]], [4] * 4, list("abab"))
    counts = count_in_twins(store, choose)
    assert len(counts.table) == 0
    assert counts.note.startswith("twin not recorded")
    assert TwinCounts.from_document(counts.document()).table.equals(counts.table)
    store.twins_missing = "twin not recorded; try this"
    assert twins_missing(store) == "twin not recorded; try this"
    found = against_twins(store, "kind")
    assert found.models["model"].tolist() == ["trained"]
    assert found.note == store.twins_missing


def test_a_twin_that_cannot_be_used_is_named(stores):
    store = stores()
    store.twins[1].problem = "it has other layers"
    assert [twin.name for twin, _ in beside(store)] == ["random-0"]
    assert count_in_twins(store, choose).note == "twin random-1 cannot be used: it has other layers"


# Ranks


def test_auroc_agrees_with_scikit_learn(stores):
    store = stores()
    member = store.labeling("kind").membership(store.clips)
    found = class_auroc(store, np.arange(len(member)), member)
    for category in range(2):
        for neuron in range(20):
            expected = roc_auc_score(member[:, category], store.fired[:, neuron])
            assert found[category, neuron] == pytest.approx(expected, abs=1e-12)


def test_what_was_learned_stands_out_of_the_twins(stores, tmp_path):
    found = against_twins(stores(16), "kind", choose)
    a = found.categories[found.categories["category"] == "a"].set_index("model")["auroc"]
    assert a["trained"] == 1
    assert a.drop("trained").max() < 0.9
    models = found.models.set_index("model")
    assert list(models.index) == ["trained", "random-0", "random-1"]
    assert models["median"].between(0.3, 0.7).all()
    assert models["held_out"]["trained"] > models["held_out"].drop("trained").max()
    assert (models["pairs"] > 0).all()
    found.save(tmp_path)
    again = TwinComparison.load(tmp_path)
    assert again.document() == found.document()
    assert "random-1" in again._repr_html_()
    with pytest.raises(OtoscopeError, match=r"holds no twins\.json"):
        TwinComparison.load(tmp_path / "none")


def test_scores_in_noise_are_not_biased_upwards(store_of):
    values = []
    for seed in range(30):
        fired = np.random.default_rng(seed).integers(0, 50, (40, 100))
        store = store_of(fired, [50] * 40, list("ab") * 20)
        values += against_twins(store, "kind", seed=seed).categories["auroc"].tolist()
    assert np.mean(values) == pytest.approx(0.5, abs=3 * np.std(values) / np.sqrt(len(values)))


def test_the_order_of_clips_does_not_matter_to_ranks_nor_their_scale(stores):
    store = stores()
    before = against_twins(store, "kind", seed=3)
    for each in (store, *(twin.recording for twin in store.twins)):
        each.fired = (each.fired.astype(int) ** 2).astype(np.uint16)  # base rates differ, ranks do not
    after = against_twins(store, "kind", seed=3)
    assert after.categories.equals(before.categories)
    assert against_twins(store, "kind", seed=3).models.equals(after.models)


def test_dead_neurons_and_skipped_clips(stores):
    store = stores(16)
    store.fired[:, 5] = 0
    store.twins[0].recording.by_layer = store.twins[0].recording.by_layer.copy()
    store.twins[0].recording.by_layer[3] = 0
    found = against_twins(store, "kind", choose)
    assert found.categories["auroc"].notna().all()


def test_a_class_of_one_group_is_refused(stores):
    with pytest.raises(OtoscopeError, match=r"class 'a' of labeling 'kind' has 1 group, all of them in one"):
        against_twins(stores(3, "abc"), "kind")


def test_planted_neurons_are_not_in_a_twin_made_by_hand(tmp_path):
    toy = planted(tmp_path / "sounds", classes=2, groups=8, seconds=0.5)
    store = record(toy.model, toy.task, tmp_path / "x.zarr")
    random = np.random.default_rng(1)
    layers, units, bands = 3, 60, 10
    deaf = np.zeros((layers * units, bands), dtype=np.float32)
    deaf[np.arange(len(deaf)), 2 + random.integers(bands - 2, size=len(deaf))] = 1  # distractors only
    twin = PlantedModel(
        "deaf", deaf.reshape(layers, units, bands), np.full((layers, units), -0.04, np.float32)
    )
    record(twin, toy.task, place_of(store.path, "random", 0))
    store = open_store(store.path)
    pick = partial(select, label="tone", share=toy.share, permutations=0)
    selection = beside_twins(pick(store), store, pick)
    assert selection.twins.table["twin"].tolist() == ["random-0"]
    found = against_twins(store, "tone", lambda recording, mask: pick(recording, clips=mask))
    best = found.categories.pivot(index="category", columns="model", values="auroc")
    assert (best["trained"] == 1).all()
    assert (best["random-0"] < 0.95).all()
