"""Toy encoders, M2D's kinds of weight file around them, and a slow second ViT in NumPy."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.special import erf

from otoscope.audio import Waveform
from otoscope.models.m2d import M2D
from otoscope.models.vit import ViT, ViTConfig, untrained

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # the cases of the families are modules of their own
    sys.path.insert(0, HERE)

SMALL = ViTConfig(input_size=(80, 64), patch_size=(16, 16), width=128, depth=3, heads=2, hidden=96)
STATS = (-6.25, 3.5)


@pytest.fixture
def small_vit() -> ViT:
    return roughened(untrained(SMALL, seed=3))


@pytest.fixture
def small_model(small_vit: ViT) -> M2D:
    return M2D(small_vit, sample_rate=16000, norm_stats=STATS, name="small")


def roughened(vit: ViT) -> ViT:
    """Give biases and norms random values too: at their initial 0 and 1 they could be left out unnoticed."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return vit


@pytest.fixture
def noise() -> Callable[..., Waveform]:
    def make(samples: int, real: int | None = None, seed: int = 0) -> Waveform:
        sound = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
        real = samples if real is None else real
        sound[real:] = 0
        return Waveform(sound, real)

    return make


# --- files ---


def full(weights, stats):
    """A pre-training checkpoint: predictor, target and optimiser state beside the encoder."""
    width = weights["cls_token"].shape[-1]
    model = dict(weights) | {
        "mask_token": torch.zeros(1, 1, 8),
        "decoder_pos_embed": torch.zeros(1, 3, 8),
        "decoder_blocks.3.mlp.fc1.weight": torch.zeros(32, 8),
        "decoder_blocks.layers.7.norm1.weight": torch.zeros(8),
        "target_norm.weight": torch.zeros(width),
        "offline_predictor.weight": torch.zeros(5, width),
        "audio_proj.sem_blocks.1.mlp.fc1.weight": torch.zeros(7, width),
    }
    model |= {f"target_{key}": torch.zeros(1) for key in weights if key.startswith("blocks.")}
    model |= stats
    return {
        "model": model,
        "optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "param_groups": [{"lr": 3e-4}]},
        "epoch": 300,
        "scaler": {"scale": 65536.0},
        "args": argparse.Namespace(lr=3e-4, data="some/where", sr=None),
    }


def encoder_only(weights, stats):
    return dict(weights) | stats


def fine_tuned(weights, stats):
    """A file of EVAR's fine-tuning, with its head and front end."""
    inner = {f"module.ar.runtime.backbone.{key}": value for key, value in (dict(weights) | stats).items()}
    return inner | {
        "module.ar.runtime.to_spec.mel_basis": torch.zeros(80, 201),
        "module.ar.runtime.to_spec.stft.wsin": torch.zeros(201, 1, 400),
        "module.head.norm.running_mean": torch.zeros(640),
        "module.head.norm.num_batches_tracked": torch.tensor(7),
        "module.head.mlp.mlp.0.weight": torch.zeros(10, 640),
    }


def runtime_object(weights, stats):
    """The state dict of a saved runtime, encoder and front end together."""
    inner = {f"backbone.{key}": value for key, value in (dict(weights) | stats).items()}
    return inner | {"to_spec.mel_basis": torch.zeros(80, 201), "head.weight": torch.zeros(10, 640)}


KINDS = {f.__name__: f for f in (full, encoder_only, fine_tuned, runtime_object)}


@pytest.fixture(params=list(KINDS))
def kind(request) -> str:
    return request.param


@pytest.fixture
def save(tmp_path: Path):
    """Save a ViT as one of M2D's kinds of file in a folder of the given name; returns the path."""

    def write(
        vit: ViT, kind: str = "encoder_only", folder: str = "m2d_vit_base-80x64p16x16-test", stats=STATS
    ):
        path = tmp_path / folder / "checkpoint-300.pth"
        path.parent.mkdir(exist_ok=True)
        entry = {} if stats is None else {"norm_stats": torch.tensor(stats)}
        torch.save(KINDS[kind](vit.state_dict(), entry), path)
        return path

    return write


