"""The mel spectrogram in decibels that ATST-Frame and Dasheng take."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError

__all__ = ["BANDS", "MelFrontEnd"]

SAMPLE_RATE = 16000  # Hz; of every model that takes this front end
HOP = 160  # samples: 10 ms
BANDS = 64
FLOOR = 1e-10  # of the power in a band, so that silence is -100 dB


class MelFrontEnd:
    """Mel bands in decibels, as torchaudio's `MelSpectrogram` and `AmplitudeToDB` make them; a `FrontEnd`.

    Periodic Hann windows every 10 ms, centred, with reflection at both ends; power; 64 triangles of height 1,
    equally wide on the HTK mel scale; `10 log10` of what is at least 1e-10. What lies more than `top_db`
    below the loudest band and frame is raised to there: the loudest of the clip by itself, so that its
    numbers do not depend on its neighbours, but those of a frame depend on the whole clip.

    Args:
        window: samples of window and FFT.
        low_hz: where the lowest band begins.
        high_hz: where the highest band ends.
        top_db: decibels that are kept below the loudest.
        limits: decibels that become -1 and 1; None leaves decibels.

    Raises:
        OtoscopeError: settings of which no spectrogram can be made.

    Example:
        >>> front = MelFrontEnd(window=512, low_hz=0.0, high_hz=8000.0, top_db=120.0)
        >>> front([Waveform(np.zeros(16000, dtype=np.float32), 16000)], frames=100)[0, :2, :2]
        tensor([[-100., -100.],
                [-100., -100.]])

    Source: torchaudio (transforms, functional.melscale_fbanks).
    """

    sample_rate = SAMPLE_RATE
    hop = HOP

    def __init__(
        self,
        *,
        window: int,
        low_hz: float,
        high_hz: float,
        top_db: float,
        limits: tuple[float, float] | None = None,
    ) -> None:
        low, high = limits or (-1.0, 1.0)
        if window < 2 or not 0 <= low_hz < high_hz <= SAMPLE_RATE / 2 or top_db <= 0 or low >= high:
            raise OtoscopeError(
                f"no mel spectrogram can be made with a window of {window}, {low_hz:g} to {high_hz:g} Hz, "
                f"top_db {top_db:g} and limits {limits}; expected a window of 2 or more, rising frequencies "
                f"from 0 to {SAMPLE_RATE // 2} Hz, top_db above 0 and rising limits"
            )
        self.settings: Mapping[str, Any] = {
            "front_end": "mel dB",
            "sample_rate": SAMPLE_RATE,
            "hop": HOP,
            "bands": BANDS,
            "window": window,
            "low_hz": low_hz,
            "high_hz": high_hz,
            "top_db": top_db,
            "limits": limits,
        }
        self.window = torch.hann_window(window, periodic=True)
        self.filters = _filters(window, low_hz, high_hz)

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self.window = self.window.to(device)
        self.filters = self.filters.to(device)
        return self

    def frames(self, samples: int) -> int:
        """Frames made of so many samples."""
        return 1 + samples // HOP

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames, and can be reflected."""
        return max(len(self.window) // 2 + 1, (frames - 1) * HOP)

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the mel bands lie: band b reaches from edge b to edge b + 2."""
        import librosa  # as in _filters

        low, high = self.settings["low_hz"], self.settings["high_hz"]
        return np.asarray(librosa.mel_frequencies(BANDS + 2, fmin=low, fmax=high, htk=True))

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Spectrograms (clips, 64, frames), cut at the end, or filled up with zeros."""
        spectrograms = [self._one(waveform) for waveform in waveforms]
        return torch.stack([F.pad(one, (0, frames - one.shape[1])) for one in spectrograms])

    def _one(self, waveform: Waveform) -> Tensor:
        """The whole spectrogram of a clip, (64, its frames)."""
        spectrum = torch.stft(
            torch.tensor(waveform.samples, dtype=torch.float32, device=self.window.device),
            n_fft=len(self.window),
            hop_length=HOP,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = self.filters @ (spectrum.real.square() + spectrum.imag.square())
        decibels = 10 * torch.log10(power.clamp(min=FLOOR))
        decibels = decibels.clamp(min=float(decibels.max()) - self.settings["top_db"])
        if self.settings["limits"] is None:
            return decibels
        low, high = self.settings["limits"]
        return torch.as_tensor(2 * (decibels - low) / (high - low) - 1)


def _filters(window: int, low_hz: float, high_hz: float) -> Tensor:
    """How much of each bin of the FFT is in each band: (64, bins)."""
    # Imported here: librosa takes a second, and a worker that receives a model by pickle does not need it.
    import librosa.filters

    filters = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=window, n_mels=BANDS, fmin=low_hz, fmax=high_hz, htk=True, norm=None
    )
    return torch.from_numpy(filters)
