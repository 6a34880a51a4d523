"""The embedded miniature models."""

import pytest
import torch

from otoscope.errors import OtoscopeError, UsageError
from otoscope.models import load_model, mini
from otoscope.models.mini import MINI_CONFIG
from otoscope.models.vit import untrained

STATS = (-6.25, 3.5)


def test_the_miniature_has_9216_neurons():
    model = load_model("mini:random")
    assert model.vit.config == MINI_CONFIG
    assert sum(layer.units for layer in model.layers) == 9216
    assert (
        MINI_CONFIG.width // MINI_CONFIG.heads == 64
    )  # M2D's, so that any reader of its files can load them
    assert model.embedding_size == 5 * 192
    assert model.tokens(2 * 16000) == 65  # 2 s fill its 13 columns


def test_random_is_step_0_of_its_seed():
    assert load_model("mini:random").fingerprint == load_model("mini:random@0").fingerprint
    assert load_model("mini:random@1").fingerprint != load_model("mini:random@2").fingerprint
    weights = untrained(MINI_CONFIG, 5).state_dict()
    loaded = load_model("mini:random@5").vit.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())


@pytest.mark.parametrize("kind", ["ssl", "supervised"])
def test_trained_models_are_read_from_half_precision(kind, tmp_path, monkeypatch, save_mini):
    vit = untrained(MINI_CONFIG, seed=9)
    path = save_mini(vit, tmp_path / f"mini-{kind}.safetensors")
    monkeypatch.setattr(mini, "DATA", tmp_path)
    model = load_model(f"mini:{kind}")
    assert path.stat().st_size < 12e6
    assert (model.name, model.norm_stats, model.sample_rate) == (f"mini:{kind}", STATS, 16000)
    assert model.vit.config == MINI_CONFIG
    for name, tensor in vit.state_dict().items():
        assert torch.equal(model.vit.state_dict()[name], tensor.half().float())


@pytest.mark.parametrize("kind", ["ssl", "supervised"])
def test_a_missing_file_is_named(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(mini, "DATA", tmp_path)
    with pytest.raises(
        OtoscopeError, match=rf"mini:{kind} is not part of this installation: .*{kind}.safetensors"
    ):
        load_model(f"mini:{kind}")


@pytest.mark.parametrize("spec", ["mini:large", "mini:ssl@1", "mini:supervised@0"])
def test_other_miniatures_do_not_exist(spec):
    with pytest.raises(UsageError, match=f"there is no model {spec}; expected mini:ssl, mini:supervised"):
        load_model(spec)


@pytest.mark.parametrize("kind", mini.TRAINED)
def test_the_untrained_model_hears_what_the_trained_ones_do(kind):
    assert mini.load_mini("random").norm_stats == pytest.approx(mini.load_mini(kind).norm_stats, abs=1e-4)
