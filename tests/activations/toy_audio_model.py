"""A toy AudioModel whose answers can be worked out by hand: framed audio through a small MLP.

In a module of its own, so that worker processes can import it.
"""

import hashlib
import time

import numpy as np
import pandas as pd
import torch
from torch import nn

from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk, Layer, Position
from otoscope.models.hooks import find

RATE = 1000
FRAME = 20
CHUNK = 30  # tokens of a chunk, at most


class Pause(nn.Module):
    """Takes its time, so that there is time to be killed in."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def forward(self, x):
        time.sleep(self.seconds)
        return x


class ToyModel:
    """CLS first, then one token a frame; clips longer than a chunk come in several."""

    def __init__(self, units=(24, 24), seed=0, pause=0.0, name="toy", chunk=CHUNK):
        self.name = name
        self.sample_rate = RATE
        self.chunk = chunk
        self.layers = tuple(Layer(f"layer{i}", n) for i, n in enumerate(units))
        self.embedding_size = FRAME
        generator = torch.Generator().manual_seed(seed)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"up": nn.Linear(FRAME, n), "act": nn.GELU(), "down": nn.Linear(n, FRAME)})
            for n in units
        ).eval()
        for parameter in self.blocks.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
        self.pause = Pause(pause)
        digest = hashlib.sha256(repr((units, chunk)).encode())
        for parameter in self.blocks.parameters():
            digest.update(parameter.detach().numpy().tobytes())
        self.fingerprint = digest.hexdigest()

    @property
    def device(self):
        return torch.device("cpu")

    def to(self, device):
        return self

    @property
    def dtype(self):
        return torch.float32

    def hooks(self):
        return find(self.blocks, "*.act")

    def length(self, samples):
        if samples < FRAME:
            raise OtoscopeError(f"{samples} samples are too few; expected {FRAME} or more")
        return -(-samples // FRAME)

    def tokens(self, samples, real=None, grid=0):
        return -(-(samples if real is None else real) // FRAME)

    def prepare(self, waveforms):
        frames = self.length(len(waveforms[0].samples))
        padded = np.zeros((len(waveforms), frames * FRAME), np.float32)
        for row, waveform in zip(padded, waveforms, strict=True):
            row[: len(waveform.samples)] = waveform.samples
        tokens = torch.from_numpy(padded.reshape(len(waveforms), frames, FRAME))
        starts = np.arange(frames) * FRAME
        real = np.array([waveform.real for waveform in waveforms])
        kind = np.where(starts[None] < real[:, None], Position.TOKEN, Position.PADDING).astype(np.uint8)
        special = np.full((len(waveforms), 1), Position.SPECIAL, np.uint8)
        return [
            Chunk(
                tokens[:, at : at + self.chunk],
                torch.from_numpy(np.concatenate([special, kind[:, at : at + self.chunk]], axis=1)),
            )
            for at in range(0, frames, self.chunk)
        ]

    def forward(self, chunk):
        x = torch.cat([torch.ones_like(chunk.inputs[:, :1]), chunk.inputs], dim=1)
        x = self.pause(x)
        for block in self.blocks:
            x = x + block["down"](block["act"](block["up"](x)))
        return x

    def embedding(self, chunks, features):
        return torch.cat([piece[:, 1:] for piece in features], dim=1).mean(1)

    def token_grid(self, samples, grid=0):
        frames = self.length(samples)
        start = np.arange(frames) * FRAME / RATE
        return pd.DataFrame(
            {
                "token": np.arange(frames),
                "start_s": start,
                "stop_s": start + FRAME / RATE,
                "low_hz": 0.0,
                "high_hz": RATE / 2,
                "row": 0,
                "column": np.arange(frames),
            }
        )


class Starved(nn.Module):
    """An activation that runs out of memory on more than `most` clips."""

    def __init__(self, most, error):
        super().__init__()
        self.most = most
        self.error = error

    def forward(self, x):
        if len(x) > self.most:
            raise self.error
        return nn.functional.gelu(x)
