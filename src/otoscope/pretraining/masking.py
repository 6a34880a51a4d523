"""Random masks over tokens, putting tokens back into their order, and standardising what is to be guessed."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mask:
    """Which tokens of each clip are visible; per clip a permutation, the visible ones first.

    Attributes:
        order: (clips, tokens), token numbers, the `visible` first ones seen, the rest masked.
        visible: number of visible tokens, the same for every clip.
    """

    order: Tensor
    visible: int

    @property
    def masked(self) -> int:
        """Number of masked tokens."""
        return self.order.shape[1] - self.visible

    def seen(self, tokens: Tensor) -> Tensor:
        """The visible tokens of (clips, tokens, width), in shuffled order."""
        return _pick(tokens, self.order[:, : self.visible])

    def hidden(self, tokens: Tensor) -> Tensor:
        """The masked tokens of (clips, tokens, width), in shuffled order."""
        return _pick(tokens, self.order[:, self.visible :])

    def restore(self, seen: Tensor, filler: Tensor) -> Tensor:
        """Put the visible tokens back in place, `filler` (broadcast to a token) at the masked ones.

        >>> mask = Mask(torch.tensor([[2, 0, 1]]), visible=1)
        >>> mask.restore(torch.tensor([[[7.0]]]), torch.zeros(1, 1, 1)).flatten()
        tensor([0., 0., 7.])
        """
        fill = filler.to(seen.dtype).expand(len(seen), self.masked, -1)
        return _pick(torch.cat([seen, fill], dim=1), self.order.argsort(dim=1))


def draw_mask(tokens: Tensor, ratio: float, generator: torch.Generator) -> Mask:
    """Mask tokens (clips, n, width) at random, unstructured; `int(n * (1 - ratio))` stay visible, as in M2D.

    >>> mask = draw_mask(torch.zeros(2, 190, 8), 0.7, torch.Generator().manual_seed(0))
    >>> mask.visible, mask.masked
    (57, 133)
    """
    noise = torch.rand(tokens.shape[:2], generator=generator)  # on the CPU: one seed, one mask, any device
    return Mask(noise.argsort(dim=1), int(tokens.shape[1] * (1 - ratio)))


def standardise(features: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Mean 0 and deviation 1 along `dim`; unbiased variance with 1e-6 added under the root."""
    return (features - features.mean(dim, keepdim=True)) / (features.var(dim, keepdim=True) + 1e-6).sqrt()


def _pick(tokens: Tensor, index: Tensor) -> Tensor:
    index = index.to(tokens.device)[..., None].expand(-1, -1, tokens.shape[-1])
    return tokens.gather(1, index)
