"""From file and name to model: inferred sizes, overrides, contradictions, equality with a slow version."""

import argparse
import shutil

import numpy as np
import pytest
import torch

from otoscope.models import M2D
from otoscope.models.checkpoints import CheckpointError
from otoscope.models.loading import load_m2d
from otoscope.models.vit import ViTConfig, untrained

STATS = (-6.25, 3.5)


def slow_outputs(slow, model, weights, heads, waveform):
    """Features and hidden activations of one short clip, from the model's own spectrogram (tested apart)."""
    spectrogram = model.logmel(torch.from_numpy(waveform.samples)[None])[0].double().numpy()
    spectrogram = (spectrogram - np.float64(np.float32(STATS[0]))) / np.float32(STATS[1])
    missing = -spectrogram.shape[1] % 16
    return slow(weights, heads, np.pad(spectrogram, ((0, 0), (0, missing))))


def test_outputs_and_hidden_activations_equal_the_slow_version(small_vit, save, kind, slow, listen, noise):
    path = save(small_vit, kind)
    model = load_m2d(path, name="m")
    waveform = noise(7000)
    (features,), (hidden,) = listen(model, [waveform])
    expected, expected_hidden = slow_outputs(slow, model, small_vit.state_dict(), 2, waveform)
    assert np.abs(features[0].numpy() - expected).max() < 1e-5
    assert len(hidden) == len(expected_hidden) == 3
    for seen, right in zip(hidden, expected_hidden, strict=True):
        assert np.abs(seen[0].numpy() - right).max() < 1e-5


def test_a_true_vit_b_in_every_kind_of_file(save, slow, listen, noise, tmp_path):
    vit = untrained(ViTConfig(input_size=(80, 608)), seed=0)
    waveform = noise(4800)
    expected = None
    for kind in ("full", "encoder_only", "fine_tuned", "runtime_object"):
        path = save(vit, kind, folder="m2d_vit_base-80x608p16x16-221006-mr7")
        model = load_m2d(path, name="m")
        shutil.rmtree(path.parent)  # nothing of the file may be needed after loading
        assert model.vit.config == ViTConfig()
        expected = expected or slow_outputs(slow, model, vit.state_dict(), 12, waveform)
        (features,), (hidden,) = listen(model, [waveform])
        assert features.shape == (1, 11, 768)
        assert np.abs(features[0].numpy() - expected[0]).max() < 1e-5
        assert [tuple(h.shape) for h in hidden] == [(1, 11, 3072)] * 12
        assert max(np.abs(h[0].numpy() - e).max() for h, e in zip(hidden, expected[1], strict=True)) < 1e-5


@pytest.mark.parametrize(
    ("folder", "config", "rate"),
    [
        ("m2d_vit_base-80x608p16x16-221006-mr7", ViTConfig((80, 608), (16, 16), 64, 2, 1, 32), 16000),
        ("m2d_as_vit_base-80x1001p16x16p32k-240413", ViTConfig((80, 1001), (16, 16), 128, 1, 2, 40), 32000),
        ("m2d_vit_base-80x200p16x4-230529", ViTConfig((80, 200), (16, 4), 64, 1, 1, 64), 16000),
        ("m2d_s_vit_base-80x608p80x2-230220", ViTConfig((80, 608), (80, 2), 192, 3, 3, 8), 16000),
    ],
)  # fmt: skip
def test_sizes_are_read_from_the_weights_and_the_name(save, folder, config, rate):
    model = load_m2d(save(untrained(config, 0), folder=folder), name="m")
    assert model.vit.config == config
    assert model.sample_rate == rate
    assert model.norm_stats == STATS
    assert model.vit.norm.weight.dtype == torch.float32


def test_half_precision_is_computed_in_float32(small_vit, save):
    path = save(small_vit.half())
    model = load_m2d(path, name="m")
    assert {tensor.dtype for tensor in model.vit.state_dict().values()} == {torch.float32}


def test_a_file_without_a_name_needs_overrides(small_vit, save):
    path = save(small_vit, folder="weights")
    with pytest.raises(CheckpointError, match=r"does not say its input size.*input_size=\(80, 64\)"):
        load_m2d(path, name="m")
    with pytest.raises(CheckpointError, match=r"does not say its sample rate.*sample_rate=32000"):
        load_m2d(path, name="m", input_size=(80, 64))
    model = load_m2d(
        path, name="m", input_size=(80, 70), sample_rate=32000
    )  # the last 6 frames fill no patch
    assert (model.vit.config.input_size, model.sample_rate) == ((80, 70), 32000)


