"""Everything known of one neuron, on one card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from otoscope.files import path_of
from otoscope.listening.hearing import Heard
from otoscope.neurons.addresses import format_address

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["KINDS", "Card", "Example", "Kind", "Profile"]

Kind = Literal["share", "peak", "near", "least"]
"""Why a clip is an example: the highest share of its tokens fires, its peak is highest, its peak is nearest
to the threshold of 0, or the lowest share fires."""

KINDS: tuple[Kind, ...] = ("share", "peak", "near", "least")


@dataclass(frozen=True)
class Example:
    """One clip, and what the neuron does in it.

    Attributes:
        kind: why it is an example.
        clip: its name.
        row: its row in the table of clips.
        labels: its labels, by labeling; several are joined by commas.
        share: of its tokens on which the neuron fires, in [0, 1].
        fired: on how many.
        tokens: how many it has.
        peak: the greatest activation.
        problem: why it cannot be heard again; "" where it can, or where nobody asked.
        heard: what was heard; None where it was not.
    """

    kind: Kind
    clip: str
    row: int
    labels: dict[str, str]
    share: float
    fired: int
    tokens: int
    peak: float
    problem: str = ""
    heard: Heard | None = None


@dataclass(frozen=True, eq=False)
class Profile:
    """How often the neuron fires for each class of a labeling.

    Attributes:
        label: name of the labeling.
        entropy: of the profile, in nats; NaN for a neuron that never fires.
        log_classes: entropy of a neuron that fires for all classes alike.
        table: one row a class: `category`, `clips`, `probability` (that it fires on a token of the class, in
            [0, 1]), and of the same under permuted labels `mean`, `low` and `high` (the central 95 % of
            permutations; NaN where there are none).
        note: how the labels were permuted, or why they were not.
    """

    label: str
    entropy: float
    log_classes: float
    table: pd.DataFrame
    note: str

    @property
    def beyond(self) -> pd.DataFrame:
        """The classes for which it fires more often than the band, most often first."""
        above = self.table[self.table["probability"] > self.table["high"]]
        return above.sort_values("probability", ascending=False)


@dataclass(frozen=True, eq=False)
class Card:
    """What one neuron listens to.

    Attributes:
        store: name of the recording's folder.
        model: spec of the model.
        task: name of the task.
        layer: its layer, from 0.
        unit: its unit, from 0.
        layer_name: name of the layer's module.
        layers: how many layers the model has.
        firing: share of all tokens on which it fires, in [0, 1].
        clips_firing: clips on which it fires at all.
        clips: clips that were recorded.
        sentences: what it listens to, in words.
        found: the saved selections that hold it: `label`, `preset`, `category`, `probability`, `entropy`.
        profiles: one a labeling.
        examples: clips, kind by kind, the best first.
        follows: the acoustic descriptors that its firing share is most correlated with: `descriptor`, `rho`
            (Spearman, over clips), and `follows`, the labelings within whose classes it follows it too.
        follows_note: what is known of descriptors, or what to run.
        nearest: the neurons with the most similar firing shares: `layer`, `unit`, `address`, `cosine` (over
            clips).
        notes: what was left out, and why.
    """

    store: str
    model: str
    task: str
    layer: int
    unit: int
    layer_name: str
    layers: int
    firing: float
    clips_firing: int
    clips: int
    sentences: tuple[str, ...]
    found: pd.DataFrame
    profiles: tuple[Profile, ...]
    examples: tuple[Example, ...]
    follows: pd.DataFrame
    follows_note: str
    nearest: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Its address, `layer.unit`."""
        return format_address(self.layer, self.unit)

    def of(self, kind: Kind) -> tuple[Example, ...]:
        """The examples of a kind, the best first."""
        return tuple(each for each in self.examples if each.kind == kind)

    def document(self) -> dict[str, Any]:
        """The card as JSON holds it, without sound and picture."""
        from otoscope.listening.saving import document

        return document(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write `card.json`, `card.png`, `card.html`, and WAVs of the clips and of the excerpts.

        Returns:
            The files written.
        """
        from otoscope.listening.saving import save

        return save(self, path_of(folder))

    def plot(self) -> Figure:
        """Its profile and its first examples, with the tokens on which it fires, as one picture."""
        from otoscope.plots.listening import card_figure

        return card_figure(self)

    def __repr__(self) -> str:
        return f"Card({self.address} of {self.model} on {self.task}: {' '.join(self.sentences)})"

    def _repr_html_(self) -> str:
        from otoscope.listening.html import card_frame

        return card_frame(self)