@pytest.fixture
def save_mini(tmp_path: Path):
    """Save an encoder as the embedded models are: safetensors, half precision, sizes in its metadata."""

    def write(vit: ViT, path: Path, **metadata: str) -> Path:
        tensors = {name: value.half().contiguous() for name, value in vit.state_dict().items()}
        tensors["norm_stats"] = torch.tensor(STATS)
        size = "x".join(map(str, vit.config.input_size))
        entries = {"input_size": size, "heads": str(vit.config.heads), "sample_rate": "16000"}
        save_file(tensors, path, entries | metadata)
        return path

    return write


# --- the slow second implementation ---


def slow_vit(weights, heads: int, spectrogram: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """A ViT in float64 from its formulas, one clip, token by token: features and hidden activations.

    spectrogram has the shape (bins, frames), normalised, and at most the model's frames.
    """
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    kernel = w["patch_embed.proj.weight"]
    width, _, high, wide = kernel.shape
    rows = spectrogram.shape[0] // high
    columns = spectrogram.shape[1] // wide
    stored_columns = (w["pos_embed"].shape[1] - 1) // rows
    x = [w["cls_token"][0, 0] + w["pos_embed"][0, 0]]
    for row in range(rows):
        for column in range(columns):
            patch = spectrogram[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
            token = kernel.reshape(width, -1) @ patch.ravel() + w["patch_embed.proj.bias"]
            x.append(token + w["pos_embed"][0, 1 + row * stored_columns + column])
    x = np.array(x)
    hidden = []
    for i in range(sum(name.endswith("norm1.weight") for name in w)):
        block = {
            name.removeprefix(f"blocks.{i}."): value for name, value in w.items() if f"blocks.{i}." in name
        }
        x = x + slow_attention(block, heads, slow_norm(x, block["norm1.weight"], block["norm1.bias"]))
        y = slow_norm(x, block["norm2.weight"], block["norm2.bias"])
        before = np.array([block["mlp.fc1.weight"] @ token + block["mlp.fc1.bias"] for token in y])
        after = before * 0.5 * (1 + erf(before / np.sqrt(2)))
        hidden.append(after)
        x = x + np.array([block["mlp.fc2.weight"] @ token + block["mlp.fc2.bias"] for token in after])
    return slow_norm(x, w["norm.weight"], w["norm.bias"]), hidden


def slow_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    out = [(token - token.mean()) / np.sqrt(token.var() + 1e-6) * weight + bias for token in x]
    return np.array(out)


def slow_attention(block, heads: int, x: np.ndarray) -> np.ndarray:
    width = x.shape[1]
    size = width // heads
    every = np.array([block["attn.qkv.weight"] @ token + block["attn.qkv.bias"] for token in x])
    query, key, value = every[:, :width], every[:, width : 2 * width], every[:, 2 * width :]
    mixed = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for token in range(len(x)):
            logits = key[:, part] @ query[token, part] / np.sqrt(size)
            share = np.exp(logits - logits.max())
            mixed[token, part] = (share / share.sum()) @ value[:, part]
    return np.array([block["attn.proj.weight"] @ token + block["attn.proj.bias"] for token in mixed])


@pytest.fixture
def slow():
    return slow_vit


@pytest.fixture
def listen():
    """Run a model and return features and hidden activations of every chunk, through its hooks."""

    def run(model, waveforms):
        hidden: list[torch.Tensor] = []
        handles = [point.attach(hidden.append) for point in model.hooks()]
        features, by_chunk = [], []
        with torch.no_grad():
            for chunk in model.prepare(waveforms):
                hidden.clear()
                features.append(model.forward(chunk))
                by_chunk.append(list(hidden))
        for handle in handles:
            handle.remove()
        return features, by_chunk

    return run
