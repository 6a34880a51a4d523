"""Speech spoken again with another pitch, throat and voice quality, by pitch-synchronous overlap and add.

The sound is taken apart into grains of two periods, one for each closing of the glottis, and put together
again with the grains at other distances (pitch), read faster or slower (formants) or unevenly (roughness).
Moulines and Charpentier (1990), Pitch-synchronous waveform processing techniques for text-to-speech
synthesis using diphones, Speech Communication 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from dsp import SR, Samples, times
from scipy import signal

HOP = 80  # 5 ms
FRAME = 1024
VOICED_HZ = 1000.0  # what lies higher may be noise in a voiced sound
UNVOICED_S = 0.005  # distance of the grains where there is no pitch
FINE = 4  # grains are read between samples from a signal sampled that much finer


@dataclass(frozen=True)
class Contour:
    """The pitch of every sample in Hz, bridged where there is none, and whether it has one."""

    hz: Samples
    voiced: Samples


def contour(x: Samples, lowest: float, highest: float) -> Contour:
    """The pitch of speech that stays between two frequencies in Hz.

    A frame is voiced where, below 1 kHz, it is not much softer than the whole and resembles itself one period
    on.

    Raises:
        ValueError: there is hardly any such frame.
    """
    x = signal.sosfiltfilt(signal.butter(4, VOICED_HZ, fs=SR, output="sos"), x)
    hz = librosa.yin(x, fmin=lowest, fmax=highest, sr=SR, frame_length=FRAME, hop_length=HOP)
    centres = np.minimum(np.arange(len(hz)) * HOP, len(x) - 1)
    # A period's worth of sound before the centre and the same after it.
    padded, period = np.pad(x, FRAME), np.round(SR / hz).astype(int)[:, None]
    at = centres[:, None] + FRAME - period // 2 + np.arange(-FRAME // 8, FRAME // 8)
    before, after = padded[at], padded[at + period]
    alike = (before * after).sum(1) / (np.sqrt((before**2).sum(1) * (after**2).sum(1)) + 1e-9)
    voiced = (alike > 0.3) & (before.std(1) > 0.1 * x.std())
    if voiced.sum() < 10:
        raise ValueError(f"no pitch between {lowest:.0f} and {highest:.0f} Hz")
    n = np.arange(len(x))
    bridged = np.interp(n, centres[voiced], signal.medfilt(hz[voiced], 9))
    width = SR // 50
    smooth = signal.fftconvolve(
        np.pad(bridged, width, mode="edge"), np.hanning(2 * width + 1) / width, "valid"
    )
    return Contour(smooth, np.interp(n, centres, voiced) > 0.5)


def respeak(
    x: Samples, pitch: Contour, hz: Samples, formants: float, rough: float, rng: np.random.Generator
) -> Samples:
    """The sound at another pitch and with formants moved, in the same time.

    Args:
        x: speech.
        pitch: its own contour.
        hz: the pitch that each sample shall have, where it has one.
        formants: what to multiply the frequencies of the formants by.
        rough: deviation of the periods, and five times that of the loudness, as a part of them; 0 is even.
        rng: draws the unevenness.
    """
    marks = _marks(x, pitch)
    fine = signal.resample_poly(x, FINE, 1)
    instants = np.arange(len(fine)) / FINE
    out, weight = np.zeros(len(x) + 2 * FRAME), np.zeros(len(x) + 2 * FRAME)
    at = float(marks[0])
    while at < len(x):
        centre, voiced = marks[np.argmin(np.abs(marks - at))], pitch.voiced[int(at)]
        half = int(SR / pitch.hz[centre]) if pitch.voiced[centre] else int(2 * UNVOICED_S * SR)
        window = np.hanning(2 * half + 1)
        offsets = np.arange(-half, half + 1)
        grain = np.interp(centre + offsets * formants, instants, fine, 0, 0) * window
        where = FRAME + int(at) + offsets
        out[where] += grain * (1 + 5 * rough * rng.standard_normal() * voiced)
        weight[where] += window
        period = SR / hz[int(at)] if voiced else UNVOICED_S * SR
        at += period * (1 + np.clip((rough if voiced else 0.1) * rng.standard_normal(), -0.4, 0.4))
    return (out / np.maximum(weight, 0.5))[FRAME:-FRAME]


def _marks(x: Samples, pitch: Contour) -> np.ndarray:
    """A sample in every period, at its peak; even distances where there is no pitch."""
    peaks = x if abs(x.max()) > abs(x.min()) else -x
    marks, at = [], 0
    while at < len(x):
        period = SR / pitch.hz[at]
        if pitch.voiced[at]:
            reach = int(period / 4)
            first = max(at - reach, 0)
            at = first + int(np.argmax(peaks[first : at + reach + 1]))
        if not marks or at > marks[-1]:
            marks.append(at)
        at += int(period) if pitch.voiced[at] else int(UNVOICED_S * SR)
    return np.array(marks)


def breathe(x: Samples, amount: float, rng: np.random.Generator) -> Samples:
    """Speech with a part (0 to 1) of its sound above some 1 kHz turned into noise of the same spectrum."""
    f, _, spectrum = signal.stft(x, SR, nperseg=512)
    envelope = signal.fftconvolve(np.abs(spectrum), np.hanning(19)[:, None] / 10, "same", axes=0)
    noise = envelope * np.exp(2j * np.pi * rng.random(spectrum.shape))
    part = amount / (1 + (1000 / np.maximum(f, 1)) ** 4)[:, None]
    return signal.istft((1 - part) * spectrum + part * noise, SR, nperseg=512)[1][: len(x)]


def tilt(x: Samples, db_an_octave: float) -> Samples:
    """Speech with its spectrum above 500 Hz raised (a tense voice) or lowered (a lax one)."""
    f = np.fft.rfftfreq(len(x), 1 / SR)
    gain = 10 ** (db_an_octave / 20 * np.log2(np.maximum(f, 500) / 500))
    return np.fft.irfft(np.fft.rfft(x) * gain, len(x))


def tremble(hz: Samples, depth: float, rate: float) -> Samples:
    """A pitch that swings by a part of itself, so many times a second."""
    return hz * (1 + depth * np.sin(2 * np.pi * rate * times(len(hz))))
