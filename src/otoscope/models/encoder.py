"""What most families of models share: a torch module, listened to at modules found by name."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from itertools import chain
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import Chunk, Layer, Position
from otoscope.models.hooks import HookPoint, find, refuse_training

__all__ = ["Encoder", "Places", "fingerprint", "points_at", "shapes_seen"]

Places = Mapping[str, Sequence[str]]
"""Patterns of modules by what a neuron is there: "mlp" (a hidden unit), "residual", "attention"."""

PLACES = ("mlp", "residual", "attention")


class Encoder(ABC):
    """An `AudioModel` around a torch module; a family says how sound becomes its input and its tokens.

    Args:
        module: the encoder; it is put into evaluation mode.
        points: where it is listened to.
        name: the spec that makes the model again, or a label.
        sample_rate: Hz.
        embedding_size: values in a clip's embedding.
        settings: what else its numbers depend on, front end and sizes, for the fingerprint.
        units: of each layer, if they are known; by default the model is run once, on its shortest clip, and
            looked at.
    """

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[HookPoint],
        *,
        name: str,
        sample_rate: int,
        embedding_size: int,
        settings: Mapping[str, Any],
        units: Sequence[int] | None = None,
    ) -> None:
        self.module = module.eval()
        self.name = name
        self.sample_rate = sample_rate
        self.embedding_size = embedding_size
        self._settings = dict(settings)
        self._points = list(points)
        self._units = units

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Where its neurons are, from input to output."""
        if self._units is None:
            return self._measured()
        return tuple(Layer(point.name, units) for point, units in zip(self._points, self._units, strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the weights that are used and of all else that the numbers depend on."""
        return fingerprint(self._settings, self.module.state_dict())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._weight.device

    @property
    def dtype(self) -> torch.dtype:
        """What the weights are held and computed in."""
        return self._weight.dtype

    @property
    def _weight(self) -> Tensor:
        """Some weight; a module without any counts as one on the CPU."""
        every = chain(self.module.parameters(), self.module.buffers())
        return next((weight for weight in every if weight.is_floating_point()), torch.empty(0))

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self.module.to(device)
        return self

    def cast(self, dtype: torch.dtype) -> Self:
        """Compute in another type from now on, in place, and return it; the fingerprint is another then."""
        self.module.to(dtype)
        self.__dict__.pop("fingerprint", None)
        return self

    def hooks(self) -> list[HookPoint]:
        """Where the layers are seen, one point each.

        Raises:
            OtoscopeError: a part of the module has been put into training mode.
        """
        refuse_training(self.name, self.module.named_modules())
        return self._points

    @property
    @abstractmethod
    def min_samples(self) -> int:
        """Samples of the shortest clip."""

    @abstractmethod
    def length(self, samples: int) -> int:
        """How long a clip is to the model; see `AudioModel`. It begins with `self.check(samples)`."""

    @abstractmethod
    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""

    @abstractmethod
    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks, consecutive in time, on the model's device."""

    def forward(self, chunk: Chunk) -> Tensor:
        """Run a chunk: features of shape (clips, positions, width)."""
        return torch.as_tensor(self.module(chunk.inputs))

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Average the features over the valid tokens of all chunks: (clips, embedding_size)."""
        total, tokens = torch.tensor(0.0), torch.tensor(0.0)
        for chunk, feature in zip(chunks, features, strict=True):
            valid = (chunk.kind_at(0, feature.shape[1]) == Position.TOKEN)[..., None]
            total = total.to(feature.device) + torch.where(valid, feature, 0).float().sum(1)
            tokens = tokens.to(feature.device) + valid.sum(1)
        return total / tokens

    @abstractmethod
    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`."""

    def check(self, samples: int) -> None:
        """Refuse a clip that is too short.

        Raises:
            OtoscopeError: it is; the message has the minimum.
        """
        if samples < self.min_samples:
            raise OtoscopeError(
                f"a clip of {samples} samples ({samples / self.sample_rate:.3f} s) is too short for "
                f"{self.name}; expected at least {self.min_samples} at {self.sample_rate} Hz "
                f"({self.min_samples / self.sample_rate:.3f} s); try leaving it out, or padding with seconds="
            )

    def alike(self, waveforms: Sequence[Waveform]) -> int:
        """The common `length` of the clips of a batch.

        Raises:
            OtoscopeError: they are of different lengths.
        """
        lengths = sorted({self.length(len(waveform.samples)) for waveform in waveforms})
        if len(lengths) != 1:
            raise OtoscopeError(f"a batch holds clips of lengths {lengths}; expected clips of equal length()")
        return lengths[0]

    @torch.inference_mode()
    def _measured(self) -> tuple[Layer, ...]:
        """The layers as the shortest clip shows them."""
        with shapes_seen(self._points) as seen:
            silence = Waveform(np.zeros(self.min_samples, dtype=np.float32), self.min_samples)
            chunk = self.prepare([silence])[0]
            self.forward(chunk)
        grids = [len(kind[0]) for kind in (chunk.kind, *chunk.coarser)]
        return tuple(
            self._layer(point, shapes, grids) for point, shapes in zip(self._points, seen, strict=True)
        )

    def _layer(self, point: HookPoint, shapes: Sequence[tuple[int, ...]], grids: Sequence[int]) -> Layer:
        if len(shapes) != 1:
            raise UsageError(
                f"module {point.name!r} of {self.name} is called {len(shapes)} times in a forward pass; "
                "expected once; try another hook, for example residual"
            )
        shape = shapes[0]
        if len(shape) != 3 or shape[0] != 1 or shape[1] not in grids:
            raise UsageError(
                f"module {point.name!r} of {self.name} gives shape {shape} for one clip; expected (1, "
                f"positions, units) with {' or '.join(map(str, grids))} positions; try another module"
            )
        return Layer(point.name, shape[2], grids.index(shape[1]))


@contextmanager
def shapes_seen(points: Sequence[HookPoint]) -> Iterator[list[list[tuple[int, ...]]]]:
    """Note the shape of every activation that passes some hook points, for the length of a `with` block."""
    seen: list[list[tuple[int, ...]]] = [[] for _ in points]
    with ExitStack() as stack:
        for shapes, point in zip(seen, points, strict=True):
            stack.callback(point.attach(partial(_note, shapes)).remove)
        yield seen


def _note(shapes: list[tuple[int, ...]], activation: Tensor) -> None:
    shapes.append(tuple(activation.shape))


def points_at(module: nn.Module, places: Places, hook: str, name: str) -> list[HookPoint]:
    """Where to listen: at one of the places that a family knows, or at modules of one's own choice.

    Args:
        module: the encoder.
        places: what the family knows.
        hook: "mlp", "residual" or "attention"; else a pattern of module names, see `find`.
        name: of the model, for messages.

    Raises:
        UsageError: the family does not know the place, or no module has such a name.
    """
    if hook in places:
        return find(module, places[hook])
    if hook in PLACES:
        raise UsageError(
            f"{name} cannot be listened to at {hook!r}; expected {', '.join(places)} or a pattern of module "
            "names such as 'blocks.*'"
        )
    if "." not in hook and not hasattr(module, hook.removesuffix(":input")):
        raise UsageError(
            f"{name} has no hook {hook!r}; expected {', '.join(places)}, or the name of a module, * standing "
            "for any one part between dots, such as 'blocks.*'"
        )
    return find(module, hook)


def fingerprint(settings: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    """SHA-256, in hex, of a model's settings and weights, whatever order they come in."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
