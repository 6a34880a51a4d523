"""Statistical worlds: recordings of known neurons, made from numbers alone, to try any statistic on.

The firing share r of every neuron on every clip comes from a latent of unit variance,

    z = sqrt(c) (what some neurons have in common) + sqrt(1 - c) (the neuron's own),     c: `correlation`

each part with a share `group_effect` between groups (speakers) and the rest between clips. A neuron fires on
a token with the probability Phi(mu + sigma z); base rates and sigma are spread as trained encoders have them.
A class moves the mean of r of the neurons that are specific for it by `strength` standard deviations of r; a
descriptor moves the neurons that follow it. The clips are in neurons/worlds_clips.py, what is fixed about the
neurons in neurons/worlds_neurons.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from otoscope import __version__
from otoscope.errors import UsageError
from otoscope.neurons.designs import DesignName
from otoscope.neurons.worlds.clips import Noise, class_names_of, clips_of
from otoscope.neurons.worlds.neurons import Neurons, neurons_of
from otoscope.tasks import Labeling

__all__ = ["World", "WorldLayer", "world"]

_BLOCK = 1024  # neurons drawn at a time; part of what a seed means
_CONFOUNDED = 0.7  # correlation of the descriptor "brightness" with the class


@dataclass(frozen=True)
class WorldLayer:
    """A layer of a world's model: its name, and its number of units."""

    name: str
    units: int


@dataclass(frozen=True, eq=False)
class World:
    """A recording held in memory, and the answer. It can be given wherever a store can be for statistics.

    Attributes:
        fired: on how many tokens each neuron fires. Shape (clips, neurons), integers.
        tokens: number of tokens of each clip. Shape (clips,).
        clips: one row a clip: `clip`, `class`, `shuffled`, `group` (not in the ungrouped design), `split`.
        labelings: "class", and "shuffled": the same labels dealt out anew as the design allows, of which no
            neuron knows anything.
        layers: of the model.
        truth: what was planted: columns `layer`, `unit`, `kind` ("specific", "shared", "acoustic"),
            `category` (the class; a shared neuron has a row for each of its classes; "" for an acoustic one)
            and `follows` (the descriptor, or ""). Neurons that are not in it are plain.
        descriptors: one row a clip, columns `loudness`, which has nothing to do with the class, and
            `brightness`, which has. Mean 0 and standard deviation 1, about.
        info: which model, task and settings it is.
    """

    fired: NDArray[np.uint16]
    tokens: NDArray[np.int64]
    clips: pd.DataFrame
    labelings: Mapping[str, Labeling]
    layers: tuple[WorldLayer, ...]
    truth: pd.DataFrame
    descriptors: pd.DataFrame
    info: Mapping[str, Any]

    @property
    def layer_tokens(self) -> NDArray[np.int64]:
        """Number of tokens of each clip in each layer: the same in all. Shape (clips, layers)."""
        return np.broadcast_to(self.tokens[:, None], (len(self.tokens), len(self.layers)))

    def labeling(self, name: str) -> Labeling:
        """The labeling of this name.

        Raises:
            UsageError: there is none; the message lists those there are.
        """
        if name not in self.labelings:
            raise UsageError(f"the world has no labeling {name!r}; it has: {', '.join(self.labelings)}")
        return self.labelings[name]

    def counts(self, neurons: slice, clips: slice = slice(None)) -> NDArray[np.uint16]:
        """On how many tokens each neuron fires, shape (clips, neurons in the slice)."""
        return self.fired[clips, neurons]

    def sets(self) -> dict[str, set[tuple[int, int]]]:
        """The (layer, unit) pairs that fire more for each class, specific and shared ones."""
        rows = self.truth[self.truth["category"] != ""]
        found: dict[str, set[tuple[int, int]]] = {name: set() for name in self.labelings["class"].classes}
        for layer, unit, name in zip(rows["layer"], rows["unit"], rows["category"], strict=True):
            found[name].add((int(layer), int(unit)))
        return found

    def __repr__(self) -> str:
        kinds = self.truth.drop_duplicates(["layer", "unit"])["kind"].value_counts()
        planted = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing planted"
        clips, neurons = self.fired.shape
        return f"World({clips} clips x {neurons} neurons: {planted})"


