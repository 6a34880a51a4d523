"""Sound as a file that browsers and notebooks play."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["encoded"]

_COMPRESSION = 0.8
"""From 0, the largest files, to 1: some 28 kbit/s for sound at 16 kHz."""
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def encoded(
    samples: NDArray[np.float32], sample_rate: int, format: Literal["MP3", "WAV"] = "MP3"
) -> tuple[bytes, str]:
    """Encode a waveform; what lies beyond [-1, 1] is clipped.

    Args:
        samples: shape (n,).
        sample_rate: Hz. MP3 knows a few rates only; at another one, WAV is written.
        format: MP3 takes a tenth of the room, WAV (16 bit) changes nothing.

    Returns:
        The file's content, and the suffix of its name.
    """
    buffer = io.BytesIO()
    clipped = np.clip(samples, -1, 1)
    if format == "MP3" and sample_rate in _MP3_RATES and "MP3" in soundfile.available_formats():
        soundfile.write(
            buffer,
            clipped,
            sample_rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=_COMPRESSION,
            bitrate_mode="VARIABLE",
        )
        return buffer.getvalue(), ".mp3"
    soundfile.write(buffer, clipped, sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue(), ".wav"
