"""Where a neuron is: `layer.unit` for people, two integers in files, a running number on the disk's axis."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otoscope.errors import UsageError

__all__ = [
    "Address",
    "Sized",
    "flat_index",
    "format_address",
    "modules",
    "parse_address",
    "positions",
    "sizes",
]

Address = tuple[int, int]
"""Layer and unit, both counted from 0."""

_ADDRESS = re.compile(r"([0-9]+)\.([0-9]+)")


class Sized(Protocol):
    """Anything that knows its number of units: a `Layer` of a model or of a store."""

    @property
    def units(self) -> int:
        """Number of units."""
        ...


def parse_address(text: str) -> tuple[int, int]:
    """Layer and unit, both counted from 0, of an address as people write it.

    Raises:
        UsageError: not of the form LAYER.UNIT.

    >>> parse_address("7.1157")
    (7, 1157)
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"neuron address {text!r} is not of the form LAYER.UNIT; expected two whole numbers from 0, "
            "for example 7.1157"
        )
    return int(match[1]), int(match[2])


def format_address(layer: int, unit: int) -> str:
    """The address of a neuron as people write it.

    >>> format_address(7, 1157)
    '7.1157'
    """
    return f"{layer}.{unit}"


def flat_index(layers: Sequence[Sized], layer: int, unit: int) -> int:
    """A neuron's running number: the units of all lower layers, plus its unit.

    Raises:
        UsageError: there is no such layer or unit; the message says what there is.

    >>> from types import SimpleNamespace as Layer
    >>> flat_index([Layer(units=8), Layer(units=4)], 1, 3)
    11
    """
    if not 0 <= layer < len(layers):
        raise UsageError(
            f"neuron {format_address(layer, unit)}: no layer {layer}; expected 0 to {len(layers) - 1}"
        )
    if not 0 <= unit < layers[layer].units:
        raise UsageError(
            f"neuron {format_address(layer, unit)}: no unit {unit}; "
            f"layer {layer} has units 0 to {layers[layer].units - 1}"
        )
    return sum(each.units for each in layers[:layer]) + unit


def modules(names: Iterable[str]) -> str:
    """The modules that were listened to, `*` standing for the numbers in their names.

    >>> modules(["layers.0.ffn1.act", "layers.0.ffn2.act", "layers.1.ffn1.act", "layers.1.ffn2.act"])
    'layers.*.ffn1.act, layers.*.ffn2.act'
    """
    return ", ".join(dict.fromkeys(re.sub(r"\b[0-9]+\b", "*", name) for name in names))


def sizes(units: Iterable[int]) -> str:
    """How many layers have how many units, from input to output.

    >>> sizes([384, 384, 768])
    '2 x 384, 1 x 768'
    """
    return ", ".join(f"{len(list(alike))} x {size}" for size, alike in groupby(units))


def positions(layers: Sequence[Sized]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Layer and unit of every neuron in flat order, each of shape (neurons,).

    >>> from types import SimpleNamespace as Layer
    >>> [axis.tolist() for axis in positions([Layer(units=2), Layer(units=1)])]
    [[0, 0, 1], [0, 1, 0]]
    """
    widths = [each.units for each in layers]
    layer = np.repeat(np.arange(len(widths)), widths)
    unit = np.concatenate([np.arange(width) for width in widths]) if widths else np.zeros(0)
    return layer.astype(np.int64), unit.astype(np.int64)
