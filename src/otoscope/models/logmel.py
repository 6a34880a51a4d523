"""M2D's log-mel front end."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.errors import OtoscopeError

MEL_BINS = 80
LOG_OFFSET = 1.1920929e-07  # float32's epsilon, so that silence is -15.9424


class FrontEnd(NamedTuple):
    """The settings that go with a sample rate: samples of window (= FFT) and hop, and the mel range in Hz."""

    window: int
    hop: int
    low_hz: float
    high_hz: float


FRONT_ENDS = {16000: FrontEnd(400, 160, 50.0, 8000.0), 32000: FrontEnd(800, 320, 50.0, 16000.0)}


class LogMel(nn.Module):
    """Waveforms to log-mel spectrograms, as M2D computes them with nnAudio; not normalised.

    25 ms periodic Hann windows every 10 ms, centred, with reflection at both ends; power; 80 Slaney mel bands
    from 50 Hz to half the sample rate, each normalised to equal area; natural logarithm of `x + 1.19e-7`.

    Args:
        sample_rate: 16000 or 32000 Hz.

    Shape:
        input (B, N), full scale 1; output (B, 80, 1 + N // hop), bin 0 the lowest.

    >>> LogMel(16000)(torch.zeros(1, 16000)).shape
    torch.Size([1, 80, 101])

    Source: nttcslab/m2d (examples/portable_m2d.py).
    """

    window: Tensor
    mel_filters: Tensor

    def __init__(self, sample_rate: int = 16000) -> None:
        super().__init__()
        if sample_rate not in FRONT_ENDS:
            raise OtoscopeError(
                f"M2D's log-mel is not defined at {sample_rate} Hz; expected 16000 or 32000; try sample_rate="
            )
        self.sample_rate = sample_rate
        self.settings = FRONT_ENDS[sample_rate]
        # Not persistent: they are settings, not weights.
        self.register_buffer(
            "window", torch.hann_window(self.settings.window, periodic=True), persistent=False
        )
        self.register_buffer("mel_filters", _mel_filters(sample_rate, self.settings), persistent=False)

    @property
    def min_samples(self) -> int:
        """The fewest samples that can be reflected at their ends: half a window and one."""
        return self.settings.window // 2 + 1

    def frames(self, samples: int) -> int:
        """Number of frames made of so many samples.

        >>> LogMel(16000).frames(16000)
        101
        """
        return 1 + samples // self.settings.hop

    def band_edges(self) -> np.ndarray:
        """Frequencies in Hz between which the mel bands lie: band b reaches from edge b to edge b + 2."""
        import librosa  # as in _mel_filters

        edges = librosa.mel_frequencies(
            MEL_BINS + 2, fmin=self.settings.low_hz, fmax=self.settings.high_hz, htk=False
        )
        return np.asarray(edges)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Transform waveforms (B, N) of equal length to log-mel (B, 80, frames)."""
        return self.transform(self.reflect(waveforms))

    def reflect(self, waveforms: Tensor) -> Tensor:
        """Mirror half a window at both ends: (B, N) to (B, N + window)."""
        if waveforms.shape[-1] < self.min_samples:
            raise OtoscopeError(
                f"a clip of {waveforms.shape[-1]} samples is too short; "
                f"expected at least {self.min_samples} at {self.sample_rate} Hz; try a longer seconds="
            )
        half = self.settings.window // 2
        return F.pad(waveforms, (half, half), mode="reflect")

    def transform(self, reflected: Tensor) -> Tensor:
        """Transform waveforms whose ends are mirrored already: (B, N + window) to (B, 80, frames).

        Clips of unequal length can be mirrored one by one, filled up with zeros and transformed together;
        the frames of each that `frames` counts are then its own.
        """
        spectrum = torch.stft(
            reflected,
            n_fft=self.settings.window,
            hop_length=self.settings.hop,
            window=self.window,
            center=False,
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # not abs()**2, whose root costs accuracy
        return torch.log(self.mel_filters @ power + LOG_OFFSET)


def _mel_filters(sample_rate: int, settings: FrontEnd) -> Tensor:
    # Imported here: librosa takes a second, and a worker that receives a model by pickle does not need it.
    import librosa.filters

    filters = librosa.filters.mel(
        sr=sample_rate,
        n_fft=settings.window,
        n_mels=MEL_BINS,
        fmin=settings.low_hz,
        fmax=settings.high_hz,
        htk=False,
        norm="slaney",
    )
    return torch.from_numpy(filters)
