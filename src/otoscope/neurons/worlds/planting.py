"""Planted neurons: a toy model and a toy task whose class-specific neurons are known, to try any method on.

A class is a tone at a frequency of its own, heard in bursts. Around it sound distractor tones that have
nothing to do with the class, more of one or the other in each group of clips. A few of the model's units
listen to a class's tone; the others listen to distractors, never fire, or always do.

What fires for a class need not be used: decoys listen like the planted neurons and have no part in the
embedding. And what pushes the embedding hard need not be about a class: loud neurons listen to distractors.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope.errors import UsageError
from otoscope.files import path_of
from otoscope.neurons.designs import DesignName, design_of
from otoscope.tasks import Labeling, Task

if TYPE_CHECKING:
    from otoscope.neurons.worlds.model import PlantedModel

__all__ = ["Planted", "planted"]

_DISTRACTORS = 8  # bands
_MOST_CLASSES = 30  # with the distractors' bands they fill the 8 kHz that the model hears
_AMPLITUDE = 0.08  # of each tone; all together stay below 1
_NOISE = 0.001
_FRAME_S = 0.05  # what the model takes for a token
_ALWAYS_ON = 0.02  # share of the units: fewer than the response filter leaves room for
_DEAD = 0.1
_QUIET = 0.1  # of a detector's, what a neuron that is not about a class adds to the embedding
_LOUD = 30  # times as much, a loud one: three detectors'


@dataclass(frozen=True, eq=False)
class Planted:
    """A model, a task, and the answer.

    Attributes:
        model: an AudioModel.
        task: clips with two labelings: "tone", which the planted neurons detect, and "shuffled", the same
            labels dealt out anew as the design allows, in which there is nothing to find.
        truth: the planted neurons: columns `layer`, `unit`, `category`, in the order of layer and unit.
        decoys: neurons that listen as these do, and have no part in the embedding; in the same way.
        loud: neurons that are about no class and push the embedding hard: columns `layer`, `unit`.
    """

    model: "PlantedModel"
    task: Task
    truth: pd.DataFrame
    decoys: pd.DataFrame
    loud: pd.DataFrame

    @property
    def share(self) -> float:
        """Share of all neurons that listen to a class: what to give `select`."""
        return (len(self.truth) + len(self.decoys)) / sum(layer.units for layer in self.model.layers)


def planted(
    folder: str | Path | None = None,
    *,
    classes: int = 4,
    detectors: int = 2,
    layers: int = 3,
    units: int = 60,
    design: DesignName = "nested",
    groups: int = 4,
    clips: int = 4,
    seconds: float = 1.0,
    decoys: int = 0,
    loud: int = 0,
    seed: int = 0,
) -> Planted:
    """Plant neurons in a toy model, and render the sounds that they detect.

    Args:
        folder: where to write the clips as WAV; by default they are kept in memory, for this process only.
        classes: number of classes, 2 to 30.
        detectors: units planted for each class.
        layers: of the model.
        units: of each layer.
        design: how the groups lie to the classes: "nested" (a group has one class), "crossed" (a group has
            them all) or "ungrouped" (there are none).
        groups: number of groups; in the nested design, of each class.
        clips: of each class in each group.
        seconds: length of a clip, a multiple of 0.05.
        decoys: units for each class that fire like detectors and are used for nothing.
        loud: units that listen to distractors and push the embedding thirty times as hard as others. With
            decoys or loud units the embedding is a readout of the units in place of the units themselves.
        seed: of everything that is drawn.

    Raises:
        UsageError: too many classes, a length that is no whole number of tokens, or more planted units than
            stand out in the model.

    >>> toy = planted(classes=2, clips=1)
    >>> len(toy.task.clips), len(toy.truth)
    (8, 4)
    """
    _check(classes, detectors + decoys, layers * units, seconds)
    random = np.random.default_rng(seed)
    weights, biases, listening, others = _plant(random, classes, detectors + decoys, layers, units)
    used, unused = listening[:, :detectors], listening[:, detectors:]
    if loud > len(others):
        raise UsageError(
            f"loud is {loud}; expected at most {len(others)}, the units that listen to distractors"
        )
    louder = np.sort(others[:loud])
    steady = np.flatnonzero(biases > 0)
    readout = (
        _readout(seed, layers * units, classes, used, unused, louder, steady) if decoys or loud else None
    )
    table = _clips(random, classes, design, groups, clips)
    extra = f"-{decoys}+{loud}" if decoys or loud else ""
    settings = f"{classes}-{detectors}{extra}-{layers}x{units}-{design}-{groups}x{clips}-{seconds:g}s@{seed}"
    sounds = _render(random, table, classes, seconds)
    table["path"] = _write(folder, settings, table["clip"].tolist(), sounds)
    group = None if design == "ungrouped" else "group"
    names = tuple(_names(classes))
    labelings = tuple(Labeling(column, column, names, group=group) for column in ("tone", "shuffled"))

    from otoscope.neurons.worlds.model import PlantedModel

    model = PlantedModel(f"planted:{settings}", weights, biases, readout)
    task = Task("planted", table, labelings, seconds=seconds)
    place = np.divmod(louder, units)
    return Planted(
        model,
        task,
        _listed(used, units, names),
        _listed(unused, units, names),
        pd.DataFrame({"layer": place[0], "unit": place[1]}),
    )


def _check(classes: int, detectors: int, neurons: int, seconds: float) -> None:
    if not 2 <= classes <= _MOST_CLASSES:
        raise UsageError(f"classes is {classes}; expected 2 to {_MOST_CLASSES}")
    frames = seconds / _FRAME_S
    if not (frames >= 1 and abs(frames - round(frames)) < 1e-6):
        raise UsageError(f"seconds is {seconds}; expected a multiple of {_FRAME_S}, for example 1.0")
    # Beyond this, the units that always fire and the planted ones fill the top 5 % of all p among themselves.
    most = int(0.9 * neurons * classes * (0.05 - _ALWAYS_ON))
    if not 1 <= classes * detectors <= most:
        raise UsageError(
            f"{classes} classes with {detectors} detectors each in {neurons} neurons; expected 1 to {most} "
            "planted neurons, so that they stand out; try more units"
        )


def _names(classes: int) -> list[str]:
    return [f"{200 * (number + 1)} Hz" for number in range(classes)]


def _plant(
    random: np.random.Generator, classes: int, detectors: int, layers: int, units: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Weights (layers, units, bands), biases (layers, units), and who listens to what.

    Neurons are numbered layer by layer: those that listen to each class, (classes, detectors), and those that
    listen to distractors, in random order.
    """
    neurons = layers * units
    weights = np.zeros((neurons, classes + _DISTRACTORS), dtype=np.float32)
    biases = np.empty(neurons, dtype=np.float32)
    places = random.permutation(neurons)
    cuts = np.cumsum([classes * detectors, round(_ALWAYS_ON * neurons), round(_DEAD * neurons)])
    detecting, always, dead, others = np.split(places, cuts)
    weights[detecting, np.repeat(np.arange(classes), detectors)] = 1
    biases[detecting] = -_AMPLITUDE / 2
    biases[always], biases[dead] = 1, -1
    weights[others, classes + random.integers(_DISTRACTORS, size=len(others))] = 1
    biases[others] = -_AMPLITUDE * random.uniform(0.2, 0.8, size=len(others))
    listening = detecting.reshape(classes, detectors)
    return weights.reshape(layers, units, -1), biases.reshape(layers, units), listening, others


