"""The Vision Transformer over log-mel patches that M2D uses, with M2D's parameter names."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.errors import OtoscopeError

NORM_EPS = 1e-6  # timm's, not PyTorch's 1e-5


@dataclass(frozen=True)
class ViTConfig:
    """The sizes of a ViT; the defaults are M2D's ViT-B.

    Attributes:
        input_size: mel bins and frames of one chunk of log-mel spectrogram.
        patch_size: mel bins and frames of one patch. Frames that do not fill a patch are lost.
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads; divides `width`.
        hidden: units of a block's MLP, which are the neurons.
    """

    input_size: tuple[int, int] = (80, 608)
    patch_size: tuple[int, int] = (16, 16)
    width: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072

    def __post_init__(self) -> None:
        (bins, frames), (high, wide) = self.input_size, self.patch_size
        if min(high, wide) < 1 or bins % high or frames < wide:
            raise OtoscopeError(
                f"patches of {high}x{wide} do not tile an input of {bins}x{frames} (mel bins x frames); "
                "expected a patch height that divides the mel bins and a patch no longer than the input; "
                "try input_size= and patch_size="
            )
        if self.depth < 1 or self.hidden < 1 or self.heads < 1 or self.width % self.heads or self.width % 4:
            raise OtoscopeError(
                f"a ViT of width {self.width}, depth {self.depth}, {self.heads} heads and {self.hidden} "
                "hidden units cannot be built; expected sizes above 0 and a width that 4 and the heads divide"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows (frequency) and columns (time) of patches in a full chunk.

        >>> ViTConfig(input_size=(80, 1001)).grid  # the last 9 frames do not fill a patch
        (5, 62)
        """
        return self.input_size[0] // self.patch_size[0], self.input_size[1] // self.patch_size[1]


class ViT(nn.Module):
    """Log-mel patches in, one feature per token out.

    Tokens are numbered frequency-major: patch (row, column) is token `row * columns + column`, row 0 holding
    the lowest frequencies; the CLS token comes before all of them. Shorter inputs keep the first columns of
    the stored positions.

    Shape:
        input (B, 1, bins, frames), normalised log-mel; output (B, 1 + rows * columns, width).

    >>> vit = ViT(ViTConfig(input_size=(8, 12), patch_size=(4, 4), width=8, depth=2, heads=2, hidden=16))
    >>> vit(torch.zeros(3, 1, 8, 8)).shape
    torch.Size([3, 5, 8])

    Source: nttcslab/m2d (m2d/models_mae.py), facebookresearch/mae, timm's VisionTransformer.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(sincos_positions(width, *config.grid), requires_grad=False)
        self.patch_embed = PatchEmbedding(width, config.patch_size)
        self.blocks = nn.ModuleList(Block(width, config.heads, config.hidden) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def embed(self, spectrogram: Tensor) -> Tensor:
        """Cut a spectrogram (B, 1, bins, frames) into tokens (B, rows * columns, width), positions added."""
        patches = self.patch_embed.proj(spectrogram)  # (B, width, rows, columns)
        (rows, full), columns = self.config.grid, patches.shape[3]
        if patches.shape[2] != rows or columns > full:
            bins, frames = self.config.input_size
            raise OtoscopeError(
                f"the spectrogram is {spectrogram.shape[2]}x{spectrogram.shape[3]} (mel bins x frames); "
                f"this ViT takes {bins} bins and at most {frames} frames: cut it into chunks"
            )
        positions = self.pos_embed[:, 1:].view(1, rows, full, -1)[:, :, :columns].flatten(1, 2)
        return torch.as_tensor(patches.flatten(2).transpose(1, 2) + positions)

    def encode(self, tokens: Tensor) -> Tensor:
        """Run the blocks over any set of embedded tokens (B, n, width), CLS put first: (B, 1 + n, width)."""
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(len(tokens), -1, -1)
        x = torch.cat([cls, tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        return torch.as_tensor(self.norm(x))

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embed and encode: (B, 1, bins, frames) to (B, 1 + tokens, width)."""
        return self.encode(self.embed(spectrogram))


