"""The picture of a clip: its log-mel spectrogram, as people look at it, whatever the model makes of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mel", "mel_of"]

BANDS = 80
"""Rows of the picture."""
_LOW_HZ = 30.0
_HOP_S = 0.01
_WIDEST = 1000  # columns: a longer clip has longer hops
_RANGE_DB = 80.0
_QUALITY = 75  # of the WebP, of 100


@dataclass(frozen=True, eq=False)
class Mel:
    """A log-mel spectrogram.

    Attributes:
        picture: power in dB below the loudest place, 255 the loudest, 0 at 80 dB below; the lowest frequency
            in row 0. uint8, shape (bands, frames).
        seconds: of sound that it spans.
        low_hz: the frequency at its lower edge.
        high_hz: the frequency at its upper edge.
    """

    picture: NDArray[np.uint8]
    seconds: float
    low_hz: float
    high_hz: float

    def place(self, hz: float) -> float:
        """How high a frequency stands, from 0 at the lower edge to 1 at the upper.

        >>> Mel(np.zeros((1, 1), np.uint8), 1.0, 0.0, 8000.0).place(8000)
        1.0
        """
        low, high, at = (_mel(each) for each in (self.low_hz, self.high_hz, hz))
        return float(np.clip((at - low) / (high - low), 0, 1))

    def webp(self) -> bytes:
        """The picture as a WebP, in colours that grow lighter with loudness: a fifth of a PNG's size."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(_palette()[self.picture[::-1]]).save(buffer, "WEBP", quality=_QUALITY, method=6)
        return buffer.getvalue()


def mel_of(samples: NDArray[np.float32], sample_rate: int) -> Mel:
    """The log-mel spectrogram of a waveform; silence is all 0.

    Args:
        samples: in [-1, 1]. Shape (n,).
        sample_rate: Hz.
    """
    import librosa

    seconds = len(samples) / sample_rate
    hop = max(round(_HOP_S * sample_rate), -(-len(samples) // _WIDEST), 1)
    size = 1 << max(round(0.032 * sample_rate) - 1, 1).bit_length()
    high = sample_rate / 2
    power = librosa.feature.melspectrogram(
        y=samples, sr=sample_rate, n_fft=size, hop_length=hop, n_mels=BANDS, fmin=_LOW_HZ, fmax=high, htk=True
    )
    level = 10 * np.log10(np.maximum(power, 1e-12))
    scaled = np.clip((level - level.max()) / _RANGE_DB + 1, 0, 1) if power.max() > 1e-10 else np.zeros(1)
    picture = np.broadcast_to(np.round(255 * scaled), power.shape).astype(np.uint8)
    return Mel(picture, seconds, _LOW_HZ, high)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))  # HTK's formula


@lru_cache(maxsize=1)
def _palette() -> NDArray[np.uint8]:
    """Red, green and blue of every shade, (256, 3)."""
    from matplotlib import colormaps

    colours: NDArray[np.uint8] = colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    return colours
