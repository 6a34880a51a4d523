"""What the trainer asks of an objective, and the light Transformer that two of them put after the encoder."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from otoscope.models.vit import NORM_EPS, Block, ViT, ViTConfig, sincos_positions
from otoscope.pretraining.masking import Mask


@dataclass(frozen=True)
class Batch:
    """What one update learns from.

    Attributes:
        spectrograms: normalised log-mel, shape (clips, 1, bins, frames).
        labels: class numbers, shape (clips,), or None where the clips have none.
    """

    spectrograms: Tensor
    labels: Tensor | None = None

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        labels = None if self.labels is None else self.labels.to(device)
        return type(self)(self.spectrograms.to(device), labels)


class Objective(nn.Module, ABC):
    """A loss over batches of spectrograms, around the encoder that it trains."""

    encoder: ViT

    @abstractmethod
    def forward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The loss of a batch, a scalar; masks are drawn from `generator`."""

    def updated(self, step: int, steps: int) -> None:
        """Called after update `step` (from 0) of `steps`."""


class Decoder(nn.Module):
    """From the visible tokens to a guess at each masked one.

    Linear to its own width, a learnt token at the masked places, fixed positions, pre-norm blocks, layer
    norm, linear to the size of what is guessed. MAE calls it decoder, M2D predictor.

    Shape:
        input (clips, 1 + visible, encoder width), CLS first; output (clips, masked, out), in the order of
        `Mask.hidden`.
    """

    def __init__(self, encoder: ViTConfig, width: int, depth: int, heads: int, out: int) -> None:
        super().__init__()
        self.embed = nn.Linear(encoder.width, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", sincos_positions(width, *encoder.grid), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads, 4 * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.pred = nn.Linear(width, out)

    def forward(self, encoded: Tensor, mask: Mask) -> Tensor:
        """Guess the masked tokens."""
        x = self.embed(encoded)
        x = torch.cat([x[:, :1], mask.restore(x[:, 1:], self.mask_token)], dim=1) + self.get_buffer(
            "positions"
        )
        for block in self.blocks:
            x = block(x)
        # Norm and last layer work token by token: only the masked ones are needed.
        return torch.as_tensor(self.pred(self.norm(mask.hidden(x[:, 1:]))))
