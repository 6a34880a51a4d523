"""M2D as an `AudioModel`: its front end, its ViT, and how its embedding is made."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from otoscope.audio import Waveform
from otoscope.errors import OtoscopeError
from otoscope.models.base import Chunk
from otoscope.models.encoder import Places, points_at
from otoscope.models.heads import WithHead
from otoscope.models.logmel import MEL_BINS, LogMel
from otoscope.models.spectrogram import PatchGrid, SpectrogramEncoder
from otoscope.models.vit import ViT

PLACES: Places = {"mlp": ["blocks.*.mlp.act"], "residual": ["blocks.*"], "attention": ["blocks.*.attn"]}
"""Where any ViT with M2D's module names is listened to."""


class M2DFrontEnd:
    """M2D's normalised log-mel; a `FrontEnd`.

    Args:
        sample_rate: 16000 or 32000 Hz.
        norm_stats: mean and standard deviation that normalise the log-mel.
    """

    def __init__(self, sample_rate: int, norm_stats: tuple[float, float]) -> None:
        self.logmel = LogMel(sample_rate)
        self.norm_stats = norm_stats
        self.sample_rate = sample_rate
        self.hop = self.logmel.settings.hop

    @property
    def settings(self) -> Mapping[str, Any]:
        """What its numbers depend on."""
        return {
            "sample_rate": self.sample_rate,
            "norm_stats": self.norm_stats,
            "front_end": self.logmel.settings,
        }

    def to(self, device: torch.device | str) -> Self:
        """Move it to a device, in place, and return it."""
        self.logmel.to(device)
        return self

    def frames(self, samples: int) -> int:
        """Frames made of so many samples."""
        return self.logmel.frames(samples)

    def samples_for(self, frames: int) -> int:
        """The fewest samples that make so many frames, and can be reflected."""
        return max(self.logmel.min_samples, (frames - 1) * self.hop)

    def band_edges(self) -> NDArray[np.float64]:
        """Hz between which the mel bands lie."""
        return self.logmel.band_edges()

    def __call__(self, waveforms: Sequence[Waveform], frames: int) -> Tensor:
        """Normalised log-mel (clips, 80, frames), zero where a clip has no frame."""
        samples = [torch.tensor(waveform.samples, dtype=torch.float32)[None] for waveform in waveforms]
        # Mirrored one by one, so that each clip ends as it would alone, however long its neighbours are.
        reflected = pad_sequence([self.logmel.reflect(clip)[0] for clip in samples], batch_first=True)
        device = self.logmel.window.device
        spectrograms = self.logmel.transform(reflected.to(device))
        mean, deviation = self.norm_stats
        normalised = (spectrograms - mean) / deviation
        own = torch.tensor([self.frames(clip.shape[1]) for clip in samples], device=device)
        heard = torch.arange(normalised.shape[2], device=device) < own.view(-1, 1, 1)
        return F.pad(normalised * heard, (0, frames - normalised.shape[2]))


class M2D(WithHead, SpectrogramEncoder):
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
        hook: where to listen, see `load_model`.

    Example:
        >>> from otoscope.models.vit import ViTConfig, untrained
        >>> vit = untrained(ViTConfig(width=8, heads=2, depth=2, hidden=16), seed=0)
        >>> model = M2D(vit, sample_rate=16000, norm_stats=(-7.1, 4.2), name="toy")
        >>> model.tokens(10 * 16000)  # 38 and 25 columns of 5 patches
        315
        >>> model.layers[1]
        Layer(name='blocks.1.mlp.act', units=16, grid=0)
    """

    def __init__(
        self,
        vit: ViT,
        *,
        sample_rate: int,
        norm_stats: tuple[float, float],
        name: str = "m2d",
        hook: str = "mlp",
    ) -> None:
        config = vit.config
        if config.input_size[0] != MEL_BINS:
            raise OtoscopeError(
                f"the ViT takes {config.input_size[0]} mel bins; expected M2D's {MEL_BINS}; try input_size="
            )
        self.vit = vit.float()
        self.norm_stats = norm_stats
        front = M2DFrontEnd(sample_rate, norm_stats)
        self.logmel = front.logmel
        super().__init__(
            vit,
            points_at(vit, PLACES, hook, name),
            front=front,
            grid=PatchGrid(MEL_BINS, config.input_size[1], config.patch_size),
            name=name,
            embedding_size=config.grid[0] * config.width,
            settings={**front.settings, "config": asdict(config)},
            units=[config.hidden] * config.depth if hook == "mlp" else None,
        )

    def forward(self, chunk: Chunk) -> Tensor:
        """Run the encoder: features (clips, 1 + tokens, width), CLS first."""
        return torch.as_tensor(self.vit(chunk.inputs[:, None]))

    def embedding(self, chunks: Sequence[Chunk], features: Sequence[Tensor]) -> Tensor:
        """Stack the rows of each column of tokens, then average over all columns: (clips, rows * width).

        As in EVAR, the CLS token is not used and padded columns count like any other.
        """
        del chunks  # padding counts
        rows = self.vit.config.grid[0]
        columns = [
            feature[:, 1:].reshape(len(feature), rows, -1, feature.shape[2]).transpose(1, 2).flatten(2)
            for feature in features
        ]
        return torch.cat(columns, dim=1).mean(dim=1)
