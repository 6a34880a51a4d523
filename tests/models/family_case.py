"""What the contract of all families needs to know of one: how to write its files, and its layers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A small model of a family, in its official files.

    Attributes:
        write: makes its files in an empty folder and returns the spec for `load_model`. Equal calls write
            equal weights.
        units: of each layer, in order.
        linears: the first and the second linear map of layer i's MLP, in the encoder (`model.module`).
        activation: the non-linearity between them.
        needs: the package that it needs, for `importorskip`; "" for none.
    """

    write: Callable[[Path], str]
    units: tuple[int, ...]
    linears: Callable[[nn.Module, int], tuple[Any, Any]]
    activation: Callable[[Tensor], Tensor] = torch.nn.functional.gelu
    needs: str = ""