class PatchEmbedding(nn.Module):
    """A linear map of each patch, as a strided convolution; in a module of its own for M2D's key names.

    Args:
        width: channels of a token.
        patch_size: of a patch, along the input's two axes.
        stride: from patch to patch; by default the patch's own size, so that none overlap.
    """

    def __init__(
        self, width: int, patch_size: tuple[int, int], stride: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, width, kernel_size=patch_size, stride=stride or patch_size)


class Block(nn.Module):
    """A pre-norm Transformer block: attention and MLP, each added to its input. Shape (B, n, width), kept."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = MLP(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Add what attention and MLP make of the tokens."""
        x = x + self.attn(self.norm1(x))
        return torch.as_tensor(x + self.mlp(self.norm2(x)))


class Attention(nn.Module):
    """Multi-head self-attention with one matrix for queries, keys and values, in this order."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Let every token look at every token: (B, n, width), kept."""
        # (B, n, 3 * width) -> three of (B, heads, n, width / heads)
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return torch.as_tensor(self.proj(mixed.transpose(1, 2).flatten(2)))


class MLP(nn.Module):
    """Two linear maps with an exact GELU between them; the output of `act` is where the neurons are read."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map each token by itself: (B, n, width), kept."""
        return torch.as_tensor(self.fc2(self.act(self.fc1(x))))


def sincos_positions(width: int, rows: int, columns: int) -> Tensor:
    """Fixed two-dimensional sine and cosine positions, as M2D stores them.

    A patch at frequency row f and time column t gets `[sin(t w), cos(t w), sin(f w), cos(f w)]`, where
    `w_k = 10000^(-k / (width / 4))`, k = 0 .. width / 4 - 1. The CLS token gets zeros.

    Args:
        width: channels of a token, a multiple of 4.
        rows: patches along frequency.
        columns: patches along time.

    Returns:
        Shape (1, 1 + rows * columns, width), frequency-major, float32.

    >>> sincos_positions(4, rows=1, columns=2)[0, :, :2]  # sin and cos of the columns 0 and 1, after CLS
    tensor([[0.0000, 0.0000],
            [0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    quarter = width // 4
    # NumPy, since a first `torch.arange` on the meta device imports torch's compiler: a second and more.
    omega = 10000.0 ** (-np.arange(quarter) / quarter)
    row, column = np.indices((rows, columns)).reshape(2, -1, 1)
    time, frequency = column * omega, row * omega
    patches = np.hstack([np.sin(time), np.cos(time), np.sin(frequency), np.cos(frequency)])
    return torch.from_numpy(np.vstack([np.zeros(width), patches])[None]).float()


def initialise(module: nn.Module, seed: int) -> None:
    """Give a ViT, or anything built of its parts, fresh random weights in place; equal seeds, equal weights.

    Linear weights and flattened patch kernels are Xavier-uniform with zero bias, layer norms 1 and 0, and
    `cls_token` and `mask_token` normal with standard deviation 0.02. Stored positions stay as they are.

    Source: nttcslab/m2d and facebookresearch/mae (`initialize_weights`).
    """
    # Drawn on the CPU, whatever the module's device: a seed means the same weights everywhere.
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, (nn.Linear, nn.Conv2d)):
                flat = torch.empty(part.weight.shape[0], part.weight[0].numel())
                nn.init.xavier_uniform_(flat, generator=generator)
                part.weight.copy_(flat.view_as(part.weight))
                if part.bias is not None:
                    part.bias.zero_()
            elif isinstance(part, nn.LayerNorm):
                part.weight.fill_(1)
                part.bias.zero_()
        for name, parameter in module.named_parameters():
            if name.rpartition(".")[2] in ("cls_token", "mask_token"):
                parameter.copy_(torch.empty(parameter.shape).normal_(0, 0.02, generator=generator))


def untrained(config: ViTConfig, seed: int) -> ViT:
    """Build a ViT with random weights, in evaluation mode; PyTorch's global random state stays as it is."""
    with torch.device("meta"):  # no default weights, which would be drawn from the global state
        vit = ViT(config)
    vit.to_empty(device="cpu")
    with torch.no_grad():
        vit.pos_embed.copy_(sincos_positions(config.width, *config.grid))
    initialise(vit, seed)
    return vit.eval()
