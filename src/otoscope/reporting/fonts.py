"""The font of figures as PDF: DejaVu Sans, cut once to the letters that figures mostly write.

Every PDF holds the glyphs that it needs, and cutting them out of the whole font, which has some six thousand,
took longer than drawing.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from matplotlib.font_manager import FontProperties, findfont, fontManager

__all__ = ["LETTERS", "cut_font"]

_FAMILY = "otoscope DejaVu"
_RANGES = (range(0x20, 0x7F), range(0xA0, 0x180), range(0x391, 0x3CA), range(0x2010, 0x2027))
LETTERS = frozenset("\n←→×−≈≠≤≥∞").union(*(map(chr, letters) for letters in _RANGES)) - {"\u03a2"}
"""Those of European languages, Greek ones, punctuation and some signs."""
_NAMES = (1, 4, 16)  # family, full and typographic family name of a TrueType font


@cache
def cut_font() -> str:
    """The family of the cut font, known to Matplotlib until this process ends.

    It has no letters but `LETTERS`.
    """
    folder = Path(tempfile.mkdtemp(prefix="otoscope-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for weight in ("normal", "bold"):
        whole = findfont(FontProperties(family="DejaVu Sans", weight=weight))
        fontManager.addfont(_cut(Path(whole), folder))
    return _FAMILY


def _cut(whole: Path, folder: Path) -> Path:
    """A font of the letters alone, with its kerning."""
    font = TTFont(whole, lazy=True)
    options = Options(layout_features=["kern"], drop_tables=[*Options._drop_tables_default, "MATH", "FFTM"])
    cutter = Subsetter(options)
    cutter.populate(unicodes=map(ord, LETTERS))
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    cutter.subset(font)
    for record in font["name"].names:
        if record.nameID in _NAMES:
            font["name"].setName(_FAMILY, record.nameID, record.platformID, record.platEncID, record.langID)
    place = folder / whole.name
    font.save(place)
    return place
