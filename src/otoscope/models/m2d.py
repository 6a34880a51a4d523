"""M2D as an `AudioModel`: a log-mel front end, a ViT, and the rules for clips of any length."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Self

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk, Layer, Position
from otoscope.models.logmel import MEL_BINS, LogMel
from otoscope.models.vit import ViT


class M2D:
    """A ViT over log-mel patches, run as M2D's portable loader runs it; an `AudioModel`.

    Clips longer than the model's input are cut into chunks without overlap, each starting at the first time
    position. The last chunk is filled up with zeros, after normalisation, to a whole number of patches; what
    does not fill a patch at the end of a full chunk is lost (9 of 1001 frames). Nothing masks the attention,
    so zero padding takes part in it; a token is padding if it covers no frame of the real clip.

    Args:
        vit: the encoder; it is put into evaluation mode.
        sample_rate: 16000 or 32000 Hz.
        norm_stats: mean and standard deviation that normalise the log-mel.
        name: the spec that makes the model again, or a label.

    Example:
        >>> from otoscope.models.vit import ViTConfig, untrained
        >>> vit = untrained(ViTConfig(width=8, heads=2, depth=2, hidden=16), seed=0)
        >>> model = M2D(vit, sample_rate=16000, norm_stats=(-7.1, 4.2), name="toy")
        >>> model.tokens(10 * 16000)  # 38 and 25 columns of 5 patches
        315
        >>> model.layers[1]
        Layer(name='blocks.1.mlp.act', units=16)
    """

    def __init__(
        self, vit: ViT, *, sample_rate: int, norm_stats: tuple[float, float], name: str = "m2d"
    ) -> None:
        config = vit.config
        if config.input_size[0] != MEL_BINS:
            raise OtoscopeError(
                f"the ViT takes {config.input_size[0]} mel bins; expected M2D's {MEL_BINS}; try input_size="
            )
        self.vit = vit.float().eval()
        self.logmel = LogMel(sample_rate)
        self.norm_stats = norm_stats
        self.name = name
        self.sample_rate = sample_rate
        self.layers = tuple(Layer(f"blocks.{i}.mlp.act", config.hidden) for i in range(config.depth))
        self.embedding_size = config.grid[0] * config.width
        self.fingerprint = self._fingerprint()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.vit.cls_token.device

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self.vit.to(device)
        self.logmel.to(device)
        return self

    def hooks(self) -> list[nn.Module]:
        """The activation of every block's MLP, whose output is (clips, 1 + tokens, hidden units)."""
        return [self.vit.get_submodule(layer.name) for layer in self.layers]

    @property
    def min_samples(self) -> int:
        """The shortest clip: as many samples as make the frames of one patch."""
        hop, patch = self.logmel.settings.hop, self.vit.config.patch_size[1]
        return max(self.logmel.min_samples, (patch - 1) * hop)

    def length(self, samples: int) -> int:
        """Frames of log-mel that a clip takes up once its last chunk is filled up; see `AudioModel`."""
        if samples < self.min_samples:
            raise OtoscopeError(
                f"a clip of {samples} samples ({samples / self.sample_rate:.3f} s) is shorter than a patch; "
                f"expected at least {self.min_samples} ({self.min_samples / self.sample_rate:.3f} s) for "
                f"{self.name} at {self.sample_rate} Hz; try leaving it out, or padding with seconds="
            )
        unit, patch = self.vit.config.input_size[1], self.vit.config.patch_size[1]
        full, rest = divmod(self.logmel.frames(samples), unit)
        return full * unit + min(-(-rest // patch) * patch, unit)

    def tokens(self, samples: int, real: int | None = None) -> int:
        """Valid tokens of a clip of so many samples, of which the first `real` (default: all) are sound."""
        starts = np.concatenate(self._column_starts(samples))
        real_frames = self.logmel.frames(samples if real is None else real)
        return self.vit.config.grid[0] * int(np.sum(starts < real_frames))

    def prepare(self, waveforms: Sequence[Waveform]) -> list[Chunk]:
        """Turn clips of equal `length` into chunks: inputs (clips, 1, 80, frames), on the model's device."""
        lengths = sorted({self.length(len(waveform.samples)) for waveform in waveforms})
        if len(lengths) != 1:
            raise OtoscopeError(f"a batch holds clips of {lengths} frames; expected clips of equal length()")
        spectrograms = self._spectrograms(waveforms, lengths[0])
        real = torch.tensor([self.logmel.frames(waveform.real) for waveform in waveforms], device=self.device)
        rows, patch = self.vit.config.grid[0], self.vit.config.patch_size[1]
        chunks = []
        for starts in self._column_starts(len(waveforms[0].samples)):
            frames = slice(int(starts[0]), int(starts[-1]) + patch)
            beyond = torch.as_tensor(starts, device=self.device) >= real[:, None]  # (clips, columns)
            # False and True are TOKEN and PADDING; frequency-major order repeats the columns in every row.
            kind = F.pad(beyond.to(torch.uint8).repeat(1, rows), (1, 0), value=Position.SPECIAL)
            chunks.append(Chunk(spectrograms[..., frames], kind))
        return chunks

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the encoder: features (clips, 1 + tokens, width), CLS first."""
        return torch.as_tensor(self.vit(chunk.inputs))

    def embedding(self, features: Sequence[Tensor]) -> Tensor:
        """Stack the rows of each column of tokens, then average over all columns: (clips, rows * width).

        As in EVAR, the CLS token is not used and padded columns count like any other.
        """
        rows = self.vit.config.grid[0]
        columns = [
            feature[:, 1:].reshape(len(feature), rows, -1, feature.shape[2]).transpose(1, 2).flatten(2)
            for feature in features
        ]
        return torch.cat(columns, dim=1).mean(dim=1)

    def token_grid(self, samples: int) -> pd.DataFrame:
        """Say where the tokens of a clip lie; see `AudioModel`.

        Frame f stands for the hop that begins at f * hop / sample_rate. A token reaches from the lower edge
        of its lowest mel band to the upper edge of its highest; bands overlap, and so neighbouring rows do.
        """
        (rows, _), (high, wide) = self.vit.config.grid, self.vit.config.patch_size
        hop_s = self.logmel.settings.hop / self.sample_rate
        edges = self.logmel.band_edges()
        parts, before = [], 0
        for starts in self._column_starts(samples):
            row, column = (axis.ravel() for axis in np.mgrid[:rows, : len(starts)])
            start = starts[column]
            part = {"start_s": start * hop_s, "stop_s": (start + wide) * hop_s}
            part |= {"low_hz": edges[row * high], "high_hz": edges[(row + 1) * high + 1]}
            parts.append(pd.DataFrame({**part, "row": row, "column": column + before}))
            before += len(starts)
        return pd.concat(parts, ignore_index=True).rename_axis("token").reset_index()

    def _column_starts(self, samples: int) -> list[np.ndarray]:
        """The first frame of every column of tokens, chunk by chunk."""
        length, unit, patch = (
            self.length(samples),
            self.vit.config.input_size[1],
            self.vit.config.patch_size[1],
        )
        return [
            start + patch * np.arange(min(unit, length - start) // patch) for start in range(0, length, unit)
        ]

    def _spectrograms(self, waveforms: Sequence[Waveform], length: int) -> Tensor:
        """Normalised log-mel (clips, 1, 80, length), zero where a clip has no frame."""
        samples = [torch.tensor(waveform.samples, dtype=torch.float32)[None] for waveform in waveforms]
        # Mirrored one by one, so that each clip ends as it would alone, however long its neighbours are.
        reflected = pad_sequence([self.logmel.reflect(clip)[0] for clip in samples], batch_first=True)
        spectrograms = self.logmel.transform(reflected.to(self.device))
        mean, deviation = self.norm_stats
        normalised = (spectrograms - mean) / deviation
        frames = [self.logmel.frames(clip.shape[1]) for clip in samples]
        own = torch.arange(normalised.shape[2], device=self.device) < torch.tensor(
            frames, device=self.device
        ).view(-1, 1, 1)
        return F.pad(normalised * own, (0, length - normalised.shape[2]))[:, None]

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        settings = {
            "sample_rate": self.sample_rate,
            "norm_stats": self.norm_stats,
            "front_end": self.logmel.settings,
            "config": asdict(self.vit.config),
        }
        digest.update(json.dumps(settings, sort_keys=True).encode())
        for name, tensor in sorted(self.vit.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()
