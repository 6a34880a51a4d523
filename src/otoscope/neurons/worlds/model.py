"""The model of `planted`: every hidden unit is a detector that we chose.

PyTorch is imported here at the top, for the classes below; the room imports this file only when a model is
planted.
"""

import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk, Layer, Position
from otoscope.models.hooks import HookPoint, find

__all__ = ["FRAME", "SAMPLE_RATE", "PlantedModel", "band_hz"]

SAMPLE_RATE = 16_000
"""Hz."""
FRAME = 800
"""Samples of one token: 50 ms, in which every band's tone makes whole periods, so that bands do not leak."""
_STEP_HZ = 200


def band_hz(band: int) -> int:
    """The frequency in Hz that a band listens to; band 0 is at 200 Hz."""
    return _STEP_HZ * (band + 1)


class _Detectors(nn.Module):
    """One layer: unit j is active by how far the amplitude in its band exceeds its threshold."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.linear.weight.copy_(weight)
            self.linear.bias.copy_(bias)
        self.act = nn.ReLU()

    def forward(self, bands: Tensor) -> Tensor:
        hidden: Tensor = self.act(self.linear(bands))
        return hidden


class PlantedModel(nn.Module):
    """An AudioModel whose token is a 50 ms frame and whose units listen to single frequency bands.

    Its features are the activations of all its layers, side by side, and its embedding is their mean over
    tokens: what a unit says is all that the embedding knows. With a readout the embedding is a linear map of
    that mean, which some units may have no part in.

    Args:
        name: a label; no spec makes this model again.
        weights: what each unit reads from the amplitudes of the bands. Shape (layers, units, bands).
        biases: shape (layers, units).
        readout: what each unit adds to the embedding. Shape (layers x units, embedding_size).
    """

    def __init__(
        self,
        name: str,
        weights: NDArray[np.float32],
        biases: NDArray[np.float32],
        readout: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__()
        count, units, self._bands = weights.shape
        self.blocks = nn.ModuleList(
            _Detectors(torch.from_numpy(weight), torch.from_numpy(bias))
            for weight, bias in zip(weights, biases, strict=True)
        )
        self.name = name
        self.sample_rate = SAMPLE_RATE
        self.layers = tuple(Layer(f"blocks.{number}.act", units) for number in range(count))
        own = [weights, biases] if readout is None else [weights, biases, readout]
        self.fingerprint = hashlib.sha256(b"".join(each.tobytes() for each in own)).hexdigest()
        self.embedding_size = count * units if readout is None else readout.shape[1]
        self.readout: Tensor | None
        self.register_buffer("readout", None if readout is None else torch.from_numpy(readout))
        self.requires_grad_(False).eval()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def to(self, device: torch.device | str) -> Self:  # type: ignore[override]
        """Move it to a device, in place, and return it."""
        return super().to(device)

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        return next(self.parameters()).dtype

    def hooks(self) -> list[HookPoint]:
        """The activation of each layer."""
        return find(self, "blocks.*.act")

    def length(self, samples: int) -> int:
        """Samples of a clip, padded to whole frames."""
        return self.tokens(samples) * FRAME

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Frames that hold sound.

        Raises:
            OtoscopeError: the clip is shorter than one frame.
        """
        del grid  # there is one
        if samples < FRAME:
            raise OtoscopeError(
                f"a clip of {samples} samples is too short; expected at least {FRAME} "
                f"({FRAME / SAMPLE_RATE:g} s at {SAMPLE_RATE} Hz)"
            )
        return -(-(samples if real is None else min(real, samples)) // FRAME)

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """One chunk: the amplitude of the tone in each band, shape (clips, tokens, bands)."""
        frames = self.length(len(waveforms[0].samples)) // FRAME
        sound = np.zeros((len(waveforms), frames * FRAME), dtype=np.float32)
        for row, waveform in zip(sound, waveforms, strict=True):
            row[: len(waveform.samples)] = waveform.samples
        spectrum = torch.fft.rfft(torch.from_numpy(sound).reshape(len(waveforms), frames, FRAME))
        bins = [band_hz(band) * FRAME // SAMPLE_RATE for band in range(self._bands)]
        amplitude = spectrum[..., bins].abs() * (2 / FRAME)
        real = torch.tensor([self.tokens(len(each.samples), each.real) for each in waveforms])
        padding = torch.arange(frames)[None, :] >= real[:, None]
        kind = torch.where(padding, int(Position.PADDING), int(Position.TOKEN)).to(torch.uint8)
        return [Chunk(amplitude.to(self.device), kind.to(self.device))]

    def forward(self, chunk: Chunk) -> Tensor:
        """The activations of all layers side by side, shape (clips, tokens, layers x units)."""
        return torch.cat([block(chunk.inputs) for block in self.blocks], dim=-1)

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Mean activation of every unit, or what the readout makes of it, shape (clips, embedding_size)."""
        del chunks  # padding counts
        mean = torch.cat(list(features), dim=1).mean(dim=1)
        return mean if self.readout is None else mean @ self.readout

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Where the tokens lie: each spans all frequencies."""
        del grid  # there is one
        token = np.arange(self.tokens(samples))
        seconds = FRAME / SAMPLE_RATE
        return pd.DataFrame(
            {
                "token": token,
                "start_s": token * seconds,
                "stop_s": (token + 1) * seconds,
                "low_hz": 0.0,
                "high_hz": SAMPLE_RATE / 2,
                "row": 0,
                "column": token,
            }
        )
