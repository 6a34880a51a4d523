"""Masked spectrogram modelling by reconstruction: MSM-MAE."""

import torch
from torch import Tensor

from otoscope.models.vit import ViT, initialise
from otoscope.pretraining.config import Reconstruction
from otoscope.pretraining.masking import draw_mask, standardise
from otoscope.pretraining.objective import Batch, Decoder, Objective


class MaskedReconstruction(Objective):
    """Encode the visible patches, guess the masked ones' log-mel, be judged by the squared error.

    What is guessed is each patch standardised by its own mean and deviation, so that the shape of a patch
    counts and its level does not.

    Source: Niizumi et al. 2022, "Masked Spectrogram Modeling using Masked Autoencoders"; He et al. 2022, MAE.
    """

    def __init__(self, encoder: ViT, settings: Reconstruction, seed: int) -> None:
        super().__init__()
        self.mask_ratio = settings.mask_ratio
        high, wide = encoder.config.patch_size
        self.decoder = Decoder(encoder.config, settings.width, settings.depth, settings.heads, high * wide)
        initialise(self.decoder, seed)
        self.encoder = encoder

    def forward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean squared error over the masked patches."""
        tokens = self.encoder.embed(batch.spectrograms)
        mask = draw_mask(tokens, self.mask_ratio, generator)
        guess = self.decoder(self.encoder.encode(mask.seen(tokens)), mask)
        target = standardised_patches(batch.spectrograms, self.encoder.config.patch_size)
        return torch.as_tensor((guess.float() - mask.hidden(target)).square().mean())


def standardised_patches(spectrograms: Tensor, patch_size: tuple[int, int]) -> Tensor:
    """Cut spectrograms into flat patches (clips, tokens, high * wide), each with mean 0 and deviation 1.

    The variance is unbiased and has 1e-6 added under the root, as in MAE: a silent patch becomes zeros.
    """
    high, wide = patch_size
    columns = spectrograms.shape[3] // wide
    rows = spectrograms.shape[2] // high
    patches = spectrograms[:, 0, :, : columns * wide].reshape(-1, rows, high, columns, wide)
    flat = patches.transpose(2, 3).reshape(len(spectrograms), rows * columns, high * wide)
    return standardise(flat, dim=2)