def test_an_input_size_that_the_positions_do_not_fit(small_vit, save):
    with pytest.raises(
        CheckpointError, match=r"positions for 20 patches; an input of 80x608 makes 5x38; try.*64"
    ):
        load_m2d(save(small_vit, folder="m2d_vit_base-80x608p16x16"), name="m")


def test_a_patch_size_that_is_not_the_weights_own(small_vit, save):
    path = save(small_vit, folder="m2d_vit_base-80x64p16x4")
    with pytest.raises(CheckpointError, match=r"patches of 16x16, but its name or patch_size= says 16x4"):
        load_m2d(path, name="m")
    assert load_m2d(path, name="m", patch_size=(16, 16)).vit.config.patch_size == (16, 16)


def full_with_rate(small_vit, path, rate):
    torch.save({"model": small_vit.state_dict(), "args": argparse.Namespace(sr=rate)}, path)


@pytest.mark.parametrize(
    ("folder", "stored", "override", "rate"),
    [
        ("m-80x64p16x16", None, None, 16000),  # the default of the grammar
        ("m-80x64p16x16", 32000, None, 32000),  # the settings in the file beat the default
        ("m-80x64p16x16p32k", None, None, 32000),
        ("m-80x64p16x16p32k", 32000, None, 32000),
        ("m-80x64p16x16p32k", 16000, 16000, 16000),  # the caller beats both
    ],
)
def test_where_the_sample_rate_comes_from(small_vit, tmp_path, folder, stored, override, rate):
    path = tmp_path / folder / "a.pth"
    path.parent.mkdir()
    full_with_rate(small_vit, path, stored)
    assert load_m2d(path, name="m", sample_rate=override).sample_rate == rate


def test_contradicting_sample_rates_are_refused(small_vit, tmp_path):
    path = tmp_path / "m-80x64p16x16p32k.pth"
    full_with_rate(small_vit, path, 16000)
    with pytest.raises(CheckpointError, match="trained at 16000 Hz, but its name says 32000 Hz"):
        load_m2d(path, name="m")


def test_another_architecture_is_said_to_be_one(tmp_path):
    path = tmp_path / "m-80x64p16x16.pth"
    convolutions = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(convolutions.state_dict(), path)
    with pytest.raises(CheckpointError, match=r"another architecture: no usable cls_token.*0\.weight"):
        load_m2d(path, name="m")


def test_missing_and_misshapen_weights_are_listed(small_vit, save):
    path = save(small_vit)
    weights = dict(small_vit.state_dict())
    del weights["blocks.1.norm2.bias"]
    weights["norm.weight"] = torch.zeros(3)
    torch.save(weights, path)
    with pytest.raises(CheckpointError) as caught:
        load_m2d(path, name="m")
    assert "blocks.1.norm2.bias is missing" in str(caught.value)
    assert "norm.weight is (3,) instead of (128,)" in str(caught.value)


def test_weights_of_a_training_that_diverged_are_refused(small_vit, save):
    with torch.no_grad():
        small_vit.blocks[1].mlp.fc1.weight[3, 4] = float("nan")
    with pytest.raises(CheckpointError, match=r"NaN or infinite weights in blocks\.1\.mlp\.fc1\.weight;"):
        load_m2d(save(small_vit), name="m")


def test_a_file_without_its_first_or_a_middle_block_is_refused(small_vit, save):
    for gone in ("blocks.0.", "blocks.1."):
        path = save(small_vit)
        torch.save({k: v for k, v in small_vit.state_dict().items() if not k.startswith(gone)}, path)
        with pytest.raises(CheckpointError, match=gone.replace(".", r"\.")):
            load_m2d(path, name="m")


def test_heads_that_cannot_be_known_are_asked_for(save, save_mini, tmp_path):
    vit = untrained(ViTConfig((80, 64), width=96, depth=1, heads=3, hidden=8), 0)
    with pytest.raises(CheckpointError, match="width 96; expected a multiple of M2D's head size, 64"):
        load_m2d(save(vit), name="m")
    path = save_mini(vit, tmp_path / "a.safetensors")
    assert load_m2d(path, name="m").vit.config == vit.config


def test_a_supervised_vit_loads_with_or_without_its_head(small_vit, save):
    path = save(small_vit)
    plain = load_m2d(path, name="m").fingerprint
    head = {"head.weight": torch.ones(7, 128), "head.bias": torch.ones(7)}
    torch.save({**small_vit.state_dict(), **head, "norm_stats": torch.tensor(STATS)}, path)
    model = load_m2d(path, name="m")
    assert isinstance(model, M2D)
    assert model.fingerprint == plain
