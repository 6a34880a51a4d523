"""Let a model hear some clips again, and see on which tokens a few neurons fire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import audio
from otoscope.activations.again import sound_of
from otoscope.errors import OtoscopeError
from otoscope.listening.mel import Mel, mel_of

if TYPE_CHECKING:
    from torch import Tensor

    from otoscope.activations.store import Store
    from otoscope.audio import Waveform
    from otoscope.models.base import AudioModel, Chunk
    from otoscope.neurons.addresses import Address

__all__ = ["Heard", "Hearing", "hear"]

_GRID = ["token", "start_s", "stop_s", "low_hz", "high_hz", "row", "column"]
_LEAST_EXCERPT_S = 1.0
"""Shorter stretches are heard with what is around them."""
_MOST_EXCERPT_S = 3.0
"""Of longer ones the sound around the peak."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What a neuron does in a clip, token by token.

    Attributes:
        sample_rate: Hz of the samples.
        samples: the clip as the model hears it, padding left out; empty where they were not kept.
            Shape (n,).
        seconds: length of the clip.
        mel: its log-mel spectrogram.
        activation: of the neuron on every token; NaN on padding. float32, shape (tokens,).
        grid: where the tokens lie, see `AudioModel.token_grid`: one row each, in the same order.
        stretches: when the neuron fires: (start, stop) in seconds, those that touch or overlap joined.
        excerpt: start and stop in seconds of the sound around its peak.
    """

    sample_rate: int
    samples: NDArray[np.float32]
    seconds: float
    mel: Mel
    activation: NDArray[np.float32]
    grid: pd.DataFrame
    stretches: tuple[tuple[float, float], ...]
    excerpt: tuple[float, float]

    @property
    def firing(self) -> pd.DataFrame:
        """The tokens on which it fires: the grid's columns, and `activation`."""
        return self.grid.assign(activation=self.activation)[self.activation > 0]


@dataclass(frozen=True, eq=False)
class Hearing:
    """A clip that was heard again.

    Attributes:
        row: its row in the table of clips.
        sample_rate: Hz of the samples.
        samples: as the model hears it, padding left out. Shape (n,).
        mel: its log-mel spectrogram.
        heard: by (layer, unit), what the neuron does.
        problem: why it could not be heard; the rest is empty then.
    """

    row: int
    sample_rate: int
    samples: NDArray[np.float32]
    mel: Mel | None
    heard: Mapping[Address, Heard]
    problem: str = ""


def hear(
    model: AudioModel | None,
    store: Store,
    wanted: Mapping[int, Sequence[Address]],
    *,
    batch_size: int = 16,
) -> Iterator[Hearing]:
    """Run clips again, and see what some neurons do in each.

    A clip that has moved, or is another than was recorded, is yielded with its problem, and the rest is heard
    all the same.

    Args:
        model: the recorded model; None only reads the clips, and nothing is known of their tokens.
        store: its recording.
        wanted: for each clip, by its row, the (layer, unit) pairs to watch.
        batch_size: clips in a forward pass.

    Yields:
        Every clip, as soon as it has been heard.

    Raises:
        OtoscopeError: the model is in training mode.
    """
    from otoscope.models.hooks import refuse_training

    if model is not None:
        refuse_training(model.name, ((point.name, point.module) for point in model.hooks()))
    clips, task, rate = store.clips, store.info["task"], int(store.info["model"]["sample_rate"])
    waiting: dict[int, list[tuple[int, Waveform]]] = defaultdict(list)
    hashes: dict[str, str] = {}  # a long recording may be the file of many clips
    for row in wanted:
        try:
            waveform = _read(clips.iloc[row], task, rate, hashes)
            length = 0 if model is None else model.length(len(waveform.samples))
        except OtoscopeError as error:
            yield Hearing(row, rate, np.zeros(0, np.float32), None, {}, str(error))
            continue
        alike = waiting[length]
        alike.append((row, waveform))
        if len(alike) == batch_size:
            yield from _hear(model, rate, alike, wanted)
            alike.clear()
    for alike in waiting.values():
        if alike:
            yield from _hear(model, rate, alike, wanted)


def _read(clip: pd.Series[Any], task: Mapping[str, Any], rate: int, hashes: dict[str, str]) -> Waveform:
    path, recorded = str(clip["path"]), str(clip["sha256"] or "")
    if path not in hashes:
        hashes[path] = audio.content_hash(path)
    if recorded and hashes[path] != recorded:
        raise audio.altered(path, hashes[path], recorded)
    return sound_of(clip, task).at(rate)


