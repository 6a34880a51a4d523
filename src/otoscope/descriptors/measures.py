"""Acoustic descriptors of one clip, by librosa, from its samples at 16 kHz: what most models hear.

    loudness_db            RMS of the whole clip, dB re full scale; -120 for digital silence
    f0_hz                  median fundamental frequency of the voiced frames, by pYIN, 30 to 4,000 Hz
    voiced_share           share of the sounding frames that have a pitch, in [0, 1]
    centroid_hz, bandwidth_hz, rolloff_hz      of the spectrum; below the rolloff lies 85 % of the magnitude
    flatness_db            10 log10 of the spectral flatness: 0 for white noise, far below for tones
    onset_rate_hz          onsets a second
    harmonic_share         energy of the harmonic part over that of both parts (HPSS), in [0, 1]
    mel_<centre>hz_db      mean level of each of 16 mel bands; mel_<centre>hz_sd_db: its standard deviation
    mfcc_01 ... mfcc_13    mean of each coefficient (the first is the level); mfcc_01_sd ...

Spectral values are means over the sounding frames, those of -80 dB or more. Where there are none all is NaN
but the loudness: silence has no pitch and no spectrum.
"""

import warnings
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLE_RATE", "VERSION", "columns", "measure"]

VERSION = 1
"""Of the descriptors: goes up when the same sound would give other numbers."""

SAMPLE_RATE = 16000
"""Hz. Clips of higher rates lose what lies above 8 kHz, so that all data sets are heard alike."""

_FFT = 1024  # 64 ms
_HOP = 512  # 32 ms
_PITCH_FRAME = 2048  # holds three periods of the lowest pitch
_PITCH_HZ = (30.0, 4000.0)
_RESOLUTION = 0.25  # semitones: pYIN takes a ninth of the time that it takes at its default of 0.1
_SILENT_DB = -80.0
_FLOOR_DB = -120.0
_BANDS = 16
_COEFFICIENTS = 13

Samples = NDArray[np.float32]
Frames = NDArray[np.floating]


@cache
def columns() -> tuple[str, ...]:
    """The names of the descriptors, in the order of `measure`.

    >>> columns()[:3], len(columns())
    (('loudness_db', 'f0_hz', 'voiced_share'), 67)
    """
    single = ["loudness_db", "f0_hz", "voiced_share", "centroid_hz", "bandwidth_hz", "rolloff_hz"]
    single += ["flatness_db", "onset_rate_hz", "harmonic_share"]
    import librosa

    centres = librosa.mel_frequencies(_BANDS + 2, fmax=SAMPLE_RATE / 2)[1:-1]
    bands = [f"mel_{centre:.0f}hz{end}_db" for end in ("", "_sd") for centre in centres]
    cepstrum = [f"mfcc_{number:02d}{end}" for end in ("", "_sd") for number in range(1, _COEFFICIENTS + 1)]
    return (*single, *bands, *cepstrum)


def measure(samples: Samples) -> dict[str, float]:
    """The descriptors of a clip.

    Args:
        samples: mono, at 16 kHz, without padding. Shape (n,), n >= 1.

    Returns:
        A number for each of `columns()`; NaN where the clip has no such thing.

    Source: McFee et al. 2015 (librosa); Mauch and Dixon 2014 (pYIN); FitzGerald 2010 (HPSS).
    """
    import librosa

    loudness = _level(float(np.mean(samples.astype(np.float64) ** 2)))
    padded = np.pad(samples, (0, max(0, _PITCH_FRAME - len(samples))))
    magnitude = np.abs(librosa.stft(padded, n_fft=_FFT, hop_length=_HOP))
    power = librosa.feature.rms(y=padded, frame_length=_FFT, hop_length=_HOP)[0].astype(np.float64) ** 2
    sounding = 10 * np.log10(np.maximum(power, 1e-12)) >= _SILENT_DB
    if not sounding.any():
        return {name: loudness if name == "loudness_db" else float("nan") for name in columns()}
    f0, voiced = _pitch(padded, sounding)
    values = [loudness, f0, voiced, *_shape(magnitude[:, sounding])]
    values += [_onset_rate(magnitude, len(samples)), _harmonic_share(magnitude), *_bands(magnitude, sounding)]
    return dict(zip(columns(), map(float, values), strict=True))


def _level(power: float) -> float:
    return max(_FLOOR_DB, 10 * float(np.log10(max(power, 1e-12))))


def _pitch(samples: Samples, sounding: NDArray[np.bool_]) -> tuple[float, float]:
    """Median pitch in Hz of the voiced frames, and their share of those that sound."""
    import librosa

    low, high = _PITCH_HZ
    f0, voiced, _ = librosa.pyin(
        samples,
        fmin=low,
        fmax=high,
        sr=SAMPLE_RATE,
        frame_length=_PITCH_FRAME,
        hop_length=_HOP,
        resolution=_RESOLUTION,
    )
    frames = min(len(f0), len(sounding))
    # pYIN finds a pitch in zeros too; what does not sound has none.
    heard = voiced[:frames] & sounding[:frames]
    share = heard.sum() / sounding[:frames].sum()
    return (float(np.median(f0[:frames][heard])) if heard.any() else float("nan")), float(share)


def _shape(magnitude: Frames) -> list[float]:
    """Centroid, bandwidth, rolloff and flatness: means over frames."""
    from librosa import feature

    spectral = [feature.spectral_centroid, feature.spectral_bandwidth, feature.spectral_rolloff]
    found = [float(np.mean(each(S=magnitude, sr=SAMPLE_RATE))) for each in spectral]
    flatness = feature.spectral_flatness(S=magnitude)
    return [*found, float(np.mean(10 * np.log10(np.maximum(flatness, 1e-12))))]


def _onset_rate(magnitude: Frames, samples: int) -> float:
    import librosa

    levels = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitude**2, sr=SAMPLE_RATE, n_mels=40))
    strength = librosa.onset.onset_strength(S=levels, sr=SAMPLE_RATE, hop_length=_HOP)
    found = librosa.onset.onset_detect(onset_envelope=strength, sr=SAMPLE_RATE, hop_length=_HOP)
    return len(found) * SAMPLE_RATE / samples


def _harmonic_share(magnitude: Frames) -> float:
    import librosa

    harmonic, percussive = (float(np.sum(part**2)) for part in librosa.decompose.hpss(magnitude))
    return harmonic / (harmonic + percussive)


def _bands(magnitude: Frames, sounding: NDArray[np.bool_]) -> list[float]:
    """Means and standard deviations over sounding frames: mel bands in dB, then MFCC."""
    import librosa

    power = magnitude[:, sounding] ** 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Empty filters")  # none at these sizes; says librosa late
        coarse, fine = (
            librosa.power_to_db(
                librosa.feature.melspectrogram(S=power, sr=SAMPLE_RATE, n_mels=bands), top_db=None
            )
            for bands in (_BANDS, 40)
        )
    cepstrum = librosa.feature.mfcc(S=fine, n_mfcc=_COEFFICIENTS)
    return [
        float(value) for table in (coarse, cepstrum) for value in (*table.mean(axis=1), *table.std(axis=1))
    ]
