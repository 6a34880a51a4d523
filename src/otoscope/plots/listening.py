"""What one neuron listens to: where it fires in a clip, its class profile, its card on one page."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.drawing import CONTROL, OBSERVED, TARGET, axes_for, finish, need, plain, pt, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["card_figure", "class_profile", "firing_map"]

RIM = "#00e5ff"
"""Colour of where a neuron fires (cyan); the picture's own run from black over red to yellow."""
_SHADE = "#001020"  # beside the rim, where the picture is bright
_TICKS_HZ = {250: "250", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k", 16000: "16k"}
_KINDS = {
    "share": "fires most",
    "peak": "peaks highest",
    "near": "near the threshold",
    "least": "fires least",
}
_ON_A_PAGE = {"share": 2, "peak": 1, "near": 2, "least": 1}


class Picture(Protocol):
    """A log-mel spectrogram, as `otoscope.listening.Mel` is one."""

    @property
    def picture(self) -> NDArray[np.uint8]: ...
    @property
    def seconds(self) -> float: ...
    def place(self, hz: float) -> float: ...


class Firing(Protocol):
    """What a neuron does in a clip, as `otoscope.listening.Heard` says it."""

    @property
    def mel(self) -> Picture: ...
    @property
    def firing(self) -> pd.DataFrame: ...
    @property
    def stretches(self) -> Sequence[tuple[float, float]]: ...


def firing_map(heard: Firing, ax: Axes | None = None, *, largest: float | None = None) -> Axes:
    """The log-mel spectrogram of a clip with the tokens on which a neuron fires, and below it when.

    Tokens are tinted by activation and outlined together.

    Args:
        heard: what the neuron does in the clip.
        ax: where to draw; a new figure by default.
        largest: the activation of the fullest tint; the greatest in the clip by default.
    """
    from matplotlib.collections import LineCollection

    ax = axes_for(ax, (5.0, 2.8))
    mel, firing = heard.mel, heard.firing
    ax.imshow(
        mel.picture,
        origin="lower",
        extent=(0, mel.seconds, 0, 1),
        aspect="auto",
        cmap="magma",
        vmin=0,
        vmax=255,
    )
    if len(firing):
        top = largest or float(firing["activation"].max())
        xs, ys, strength = _mesh(firing, mel)
        ax.pcolormesh(xs, ys, np.ma.masked_invalid(strength.T / top), cmap=_tints(), vmin=0, vmax=1)
        outline = list(_outline(xs, ys, np.isfinite(strength)))
        for colour, width in ((_SHADE, pt(2.9)), (RIM, pt(1.3))):
            ax.add_collection(LineCollection(outline, colors=colour, linewidths=width, capstyle="projecting"))
    ax.broken_barh([(start, stop - start) for start, stop in heard.stretches], (-0.07, 0.045), color=OBSERVED)
    ax.set_xlim(0, mel.seconds)
    ax.set_ylim(-0.09, 1)
    ticks = {mel.place(hz): name for hz, name in _TICKS_HZ.items() if 0 < mel.place(hz) < 1}
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.set_xlabel("time (s)")
    ax.set_ylabel("frequency (Hz)")
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def class_profile(
    table: pd.DataFrame, ax: Axes | None = None, *, name: str = "class", most: int = 20
) -> Axes:
    """How often a neuron fires for each class, beside what permuted labels give.

    Classes stand in the order of their firing probability, the highest on top; those above their band are
    vermilion.

    Args:
        table: one row a class: `category`, `probability`; `low` and `high`, the central 95 % under permuted
            labels, NaN for no band.
        ax: where to draw; a new figure by default.
        name: what the classes are classes of.
        most: classes that are drawn.

    Raises:
        UsageError: a column is missing.
    """
    from matplotlib.ticker import PercentFormatter

    need(table, "class_profile", ("category", "probability", "low", "high"))
    drawn = table.sort_values("probability", ascending=False, kind="stable").head(most)
    ax = axes_for(ax, (5.0, 1.1 + 0.27 * len(drawn)))
    places = np.arange(len(drawn))
    p, low, high = (drawn[column].to_numpy(float) for column in ("probability", "low", "high"))
    banded = bool(np.isfinite(low).any())
    if banded:
        thin = 0.004 * float(np.nanmax([p, high]))  # a band of no width is still a statement
        width = np.maximum(high - low, thin)
        ax.barh(places, width, 0.85, left=low, color=CONTROL, alpha=0.45, label="permuted labels, 95 %")
    colours = [TARGET if above else OBSERVED for above in p > high]
    ax.barh(places, p, 0.45, color=colours)
    ax.set_yticks(places)
    plain(ax.set_yticklabels(shown(drawn["category"], 18), fontsize=pt(9.9)))
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("tokens on which it fires")
    left = len(table) - len(drawn)
    named = _cut(name, 30)
    ax.set_ylabel(f"{named}; {left} more below" if left else named, parse_math=False)
    finish(ax, grid="x", legend=1 if banded else 0)
    return ax


def card_figure(card: Any) -> Figure:
    """A neuron's card on one page in the shape of a slide: what it listens to, its profile, six of its clips.

    Args:
        card: an `otoscope.listening.Card`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.33, 7.5), layout="constrained")
    head, body = figure.subfigures(2, 1, height_ratios=[1.35, 6.15], squeeze=False)[:, 0]
    left, right = body.subfigures(1, 2, width_ratios=[1, 2.1], squeeze=False)[0]
    _head(head, card)
    # The most telling ones, where there are many labelings.
    profiles = sorted(card.profiles, key=lambda profile: -len(profile.beyond))[:2]
    for ax, profile in zip(_grid(left, len(profiles), 1), profiles, strict=True):
        class_profile(profile.table, ax, name=profile.label, most=24 // len(profiles))
    examples = [each for kind, number in _ON_A_PAGE.items() for each in card.of(kind)[:number]]
    known = [each.heard.activation.max(initial=0) for each in card.examples if each.heard is not None]
    for place, (ax, example) in enumerate(zip(_grid(right, len(examples), 3), examples, strict=True)):
        _example(ax, example, float(max(known, default=0)) or None)
        if place % 3:
            ax.set_ylabel("")
    return figure


def _head(figure: Any, card: Any) -> None:
    said = fill(_cut(" ".join(card.sentences), 480), 160)
    title = f"Neuron {card.address}"
    place = (
        f"layer {card.layer} (of 0 to {card.layers - 1}), {card.layer_name}, of {card.model} on {card.task}"
    )
    texts = [
        figure.text(0.01, 0.93, title, fontsize=20, fontweight="bold", va="top"),
        figure.text(0.01, 0.62, _cut(place, 150), fontsize=11, alpha=0.7, va="top"),
        figure.text(0.01, 0.43, said, fontsize=11, va="top", linespacing=1.35),
    ]
    plain(texts)


def _grid(figure: Any, number: int, columns: int) -> list[Axes]:
    """So many axes in rows, from the upper left."""
    if not number:
        return []
    rows = -(-number // columns)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[number:]:
        unused.set_axis_off()
    return list(axes[:number])


def _example(ax: Axes, example: Any, largest: float | None) -> None:
    clip = _cut(example.clip.rsplit("/", 1)[-1], 20)
    labels = _cut(", ".join(filter(None, example.labels.values())), 26)
    fired = f"{example.fired:,} of {example.tokens:,} tokens"
    if example.heard is None:
        ax.set_axis_off()
        why = example.problem or "It was not heard again."
        reason = fill(_cut(why, 200), 34)
        plain([ax.text(0, 0.9, reason, va="top", fontsize=8, transform=ax.transAxes)])
    else:
        firing_map(example.heard, ax, largest=largest)
        ax.tick_params(labelsize=8)
        ax.xaxis.label.set_fontsize(9)
        ax.yaxis.label.set_fontsize(9)
    title = f"{': '.join(filter(None, (_KINDS[example.kind], labels)))}\n{fired}, {clip}"
    plain([ax.set_title(title, fontsize=9.5, loc="left")])


def _cut(text: str, longest: int) -> str:
    return shown([text], longest)[0]


def _tints() -> Any:
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list("firing", [to_rgba(RIM, 0.08), to_rgba(RIM, 0.58)])


def _mesh(
    firing: pd.DataFrame, mel: Picture
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Tokens, which may overlap, on a mesh of cells that do not.

    Returns:
        Edges along time (s), edges along frequency (shares of the height), and for each cell the greatest
        activation of its tokens, NaN without one, of shape (times, frequencies).
    """
    times = firing[["start_s", "stop_s"]].to_numpy(float).clip(0, mel.seconds)
    heights = firing[["low_hz", "high_hz"]].map(mel.place).to_numpy(float)
    xs, ys = np.unique(times), np.unique(heights)
    strength = np.full((len(xs) - 1, len(ys) - 1), np.nan)
    columns, rows = np.searchsorted(xs, times), np.searchsorted(ys, heights)
    for (left, right), (lower, upper), value in zip(columns, rows, firing["activation"], strict=True):
        cells = strength[left:right, lower:upper]
        np.fmax(cells, float(value), out=cells)
    return xs, ys, strength


def _outline(
    xs: NDArray[np.float64], ys: NDArray[np.float64], covered: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Where covered cells of a mesh end, as segments of shape (n, ends, 2)."""
    around = np.pad(covered, 1)
    upright = np.argwhere(around[1:, 1:-1] != around[:-1, 1:-1])
    level = np.argwhere(around[1:-1, 1:] != around[1:-1, :-1])
    segments = [[(xs[i], ys[j]), (xs[i], ys[j + 1])] for i, j in upright]
    segments += [[(xs[i], ys[j]), (xs[i + 1], ys[j])] for i, j in level]
    return np.array(segments, dtype=float).reshape(-1, 2, 2)
