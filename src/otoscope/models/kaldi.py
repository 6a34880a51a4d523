"""The Kaldi-compatible log-mel that BEATs, AudioMAE, EAT and SSLAM take."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError

__all__ = ["Fbank"]

SAMPLE_RATE = 16000  # Hz; of every model that takes this front end
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms, filled up to a power of two
LOW_HZ = 20.0
PREEMPHASIS = 0.97
FLOOR = 1.1920929e-07  # float32's epsilon, so that silence is -15.9424
POVEY = 0.85  # the power to which Kaldi's own window raises a Hann window


class Fbank:
    """Kaldi's log-mel, as `torchaudio.compliance.kaldi.fbank` computes it without dither; a `FrontEnd`.

    Frames of 25 ms every 10 ms, only where a whole one fits. Each loses its mean, is pre-emphasised (0.97,
    its first sample being its own predecessor), windowed and filled up to 512; power; triangles, equally wide
    on Kaldi's mel scale `1127 ln(1 + f / 700)` from 20 Hz to 8 kHz and of height 1; natural logarithm of what
    is at least 1.19e-7. Then `(x - mean) / (2 deviation)`: so the models were trained, to half the usual
    deviation.

    Each clip is computed by itself, so that its numbers do not depend on its neighbours.

    Args:
        bands: of the log-mel. Of 128, the lowest are narrower than the FFT's bins, and some hold no bin: they
            are silent whatever the sound.
        window: "hanning", symmetric, or "povey", the same to the power of 0.85.
        mean: of the training data's log-mel.
        deviation: its standard deviation.
        scale: factor on the waveform, 2 ** 15 for a model trained on 16-bit integers.
        centre: subtract the mean of the clip's sound from it first.
        fill: log-mel, not yet normalised, of the frames that fill up a clip; `fill=mean` fills it up with
            zeros.

    Raises:
        OtoscopeError: no bands, no such window, or a deviation or scale that is not above 0.

    Example:
        >>> front = Fbank(window="hanning", mean=-4.268, deviation=4.569, centre=True)
        >>> front.frames(16000)
        98
        >>> front([Waveform(np.zeros(16000, dtype=np.float32), 16000)], frames=100).shape
        torch.Size([1, 128, 100])

    Source: kaldi-asr/kaldi (feat/feature-fbank.cc, mel-computations.cc), torchaudio (compliance.kaldi).
    """

    sample_rate = SAMPLE_RATE
    hop = HOP

    def __init__(
        self,
        *,
        bands: int = 128,
        window: Literal["hanning", "povey"],
        mean: float,
        deviation: float,
        scale: float = 1.0,
        centre: bool = False,
        fill: float = 0.0,
    ) -> None:
        if bands < 1 or deviation <= 0 or scale <= 0 or window not in ("hanning", "povey"):
            raise OtoscopeError(
                f"a log-mel of {bands} bands, window {window!r}, deviation {deviation} and scale {scale} "
                "cannot be made; expected numbers above 0 and the window hanning or povey"
            )
        self.settings: Mapping[str, Any] = {
            "front_end": "kaldi fbank",
            "bands": bands,
            "window": window,
            "mean": mean,
            "deviation": deviation,
            "scale": scale,
            "centre": centre,
            "fill": fill,
        }
        self._bands, self._mean, self._deviation = bands, mean, deviation
        self._scale, self._centre, self._fill = scale, centre, fill
        hann = torch.hann_window(WINDOW, periodic=False, dtype=torch.float64)
        self._window = (hann**POVEY if window == "povey" else hann).float()
        self._filters = torch.from_numpy(_triangles(bands)).float()

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self._window, self._filters = self._window.to(device), self._filters.to(device)
        return self

    def frames(self, samples: int) -> int:
        """Frames made of so many samples: those that lie wholly within them."""
        return max(0, 1 + (samples - WINDOW) // HOP)

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames."""
        return WINDOW + (frames - 1) * HOP

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the bands lie: band b reaches from edge b to edge b + 2. Shape (bands + 2,)."""
        return _hz(np.linspace(_mel(LOW_HZ), _mel(SAMPLE_RATE / 2), self._bands + 2))

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Normalised log-mel (clips, bands, frames), float32, cut or filled up at the end."""
        return torch.stack([self._normalised(waveform, frames) for waveform in waveforms])

    def logmel(self, waveform: Waveform) -> Tensor:
        """Log-mel of one clip, not normalised: (bands, its own frames).

        Raises:
            OtoscopeError: the clip is shorter than a frame.
        """
        if len(waveform.samples) < WINDOW:
            raise OtoscopeError(
                f"a clip of {len(waveform.samples)} samples is too short; expected at least {WINDOW} at "
                f"{SAMPLE_RATE} Hz; try a longer seconds="
            )
        frames = self._sound(waveform).unfold(0, WINDOW, HOP)
        frames = frames - frames.mean(1, keepdim=True)
        before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
        spectrum = torch.fft.rfft((frames - PREEMPHASIS * before) * self._window, n=FFT)
        power = spectrum.real.square() + spectrum.imag.square()
        return torch.log((self._filters @ power.T).clamp(min=FLOOR))

    def _normalised(self, waveform: Waveform, frames: int) -> Tensor:
        own = self.logmel(waveform)[:, :frames]
        filled = F.pad(own, (0, frames - own.shape[1]), value=self._fill)
        return (filled - self._mean) / (2 * self._deviation)

    def _sound(self, waveform: Waveform) -> Tensor:
        """The clip's samples as the recipe takes them, on the device."""
        sound = torch.tensor(waveform.samples, dtype=torch.float32, device=self._window.device)
        if self._centre and waveform.real:
            # Of the sound alone: padding must neither dilute the mean nor become a step of its size.
            sound[: waveform.real] -= sound[: waveform.real].mean()
        return sound * self._scale


def _mel(hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hz) / 700)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * np.expm1(mel / 1127)


def _triangles(bands: int) -> NDArray[np.float64]:
    """Weights of the FFT's bins in each band, of height 1 and straight on the mel scale: (bands, bins)."""
    bins = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)
    edges = np.linspace(_mel(LOW_HZ), _mel(SAMPLE_RATE / 2), bands + 2)
    left, centre, right = (edges[start : start + bands, None] for start in range(3))
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling))
