"""A neuron's card as HTML: a fragment for pages, and a document of its own for notebooks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from otoscope.listening.bars import bars_of
from otoscope.listening.card import KINDS, Card, Example, Kind
from otoscope.listening.hearing import Heard
from otoscope.listening.mel import Mel
from otoscope.listening.sentences import percent
from otoscope.listening.sounds import encoded

__all__ = ["Sound", "card_document", "card_frame", "card_html"]

_TITLES: dict[Kind, tuple[str, str]] = {
    "share": ("Fires most", "The clips with the highest share of tokens on which it fires."),
    "peak": (
        "Highest peaks",
        "The clips in which its activation rises highest, if only for a moment; those above are left out.",
    ),
    "near": (
        "Near the threshold",
        "A neuron fires where its activation is above 0. In these clips its greatest activation lies "
        "closest to 0: it fires just barely, or just not. They let one hear where it draws the line.",
    ),
    "least": (
        "Fires least",
        "The clips with the smallest share. Top examples alone mislead: only beside these can one hear what "
        "the neuron tells apart.",
    ),
}

_MOST_BYTES = 8_000_000
"""Of sound and pictures in a notebook's card, as base64: a notebook keeps it in its file."""


@dataclass(frozen=True)
class Sound:
    """Where a page finds a clip.

    Attributes:
        audio_url: of the clip as a file that browsers play; "" where the page has none.
        picture_url: of its log-mel spectrogram; "" where the page has none.
        seconds: length of the clip.
    """

    audio_url: str
    picture_url: str
    seconds: float


@dataclass(frozen=True)
class _Group:
    title: str
    said: str
    examples: Sequence[Mapping[str, Any]]


def card_html(
    card: Card, sounds: Mapping[int, Sound], href: Callable[[int, int], str | None] = lambda *_: None
) -> Markup:
    """A card as a part of a page that loads `card.css` and `player.js`.

    Args:
        card: the card; its text is escaped.
        sounds: where the page finds the clips, by their rows in the table of clips.
        href: where the page of a neuron lies, from its layer and unit; None where it has none.
    """
    template = _environment().get_template("card.html.jinja")
    return Markup(template.render(_content(card, sounds, href)))


def card_document(card: Card, *, most_bytes: int = _MOST_BYTES) -> str:
    """A card as one HTML document that needs no other file: styles, script, sound and pictures are in it.

    Args:
        card: the card.
        most_bytes: of sound and pictures. The first examples of each kind come first; how many are left
            without sound is said, and what to do.
    """
    sounds, notes = _inlined(card, most_bytes)
    content = _content(card, sounds, lambda *_: None)
    own = {
        "notes": (*card.notes, *notes),
        "style": _asset("card.css"),
        "script": _asset("player.js"),
    }
    return _environment().get_template("jupyter.html.jinja").render(content | own)


def card_frame(card: Card) -> str:
    """A card's document in a frame, from which it can reach neither the notebook nor anything else."""
    document = escape(card_document(card))
    return (
        f'<iframe title="Neuron {card.address}" sandbox="allow-scripts" srcdoc="{document}" '
        'style="width:100%;height:46rem;max-height:90vh;border:0;resize:vertical;overflow:auto"></iframe>'
    )


def _content(
    card: Card, sounds: Mapping[int, Sound], href: Callable[[int, int], str | None]
) -> dict[str, Any]:
    largest = max(
        (float(each.heard.activation.max(initial=0)) for each in card.examples if each.heard), default=0.0
    )
    return {
        "card": card,
        "notes": card.notes,
        "bars": [bars_of(profile) for profile in card.profiles],
        "groups": [
            _Group(*_TITLES[kind], [_shown(each, sounds.get(each.row), largest) for each in card.of(kind)])
            for kind in KINDS
        ],
        "found": card.found.to_dict("records"),
        "follows": card.follows.to_dict("records"),
        "nearest": [
            each | {"href": href(int(each["layer"]), int(each["unit"]))}
            for each in card.nearest.to_dict("records")
        ],
    }


def _shown(example: Example, sound: Sound | None, largest: float) -> dict[str, Any]:
    """What the template names of an example; without sound and picture there is no player."""
    heard = example.heard
    return {
        "it": example,
        "peak": number(example.peak),
        "labels": {name: label for name, label in example.labels.items() if label},
        "sound": sound,
        "when": when(heard.stretches) if heard else "",
        "stretches": _within(heard.stretches, heard.seconds) if heard else [],
        "excerpt": heard.excerpt if heard else None,
        "frequencies": frequency_ticks(heard.mel) if heard else [],
        "times": time_ticks(sound.seconds) if sound else [],
        "data": packed(cells(heard, largest) if heard else []),
    }


def packed(cells: Sequence[Sequence[float]]) -> dict[str, list[Any]]:
    """Cells as the player takes them: the numbers of their stretches of width and height, and per cent.

    >>> packed([[0.0, 0.5, 0.2, 1.0, 0.53], [0.5, 1.0, 0.2, 1.0, 1.0]])
    {'x': [(0.0, 0.5), (0.5, 1.0)], 'y': [(0.2, 1.0)], 'cells': [[0, 0, 53], [1, 0, 100]]}
    """
    x = list(dict.fromkeys((left, right) for left, right, *_ in cells))
    y = list(dict.fromkeys((top, bottom) for _, _, top, bottom, _ in cells))
    at = [
        [x.index((left, right)), y.index((top, bottom)), round(100 * value)]
        for left, right, top, bottom, value in cells
    ]
    return {"x": x, "y": y, "cells": at}


