"""Slow second versions of what ATST-Frame and Dasheng compute, in float64 from the formulas."""

import numpy as np
from scipy.special import erf

Weights = dict[str, np.ndarray]


def slow_mel(sound: np.ndarray, window: int, low_hz: float, high_hz: float, top_db: float) -> np.ndarray:
    """Mel spectrogram in decibels, (64, frames)."""
    padded = np.pad(sound.astype(np.float64), window // 2, mode="reflect")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = [
        np.abs(np.fft.rfft(hann * padded[160 * i : 160 * i + window])) ** 2
        for i in range(1 + len(sound) // 160)
    ]
    mel = np.linspace(*(2595 * np.log10(1 + np.array([low_hz, high_hz]) / 700)), 66)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(window // 2 + 1) * 16000 / window
    filters = []
    for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
        filters.append(np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak))))
    decibels = 10 * np.log10(np.maximum(np.array(filters) @ np.array(frames).T, 1e-10))
    return np.maximum(decibels, decibels.max() - top_db)


def slow_columns(spectrogram: np.ndarray) -> np.ndarray:
    """The values of each column of four frames, band after band: (columns, 256)."""
    return np.array(
        [spectrogram[:, start : start + 4].ravel() for start in range(0, spectrogram.shape[1] - 3, 4)]
    )


def slow_blocks(w: Weights, heads: int, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Run pre-norm blocks over tokens (n, width): what they give, and each one's hidden units."""
    hidden = []
    for i in range(sum(name.endswith("norm1.weight") for name in w)):
        block = {name.removeprefix(f"blocks.{i}."): value for name, value in w.items()}
        x = x + _attention(block, heads, slow_norm(x, block["norm1.weight"], block["norm1.bias"]))
        y = slow_norm(x, block["norm2.weight"], block["norm2.bias"])
        before = y @ block["mlp.fc1.weight"].T + block["mlp.fc1.bias"]
        hidden.append(before * 0.5 * (1 + erf(before / np.sqrt(2))))
        x = x + hidden[-1] @ block["mlp.fc2.weight"].T + block["mlp.fc2.bias"]
    return x, hidden


def slow_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-6) * weight + bias


def _attention(block: Weights, heads: int, x: np.ndarray) -> np.ndarray:
    width = x.shape[1]
    size = width // heads
    every = x @ block["attn.qkv.weight"].T + block.get("attn.qkv.bias", 0)
    mixed = np.zeros_like(x)
    for head in range(heads):
        query, key, value = (
            every[:, n * width + head * size : n * width + (head + 1) * size] for n in (0, 1, 2)
        )
        for token in range(len(x)):
            logits = key @ query[token] / np.sqrt(size)
            share = np.exp(logits - logits.max())
            mixed[token, head * size : (head + 1) * size] = share / share.sum() @ value
    return mixed @ block["attn.proj.weight"].T + block["attn.proj.bias"]
