"""Masked Modeling Duo: two encoders, one sees the visible patches and one the masked."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.models.vit import NORM_EPS, Block, ViT, initialise
from otoscope.pretraining.config import Duo
from otoscope.pretraining.masking import draw_mask, standardise
from otoscope.pretraining.objective import Batch, Decoder, Objective


class MaskedModelingDuo(Objective):
    """Predict, from the visible patches, what a slow copy of the encoder makes of the masked ones.

    The online encoder sees CLS and the visible patches, and a predictor guesses the masked places from it.
    The target encoder sees CLS and the masked patches only, learns nothing by gradient, and follows the
    online one as a moving average (`updated`). As in the original it starts from random weights of its own,
    not from a copy; after a warm-up by another objective `target_start="online"` starts it from what that
    learnt.

    Source: Niizumi et al. 2023, "Masked Modeling Duo"; nttcslab/m2d (m2d/models_mae.py).
    """

    def __init__(self, encoder: ViT, settings: Duo, seed: int) -> None:
        super().__init__()
        config = encoder.config
        self.settings = settings
        self.decoder = Decoder(config, settings.width, settings.depth, settings.heads, config.width)
        self.target_blocks = nn.ModuleList(
            Block(config.width, config.heads, config.hidden) for _ in range(config.depth)
        )
        self.target_norm = nn.LayerNorm(config.width, eps=NORM_EPS)
        initialise(self, seed)  # before the encoder is ours: its weights stay
        self.encoder = encoder
        if settings.target_start == "online":
            self._follow(decay=0.0)
        for part in (self.target_blocks, self.target_norm):
            part.requires_grad_(False)

    def forward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Two minus two cosines, the mean over masked tokens."""
        tokens = self.encoder.embed(batch.spectrograms)
        mask = draw_mask(tokens, self.settings.mask_ratio, generator)
        guess = self.decoder(self.encoder.encode(mask.seen(tokens)), mask)
        with torch.no_grad():
            target = self.target(mask.hidden(tokens)).float()
            if self.settings.standardise == "batch and token":
                target = standardise(target, dim=(0, 1))
            target = standardise(target, dim=2)
        return (2 - 2 * F.cosine_similarity(guess.float(), target, dim=2)).mean()

    def target(self, tokens: Tensor) -> Tensor:
        """The target encoder's features of embedded tokens (clips, n, width); it sees the online CLS, too."""
        cls = (self.encoder.cls_token + self.encoder.pos_embed[:, :1]).expand(len(tokens), -1, -1)
        x = torch.cat([cls, tokens], dim=1)
        for block in self.target_blocks:
            x = block(x)
        return torch.as_tensor(self.target_norm(x)[:, 1:])

    def updated(self, step: int, steps: int) -> None:
        """Let the target follow."""
        self._follow(decay_at(step, steps, self.settings.decay))

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        pairs = ((self.target_blocks, self.encoder.blocks), (self.target_norm, self.encoder.norm))
        for slow, fast in pairs:
            for target, online in zip(slow.parameters(), fast.parameters(), strict=True):
                target.mul_(decay).add_(online, alpha=1 - decay)


def decay_at(step: int, steps: int, decay: tuple[float, float]) -> float:
    """The target's decay after update `step` (from 0): linear from the first value to the second.

    >>> [round(decay_at(step, 5, (0.5, 0.9)), 3) for step in range(5)]
    [0.5, 0.6, 0.7, 0.8, 0.9]
    """
    return decay[0] + (decay[1] - decay[0]) * step / max(1, steps - 1)
