"""Any torch module as an `AudioModel`: its layers by the names of its modules."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError, UsageError
from otoscope.models.base import Chunk, Layer, Position
from otoscope.models.encoder import Encoder, shapes_seen
from otoscope.models.hooks import HookPoint, find

__all__ = ["WrappedModel", "wrap"]

Prepare = Callable[[Tensor], Any]


class ValidTokens(Protocol):
    """Which positions hold sound: how many after the special ones, or a mask over all positions."""

    def __call__(self, samples: int, /) -> int | NDArray[np.bool_]:
        """For a clip of so many samples."""


def wrap(
    module: nn.Module,
    layers: str | Sequence[str],
    *,
    sample_rate: int,
    prepare: Prepare | None = None,
    valid_tokens: ValidTokens | None = None,
    special: int = 0,
    min_samples: int = 1,
    layout: str = "btu",
    name: str | None = None,
) -> "WrappedModel":
    """Make an `AudioModel` of any torch module.

    Only clips of equally many samples share a batch, so that no padding is needed. The clip's embedding is
    the mean of the module's output over the tokens that count, or the output itself if it has one row a clip.
    Of `prepare` and `valid_tokens` the fingerprint holds the names only: record into another store when you
    change what they do.

    Args:
        module: takes what `prepare` makes and returns a tensor of shape (clips, width) or (clips, positions,
            width), a tuple that begins with one, or an object with a `last_hidden_state`. It is put into
            evaluation mode.
        layers: names of the modules whose outputs are the neurons, `*` standing for any one part between
            dots: "encoder.blocks.*.mlp.act". Where a plain function or a gate makes the hidden unit, name the
            linear map that reads it, with ":input": "layers.*.down_proj:input".
        sample_rate: Hz.
        prepare: makes the module's input of waveforms, float32 of shape (clips, samples): a tensor, a tuple
            of arguments or a dict of named ones. By default the waveforms are the input.
        valid_tokens: how many positions a clip of so many samples fills with sound, counted after the special
            ones; or which, as a boolean mask over all positions. All layers must have as many positions then.
            By default every position counts, and clips that were padded to a length are refused.
        special: positions in front that stand for no place in the clip (CLS).
        min_samples: the shortest clip that the module takes.
        layout: the axes of the activations: "btu" for (clips, positions, units); see `HookPoint`.
        name: a label; by default the module's class.

    Raises:
        UsageError: no module has such a name; one is never called, or more than once, or gives no
            activations of that layout.

    >>> net = nn.Sequential(nn.Unflatten(1, (-1, 160)), nn.Linear(160, 8), nn.GELU(), nn.Linear(8, 4)).eval()
    >>> model = wrap(net, "2", sample_rate=16000)
    >>> model.layers, model.tokens(16000)
    ((Layer(name='2', units=8, grid=0),), 100)
    """
    numbers: dict[str, tuple[Any, int]] = {
        "sample_rate": (sample_rate, 1),
        "special": (special, 0),
        "min_samples": (min_samples, 1),
    }
    for what, (number, least) in numbers.items():
        if not isinstance(number, Integral) or number < least:
            raise UsageError(f"{what} is {number}; expected a whole number from {least}")
    if module.training:
        warnings.warn(
            f"{type(module).__name__} was in training mode, in which dropout and the like change what its "
            "neurons do; it has been put into evaluation mode",
            stacklevel=2,
        )
    return WrappedModel(
        module.eval(),
        find(module, layers, layout=layout),
        sample_rate=sample_rate,
        prepare=prepare,
        valid_tokens=valid_tokens,
        special=special,
        min_samples=min_samples,
        name=name or f"wrap:{type(module).__name__}",
    )


def _named(function: object) -> str | None:
    """What a function is called where it was written."""
    if function is None:
        return None
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@dataclass(frozen=True)
class _Whole(Chunk):
    """Clips of equal length, whose positions are known once a layer has shown them."""

    kinds: Callable[[int], Tensor] = field(kw_only=True)

    @property
    def clips(self) -> int:
        return len(self.kind)

    def kind_at(self, grid: int, positions: int) -> Tensor:
        del grid  # all are marked by the same rule
        return self.kinds(positions)


class WrappedModel(Encoder):
    """A module as `wrap` made an `AudioModel` of it; the arguments are those of `wrap`."""

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[HookPoint],
        *,
        sample_rate: int,
        prepare: Prepare | None,
        valid_tokens: ValidTokens | None,
        special: int,
        min_samples: int,
        name: str,
    ) -> None:
        settings = {
            "module": f"{type(module).__module__}.{type(module).__qualname__}",
            "sample_rate": sample_rate,
            "special": special,
            # By their names only: what functions do cannot be hashed.
            "functions": [_named(prepare), _named(valid_tokens)],
        }
        super().__init__(
            module, points, name=name, sample_rate=sample_rate, embedding_size=0, settings=settings
        )
        self._prepare = prepare
        self._valid_tokens = valid_tokens
        self._special = special
        self._shortest = min_samples
        self._positions: dict[int, tuple[int, ...]] = {}
        self.layers, self.embedding_size, self._tokens_per_feature = self._look()

    @property
    def min_samples(self) -> int:
        """Samples of the shortest clip."""
        return self._shortest

    def length(self, samples: int) -> int:
        """Samples: only clips of equally many share a batch."""
        self.check(samples)
        return samples

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        kind = self._kind(samples, samples if real is None else real, self._shown(samples)[grid])
        return int((kind == Position.TOKEN).sum())

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """One chunk of whole clips."""
        samples = self.alike(waveforms)
        sound = torch.from_numpy(np.stack([waveform.samples for waveform in waveforms])).to(self.device)
        real = [waveform.real for waveform in waveforms]

        def kinds(positions: int) -> Tensor:
            rows = [self._kind(samples, each, positions) for each in real]
            return torch.from_numpy(np.stack(rows)).to(self.device)

        inputs = sound if self._prepare is None else self._prepare(sound)
        return [_Whole(self._fitting(inputs), torch.empty(len(real), 0), kinds=kinds)]

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the module: (clips, positions, width), with one position where it sums a clip up itself."""
        output = self._called(chunk.inputs)
        output = getattr(output, "last_hidden_state", output)
        features = output[0] if isinstance(output, (tuple, list)) else output
        if not isinstance(features, Tensor) or features.ndim not in (2, 3):
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise OtoscopeError(
                f"{self.name} returned {shape}; expected a tensor of shape (clips, width) or (clips, "
                "positions, width); try wrapping a module that returns one"
            )
        return features if features.ndim == 3 else features[:, None]

    def _called(self, inputs: Any) -> Any:
        """What the module makes of its input, however many arguments that is."""
        try:
            if isinstance(inputs, Mapping):
                return self.module(**inputs)
            return self.module(*inputs) if isinstance(inputs, (tuple, list)) else self.module(inputs)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError) or "memory" in str(error):
                raise  # the recorder knows what to do
            raise OtoscopeError(
                f"{self.name} cannot hear a clip ({error}); expected a module that takes what prepare= makes "
                "of it; if the clip is too short for it, try min_samples= in wrap()"
            ) from error

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """The mean over the tokens that count; the output itself where it has one row a clip."""
        (chunk,), (feature,) = chunks, features
        if feature.shape[1] == 1:
            return feature[:, 0].float()
        # Where the output has more or fewer positions than the layers, each has its share of theirs.
        positions = max(1, round(feature.shape[1] * self._tokens_per_feature))
        kind = chunk.kind_at(0, positions)
        nearest = torch.arange(feature.shape[1], device=kind.device) * positions // feature.shape[1]
        return super().embedding([Chunk(None, kind[:, nearest])], features)

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Tokens in equal steps over the clip, each over all frequencies; see `AudioModel`."""
        token = np.arange(self._shown(samples)[grid] - self._special)
        step = samples / self.sample_rate / max(1, self.tokens(samples, grid=grid))
        return pd.DataFrame(
            {
                "token": token,
                "start_s": token * step,
                "stop_s": (token + 1) * step,
                "low_hz": 0.0,
                "high_hz": self.sample_rate / 2,
                "row": 0,
                "column": token,
            }
        )

    def _kind(self, samples: int, real: int, positions: int) -> NDArray[np.uint8]:
        """What each position of a clip stands for."""
        kind = np.full(positions, Position.TOKEN, dtype=np.uint8)
        if self._valid_tokens is not None:
            valid = np.asarray(self._valid_tokens(real))
            if valid.shape == () and valid.dtype.kind in "iuf":
                kind[self._special + max(0, int(valid)) :] = Position.PADDING
            elif valid.shape == kind.shape and valid.dtype == np.bool_:
                kind[~valid] = Position.PADDING
            else:
                raise OtoscopeError(
                    f"valid_tokens gave a mask of shape {valid.shape} and type {valid.dtype} for a clip of "
                    f"{real} samples in {self.name}; expected a number, or booleans for its {positions} "
                    "positions"
                )
        elif real < samples:
            raise OtoscopeError(
                f"{self.name} cannot tell which tokens of a clip padded from {real} to {samples} samples "
                "are sound; expected whole clips, or valid_tokens= in wrap()"
            )
        kind[: self._special] = Position.SPECIAL
        return kind

    def _fitting(self, inputs: Any) -> Any:
        """Inputs on the model's device, numbers that are not whole in its type."""
        if isinstance(inputs, np.ndarray):
            inputs = torch.from_numpy(inputs)
        if isinstance(inputs, Tensor):
            return inputs.to(self.device, self.dtype if inputs.is_floating_point() else inputs.dtype)
        if isinstance(inputs, Mapping):
            return {key: self._fitting(value) for key, value in inputs.items()}
        return (
            tuple(self._fitting(value) for value in inputs) if isinstance(inputs, (tuple, list)) else inputs
        )

    def _look(self) -> tuple[tuple[Layer, ...], int, float]:
        """The layers, the size of the embedding and tokens per feature, as a second of silence shows them."""
        seen, features = self._run(max(self.sample_rate, self._shortest))
        for point, shapes in zip(self._points, seen, strict=True):
            if len(shapes) != 1:
                raise UsageError(
                    f"module {point.name!r} of {self.name} is called {len(shapes)} times in a forward pass; "
                    "expected once; try a module that is"
                )
            if len(shapes[0]) != 3 or shapes[0][0] != 1:
                raise UsageError(
                    f"module {point.name!r} of {self.name} gives shape {shapes[0]} for one clip; expected "
                    "(1, positions, units); try layout= to say what its axes are"
                )
        positions = [shapes[0][1] for shapes in seen]
        grids = sorted(set(positions), reverse=True)
        if len(grids) > 1 and self._valid_tokens is not None:
            raise UsageError(
                f"the layers of {self.name} have {' or '.join(map(str, grids))} positions, for which one "
                "valid_tokens= cannot speak; expected layers of as many positions; try wrapping those of "
                "each number by themselves"
            )
        layers = tuple(
            Layer(point.name, shapes[0][2], grids.index(shapes[0][1]))
            for point, shapes in zip(self._points, seen, strict=True)
        )
        return layers, features.shape[-1], grids[0] / features.shape[1]

    def _shown(self, samples: int) -> tuple[int, ...]:
        """Positions of a clip of so many samples in each grid; the module is run once for each length."""
        if samples not in self._positions:
            seen, _ = self._run(samples)
            by_grid = {layer.grid: shapes[0][1] for layer, shapes in zip(self.layers, seen, strict=True)}
            self._positions[samples] = tuple(by_grid[grid] for grid in sorted(by_grid))
        return self._positions[samples]

    @torch.inference_mode()
    def _run(self, samples: int) -> tuple[list[list[tuple[int, ...]]], Tensor]:
        """The shapes that every hook point sees of a silent clip, and its features."""
        with shapes_seen(self._points) as seen:
            silence = Waveform(np.zeros(samples, dtype=np.float32), samples)
            return seen, self.forward(self.prepare([silence])[0])
