"""The ViT: positions on paper, key names, initialisation, and equality with the slow second version."""

import math

import numpy as np
import pytest
import torch

from otoscope.errors import OtoscopeError
from otoscope.models.vit import ViT, ViTConfig, initialise, sincos_positions, untrained


def test_positions_follow_the_formula_term_by_term():
    width, rows, columns = 12, 3, 4
    positions = sincos_positions(width, rows, columns)[0]
    assert positions[0].tolist() == [0] * width  # CLS
    for f in range(rows):
        for t in range(columns):
            omega = [10000 ** (-k / 3) for k in range(3)]
            expected = [math.sin(t * w) for w in omega] + [math.cos(t * w) for w in omega]
            expected += [math.sin(f * w) for w in omega] + [math.cos(f * w) for w in omega]
            assert positions[1 + f * columns + t].tolist() == pytest.approx(expected, abs=3e-8)


@pytest.mark.parametrize(
    ("input_size", "patch_size", "tokens"),
    [
        ((80, 608), (16, 16), 190),
        ((80, 1001), (16, 16), 310),
        ((80, 200), (16, 4), 250),
        ((80, 608), (80, 2), 304),
    ],
)
def test_number_of_positions_of_the_published_grids(input_size, patch_size, tokens):
    vit = ViT(ViTConfig(input_size, patch_size, width=8, depth=1, heads=1, hidden=4))
    assert vit.pos_embed.shape == (1, 1 + tokens, 8)


def test_vit_b_has_the_151_keys_and_the_shapes_of_m2d():
    with torch.device("meta"):
        vit = ViT(ViTConfig())
    shapes = {name: tuple(tensor.shape) for name, tensor in vit.state_dict().items()}
    linear = {
        "attn.qkv": (2304, 768),
        "attn.proj": (768, 768),
        "mlp.fc1": (3072, 768),
        "mlp.fc2": (768, 3072),
    }
    block = {f"{name}.weight": shape for name, shape in linear.items()}
    block |= {f"{name}.bias": shape[:1] for name, shape in linear.items()}
    block |= {f"{name}.{part}": (768,) for name in ("norm1", "norm2") for part in ("weight", "bias")}
    expected = {f"blocks.{i}.{name}": shape for i in range(12) for name, shape in block.items()}
    expected |= {
        "cls_token": (1, 1, 768), "pos_embed": (1, 191, 768), "norm.weight": (768,), "norm.bias": (768,),
        "patch_embed.proj.weight": (768, 1, 16, 16), "patch_embed.proj.bias": (768,),
    }  # fmt: skip
    assert shapes == expected
    # With norm_stats, which the model keeps apart, these are the 151 keys of a file.
    assert len(shapes) + 1 == 151
    assert sum(tensor.numel() for tensor in vit.state_dict().values()) + 2 == 85_400_834


@pytest.mark.parametrize("frames", [64, 48, 16])
def test_equals_the_slow_version_for_full_and_shorter_inputs(small_vit, slow, frames):
    spectrogram = torch.randn(1, 1, 80, frames, generator=torch.Generator().manual_seed(frames))
    with torch.no_grad():
        features = small_vit(spectrogram)[0].numpy()
    expected, _ = slow(small_vit.state_dict(), 2, spectrogram[0, 0].double().numpy())
    assert features.shape == expected.shape == (1 + 5 * frames // 16, 128)
    assert np.abs(features - expected).max() < 1e-5


def test_encode_takes_any_subset_of_tokens_in_any_order(small_vit):
    spectrogram = torch.randn(1, 1, 80, 64, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        tokens = small_vit.embed(spectrogram)
        shuffled = small_vit.encode(tokens[:, order])
        assert torch.allclose(shuffled[:, 1:], small_vit(spectrogram)[:, 1:][:, order], atol=1e-5)


@pytest.mark.parametrize("shape", [(80, 80), (64, 64), (96, 64)])
def test_refuses_a_spectrogram_that_does_not_fit(small_vit, shape):
    with pytest.raises(OtoscopeError, match=f"{shape[0]}x{shape[1]}.*takes 80 bins and at most 64 frames"):
        small_vit(torch.zeros(1, 1, *shape))


@pytest.mark.parametrize(
    "sizes",
    [{"patch_size": (15, 16)}, {"input_size": (80, 8)}, {"patch_size": (0, 16)}, {"heads": 5}, {"depth": 0},
     {"width": 66, "heads": 2}],
)  # fmt: skip
def test_refuses_sizes_that_cannot_be_built(sizes):
    with pytest.raises(OtoscopeError, match="expected"):
        ViTConfig(**sizes)


def test_initialisation_has_the_observed_bounds():
    vit = untrained(ViTConfig(depth=1), seed=0)
    assert vit.blocks[0].mlp.fc1.weight.abs().max().item() == pytest.approx(0.0395, abs=1e-4)
    assert vit.patch_embed.proj.weight.abs().max().item() == pytest.approx(0.0765, abs=2e-4)
    assert vit.cls_token.std().item() == pytest.approx(0.02, abs=2e-3)
    assert not vit.blocks[0].mlp.fc1.bias.any()
    assert (vit.norm.weight == 1).all()
    assert torch.equal(vit.pos_embed, sincos_positions(768, 5, 38))


def test_a_seed_repeats_and_leaves_the_global_random_state_alone():
    config = ViTConfig(width=16, depth=2, heads=2, hidden=8)
    before = torch.random.get_rng_state()
    first, second, other = (untrained(config, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["blocks.1.mlp.fc2.weight"], other["blocks.1.mlp.fc2.weight"])


def test_initialise_also_serves_parts_with_a_mask_token():
    class Predictor(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mask_token = torch.nn.Parameter(torch.zeros(1, 1, 4000))
            self.head = torch.nn.Linear(3, 5, bias=False)

    predictor = Predictor()
    initialise(predictor, seed=0)
    assert predictor.mask_token.std().item() == pytest.approx(0.02, abs=1e-3)
    assert predictor.head.weight.abs().max().item() <= math.sqrt(6 / 8)