def cells(heard: Heard, largest: float) -> list[list[float]]:
    """The tokens on which a neuron fires, as a script draws them over the picture.

    Args:
        heard: what the neuron does in the clip.
        largest: the activation that counts as 1.

    Returns:
        For each token its left, right, upper and lower edge, as shares of the picture's width from the left
        and of its height from the top, and its activation in (0, 1].
    """
    mel, fires = heard.mel, heard.activation > 0
    start, stop, low, high = heard.grid[["start_s", "stop_s", "low_hz", "high_hz"]].to_numpy(float)[fires].T
    place = {hz: mel.place(hz) for hz in {*low, *high}}  # a few bands, of many tokens
    shown = np.stack(
        [
            start / mel.seconds,
            np.minimum(stop / mel.seconds, 1),
            1 - np.array([place[hz] for hz in high]),
            1 - np.array([place[hz] for hz in low]),
            np.minimum(heard.activation[fires] / max(largest, 1e-12), 1),
        ],
        axis=1,
    )
    digits = (4, 4, 3, 3, 2)  # finer than a pixel: long clips have many tokens side by side
    return [[round(value, digit) for value, digit in zip(row, digits, strict=True)] for row in shown.tolist()]


def when(stretches: Sequence[tuple[float, float]], most: int = 6) -> str:
    """Onsets and offsets, as text.

    >>> when([(0.0, 0.5), (1.0, 1.25)])
    '0.00 to 0.50 s, 1.00 to 1.25 s'
    >>> when([(0, 1), (2, 3), (4, 5)], most=2)
    '0.00 to 1.00 s, 2.00 to 3.00 s and once more'
    """
    said = ", ".join(f"{start:.2f} to {stop:.2f} s" for start, stop in stretches[:most])
    left = len(stretches) - most
    return said + (f" and {'once' if left == 1 else f'{left} times'} more" if left > 0 else "")


def number(value: float) -> str:
    """An activation with two figures that count, and without an exponent.

    >>> number(1.254), number(-0.0000938), number(float("nan"))
    ('1.3', '−0.000094', '–')
    """
    if np.isnan(value):
        return "–"
    return np.format_float_positional(value, 2, fractional=False, trim="-").replace("-", "−")


def time_ticks(seconds: float, most: int = 6) -> list[tuple[float, str]]:
    """Places along the time axis, as shares of it, and their names.

    >>> time_ticks(2.0)
    [(0.0, '0'), (0.25, '0.5'), (0.5, '1'), (0.75, '1.5'), (1.0, '2 s')]
    """
    if seconds <= 0:
        return []
    steps = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
    step = next((each for each in steps if seconds / each <= most), seconds)
    times = [place * step for place in range(int(seconds / step + 1e-6) + 1)]
    names = [f"{time:g}" for time in times]
    names[-1] += " s"
    return [(min(time / seconds, 1.0), name) for time, name in zip(times, names, strict=True)]


def frequency_ticks(mel: Mel) -> list[tuple[float, str]]:
    """Places along the frequency axis, as shares of it from below, and their names."""
    named = {250: "250", 1000: "1 k", 2000: "2 k", 4000: "4 k", 8000: "8 k", 16000: "16 k"}
    ticks = [(mel.place(hz), name) for hz, name in named.items() if mel.low_hz < hz <= mel.high_hz]
    # Close to one another they would overlap.
    kept: list[tuple[float, str]] = []
    for place, name in reversed(ticks):
        if not kept or kept[-1][0] - place > 0.12:
            kept.append((place, name))
    return kept[::-1]


def _within(stretches: Sequence[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """Stretches as left edge and width, as shares of the clip."""
    return [(start / seconds, (min(stop, seconds) - start) / seconds) for start, stop in stretches]


def _inlined(card: Card, most_bytes: int) -> tuple[dict[int, Sound], list[str]]:
    """The clips as data: addresses, as many as there is room for, and what to say of the others."""
    sounds: dict[int, Sound] = {}
    order = sorted(card.examples, key=lambda each: card.of(each.kind).index(each))
    audible = [(each.row, each.heard) for each in order if each.heard is not None]
    held = silent = 0
    for row, heard in audible:
        picture = _data_url("image/webp", heard.mel.webp())
        content, suffix = encoded(heard.samples, heard.sample_rate) if len(heard.samples) else (b"", "")
        audio = _data_url("audio/mpeg" if suffix == ".mp3" else "audio/wav", content) if content else ""
        if held + len(audio) + len(picture) > most_bytes:
            audio, silent = "", silent + 1
        held += len(audio) + len(picture)
        sounds[row] = Sound(audio, picture, heard.seconds)
    if not silent:
        return sounds, []
    return sounds, [
        f"{silent} of {len(audible)} examples stand here without their sound, which would take more than "
        f"{most_bytes / 1e6:g} MB; card.save(FOLDER) writes every sound."
    ]


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _asset(name: str) -> Markup:
    return Markup((files("otoscope.listening") / "assets" / name).read_text(encoding="utf-8"))


def _css_share(share: float) -> str:
    return f"{round(100 * share, 2):g}%"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("otoscope.listening"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters |= {"percent": percent, "css_share": _css_share}
    return environment
