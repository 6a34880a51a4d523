"""Read, check, resample and crop audio: every sound that enters the house comes through this door.

A path is a local path or any fsspec URL, for example `zip://bell.ogg::sounds.zip`. Decoding is soundfile's,
resampling soxr's (HQ); channels are averaged. A file that does not hold the sound it promises is refused with
an `AudioError`.
"""

import errno
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
from otoscope.decoders import Decoder, waiting
from otoscope.errors import OtoscopeError, UsageError
from otoscope.urls import fetch, is_url

__all__ = [
    "SUFFIXES",
    "AudioError",
    "Crop",
    "Header",
    "Sound",
    "UnreachableError",
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

_AWAY = frozenset(
    getattr(errno, name)
    for name in (
        "EIO", "EBUSY", "ESTALE", "ENODEV", "ENXIO", "ENOTCONN", "ENOLINK", "EREMOTEIO", "ETIMEDOUT",
        "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET", "ECONNABORTED", "EAGAIN",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""What one is told by a disk or a network that is not there for the moment."""
POINTER = b"version https://git-lfs"
_BLOCK = 1 << 18  # frames decoded at a time: a long file of many channels never lies in memory whole
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


class UnreachableError(AudioError):
    """Where a clip lies cannot be reached: that says nothing about the clip."""


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
class Crop:
    """To what length a clip is cropped or padded, and which stretch of a longer one is heard.

    Attributes:
        seconds: the length.
        place: where the stretch lies in a longer clip: from 0, its beginning, up to but without 1, its end.
        truncated: the number of samples is cut to a whole number, not rounded: EVAR's way.
    """

    seconds: float
    place: float = 0.0
    truncated: bool = False

    def samples(self, sample_rate: int) -> int:
        """The length at a sample rate in Hz.

        Raises:
            UsageError: it is not positive.

        >>> Crop(8.2).samples(48000), Crop(8.2, truncated=True).samples(48000)
        (393600, 393599)
        """
        wanted = sample_rate * self.seconds
        length = 0 if not np.isfinite(wanted) else int(wanted) if self.truncated else round(wanted)
        if length < 1:
            raise UsageError(f"seconds is {self.seconds}; expected a positive length of at least one sample")
        return length

    def cut(self, samples: Samples, sample_rate: int) -> Waveform:
        """Crop samples, or pad them with zeros at the end.

        >>> Crop(2, place=0.5).cut(np.arange(6, dtype=np.float32), 1)
        Waveform(samples=array([2., 3.], dtype=float32), real=2)
        """
        length = self.samples(sample_rate)
        start = int(self.place * max(0, len(samples) - length))
        return fit(samples[start:], length)


@dataclass(frozen=True)
class Sound:
    """One clip as its file has it, decoded to mono: from here it is to be had at any sample rate.

    Attributes:
        path: local path or fsspec URL.
        samples: float32, shape (n,), n >= 2, all finite.
        sample_rate: the file's own, in Hz.
        crop: how the clip is cropped or padded; None leaves it whole.
    """

    path: str
    samples: Samples
    sample_rate: int
    crop: Crop | None = None

    def at(self, sample_rate: int) -> Waveform:
        """The clip at a sample rate in Hz.

        Raises:
            AudioError: it is so short that nothing is left of it at this rate.
            UsageError: a rate or length that is not positive.
        """
        if sample_rate < 1:
            raise UsageError(f"sample_rate is {sample_rate}; expected a positive number of Hz")
        mono = self.samples
        if self.sample_rate != sample_rate:
            resampled = soxr.resample(mono, self.sample_rate, sample_rate, quality="HQ")
            mono = np.ascontiguousarray(resampled, dtype=np.float32)
            if not len(mono):
                raise too_short(self.path, 0, f" at {sample_rate} Hz")
        return self.crop.cut(mono, sample_rate) if self.crop else Waveform(mono, len(mono))


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
    crop = None if seconds is None else Crop(seconds)
    return decode(path, start=start, stop=stop, crop=crop).at(sample_rate)


def decode(
    path: str | os.PathLike[str],
    *,
    start: float | None = None,
    stop: float | None = None,
    crop: Crop | None = None,
) -> Sound:
    """Decode a clip to mono at its file's own sample rate; the arguments are those of `read`.

    Args:
        path: local path or fsspec URL.
        start: first second of the file to read; its beginning by default.
        stop: second of the file to stop before; its end by default.
        crop: how the clip is to be cropped or padded once its sample rate is asked for.

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
        raise too_short(name, len(mono))
    wrong = np.flatnonzero(~np.isfinite(mono))
    if len(wrong):
        raise not_finite(name, wrong[0], len(wrong), len(mono))
    return Sound(name, mono, rate, crop)


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
    with content(os.fspath(path)) as source:
        return hashed(source)


def hashed(source: BinaryIO) -> str:
    """SHA-256 of what is left of an open file, in hexadecimal."""
    digest = hashlib.sha256()
    while block := source.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def write(path: str | os.PathLike[str], samples: NDArray[Any], sample_rate: int) -> None:
    """Write samples, shape (n,) or (n, channels), in the format of the path's suffix.

    WAV and FLAC are written in 16 bits: values beyond [-1, 1] are clipped.
    """
    soundfile.write(os.fspath(path), np.clip(samples, -1, 1), sample_rate)


def changed(path: str, found: str, expected: str) -> AudioError:
    """The error for a file whose SHA-256 is another than a manifest states."""
    return AudioError(
        path,
        "its content has changed since the manifest was written: "
        f"sha256 {found[:12]}..., expected {expected[:12]}...",
        "expected the same file; try getting it again, or `otoscope tasks check` on the data anew",
    )


def altered(path: str, found: str, recorded: str) -> AudioError:
    """The error for a file whose SHA-256 is another than that of the file that was recorded."""
    return AudioError(
        path,
        f"its content is another: sha256 {found[:12]}..., expected {recorded[:12]}...",
        "expected the file as it was recorded; try getting it again, or recording it anew",
    )


@contextmanager
def content(name: str) -> Iterator[BinaryIO]:
    """Open a file, or what is behind a URL, for reading bytes.

    Raises:
        AudioError: it cannot be read.
    """
    try:
        with io.BytesIO(fetch(name)) if is_url(name) else Path(name).open("rb") as file:
            yield file
    except FileNotFoundError:
        advice = "expected an audio file; try the path of the data set's folder again"
        raise AudioError(name, "does not exist", advice) from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        if error.errno in _AWAY or isinstance(error, (ConnectionError, TimeoutError)):
            advice = "expected a disk or a network that is there; try again when it is"
            raise UnreachableError(name, reason, advice) from None
        advice = "expected a file that can be read; try its permissions, or getting it again"
        raise AudioError(name, reason, advice) from None


@contextmanager
def _opened(name: str) -> Iterator[Decoder]:
    with content(name) as source, decoder(name, source) as file:
        yield file


@contextmanager
def decoder(name: str, source: BinaryIO) -> Iterator[Decoder]:
    """Decode what `content` opened, once the checks that need no decoding are passed.

    Raises:
        AudioError: as `header`.
    """
    source.seek(0)
    _check_container(name, source)
    source.seek(0)
    try:
        # A local file is opened by name: the decoder then reads it without going through Python.
        file = Decoder(source if is_url(name) else name)
    except soundfile.LibsndfileError as error:
        source.seek(0)
        raise AudioError(
            name,
            f"cannot be decoded: {_said(error)} (it begins {source.read(12)!r})",
            f"expected audio ({', '.join(SUFFIXES)}); try converting it, or getting it again",
        ) from None
    with file:
        if file.frames < 2:
            raise too_short(name, file.frames)
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


def not_finite(name: str, first: int, count: int, samples: int) -> AudioError:
    """The error for a clip of which some samples are no numbers."""
    return AudioError(
        name,
        f"sample {first} is not a number or infinite ({count} of {samples} are)",
        "expected finite samples; try writing the file again from its source",
    )


def too_short(name: str, samples: int, where: str = "") -> AudioError:
    """The error for a clip of less than two samples."""
    holds = f"holds {'one sample' if samples == 1 else 'no samples'}{where}"
    return AudioError(name, holds, "expected sound; try leaving it out, or getting it again")


def _said(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".")


def _truncated(name: str, what: str) -> AudioError:
    return AudioError(name, f"is truncated: {what}", "expected the whole file; try getting it again")


def _decode(name: str, file: Decoder, start: float | None, stop: float | None) -> Samples:
    """Samples from `start` to `stop`, mean of the channels, at the file's own rate."""
    first, last = window(name, file, start, stop)
    if not first:
        return _mono(name, file, last)
    if file.seeks_exactly:
        file.seek(first)
        return _mono(name, file, last - first)
    if is_url(name):
        _pass_over(name, file, first)
        return _mono(name, file, last - first)
    with waiting(name, first) as decoder:
        _pass_over(name, decoder, first - decoder.position)
        mono = _mono(name, decoder, last - first)
        decoder.position = last
    return mono


def _mono(name: str, file: Decoder, wanted: int) -> Samples:
    """The next so many frames, as mean of the channels."""
    return np.concatenate([_mean(block) for block in blocks(name, file, wanted)])


def _mean(block: Samples) -> Samples:
    """Mean of the channels; block has the shape (frames, channels)."""
    if block.shape[1] == 1:
        return block[:, 0]
    mono: Samples
    if block.shape[1] == 2:  # the same to the bit, and 30 times as fast
        mono = (block[:, 0] + block[:, 1]) / np.float32(2)
    else:
        mono = block.mean(axis=1, dtype=np.float32)
    return mono


def _pass_over(name: str, file: Decoder, frames: int) -> None:
    for _ in blocks(name, file, frames):
        pass


def blocks(name: str, file: Decoder, wanted: int) -> Iterator[Samples]:
    """Decode so many frames, a block at a time: shape (frames, channels).

    Raises:
        AudioError: there are fewer.
    """
    got = 0
    try:
        while got < wanted:
            block = file.read(min(_BLOCK, wanted - got), dtype="float32", always_2d=True)
            if not len(block):
                break
            got += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _truncated(
            name, f"the decoder stopped after {got} of {wanted} frames ({_said(error)})"
        ) from None
    if got < wanted:
        raise _truncated(name, f"its header promises {wanted} frames and {got} could be decoded")


def window(name: str, file: soundfile.SoundFile, start: float | None, stop: float | None) -> tuple[int, int]:
    """The first frame to read and the frame to stop before.

    Raises:
        AudioError: the file is shorter than that.
        UsageError: `stop` is not after `start`.
    """
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
