"""What a SoundFont 2 file holds: which samples each of its programs plays.

A program names instruments, an instrument names samples, each over a range of keys and velocities. Two
programs that play one recording are one source; a sample is known by its sound, so also across files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path("/usr/share/sounds/sf2")
KEYS, INSTRUMENT, SAMPLE = 43, 41, 53  # the generators that are read, by number of the specification
PHDR = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")])
INST = np.dtype([("name", "S20"), ("bag", "<u2")])
BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
GEN = np.dtype([("kind", "<u2"), ("low", "u1"), ("high", "u1")])
SHDR = np.dtype([
    ("name", "S20"), ("start", "<u4"), ("stop", "<u4"), ("loop", "<u4", 2), ("rate", "<u4"),
    ("key", "u1"), ("cents", "i1"), ("link", "<u2"), ("kind", "<u2"),
])  # fmt: skip

Span = tuple[int, int]


@dataclass(frozen=True)
class Program:
    """A program: its name, and sample -> the lowest and the highest key that play it."""

    name: str
    samples: dict[str, Span]


def path(soundfont: str) -> Path:
    """Where a soundfont lies, by its name without .sf2."""
    return FOLDER / f"{soundfont}.sf2"


def chunks(data: memoryview) -> dict[str, memoryview]:
    """The chunks of a RIFF list, by name."""
    found, at = {}, 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        name, body = bytes(data[at : at + 4]).decode(), data[at + 8 : at + 8 + size]
        if name == "LIST":
            name, body = bytes(body[:4]).decode(), body[4:]
        found[name] = body
        at += 8 + size + size % 2
    return found


@cache
def programs(soundfont: str) -> dict[tuple[int, int], Program]:
    """(Bank, program) -> what it plays; drum kits lie in bank 128.

    Raises:
        FileNotFoundError: the soundfont is not installed.
    """
    top = chunks(memoryview(path(soundfont).read_bytes())[12:])
    pcm, tables = chunks(top["sdta"])["smpl"], chunks(top["pdta"])

    def table(name: str, kind: np.dtype) -> np.ndarray:
        return np.frombuffer(tables[name], kind)

    heads = table("shdr", SHDR)[:-1]
    names = [hashlib.sha256(pcm[2 * int(h["start"]) : 2 * int(h["stop"])]).hexdigest()[:16] for h in heads]
    zones = _zones(table("inst", INST), table("ibag", BAG), table("igen", GEN), SAMPLE)
    found = {}
    presets = table("phdr", PHDR)
    for head, parts in zip(
        presets, _zones(presets, table("pbag", BAG), table("pgen", GEN), INSTRUMENT), strict=False
    ):
        played: dict[str, Span] = {}
        for instrument, outer in parts:
            for sample, inner in zones[instrument]:
                low, high = max(outer[0], inner[0]), min(outer[1], inner[1])
                if low <= high:
                    before = played.get(names[sample], (low, high))
                    played[names[sample]] = min(before[0], low), max(before[1], high)
        name = head["name"].split(b"\0")[0].decode("latin-1").strip()
        found[int(head["bank"]), int(head["program"])] = Program(name, played)
    return found


def _zones(
    heads: np.ndarray, bags: np.ndarray, generators: np.ndarray, target: int
) -> list[list[tuple[int, Span]]]:
    """For each head (but the closing one) its zones: the index of what they play, and their range of keys."""
    found = []
    for first, last in zip(heads["bag"][:-1], heads["bag"][1:], strict=True):
        own, everywhere = [], (0, 127)
        for bag in range(first, last):
            span, plays = everywhere, None
            for g in generators[bags["generator"][bag] : bags["generator"][bag + 1]]:
                if g["kind"] == KEYS:
                    span = int(g["low"]), int(g["high"])
                elif g["kind"] == target:
                    plays = int(g["low"]) + 256 * int(g["high"])
            if plays is not None:
                own.append((plays, span))
            elif bag == first:
                everywhere = span  # a first zone that plays nothing speaks for all
        found.append(own)
    return found