def _listed(listening: NDArray[np.int64], units: int, names: Sequence[str]) -> pd.DataFrame:
    """Neurons by class, (classes, neurons), as a table in the order of layer and unit."""
    layer, unit = np.divmod(listening.ravel(), units)
    category = np.repeat(np.array(names), listening.shape[1])
    found = pd.DataFrame({"layer": layer, "unit": unit, "category": category})
    return found.sort_values(["layer", "unit"], ignore_index=True)


def _readout(
    seed: int,
    neurons: int,
    classes: int,
    used: NDArray[np.int64],
    unused: NDArray[np.int64],
    louder: NDArray[np.int64],
    steady: NDArray[np.int64],
) -> NDArray[np.float32]:
    """What each neuron adds to the embedding: a random direction of a length of its kind's own.

    Those that always fire are active at 1, the others at the amplitude of a tone at most.
    """
    random = np.random.default_rng([seed, neurons])
    size = 2 * (classes + _DISTRACTORS)
    readout = random.normal(size=(neurons, size)) / np.sqrt(size)
    length = np.full(neurons, _QUIET)
    length[used], length[unused], length[louder] = 1, 0, _LOUD * _QUIET
    length[steady] = _AMPLITUDE * _QUIET
    scaled: NDArray[np.float32] = (length[:, None] * readout).astype(np.float32)
    return scaled


