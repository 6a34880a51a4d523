"""The lists of neurons that were published, by name."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd

from otoscope.errors import OtoscopeError, UsageError
from otoscope.interventions.changes import Address
from otoscope.interventions.changes.base import check_addresses
from otoscope.interventions.targets.target import Learning, Maker, Target, ordered

__all__ = ["PUBLISHED", "Published", "named", "published"]

_LISTS: Mapping[str, Any] = json.loads(
    (files("otoscope.interventions.targets") / "data" / "kawamura2026.json").read_text(encoding="utf-8")
)

PUBLISHED = tuple(_LISTS)
"""Their names."""


@dataclass(frozen=True, eq=False)
class Published:
    """A published list of neurons, and what was published of its effect.

    Attributes:
        name: what it goes by here.
        neurons: (layer, unit) pairs, counted from 0, sorted.
        model: the checkpoint that they are of, in its publisher's words.
        task: the data set that they were chosen on, by its name here.
        label: its labeling.
        categories: the classes that they were chosen for.
        source: where they were published.
        accuracies: one row per class: `category`, `clips` (of the test set), and accuracies in [0, 1]:
            `baseline` (of the unmodified model; published as a difference), `ablated` (with these neurons
            off) and `neighbour` (with the units of the next higher number off).
    """

    name: str
    neurons: tuple[Address, ...]
    model: str
    task: str
    label: str
    categories: tuple[str, ...]
    source: str
    accuracies: pd.DataFrame


def published(name: str) -> Published:
    """A published list.

    Raises:
        UsageError: none of this name; the message lists those there are.

    >>> found = published("kawamura2026:jazz-classical")
    >>> len(found.neurons), found.neurons[0], found.categories
    (26, (3, 2540), ('jazz', 'classical'))
    """
    if name not in _LISTS:
        raise UsageError(f"there is no published list {name!r}; expected one of {', '.join(PUBLISHED)}")
    document = _LISTS[name]
    return Published(
        name=name,
        neurons=ordered((int(layer), unit) for layer, units in document["units"].items() for unit in units),
        model=document["model"],
        task=document["task"],
        label=document["label"],
        categories=tuple(document["categories"]),
        source=document["source"],
        accuracies=pd.DataFrame(document["accuracies"], columns=document["columns"]),
    )


def named(name: str, *, level: float = 0.0) -> Maker:
    """The neurons of a published list, with its classes where the labeling has them.

    It warns where the recorded model is not the checkpoint that they are of: a unit of the same number is
    then another unit.

    Args:
        name: of the list, see `PUBLISHED`.
        level: see `Target`; they were published with a gain of 0.

    Raises:
        UsageError: no list of this name.
        OtoscopeError: when it is called: the model does not have one of the neurons.
    """
    found = published(name)

    def make(learning: Learning) -> list[Target]:
        model = learning.store.info["model"]["name"]
        about = f"the neurons of {name!r} are units of {found.model}, an M2D ViT-B; this is {model!r}"
        try:
            check_addresses(found.neurons, learning.store.layers)
        except UsageError as error:
            raise OtoscopeError(
                f"{about} ({error}); expected a recording of an M2D ViT-B, 12 layers of 3072 units"
            ) from error
        if found.model.split("/")[0] not in model:
            warnings.warn(
                f"{about}: in other weights a unit of the same number is another unit, and no effect is to "
                "be expected of it",
                stacklevel=2,
            )
        known = set(found.categories) <= set(learning.labeling.classes)
        return [Target(name, found.categories if known else (), found.neurons, level)]

    return make