def world(
    *,
    classes: int = 4,
    groups: int = 12,
    clips: int = 4,
    layers: int = 3,
    units: int = 200,
    design: DesignName = "nested",
    specific: int = 2,
    shared: int = 0,
    acoustic: int = 0,
    strength: float = 1.0,
    class_sizes: Sequence[int] | None = None,
    twins: bool = False,
    correlation: float = 0.3,
    group_effect: float = 0.1,
    tokens: tuple[int, int] = (40, 60),
    seed: int = 0,
    draw: int = 0,
) -> World:
    """Make a recording whose neurons are of known kinds, without audio and without a model.

    Args:
        classes: number of classes, 2 or more.
        groups: number of groups (speakers); in the nested design, of each class.
        clips: of each class in each group. The ungrouped design has as many clips, and no groups.
        layers: of the model.
        units: of each layer.
        design: how the groups lie to the classes: "nested" (a group has one class), "crossed" (a group has
            them all) or "ungrouped".
        specific: neurons for each class that fire more for it than for any other.
        shared: neurons in all that fire more for several classes, two or more and not all.
        acoustic: neurons in all that follow a descriptor, every other one `brightness`, which is correlated
            with the class, the rest `loudness`, which is not.
        strength: how much more, in standard deviations of r = fired / tokens within a class. At 0 this is a
            null world, in which the neurons `specific` and `shared` are plain ones.
        class_sizes: number of clips of each class, if they are not to be equal. In the nested design a class
            then has one group for every `clips` clips.
        twins: whether the first two classes are one and the same, split at random: no neuron tells them
            apart, and those that would be specific for one of them are shared by both.
        correlation: share of the variance that neurons have in common, 0 to less than 1.
        group_effect: share of the variance that lies between groups, 0 to less than 1.
        tokens: fewest and most tokens of a clip.
        seed: of everything that is drawn.
        draw: which draw of clips: worlds that differ in it alone have the same neurons on other clips.

    Raises:
        UsageError: a number out of its range, more planted neurons than there are, or a strength that would
            need firing shares above 1.

    >>> known = world(classes=3, shared=1, acoustic=2)
    >>> known
    World(144 clips x 600 neurons: 6 specific, 2 acoustic, 1 shared)
    >>> from otoscope import select
    >>> select(known, "class", preset="aape", permutations=0).table["category"].nunique()
    3
    """
    sizes = [groups * clips] * classes if class_sizes is None else [int(size) for size in class_sizes]
    _check(classes, groups, clips, sizes, design, correlation, group_effect, tokens)
    makers = np.random.default_rng([seed, 0])
    neurons = neurons_of(
        makers, layers * units, classes, specific, shared, acoustic, strength, twins, sum(tokens) / 2
    )
    tints = _class_tints(makers, classes, twins)
    random = np.random.default_rng([seed, 1, draw])
    by_class = -(-np.array(sizes) // clips) if class_sizes is not None and design == "nested" else groups
    table, of_class, group = clips_of(random, sizes, np.broadcast_to(by_class, classes), design)
    between = 0.0 if design == "ungrouped" else group_effect
    noise = Noise(random, group, between)
    descriptors = pd.DataFrame(
        {
            "loudness": noise.drawn(1)[:, 0],
            "brightness": tints[of_class] + np.sqrt(1 - _CONFOUNDED**2) * noise.drawn(1)[:, 0],
        }
    )
    lengths = random.integers(tokens[0], tokens[1] + 1, len(table))
    fired = _fired(noise, neurons, correlation, of_class, descriptors, lengths)
    names = tuple(class_names_of(classes))
    column = None if design == "ungrouped" else "group"
    labelings = {name: Labeling(name, name, names, group=column, split="split") for name in _QUESTIONS}
    settings = {"design": design, "strength": strength, "seed": seed, "draw": draw}
    return World(
        fired=fired,
        tokens=lengths.astype(np.int64),
        clips=table,
        labelings=labelings,
        layers=tuple(WorldLayer(f"layers.{number}", units) for number in range(layers)),
        truth=neurons.truth(units, names),
        descriptors=descriptors,
        info={
            "model": {"name": f"world:{layers}x{units}@{seed}", "fingerprint": neurons.fingerprint},
            "task": {"name": "world", "fingerprint": f"{sizes}-{design}@{seed}.{draw}"},
            "settings": settings,
            "version": __version__,
        },
    )


_QUESTIONS = ("class", "shuffled")


def _check(
    classes: int,
    groups: int,
    clips: int,
    sizes: Sequence[int],
    design: str,
    correlation: float,
    group_effect: float,
    tokens: tuple[int, int],
) -> None:
    if classes < 2 or groups < 1 or clips < 1:
        raise UsageError(
            f"classes is {classes}, groups {groups}, clips {clips}; expected 2 or more classes, and 1 or "
            "more groups and clips"
        )
    if len(sizes) != classes or min(sizes) < 1:
        raise UsageError(f"class_sizes is {list(sizes)}; expected {classes} numbers of clips, each 1 or more")
    if design not in ("ungrouped", "nested", "crossed"):
        raise UsageError(f"design {design!r} not found; expected one of ungrouped, nested, crossed")
    for name, share in (("correlation", correlation), ("group_effect", group_effect)):
        if not 0 <= share < 1:
            raise UsageError(f"{name} is {share}; expected a share of the variance, 0 to less than 1")
    if not 1 <= tokens[0] <= tokens[1] < 2**16:
        raise UsageError(f"tokens is {tokens}; expected the fewest and the most of a clip, from 1 to 65,535")


def _class_tints(random: np.random.Generator, classes: int, twins: bool) -> NDArray[np.float64]:
    """What a class adds to the descriptor that is correlated with it, shape (classes,)."""
    tints = random.permutation(np.linspace(-1.0, 1.0, classes))
    if twins:
        tints[1] = tints[0]
    spread = tints.std()
    standard: NDArray[np.float64] = _CONFOUNDED * (tints - tints.mean()) / (spread if spread else 1.0)
    return standard


def _fired(
    noise: Noise,
    neurons: Neurons,
    correlation: float,
    of_class: NDArray[np.int64],
    descriptors: pd.DataFrame,
    tokens: NDArray[np.int64],
) -> NDArray[np.uint16]:
    """Counts of shape (clips, neurons), block of neurons by block of neurons."""
    factors = noise.drawn(len(neurons.loadings))
    followed = descriptors.to_numpy(dtype=np.float32)
    fired = np.empty((len(tokens), neurons.number), np.uint16)
    for start in range(0, neurons.number, _BLOCK):
        part = slice(start, min(start + _BLOCK, neurons.number))
        common = factors @ neurons.loadings[:, part]
        own = noise.drawn(part.stop - start)
        latent = np.sqrt(np.float32(correlation)) * common + np.sqrt(np.float32(1 - correlation)) * own
        share = neurons.shares(latent, part, of_class, followed)
        fired[:, part] = noise.random.binomial(tokens[:, None], share)
    return fired