def _clips(
    random: np.random.Generator, classes: int, design: DesignName, groups: int, clips: int
) -> pd.DataFrame:
    """The table of clips: `clip`, `group`, `tone`, `shuffled`."""
    of_class, of_group, _ = (axis.ravel() for axis in np.indices((classes, groups, clips)))
    group = of_class * groups + of_group if design == "nested" else of_group
    membership = of_class[:, None] == np.arange(classes)
    drawn = design_of(membership, None if design == "ungrouped" else group, name=design)
    shuffled = drawn.permuted(random)[drawn.unit].argmax(axis=1)
    names = np.array(_names(classes))
    return pd.DataFrame(
        {
            "clip": [f"{number:04d}.wav" for number in range(len(group))],
            "group": [f"group {number}" for number in group],
            "tone": names[of_class],
            "shuffled": names[shuffled],
        }
    )


def _render(
    random: np.random.Generator, table: pd.DataFrame, classes: int, seconds: float
) -> list[NDArray[np.float32]]:
    """The sound of every clip, between -1 and 1."""
    from otoscope.neurons.worlds.model import FRAME, SAMPLE_RATE, band_hz

    frames = round(seconds * SAMPLE_RATE) // FRAME
    hz = np.array([band_hz(band) for band in range(classes + _DISTRACTORS)])
    angle = 2 * np.pi * np.outer(hz, np.arange(FRAME) / SAMPLE_RATE)
    names = np.array(_names(classes))
    favourite = {group: random.integers(_DISTRACTORS) for group in table["group"].unique()}
    sounds = []
    for name, group in zip(table["tone"], table["group"], strict=True):
        # How often each tone is heard: its class's in most frames, a distractor now and then.
        often = np.concatenate([0.7 * (names == name), np.full(_DISTRACTORS, 0.2)])
        often[classes + favourite[group]] = 0.4
        on = random.random((frames, len(hz))) < often
        # A tone makes whole periods in a frame, so that frames fit together without a jump.
        tones = np.sin(angle + random.uniform(0, 2 * np.pi, (len(hz), 1)))
        noise = _NOISE * random.standard_normal(frames * FRAME)
        sounds.append((_AMPLITUDE * (on @ tones).ravel() + noise).astype(np.float32))
    return sounds


def _write(
    folder: str | Path | None, settings: str, names: list[str], sounds: list[NDArray[np.float32]]
) -> list[Any]:
    import fsspec
    import soundfile

    from otoscope import audio
    from otoscope.neurons.worlds.model import SAMPLE_RATE

    if folder is not None:
        place = path_of(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name, sound in zip(names, sounds, strict=True):
            audio.write(str(place / name), sound, SAMPLE_RATE)
        return [str(place / name) for name in names]
    # The same settings give the same sounds, so one name for both is safe.
    base = f"memory://otoscope-planted/{hashlib.sha256(settings.encode()).hexdigest()[:16]}"
    for name, sound in zip(names, sounds, strict=True):
        buffer = io.BytesIO()
        soundfile.write(buffer, sound, SAMPLE_RATE, format="WAV")
        with fsspec.open(f"{base}/{name}", "wb") as file:
            file.write(buffer.getvalue())
    return [f"{base}/{name}" for name in names]
