"""Does an audio file hold as many bytes as its container promises? Answered from the container alone.

libsndfile reads a WAV or AIFF file that was cut off as if it had been meant to be that short, and an Ogg file
as if it ended where its last whole page does. A half-downloaded data set would pass as a whole one.
"""

import os
import struct
from typing import BinaryIO

__all__ = ["shortfall"]

# Programs that write WAV into a pipe cannot know its size. They state the largest there is (ffmpeg:
# 0xFFFFFFFF) or one near half of it (sox, espeak-ng): no promise, then.
_STREAMED = 0x7FFFF000
_LONGEST_PAGE = 27 + 255 + 255 * 255  # an Ogg page: header, segment table, segments
_LAST_PAGE = 4  # flag in the header of the last page of an Ogg stream


def shortfall(file: BinaryIO) -> str:
    """Say what is missing at the end of a WAV, AIFF or Ogg file.

    Args:
        file: open for reading bytes, able to seek. Its position changes.

    Returns:
        What is missing, in words; empty if nothing is, or if the file is of another kind.

    >>> import io
    >>> fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    >>> cut = b"RIFF" + struct.pack("<I", 136) + b"WAVE" + fmt + b"data" + struct.pack("<I", 100)
    >>> shortfall(io.BytesIO(cut))
    'its data chunk promises 100 bytes and 0 are there'
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"RIFF" and start[8:] == b"WAVE":
        return _missing_in_chunk(file, size, b"data", "<")
    if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
        return _missing_in_chunk(file, size, b"SSND", ">")
    if start[:4] == b"OggS":
        return _missing_in_ogg(file, size)
    return ""


def _missing_in_chunk(file: BinaryIO, size: int, wanted: bytes, order: str) -> str:
    """Walk the chunks of an IFF file, (name, length, body) after (name, length, body), up to the sound."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        position += 8
        if name == wanted:
            there = size - position
            if length <= there or length >= _STREAMED:
                return ""
            return f"its {name.decode()} chunk promises {length} bytes and {there} are there"
        position += length + length % 2
    return f"it ends before its {wanted.decode()} chunk"


def _missing_in_ogg(file: BinaryIO, size: int) -> str:
    """Look at the last page: it must be whole, and say that it is the last."""
    base = max(0, size - 2 * _LONGEST_PAGE)
    file.seek(base)
    tail = file.read()
    at = tail.rfind(b"OggS\0")
    if at < 0 or len(tail) < at + 27:
        return "its last Ogg page is cut off"
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    if len(table) < segments or at + 27 + segments + sum(table) > len(tail):
        return "its last Ogg page is cut off"
    if not tail[at + 5] & _LAST_PAGE:
        return "its last Ogg page does not end the stream"
    return ""
