"""Make the cards of neurons: what the recording holds of them, and the rest by hearing a few clips again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from otoscope.activations.again import recorded_model
from otoscope.activations.store import open_store
from otoscope.errors import OtoscopeError, UsageError
from otoscope.files import path_of
from otoscope.listening.card import Card, Example, Profile
from otoscope.listening.examples import Column, columns_of, examples_of
from otoscope.listening.following import following
from otoscope.listening.hearing import Heard, Hearing, hear
from otoscope.listening.nearest import nearest
from otoscope.listening.profiles import profiles_of
from otoscope.listening.sentences import sentences_of
from otoscope.neurons.addresses import Address, parse_address
from otoscope.neurons.saved import saved_selections

if TYPE_CHECKING:
    from otoscope.activations.store import Store
    from otoscope.models.base import AudioModel
    from otoscope.neurons.selection import Selection

__all__ = ["cards", "listen"]

_FOUND = ["label", "preset", "category", "probability", "entropy"]


def listen(
    store: Store | str | Path,
    neuron: str | Address,
    *,
    model: AudioModel | None = None,
    examples: int = 6,
    permutations: int = 200,
    seed: int = 0,
    sound: bool = True,
) -> Card:
    """What a neuron listens to: its clips, where in them it fires, its profile, and its likes.

    Args:
        store: a recording, or where it lies.
        neuron: its address, "7.1157" or (7, 1157).
        model: the recorded model; loaded by its name by default.
        examples: clips with the highest firing share; half as many of each other kind.
        permutations: of the labels, behind the bands of the profiles.
        seed: of the permutations.
        sound: hear the examples again. Without, only what the recording holds is told.

    Returns:
        The card. A clip that has moved is named in its place, and so is a model that cannot be loaded.

    Raises:
        UsageError: no such neuron, or not an address.
        OtoscopeError: not a store, or another model than the recorded one.
    """
    opened = open_store(store) if isinstance(store, (str, Path)) else store
    address = parse_address(neuron) if isinstance(neuron, str) else (int(neuron[0]), int(neuron[1]))
    made = cards(
        opened,
        [address],
        model=model,
        examples=examples,
        permutations=permutations,
        seed=seed,
        sound=sound,
    )
    return made[0]


def cards(
    store: Store,
    neurons: Sequence[Address],
    *,
    model: AudioModel | None = None,
    examples: int = 6,
    permutations: int = 200,
    seed: int = 0,
    sound: bool = True,
    each: Callable[[Hearing], object] | None = None,
) -> list[Card]:
    """The cards of some neurons, made together: every clip is heard once for all of them.

    Args:
        store: a recording.
        neurons: their addresses.
        model: the recorded model; loaded by its name by default.
        examples: clips with the highest firing share; half as many of each other kind.
        permutations: of the labels, behind the bands of the profiles.
        seed: of the permutations.
        sound: hear the examples again.
        each: is given every clip as soon as it has been heard, and the cards then hold no samples: what many
            cards show would not fit into memory.

    Raises:
        UsageError: no such neuron, or `examples` below 1.
        OtoscopeError: another model than the recorded one.
    """
    if examples < 1:
        raise UsageError(f"examples is {examples}; expected 1 or more")
    if not neurons:
        return []
    columns = list(columns_of(store, neurons))
    chosen = [examples_of(store, column, examples) for column in columns]
    notes: list[str] = []
    heard: dict[int, Hearing] = {}
    if sound:
        heard, notes = _heard(store, neurons, chosen, model, each)
    selections = saved_selections(
        path_of(store.results), {name: place for place, name in enumerate(store.labelings)}
    )
    profiles, refused = _profiles(store, columns, permutations, seed)
    followed, told = following(store, columns)
    near = nearest(store, columns)
    return [
        _card(
            store,
            column,
            profiles=profiles[place],
            examples=tuple(_shown(example, heard, column) for example in chosen[place]),
            found=_found(selections, column),
            follows=followed[place],
            follows_note=told,
            nearest=near[place],
            notes=(*notes, *refused),
        )
        for place, column in enumerate(columns)
    ]


def _heard(
    store: Store,
    neurons: Sequence[Address],
    chosen: Sequence[Sequence[Example]],
    model: AudioModel | None,
    each: Callable[[Hearing], object] | None,
) -> tuple[dict[int, Hearing], list[str]]:
    """Every example's clip, heard again, by its row; and why not, where the model is not at hand."""
    wanted: dict[int, list[Address]] = defaultdict(list)
    for address, examples in zip(neurons, chosen, strict=True):
        for example in examples:
            wanted[example.row].append(address)
    notes = []
    if model is None:
        try:
            model = recorded_model(store)
        except (OtoscopeError, ImportError) as error:
            notes.append(f"Where the neuron fires is not shown: {error}.")
    else:
        model = recorded_model(store, model)
    heard = {}
    for hearing in hear(model, store, dict(sorted(wanted.items()))):
        if each is not None:
            each(hearing)
            hearing = _without_samples(hearing)
        heard[hearing.row] = hearing
    return heard, notes


def _without_samples(hearing: Hearing) -> Hearing:
    empty = np.zeros(0, np.float32)
    left = {address: replace(each, samples=empty) for address, each in hearing.heard.items()}
    return replace(hearing, samples=empty, heard=left)


def _shown(example: Example, heard: Mapping[int, Hearing], column: Column) -> Example:
    """An example with what was heard of it."""
    hearing = heard.get(example.row)
    if hearing is None:
        return example
    own: Heard | None = hearing.heard.get((column.layer, column.unit))
    return replace(example, problem=hearing.problem, heard=own)


def _profiles(
    store: Store, columns: Sequence[Column], permutations: int, seed: int
) -> tuple[list[tuple[Profile, ...]], list[str]]:
    """The profiles of every neuron, labeling by labeling; and why a labeling has none."""
    by_label, refused = [], []
    for label in store.labelings:
        try:
            by_label.append(profiles_of(store, label, columns, permutations=permutations, seed=seed))
        except OtoscopeError as error:
            refused.append(f"{label} is left out: {error}.")
    return [tuple(of[place] for of in by_label) for place in range(len(columns))], refused


def _found(selections: Sequence[Selection], column: Column) -> pd.DataFrame:
    """The saved selections that hold a neuron."""
    parts = []
    for selection in selections:
        table = selection.table
        own = table[(table["layer"] == column.layer) & (table["unit"] == column.unit)]
        if len(own):
            parts.append(own.assign(label=selection.label, preset=selection.preset)[_FOUND])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_FOUND)


def _card(
    store: Store,
    column: Column,
    *,
    profiles: tuple[Profile, ...],
    examples: tuple[Example, ...],
    found: pd.DataFrame,
    follows: pd.DataFrame,
    follows_note: str,
    nearest: pd.DataFrame,
    notes: tuple[str, ...],
) -> Card:
    clips = int((column.tokens > 0).sum())
    card = Card(
        store=path_of(store.path).name,
        model=str(store.info["model"]["name"]),
        task=str(store.info["task"]["name"]),
        layer=column.layer,
        unit=column.unit,
        layer_name=store.layers[column.layer].name,
        layers=len(store.layers),
        firing=float(column.fired.sum() / max(int(column.tokens.sum()), 1)),
        clips_firing=int((column.fired > 0).sum()),
        clips=clips,
        sentences=(),
        found=found,
        profiles=profiles,
        examples=examples,
        follows=follows,
        follows_note=follows_note,
        nearest=nearest,
        notes=notes,
    )
    return replace(card, sentences=sentences_of(card))
