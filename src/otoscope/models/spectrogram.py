"""Models that cut a spectrogram into patches: chunks, tokens and where they lie, for any such geometry."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from otoscope.audio import Waveform
from otoscope.models.base import Chunk, Position
from otoscope.models.encoder import Encoder
from otoscope.models.hooks import HookPoint

__all__ = ["FrontEnd", "PatchGrid", "SpectrogramEncoder"]


class FrontEnd(Protocol):
    """Turns sound into a spectrogram.

    Attributes:
        sample_rate: Hz of the sound.
        hop: samples from frame to frame.
    """

    sample_rate: int
    hop: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that its numbers depend on, as JSON holds it."""

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""

    def frames(self, samples: int) -> int:
        """Frames made of so many samples."""

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames."""

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the bands lie: band b reaches from edge b to edge b + 2. Shape (bands + 2,)."""

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Normalised spectrograms (clips, bands, frames), cut or filled up at the end, on its device.

        What a clip's own frames are does not depend on the other clips; what fills it up is what the model
        was trained with.
        """


@dataclass(frozen=True)
class PatchGrid:
    """How a chunk of spectrogram becomes a sequence of tokens.

    Attributes:
        bands: of the spectrogram.
        frames: of a chunk, at most; None for a model that takes any number.
        patch: bands and frames of a patch.
        stride: bands and frames from patch to patch; by default the patch's own, so that none overlap.
        order: "frequency": all columns of the lowest row come first; "time": all rows of the first column do.
        special: positions in front that stand for no place in the clip (CLS).
        fill: how far a shorter clip is filled up: to a full "chunk", to a whole "patch", or not at all
            ("none"), so that frames that fill no patch are lost.
    """

    bands: int
    frames: int | None
    patch: tuple[int, int]
    stride: tuple[int, int] = (0, 0)
    order: Literal["frequency", "time"] = "frequency"
    special: int = 1
    fill: Literal["chunk", "patch", "none"] = "patch"

    def __post_init__(self) -> None:
        if self.stride == (0, 0):
            object.__setattr__(self, "stride", self.patch)

    @property
    def rows(self) -> int:
        """Patches along frequency."""
        return (self.bands - self.patch[0]) // self.stride[0] + 1

    def columns(self, frames: int) -> int:
        """Patches along time, of so many frames."""
        return (frames - self.patch[1]) // self.stride[1] + 1

    def length(self, frames: int) -> int:
        """Frames that a clip of so many frames takes up, filled up or cut.

        >>> grid = PatchGrid(bands=80, frames=608, patch=(16, 16))
        >>> grid.length(1001), grid.length(1216)  # the second chunk is filled up to 400; two full chunks
        (1008, 1216)
        """
        wide = self.patch[1]
        full, rest = divmod(frames, self.frames) if self.frames else (0, frames)
        if self.fill == "chunk" and rest:
            rest = self.frames or rest
        elif self.fill == "patch":
            rest = min(-(-rest // wide) * wide, self.frames or frames + wide)
        else:
            rest = rest // wide * wide
        return full * (self.frames or 0) + rest

    def starts(self, length: int) -> list[NDArray[np.int64]]:
        """The first frame of every column of tokens, chunk by chunk, of a clip of such a `length`."""
        unit = self.frames or length
        chunks = range(0, length, unit)
        return [
            start + self.stride[1] * np.arange(self.columns(min(unit, length - start))) for start in chunks
        ]

    def extent(self, starts: NDArray[np.int64]) -> slice:
        """The frames of a chunk with columns at these; frames that fill no patch only if it is fixed."""
        first, last = int(starts[0]), int(starts[-1]) + self.patch[1]
        return slice(first, first + self.frames if self.frames and self.fill == "chunk" else last)


class SpectrogramEncoder(Encoder):
    """An `AudioModel` whose tokens are patches of a spectrogram.

    Clips longer than a chunk are cut into chunks without overlap, each starting at the first time position. A
    token is padding if it covers no frame of the clip's sound.

    Args:
        module: takes (clips, bands, frames), gives (clips, positions, width).
        points: where it is listened to.
        front: makes the spectrogram.
        grid: makes the tokens.
        name: the spec that makes the model again, or a label.
        embedding_size: values in a clip's embedding.
        settings: all that its numbers depend on beside the weights; by default front end and grid.
        units: see `Encoder`.
    """

    def __init__(
        self,
        module: nn.Module,
        points: Sequence[HookPoint],
        *,
        front: FrontEnd,
        grid: PatchGrid,
        name: str,
        embedding_size: int,
        settings: Mapping[str, Any] | None = None,
        units: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            module,
            points,
            name=name,
            sample_rate=front.sample_rate,
            embedding_size=embedding_size,
            settings=settings or {"front_end": dict(front.settings), "grid": asdict(grid)},
            units=units,
        )
        self.front = front
        self.grid = grid

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self.front.to(device)
        return super().to(device)

    @property
    def min_samples(self) -> int:
        """The shortest clip: it makes the frames of a patch, or one frame of a chunk that is filled up."""
        return self.front.samples_for(1 if self.grid.fill == "chunk" else self.grid.patch[1])

    def length(self, samples: int) -> int:
        """Frames of spectrogram that a clip takes up, filled up or cut to whole patches."""
        self.check(samples)
        return self.grid.length(self.front.frames(samples))

    def tokens(self, samples: int, real: int | None = None, grid: int = 0) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        del grid  # there is one
        starts = np.concatenate(self.grid.starts(self.length(samples)))
        return self.grid.rows * int(np.sum(starts < self._frames(samples if real is None else real)))

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks: inputs (clips, bands, frames), on the model's device."""
        length = self.alike(waveforms)
        spectrograms = self.front(waveforms, length).to(self.dtype)
        real = torch.tensor([self._frames(waveform.real) for waveform in waveforms], device=self.device)
        chunks = []
        for starts in self.grid.starts(length):
            beyond = torch.as_tensor(starts, device=self.device) >= real[:, None]  # (clips, columns)
            chunks.append(Chunk(spectrograms[..., self.grid.extent(starts)], self._positions(beyond)))
        return chunks

    def token_grid(self, samples: int, grid: int = 0) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`.

        Frame f stands for the hop that begins at f * hop / sample_rate. A token reaches from the lower edge
        of its lowest band to the upper edge of its highest; bands overlap, and so neighbouring rows do.
        """
        del grid  # there is one
        (high, wide), (step, _) = self.grid.patch, self.grid.stride
        hop_s = self.front.hop / self.sample_rate
        edges = self.front.band_edges()
        parts, before = [], 0
        for starts in self.grid.starts(self.length(samples)):
            shape = (self.grid.rows, len(starts))
            axes = np.indices(shape) if self.grid.order == "frequency" else np.indices(shape[::-1])[::-1]
            row, column = (axis.ravel() for axis in axes)
            start = starts[column]
            part = {"start_s": start * hop_s, "stop_s": (start + wide) * hop_s}
            part |= {"low_hz": edges[row * step], "high_hz": edges[row * step + high + 1]}
            parts.append(pd.DataFrame({**part, "row": row, "column": column + before}))
            before += len(starts)
        return pd.concat(parts, ignore_index=True).rename_axis("token").reset_index()

    def _frames(self, real: int) -> int:
        """Frames with sound: at least one, however little of a clip is sound."""
        return max(1, self.front.frames(real))

    def _positions(self, beyond: Tensor) -> Tensor:
        """The `Position` of every position, from which columns lie beyond the sound: (clips, positions)."""
        kind = beyond.to(torch.uint8)  # False and True are TOKEN and PADDING
        rows = self.grid.rows
        every = kind.repeat(1, rows) if self.grid.order == "frequency" else kind.repeat_interleave(rows, 1)
        return F.pad(every, (self.grid.special, 0), value=Position.SPECIAL)
