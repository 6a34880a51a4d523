"""Octave and pitch class of MIDI note numbers, with middle C, note 60, as C4."""

from typing import Any

import pandas as pd

__all__ = ["CHROMA", "chroma", "octave"]

CHROMA = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
"""The twelve pitch classes, from C up."""


def octave(pitch: "pd.Series[int]") -> "pd.Series[int]":
    """The octave of each note; notes 21 to 108 lie in octaves 0 to 8.

    >>> octave(pd.Series([21, 60, 108])).tolist()
    [0, 4, 8]
    """
    return pitch // 12 - 1


def chroma(pitch: "pd.Series[int]") -> "pd.Series[Any]":
    """The pitch class of each note.

    >>> chroma(pd.Series([60, 69])).tolist()
    ['C', 'A']
    """
    return (pitch % 12).map(dict(enumerate(CHROMA)))
