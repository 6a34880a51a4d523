"""A model's own classifier: against the library's logits, and against a computation by hand."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from cases_m2d import KINDS, LABELS

from otoscope.models import load_model
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.heads import head_of

MEAN, VAR = "module.head.norm.running_mean", "module.head.norm.running_var"
WEIGHT, BIAS = "module.head.mlp.mlp.0.weight", "module.head.mlp.mlp.0.bias"


def embedded(model, clips):
    chunks = model.prepare(clips)
    with torch.no_grad():
        return model.embedding(chunks, [model.forward(chunk) for chunk in chunks]).numpy()


# --- AST ---


@pytest.fixture
def ast(tmp_path):
    """Writes an AST of a class of transformers; returns its folder."""
    pytest.importorskip("transformers")
    from cases_hf_ast import save, small

    def write(class_name="ASTForAudioClassification", **changes):
        save(small(class_name, **changes), tmp_path / class_name)
        return tmp_path / class_name

    return write


def test_asts_head_gives_the_librarys_logits(ast, noise):
    from transformers import ASTFeatureExtractor, ASTForAudioClassification

    folder = ast(id2label={0: "Dog", 1: "cat", 2: "Rain", 3: "Siren", 4: "speech"})
    model = load_model(f"hf:{folder}")
    clips = [noise(5000), noise(5000, seed=1)]
    extractor = ASTFeatureExtractor.from_pretrained(folder)
    whole = ASTForAudioClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        samples = [clip.samples for clip in clips]
        expected = whole(**extractor(samples, sampling_rate=16000, return_tensors="pt")).logits.numpy()
    head = head_of(model)
    assert head.classes == ("Dog", "cat", "Rain", "Siren", "speech")
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(head.logits(embedded(model, clips)), expected, atol=1e-5)


def test_names_that_say_nothing_are_none(ast):
    head = head_of(load_model(f"hf:{ast()}"))
    assert (head.size, head.classes) == (5, None)


def test_an_ast_without_a_head_or_without_training_has_none(ast):
    assert head_of(load_model(f"hf:{ast('ASTModel')}")) is None
    assert head_of(load_model(f"random:hf:{ast()}@1")) is None


# --- M2D ---


@pytest.fixture
def tuned(tmp_path):
    """Writes a file of EVAR's fine-tuning whose batch norm has seen something; returns spec and tensors."""

    def write(kind="m2d-as, fine-tuned", **changes):
        spec = KINDS[kind].write(tmp_path)
        path = tmp_path / KINDS[kind].folder / KINDS[kind].file
        tensors = torch.load(path, weights_only=True)
        generator = torch.Generator().manual_seed(5)
        tensors[MEAN] = torch.randn(tensors[MEAN].shape, generator=generator)
        tensors[VAR] = torch.rand(tensors[VAR].shape, generator=generator) + 0.5
        tensors |= changes
        torch.save({key: value for key, value in tensors.items() if value is not None}, path)
        return spec, tensors

    return write


def by_hand(tensors, features):
    mean, var, weight, bias = (tensors[key].double().numpy() for key in (MEAN, VAR, WEIGHT, BIAS))
    return (features - mean) / np.sqrt(var + 1e-5) @ weight.T + bias


def test_evars_head_normalises_then_maps(tuned, noise):
    spec, tensors = tuned()
    model = load_model(spec)
    embedding = embedded(model, [noise(20000), noise(20000, seed=1)]).astype(float)
    head = head_of(model)
    assert (head.size, head.classes) == (LABELS, None)
    np.testing.assert_allclose(head.logits(embedding), by_hand(tensors, embedding), atol=1e-5)


def test_a_head_on_flat_features_is_spread_over_the_rows(tuned):
    """Flat features are the mean of all tokens: that of the embedding over the rows stacked in it."""
    kind = "m2d-as, fine-tuned flat"
    spec, tensors = tuned(kind)
    rows, width = KINDS[kind].grid[0], KINDS[kind].width
    embedding = np.random.default_rng(0).normal(size=(3, rows * width))
    expected = by_hand(tensors, embedding.reshape(3, rows, width).mean(axis=1))
    np.testing.assert_allclose(head_of(load_model(spec)).logits(embedding), expected, atol=1e-5)


def test_a_head_is_no_part_of_the_encoder(tuned, tmp_path):
    spec, tensors = tuned()
    model = load_model(spec)
    path = next(tmp_path.rglob("*.pth"))
    before = model.fingerprint
    copy = pickle.loads(pickle.dumps(model))
    assert head_of(copy).size == head_of(model).size == LABELS
    assert model.fingerprint == copy.fingerprint == before
    torch.save({key: value for key, value in tensors.items() if ".head." not in key}, path)
    headless = load_model(spec)
    assert headless.fingerprint == before
    assert head_of(headless) is None
    assert head_of(load_model(f"random:{spec}@1")) is None


def test_a_head_is_read_when_it_is_asked_for(tuned, tmp_path):
    spec, _ = tuned()
    model = load_model(spec)
    late = load_model(spec)
    head_of(model)
    shutil.rmtree(tmp_path)
    assert head_of(model).size == LABELS  # nothing of the file is needed any more
    with pytest.raises(CheckpointError, match="no such file"):
        head_of(late)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({VAR: None}, r"no usable module\.head\.norm\.running_var .* EVAR's linear classifier"),
        ({"module.head.mlp.mlp.3.weight": torch.ones(2, 2)}, r"several layers \(module\.head\.mlp\.mlp\.3"),
        ({WEIGHT: torch.ones(7, 99)}, r"classifier of 99 features; expected 640, or those of a row"),
        ({BIAS: torch.full((LABELS,), float("nan"))}, r"NaN or infinite weights in 1\.bias"),
    ],
)
def test_a_head_that_cannot_be_used_is_refused(tuned, changes, message):
    spec, _ = tuned(**changes)
    model = load_model(spec)  # the encoder can be
    with pytest.raises(CheckpointError, match=message):
        head_of(model)


def test_models_that_show_none_have_none():
    assert head_of(load_model("mini:random")) is None
    assert head_of(object()) is None
