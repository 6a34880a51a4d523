"""Ogg files without chance: libsndfile gives every stream a random serial number; here it becomes 1."""

from __future__ import annotations

import numpy as np

_POLYNOMIAL = 0x04C11DB7  # of Ogg's checksum: no reflection, no inversion (RFC 3533)


def _crc_table() -> list[int]:
    values = np.arange(256, dtype=np.uint32) << np.uint32(24)
    for _ in range(8):
        values = np.where(values >> 31, (values << 1) ^ np.uint32(_POLYNOMIAL), values << 1).astype(np.uint32)
    return [int(v) for v in values]


_TABLE = _crc_table()


def checksum(page: bytes) -> int:
    """Ogg's checksum of a page whose own checksum field is zero."""
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc


def pages(stream: bytes) -> list[bytes]:
    """The pages of a stream."""
    found, at = [], 0
    while at < len(stream):
        if stream[at : at + 4] != b"OggS":
            raise ValueError(f"no Ogg page at byte {at} of {len(stream)}")
        segments = stream[at + 26]
        length = 27 + segments + sum(stream[at + 27 : at + 27 + segments])
        found.append(stream[at : at + length])
        at += length
    return found


def restamp(stream: bytes, serial: int = 1) -> bytes:
    """The same stream with another serial number, and the checksums that go with it."""
    out = []
    for page in pages(stream):
        blank = page[:14] + serial.to_bytes(4, "little") + page[18:22] + bytes(4) + page[26:]
        out.append(blank[:22] + checksum(blank).to_bytes(4, "little") + blank[26:])
    return b"".join(out)
