"""Read, check, resample and crop audio: every sound that enters the house comes through this door.

A path is a local path or any fsspec URL, for example `zip://bell.ogg::sounds.zip`. Decoding is soundfile's,
resampling soxr's (HQ); channels are averaged. A file that does not hold the sound it promises is refused with
an `AudioError`.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from otoscope.containers import shortfall
from otoscope.errors import OtoscopeError, UsageError
from otoscope.urls import fetch, is_url

__all__ = [
    "SUFFIXES",
    "AudioError",
    "Header",
    "Sound",
    "Waveform",
    "content_hash",
    "decode",
    "fit",
    "header",
    "read",
    "write",
]

Samples = NDArray[np.float32]

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
"""File name endings that are taken for audio, in lower case."""

POINTER = b"version https://git-lfs"
_BLOCK = 1 << 18  # frames decoded at a time: a long file of many channels never lies in memory whole
_LOSSY = (
    "MP3",
    "OGG",
)  # seeking in these may land a few samples off, so they are decoded from their beginning
_UNKNOWN = np.iinfo(np.int64).max  # what libsndfile says of a stream that does not state its length
_SLACK_S = 0.1  # a `stop` may pass the end by this much: tables round, and MP3 lengths are not exact


class AudioError(OtoscopeError):
    """A clip cannot be used. `path` names it, `reason` says what is wrong with it.

    >>> print(AudioError("a.wav", "holds no samples", "expected sound; try downloading it again"))
    a.wav: holds no samples; expected sound; try downloading it again
    """

    def __init__(self, path: str, reason: str, advice: str) -> None:
        super().__init__(
            path, reason, advice
        )  # all of them, so that the error pickles on its way from a worker
        self.path = path
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.advice}"


@dataclass(frozen=True)
class Header:
    """What a file says about itself.

    Attributes:
        sample_rate: in Hz.
        frames: samples per channel.
        channels: number of channels.
        format: container as libsndfile calls it ("WAV", "FLAC", "OGG", "MP3", ...).
    """

    sample_rate: int
    frames: int
    channels: int
    format: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


@dataclass(frozen=True)
class Waveform:
    """One clip, mono, ready for a model.

    Attributes:
        samples: float32, shape (n,), nominally in [-1, 1].
        real: the first `real` samples are sound; the rest is zero padding.
    """

    samples: Samples
    real: int


@dataclass(frozen=True)
class Sound:
    """One clip as its file has it, decoded to mono: from here it is to be had at any sample rate.

    Attributes:
        path: local path or fsspec URL.
        samples: float32, shape (n,), n >= 2, all finite.
        sample_rate: the file's own, in Hz.
        seconds: length that the clip is cropped or padded to; None leaves it whole.
    """

    path: str
    samples: Samples
    sample_rate: int
    seconds: float | None = None

    def at(self, sample_rate: int) -> Waveform:
        """The clip at a sample rate in Hz.

        Raises:
            AudioError: it is so short that nothing is left of it at this rate.
            UsageError: a rate or length that is not positive.
        """
        length = _length(sample_rate, self.seconds)
        mono = self.samples
        if self.sample_rate != sample_rate:
            resampled = soxr.resample(mono, self.sample_rate, sample_rate, quality="HQ")
            mono = np.ascontiguousarray(resampled, dtype=np.float32)
            if not len(mono):
                raise _too_short(self.path, 0, f" at {sample_rate} Hz")
        return fit(mono, len(mono) if length is None else length)


def header(path: str | os.PathLike[str]) -> Header:
    """Read what a file says about itself, without decoding it.

    Raises:
        AudioError: missing, a Git-LFS pointer, not audio, holding no samples, or shorter than it promises.
    """
    name = os.fspath(path)
    with _opened(name) as file:
        return Header(file.samplerate, file.frames, file.channels, file.format)


def read(
    path: str | os.PathLike[str],
    sample_rate: int,
    *,
    start: float | None = None,
    stop: float | None = None,
    seconds: float | None = None,
) -> Waveform:
    """Decode a clip to mono at a sample rate.

    Args:
        path: local path or fsspec URL.
        sample_rate: wanted rate in Hz.
        start: first second of the file to read; its beginning by default.
        stop: second of the file to stop before; its end by default.
        seconds: crop, or pad with zeros, at the end, to exactly `round(seconds * sample_rate)` samples; by
            default the clip stays whole.

    Returns:
        The waveform. `real` is the number of samples that are sound.

    Raises:
        AudioError: as `decode`; or nothing is left of the clip at this rate.
        UsageError: a rate or length that is not positive, or `stop` not after `start`.
    """
    return decode(path, start=start, stop=stop, seconds=seconds).at(sample_rate)


def decode(
    path: str | os.PathLike[str],
    *,
    start: float | None = None,
    stop: float | None = None,
    seconds: float | None = None,
) -> Sound:
    """Decode a clip to mono at its file's own sample rate; the arguments are those of `read`.

    Raises:
        AudioError: as `header`; or the decoder yields fewer frames than promised, fewer than two samples, or
            a sample that is not finite.
        UsageError: `stop` is not after `start`.
    """
    name = os.fspath(path)
    with _opened(name) as file:
        rate = file.samplerate
        mono = _decode(name, file, start, stop)
    if len(mono) < 2:
        raise _too_short(name, len(mono))
    wrong = np.flatnonzero(~np.isfinite(mono))
    if len(wrong):
        raise AudioError(
            name,
            f"sample {wrong[0]} is not a number or infinite ({len(wrong)} of {len(mono)} are)",
            "expected finite samples; try writing the file again from its source",
        )
    return Sound(name, mono, rate, seconds)


def fit(samples: Samples, length: int) -> Waveform:
    """Crop samples, or pad them with zeros, at the end, to a length.

    >>> fit(np.ones(3, np.float32), 5)
    Waveform(samples=array([1., 1., 1., 0., 0.], dtype=float32), real=3)
    """
    real = min(len(samples), length)
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    return Waveform(samples[:length], real)


def content_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; the path may be an fsspec URL.

    Raises:
        AudioError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with _bytes(os.fspath(path)) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write(path: str | os.PathLike[str], samples: NDArray[Any], sample_rate: int) -> None:
    """Write samples, shape (n,) or (n, channels), in the format of the path's suffix.

    WAV and FLAC are written in 16 bits: values beyond [-1, 1] are clipped.
    """
    soundfile.write(os.fspath(path), np.clip(samples, -1, 1), sample_rate)


def _length(sample_rate: int, seconds: float | None) -> int | None:
    if sample_rate < 1:
        raise UsageError(f"sample_rate is {sample_rate}; expected a positive number of Hz")
    if seconds is None:
        return None
    if not (np.isfinite(seconds) and round(seconds * sample_rate) >= 1):
        raise UsageError(f"seconds is {seconds}; expected a positive length of at least one sample")
    return round(seconds * sample_rate)


@contextmanager
def _bytes(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; what stands in the way is told as an AudioError."""
    try:
        with io.BytesIO(fetch(name)) if is_url(name) else Path(name).open("rb") as file:
            yield file
    except FileNotFoundError:
        advice = "expected an audio file; try the path of the data set's folder again"
        raise AudioError(name, "does not exist", advice) from None
    except OSError as error:
        advice = "expected a file that can be read; try its permissions, or getting it again"
        raise AudioError(name, f"cannot be read: {error.strerror or error}", advice) from None