def _hear(
    model: AudioModel | None,
    rate: int,
    alike: Sequence[tuple[int, Waveform]],
    wanted: Mapping[int, Sequence[Address]],
) -> Iterator[Hearing]:
    watched = sorted({address for row, _ in alike for address in wanted[row]})
    activations = {} if model is None else _watch(model, [waveform for _, waveform in alike], watched)
    grids: dict[int, pd.DataFrame] = {}
    for place, (row, waveform) in enumerate(alike):
        samples = waveform.samples[: waveform.real]
        mel = mel_of(samples, rate)
        heard = {}
        for layer, unit in dict.fromkeys(wanted[row]):
            if model is None:
                known, grid = np.zeros(0, np.float32), pd.DataFrame(columns=_GRID)
            else:
                number = model.layers[layer].grid
                if number not in grids:
                    grids[number] = model.token_grid(len(waveform.samples), number)
                known, grid = activations[layer, unit][place], grids[number]
            heard[layer, unit] = _heard(samples, rate, mel, known, grid)
        yield Hearing(row, rate, samples, mel, heard)


def _watch(
    model: AudioModel, waveforms: Sequence[Waveform], watched: Sequence[Address]
) -> dict[Address, NDArray[np.float32]]:
    """What neurons do on each token of some clips, NaN on padding: shape (clips, tokens) for each."""
    import torch

    by_layer: dict[int, list[int]] = defaultdict(list)
    for layer, unit in watched:
        by_layer[layer].append(unit)
    chunks = model.prepare(waveforms)
    seen: dict[int, list[NDArray[np.float32]]] = defaultdict(list)
    points = model.hooks()
    for chunk in chunks:
        with ExitStack() as hooks, torch.inference_mode():
            for layer, units in by_layer.items():
                watch = partial(_keep, seen[layer], chunk, model.layers[layer].grid, units)
                hooks.callback(points[layer].attach(watch).remove)
            model.forward(chunk)
    whole = {layer: np.concatenate(parts, axis=1) for layer, parts in seen.items()}
    return {
        (layer, unit): whole[layer][:, :, place]
        for layer, units in by_layer.items()
        for place, unit in enumerate(units)
    }


def _keep(
    into: list[NDArray[np.float32]], chunk: Chunk, grid: int, units: Sequence[int], activation: Tensor
) -> None:
    """Keep some units of an activation, at the positions that are not special: (clips, tokens, units)."""
    from otoscope.models.base import Position

    kind = chunk.kind_at(grid, activation.shape[1]).cpu().numpy()
    values = activation[:, :, list(units)].float().cpu().numpy()
    values = np.where((kind == Position.TOKEN)[:, :, None], values, np.float32(np.nan))
    # Clips of a batch have equally many special positions, if not always in the same places.
    into.append(values[kind != Position.SPECIAL].reshape(len(values), -1, len(units)))


def _heard(
    samples: NDArray[np.float32],
    rate: int,
    mel: Mel,
    activation: NDArray[np.float32],
    grid: pd.DataFrame,
) -> Heard:
    known = activation[: len(grid)]
    valid = np.isfinite(known)
    if not valid.all():
        grid, known = grid[valid].reset_index(drop=True), known[valid]
    seconds = len(samples) / rate
    stretches = _stretches(grid[known > 0], seconds)
    excerpt = _excerpt(grid, known, stretches, seconds)
    return Heard(rate, samples, seconds, mel, known, grid, stretches, excerpt)


def _stretches(firing: pd.DataFrame, seconds: float) -> tuple[tuple[float, float], ...]:
    """When any of some tokens lasts: those that touch or overlap are joined."""
    joined: list[tuple[float, float]] = []
    for start, stop in sorted(set(zip(firing["start_s"], firing["stop_s"].clip(upper=seconds), strict=True))):
        if joined and start <= joined[-1][1] + 1e-6:
            joined[-1] = joined[-1][0], max(joined[-1][1], float(stop))
        else:
            joined.append((float(start), float(stop)))
    return tuple(joined)


def _excerpt(
    grid: pd.DataFrame,
    activation: NDArray[np.float32],
    stretches: Sequence[tuple[float, float]],
    seconds: float,
) -> tuple[float, float]:
    """The sound around the peak: its stretch, with so much around it, or cut so far, that it can be heard."""
    if not len(grid):
        return 0.0, seconds
    peak = grid.iloc[int(activation.argmax())]
    middle = (float(peak["start_s"]) + float(peak["stop_s"])) / 2
    start, stop = next((each for each in stretches if each[0] <= middle <= each[1]), (middle, middle))
    if stop - start > _MOST_EXCERPT_S:
        start, stop = max(start, middle - _MOST_EXCERPT_S / 2), min(stop, middle + _MOST_EXCERPT_S / 2)
    missing = max(_LEAST_EXCERPT_S - (stop - start), 0) / 2
    length = min(stop - start + 2 * missing, seconds)
    start = min(max(start - missing, 0.0), seconds - length)
    return start, start + length
