"""A toy recording without audio or model, and the results that the real verbs would save for it."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from otoscope.files import write_json
from otoscope.interventions import Ablation, Target
from otoscope.neurons import select, share
from otoscope.tasks import Labeling

EVIL = "<script>alert(1)</script>"
CLASSES = ("calm", EVIL, 'say "hi" & $x_1$')
LAYERS, UNITS, CLIPS, TOKENS = 2, 40, 90, 12


@dataclass
class ToyStore:
    path: Path
    labelings: dict = field(default_factory=dict)
    model: str = "toy:one"
    planted: bool = True

    def __post_init__(self):
        random = np.random.default_rng(7)
        names = [name for name, labeling in self.labelings.items()]
        self.clips = pd.DataFrame({"clip": [f"{EVIL}/{i}.wav" for i in range(CLIPS)], "problem": ""})
        for name in names:
            self.clips[name] = [self.labelings[name].classes[i % 3] for i in range(CLIPS)]
        self.tokens = np.full(CLIPS, TOKENS)
        rate = np.full((CLIPS, LAYERS * UNITS), 0.3)
        if self.planted:
            for neuron in range(6):
                rate[np.arange(CLIPS) % 3 == neuron % 3, neuron * 13] = 0.95
        self.fired = random.binomial(TOKENS, rate).astype(np.uint16)
        self.layers = tuple(SimpleNamespace(name=f"block {i}", units=UNITS) for i in range(LAYERS))
        self.results = self.path / "results"
        self.info = {
            "model": {"name": self.model, "fingerprint": "a" * 64, "sample_rate": 16000},
            "task": {"name": "toy", "fingerprint": "b" * 64, "clips": CLIPS, "citation": "Toy et al. 2026"},
            "settings": {"batch_size": 8, "device": "cpu"},
            "version": "0.1.0",
            "versions": {"otoscope": "0.1.0", "numpy": "2"},
        }

    @property
    def layer_tokens(self):
        return np.repeat(self.tokens[:, None], LAYERS, axis=1)

    def labeling(self, name):
        return self.labelings[name]

    def counts(self, neurons):
        return self.fired[:, neurons]


def labeling(name):
    return Labeling(name, name, CLASSES)


def make(folder, name="toy.zarr", label="mood", **settings):
    """Make a store; `label` may be as nasty as a column name can be."""
    store = ToyStore(folder / name, {label: labeling(label)}, **settings)
    store.results.mkdir(parents=True)
    return store


@pytest.fixture
def make_store(tmp_path):
    """Make a store in the test's own folder."""
    return partial(make, tmp_path)


def save_selection(store, label="mood", **settings):
    """Select with the real verb, keeping enough of the toy's few neurons."""
    selection = select(store, label, **{"share": 0.1, "permutations": 30, **settings})
    selection.save(store.results / "select-it")
    return selection


def save_sharing(store, selection):
    share(selection).save(store.results / "share-within")


def save_across(store, one, two):
    share(one, two).save(store.results / "share-across")


def save_probe(store, label="mood"):
    by_category = {name: {"clips": 10, "accuracy": 0.5} for name in CLASSES}
    document = {
        "label": label,
        "classes": list(CLASSES),
        "probe": "logistic",
        "accuracy": 0.8,
        "interval": [0.7, 0.9],
        "chance": 0.34,
        "n": 30,
        "by_category": by_category,
        "fold_accuracy": [0.8],
        "splits": "5 folds by speaker",
        "provenance": {},
    }
    write_json(store.results / "probe-it.json", document)


def make_ablation(label="mood", together=False, drop=-0.3):
    """Every class's own neurons off, or those of two classes together; only their own classes change."""
    targets = [Target(name, (name,), ((0, k), (1, k))) for k, name in enumerate(CLASSES)]
    if together:
        targets = [Target("+".join(CLASSES[:2]), CLASSES[:2], ((0, 1), (1, 1)))]
    random, rows = np.random.default_rng(3), []
    for target in targets:
        for condition, draw in [("baseline", 0), ("target", 0), *(("control", d) for d in range(1, 21))]:
            for name in CLASSES:
                change = 0.0 if condition == "baseline" else random.normal(0, 0.01)
                if condition == "target" and name in target.categories:
                    change = drop
                rows.append((target.name, condition, draw, name, 30, 0.8 + change, 2.0 + 4 * change))
    columns = ["target", "condition", "draw", "category", "clips", "accuracy", "margin"]
    table = pd.DataFrame(rows, columns=columns)
    return Ablation(label, CLASSES, tuple(targets), table, {"gain": 0.0, "seed": 0}, {})


@pytest.fixture
def toy():
    """The names above, for tests: under import-mode=importlib a conftest cannot be imported."""
    return SimpleNamespace(
        CLASSES=CLASSES,
        EVIL=EVIL,
        ablation=make_ablation,
        save_across=save_across,
        save_probe=save_probe,
        save_selection=save_selection,
    )


@pytest.fixture(scope="session")
def full_store(tmp_path_factory):
    """A store on which every verb has run; tests only read it."""
    store = make(tmp_path_factory.mktemp("full"))
    save_sharing(store, save_selection(store))
    save_probe(store)
    make_ablation().save(store.results / "ablate-it")
    return store
