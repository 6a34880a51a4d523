"""A toy recording without audio or model, and the results that the real verbs would save for it."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from otoscope.files import write_json
from otoscope.interventions import Gain, Target
from otoscope.interventions.effects import Heard, collect
from otoscope.interventions.experiment import Condition
from otoscope.interventions.probes.fitted import Fitted
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
        self.clips = self.clips.assign(path=[f"/nowhere/{i}.wav" for i in range(CLIPS)], sha256="")
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
            "task": {"name": "toy", "fingerprint": "b" * 64, "clips": CLIPS, "citation": "Toy et al. 2026"}
            | {"seconds": None},
            "settings": {"batch_size": 8, "device": "cpu"},
            "version": "0.1.0",
            "versions": {"otoscope": "0.1.0", "numpy": "2"},
        }

    @property
    def layer_tokens(self):
        return np.repeat(self.tokens[:, None], LAYERS, axis=1)

    def labeling(self, name):
        return self.labelings[name]

    def counts(self, neurons, clips=slice(None)):
        return self.fired[clips, neurons]

    def peaks(self, neurons, clips=slice(None)):
        return self.fired[clips, neurons].astype(np.float32) / 4 - 1


def labeling(name):
    return Labeling(name, name, CLASSES)


def make(folder, name="toy.zarr", label="mood", **settings):
    """Make a store; `label` may be as nasty as a column name can be."""
    store = ToyStore(folder / name, {label: labeling(label)}, **settings)
    store.results.mkdir(parents=True)
    return store


def pages_of(index):
    """The HTML of all pages that a site's navigation leads to, one after the other."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(index.parent.glob("*.html")))


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


def make_ablation(label="mood", together=False, drop=0.3, gains=(), draws=20):
    """Every class's own neurons off, or those of two classes together; only their own classes change.

    Clips of the own classes lose the right answer in a share of `drop`, and as much of their margin, times 4;
    with gains in proportion to what is taken away. Control sets push half as hard, or as hard, in vain.
    """
    own = [(name, (name,)) for name in CLASSES]
    own = [("+".join(CLASSES[:2]), CLASSES[:2])] if together else own
    targets = [Target(name, classes, ((0, k), (1, k))) for k, (name, classes) in enumerate(own)]
    if gains:
        targets = [
            replace(
                each, name=f"{each.name} x{gain:g}", level=gain, series="gain", of=each.name, at=f"{gain:g}"
            )
            for each in targets
            for gain in gains
        ]
    truth = np.repeat(np.arange(3), 30)
    kinds = [("layer", draw) for draw in range(1, draws + 1)]
    kinds += [("displacement", draw) for draw in range(1, draws + 1)] + [("neighbour", 1)] * bool(draws)
    heard = [("", "intact", 0, None)]
    heard += [(each.name, kind, draw, each) for each in targets for kind, draw in [("target", 0), *kinds]]
    conditions = [Condition(name, kind, draw, _switched(kind, draw, of)) for name, kind, draw, of in heard]
    probes = [Fitted(name, 0, None, 3, False) for name in ("logistic", "evar")]
    outcomes = _outcomes(truth, heard, drop)
    wide = {name: np.repeat(values[:, None], 2, axis=1) for name, values in outcomes.items()}
    variables = {name: (("condition", "probe", "clip"), values) for name, values in wide.items()}
    push = {"target": 2.0, "displacement": 2.1, "layer": 1.0, "neighbour": 0.9, "intact": 0.0}
    moved = [np.full(len(truth), push[kind]) for _, kind, _, _ in heard]
    variables["displacement"] = (("condition", "clip"), np.array(moved))
    experiment = Heard(
        label, CLASSES, tuple(targets), conditions, xr.Dataset(variables), probes, truth, np.arange(90) // 3
    )
    return collect(experiment, {"gain": 0.0, "seed": 0, "notes": ["A note on controls."]}, {})


def _switched(kind, draw, target):
    """The target's neurons, or two of a control set's own."""
    if target is None:
        return ()
    own = target.neurons if kind == "target" else [(0, 10 + draw), (1, 10 + draw)]
    return (Gain.of(own, target.level),)


def _outcomes(truth, heard, drop):
    """Each of shape (conditions, clips): a fifth of all clips is wrong to begin with."""
    random, place = np.random.default_rng(3), np.arange(len(truth)) % 30 / 30
    margin = 2 + random.normal(0, 0.05, (len(heard), len(truth)))
    wrong = np.repeat((place >= 0.8)[None], len(heard), axis=0)
    for row, (_, kind, _, target) in enumerate(heard):
        if kind == "target":
            hit = np.isin(truth, [CLASSES.index(name) for name in target.categories])
            wrong[row] |= hit & (place < drop * (1 - target.level))
            margin[row] -= 4 * drop * (1 - target.level) * hit
    predicted = np.where(wrong, (truth + 1) % 3, truth)
    return {"margin": margin, "cross_entropy": np.exp(-margin), "predicted": predicted}


@pytest.fixture
def toy():
    """The names above, for tests: under import-mode=importlib a conftest cannot be imported."""
    return SimpleNamespace(
        CLASSES=CLASSES,
        EVIL=EVIL,
        ablation=make_ablation,
        pages_of=pages_of,
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
