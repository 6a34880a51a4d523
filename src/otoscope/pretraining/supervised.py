"""The supervised twin: the same encoder, taught by labels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.models.vit import ViT, initialise
from otoscope.pretraining.config import Supervised
from otoscope.pretraining.masking import draw_mask
from otoscope.pretraining.objective import Batch, Objective


class SupervisedTwin(Objective):
    """Cross-entropy of a linear head on the mean token (CLS left out).

    In training a share of the patches, `drop_ratio`, is left out at random: faster, and harder to learn by
    heart.
    """

    def __init__(self, encoder: ViT, settings: Supervised, classes: int, seed: int) -> None:
        super().__init__()
        self.drop_ratio = settings.drop_ratio
        self.head = nn.Linear(encoder.config.width, classes)
        initialise(self.head, seed)
        self.encoder = encoder

    def logits(self, tokens: Tensor) -> Tensor:
        """Class scores (clips, classes) of embedded tokens (clips, n, width)."""
        return torch.as_tensor(self.head(self.encoder.encode(tokens)[:, 1:].mean(1)))

    def forward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean cross-entropy."""
        assert batch.labels is not None, "the config is checked: a supervised phase has labels"
        tokens = self.encoder.embed(batch.spectrograms)
        if self.training and self.drop_ratio:
            tokens = draw_mask(tokens, self.drop_ratio, generator).seen(tokens)
        return F.cross_entropy(self.logits(tokens).float(), batch.labels)