@contextmanager
def _opened(name: str) -> Iterator[soundfile.SoundFile]:
    """Open a file for decoding, once the checks that need no decoding are passed."""
    with _bytes(name) as source:
        _check_container(name, source)
        source.seek(0)
        try:
            # A local file is opened by name: the decoder then reads it without going through Python.
            file = soundfile.SoundFile(source if is_url(name) else name)
        except soundfile.LibsndfileError as error:
            source.seek(0)
            raise AudioError(
                name,
                f"cannot be decoded: {_said(error)} (it begins {source.read(12)!r})",
                f"expected audio ({', '.join(SUFFIXES)}); try converting it, or getting it again",
            ) from None
        with file:
            if file.frames < 2:
                raise _too_short(name, file.frames)
            if file.frames == _UNKNOWN:
                advice = "expected a header with the number of samples; try writing it again, not into a pipe"
                raise AudioError(name, "does not state its length", advice)
            yield file


def _check_container(name: str, source: BinaryIO) -> None:
    start = source.read(len(POINTER))
    if not start:
        raise AudioError(name, "is empty (0 bytes)", "expected audio; try getting it again")
    if start == POINTER:
        raise AudioError(
            name,
            "is a Git-LFS pointer: a line of text in place of the sound",
            "expected audio; try `git lfs pull` in the data set's clone",
        )
    if missing := shortfall(source):
        raise _truncated(name, missing)


def _too_short(name: str, samples: int, where: str = "") -> AudioError:
    holds = f"holds {'one sample' if samples == 1 else 'no samples'}{where}"
    return AudioError(name, holds, "expected sound; try leaving it out, or getting it again")


def _said(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".")


def _truncated(name: str, what: str) -> AudioError:
    return AudioError(name, f"is truncated: {what}", "expected the whole file; try getting it again")


def _decode(name: str, file: soundfile.SoundFile, start: float | None, stop: float | None) -> Samples:
    """Samples from `start` to `stop`, mean of the channels, at the file's own rate."""
    first, last = _window(name, file, start, stop)
    skip = first
    if first and file.format not in _LOSSY:
        file.seek(first)
        skip = 0
    wanted = skip + last - first
    blocks: list[Samples] = []
    got = 0
    try:
        while got < wanted:
            block = file.read(min(_BLOCK, wanted - got), dtype="float32", always_2d=True)
            if not len(block):
                break
            got += len(block)
            blocks.append(block.mean(axis=1, dtype=np.float32) if block.shape[1] > 1 else block[:, 0])
    except soundfile.LibsndfileError as error:
        raise _truncated(
            name, f"the decoder stopped after {got} of {wanted} frames ({_said(error)})"
        ) from None
    if got < wanted:
        raise _truncated(name, f"its header promises {wanted} frames and {got} could be decoded")
    return np.concatenate([*blocks, np.empty(0, np.float32)])[skip:]


def _window(name: str, file: soundfile.SoundFile, start: float | None, stop: float | None) -> tuple[int, int]:
    """The first frame to read and the frame to stop before."""
    rate, frames = file.samplerate, file.frames
    first = 0 if start is None else round(start * rate)
    last = frames if stop is None else round(stop * rate)
    if first < 0 or (stop is not None and last <= first):
        raise UsageError(
            f"{name}: start is {start} and stop is {stop}; expected seconds with 0 <= start < stop"
        )
    if first >= frames or last > frames + _SLACK_S * rate:
        raise AudioError(
            name,
            f"lasts {frames / rate:.3f} s, but start {start} and stop {stop} were asked for",
            "expected a part of the file; try the table's start and stop again (they are in seconds)",
        )
    return first, min(last, frames)
