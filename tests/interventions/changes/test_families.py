"""What holds of changes in every family of models: exact, shared prefixes, no trace."""

import importlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import otoscope as oto
from otoscope.audio import Waveform
from otoscope.interventions import Gain, embed, intervene
from otoscope.interventions.running import Batch

MODELS = Path(__file__).parents[2] / "models"
if str(MODELS) not in sys.path:
    sys.path.insert(0, str(MODELS))
CASES = {
    name: case
    for path in sorted(MODELS.glob("cases_*.py"))
    for name, case in importlib.import_module(path.stem).CASES.items()
}
CLIPS = 2


@pytest.fixture(scope="module", params=list(CASES))
def case(request):
    if CASES[request.param].needs:
        pytest.importorskip(CASES[request.param].needs)
    return CASES[request.param]


@pytest.fixture(scope="module")
def model(case, tmp_path_factory):
    return oto.load_model(case.write(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def batch(model):
    samples = 3 * max(model.min_samples, model.sample_rate // 8) + 5
    sound = np.random.default_rng(0).normal(0, 0.1, (CLIPS, samples)).astype(np.float32)
    return Batch(tuple(range(CLIPS)), tuple(Waveform(each, samples) for each in sound))


def embedded(model, batch, *changes):
    """The naive way: every module is run."""
    chunks = model.prepare(batch.waveforms)
    with intervene(model, *changes), torch.inference_mode():
        features = [model.forward(chunk) for chunk in chunks]
        return model.embedding(chunks, features).float().numpy()


def some(model, layer):
    """A few units of a layer, that do something."""
    return [(layer, unit) for unit in range(0, model.layers[layer].units, 3)]


def traces(model):
    modules = list(model.module.modules())
    hooks = sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in modules)
    return hooks, [type(each).__name__ for each in modules if "forward" in vars(each)]


def test_a_gain_of_one_changes_no_bit(model, batch):
    layers = range(len(model.layers))
    change = Gain.of([address for layer in layers for address in some(model, layer)], 1.0)
    assert np.array_equal(embedded(model, batch, change), embedded(model, batch))


def test_a_gain_of_zero_is_a_model_without_those_columns(case, model, batch):
    """Zero the columns of the second linear map that read the units."""
    for layer in {0, len(model.layers) - 1}:
        off = embedded(model, batch, Gain.of(some(model, layer)))
        weight = case.linears(model.module, layer)[1].weight
        before = weight.detach().clone()
        with torch.no_grad():
            weight[:, [unit for _, unit in some(model, layer)]] = 0
        rebuilt = embedded(model, batch)
        with torch.no_grad():
            weight.copy_(before)
        assert np.abs(off - embedded(model, batch)).max() > 1e-6  # something is switched off
        np.testing.assert_allclose(off, rebuilt, atol=1e-5)


def test_shared_prefixes_give_what_whole_passes_give(model, batch):
    last = len(model.layers) - 1
    wanted = [
        (),
        *((Gain.of(some(model, layer)),) for layer in sorted({0, last // 2, last}, reverse=True)),
        (Gain.of(some(model, 0), 2.0), Gain.of(some(model, last), 0.5)),
        (Gain.of(some(model, last)),),
    ]
    ((_, numbers, found),) = embed(model, [batch], wanted)
    assert list(numbers) == list(range(len(wanted)))
    for changes, shared in zip(wanted, found, strict=True):
        np.testing.assert_allclose(shared, embedded(model, batch, *changes), atol=1e-5)


def test_nothing_is_left_behind(model, batch):
    before, name = traces(model), model.fingerprint
    list(embed(model, [batch], [(), (Gain.of(some(model, len(model.layers) - 1)),)]))
    assert traces(model) == before
    assert pickle.loads(pickle.dumps(model)).fingerprint == name
