"""Decoders that read a sound file straight on, and wait for the next part of it to be asked for.

Seeking is exact in WAV, AIFF and FLAC. In MP3, Vorbis and Opus it is not: after a seek libsndfile 1.2.2 gives
other samples than a straight pass does, in MP3 mostly, in Vorbis and Opus now and then, and by up to full
scale; nor does decoding a second and a half before the part mend it. So a part of such a file is decoded from
the beginning, or from where a decoder waits that read an earlier part: n threads that read the parts in the
order of time make n passes over the file at most.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

__all__ = ["Decoder", "waiting"]

_INEXACT = ("MP3", "OGG")  # Ogg holds Vorbis and Opus
_WAITING = 8  # open files: two for each thread that reads ahead

_Key = tuple[int, str, int, int]
_waiting: list[tuple[_Key, "Decoder"]] = []  # the one used last comes last
_lock = threading.Lock()


class Decoder(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """A sound file that is read without seeking, unless asked to.

    `soundfile` itself seeks after every block, to where it is already: an MP3 then has an error there.

    Attributes:
        position: the frame that comes next.
    """

    position: int = 0

    @property
    def seeks_exactly(self) -> bool:
        """Whether what follows a seek is to the bit what a straight pass gives."""
        return self.format not in _INEXACT and bool(super().seekable())

    def seekable(self) -> bool:
        """No: this keeps `read` from seeking."""
        return False


@contextmanager
def waiting(path: str, first: int) -> Iterator[Decoder]:
    """A decoder of a local file that stands at frame `first` or before, as near to it as there is one.

    The caller reads on from its `position`, and keeps that right. It then waits for the next part; after an
    error it is closed.
    """
    key = _key(path)
    decoder = _take(key, first) or Decoder(path)
    try:
        yield decoder
    except BaseException:
        decoder.close()
        raise
    with _lock:
        _waiting.append((key, decoder))
        left_over = _waiting[:-_WAITING]
        del _waiting[:-_WAITING]
    for _, other in left_over:
        other.close()


def _take(key: _Key, first: int) -> Decoder | None:
    with _lock:
        there = [n for n, (of, decoder) in enumerate(_waiting) if of == key and decoder.position <= first]
        if not there:
            return None
        return _waiting.pop(max(there, key=lambda n: _waiting[n][1].position))[1]


def _key(path: str) -> _Key:
    """What a decoder must have been opened for: this file as it is now, by this process.

    A forked process shares the place in its parent's open files.
    """
    found = Path(path).stat()
    return os.getpid(), path, found.st_mtime_ns, found.st_size
