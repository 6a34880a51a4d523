"""Look at one file: the hash of its content, its header and, if every sample is read, how loud it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from soundfile import SoundFile

from otoscope import audio
from otoscope.audio import AudioError, Header
from otoscope.errors import UsageError

__all__ = ["FULL_SCALE", "Bounds", "Look", "Part", "look"]

FULL_SCALE = 1 - 2**-15
"""Samples at least this far from zero are at full scale: the highest value that 16 bits hold."""

Bounds = tuple[float | None, float | None]
"""Where a clip starts and stops in its file, in seconds; None for the file's beginning and end."""


@dataclass(frozen=True)
class Part:
    """What was found of one clip: a file or a part of it.

    Attributes:
        seconds: its length in the file; NaN if that is not known.
        peak: largest distance of a sample from zero, 1 being full scale, over all channels; NaN if the
            samples were not read.
        clipped: share of the samples, over all channels, at full scale; NaN if they were not read.
        problem: why the clip cannot be used, if so.
    """

    seconds: float = nan
    peak: float = nan
    clipped: float = nan
    problem: AudioError | None = None


@dataclass(frozen=True)
class Look:
    """What was found of one file.

    Attributes:
        sha256: hash of its content; "" if it cannot be read.
        header: what it says about itself; None if it cannot be decoded.
        parts: what was found of each clip in it.
    """

    sha256: str
    header: Header | None
    parts: tuple[Part, ...]


def look(path: str, bounds: Sequence[Bounds], *, deep: bool = False) -> Look:
    """Look at a file and at the clips in it. It is read once, and with `deep` decoded, block by block.

    Args:
        path: local path or fsspec URL.
        bounds: of each clip in it.
        deep: read every sample.
    """
    sha256, header = "", None
    try:
        with audio.content(path) as source:
            sha256 = audio.hashed(source)
            with audio.decoder(path, source) as file:
                header = Header(file.samplerate, file.frames, file.channels, file.format)
                spans = [_span(path, file, *each) for each in bounds]
                if deep:
                    _listen(path, file, [span for span in spans if isinstance(span, _Span)])
                return Look(sha256, header, tuple(_part(path, span, file) for span in spans))
    except AudioError as error:
        return Look(sha256, header, (Part(problem=error),) * len(bounds))


@dataclass
class _Span:
    """The frames of a clip, and what was heard in them."""

    first: int
    last: int
    peak: float = nan
    full: int = 0
    wrong: int = 0
    first_wrong: int = 0

    def hear(self, block: audio.Samples) -> None:
        loud = np.abs(block)
        peak = float(loud.max())
        if peak >= FULL_SCALE:
            self.full += int(np.count_nonzero(loud >= FULL_SCALE))
        self.peak = peak if self.peak != self.peak else max(self.peak, peak)

    def note_wrong(self, block: audio.Samples, at: int) -> None:
        """Count the frames that are no numbers, as decoding a clip to mono would."""
        wrong = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(wrong) and not self.wrong:
            self.first_wrong = at + int(wrong[0]) - self.first
        self.wrong += len(wrong)


def _span(path: str, file: SoundFile, start: float | None, stop: float | None) -> _Span | AudioError:
    try:
        first, last = audio.window(path, file, start, stop)
    except UsageError:
        return AudioError(
            path, f"has a part from {start} to {stop} s", "expected 0 <= start < stop; try mending the table"
        )
    except AudioError as error:
        return error
    return _Span(first, last) if last - first >= 2 else audio.too_short(path, last - first)


def _listen(path: str, file: SoundFile, spans: Sequence[_Span]) -> None:
    """Decode up to the end of the last span, and let each hear what lies in it."""
    at = 0
    for block in audio.blocks(path, file, max((span.last for span in spans), default=0)):
        for span in spans:
            piece = block[max(span.first - at, 0) : max(span.last - at, 0)]
            if not len(piece):
                continue
            if np.isfinite(piece.sum()):
                span.hear(piece)
            else:  # some sample is no number, or the sum is too large for one
                span.note_wrong(piece, at + max(span.first - at, 0))
                span.hear(np.nan_to_num(piece, posinf=0, neginf=0))
        at += len(block)


def _part(path: str, span: _Span | AudioError, file: SoundFile) -> Part:
    if isinstance(span, AudioError):
        return Part(problem=span)
    frames = span.last - span.first
    return Part(
        frames / file.samplerate,
        span.peak,
        nan if span.peak != span.peak else span.full / (frames * file.channels),
        audio.not_finite(path, span.first_wrong, span.wrong, frames) if span.wrong else None,
    )
